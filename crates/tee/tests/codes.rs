//! The table of reasons in `docs/attestation.md` is that of the program.

#![allow(clippy::expect_used)] // in functions beside the tests too

use std::collections::BTreeSet;
use std::path::Path;

fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.file_name().is_some_and(|n| n != "tests.rs" && n != "mock.rs") {
            let text = std::fs::read_to_string(&path).expect("text");
            all.push_str(text.split("mod tests {").next().expect("a part"));
        }
    }
}

/// Reasons in the verifier: the first argument of what refuses.
fn in_program() -> BTreeSet<String> {
    let mut all = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/verify"), &mut all);
    let mut found = BTreeSet::new();
    for call in ["Check::failed(", "refuse(", "refused(", "known(", "compare("] {
        for after in all.split(call).skip(1) {
            let code = after.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            found.extend(code.map(str::to_owned));
        }
    }
    found
}

#[test]
fn the_table_of_reasons_is_that_of_the_program() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/attestation.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let table = page.split("## Codes").nth(1).expect("a table");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<String> = rows.map(str::to_owned).collect();
    let program = in_program();
    assert!(program.len() > 60, "{}", program.len());
    let missing: Vec<_> = program.difference(&documented).collect();
    assert!(missing.is_empty(), "not in the page: {missing:?}");
    let mut all = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/verify"), &mut all);
    let stale: Vec<_> = documented.iter().filter(|code| !all.contains(&format!("\"{code}\""))).collect();
    assert!(stale.is_empty(), "only in the page: {stale:?}");
}
