//! Rules of the whole workspace, held by its own metadata: who uses whom, where `unsafe` may stand, how many packages.
//! `UPDATE=1 cargo test --release -p privet-cli --test workspace` writes the table of crates again.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Most packages under the program, itself included.
const MOST_PACKAGES: usize = 250;
/// The only files that may use `unsafe`.
const UNSAFE: [&str; 7] = [
    "crates/ring/src/carryless.rs",
    "crates/ring/src/lanes.rs",
    "crates/ring/src/kernels.rs",
    "crates/ring/src/memory.rs",
    "crates/ring/src/counters.rs",
    "crates/ring/src/residues.rs",
    "crates/tee/src/attest/sys.rs",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(done.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

struct Crate {
    purpose: String,
    uses: Vec<String>,
    folder: PathBuf,
}

/// The crates of the workspace by their short names.
fn crates() -> BTreeMap<String, Crate> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(described).collect()
}

fn described(package: &Value) -> (String, Crate) {
    let short = |value: &Value| value.as_str().unwrap().strip_prefix("privet-").map(str::to_owned);
    let dependencies = package["dependencies"].as_array().unwrap();
    let normal = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
    let mut uses: Vec<_> = normal.filter_map(|dependency| short(&dependency["name"])).collect();
    uses.sort_unstable();
    let name = short(&package["name"]).unwrap();
    let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
    (name, Crate { purpose: package["description"].as_str().unwrap().to_owned(), uses, folder })
}

/// How many crates one stands on; an arrow back would never end.
fn depth(name: &str, crates: &BTreeMap<String, Crate>) -> usize {
    crates[name].uses.iter().map(|used| 1 + depth(used, crates)).max().unwrap_or(0)
}

/// Lowest first.
fn table() -> String {
    let crates = crates();
    let mut names: Vec<_> = crates.keys().collect();
    names.sort_by_key(|name| (depth(name, &crates), name.as_str()));
    let quoted = |uses: &[String]| uses.iter().map(|u| format!("`{u}`")).collect::<Vec<_>>().join(", ");
    let line = |name: &&String| {
        let Crate { purpose, uses, .. } = &crates[*name];
        format!("| `{name}` | {purpose} | {} |\n", quoted(uses))
    };
    "| crate | purpose | uses |\n|---|---|---|\n".to_owned() + &names.iter().map(line).collect::<String>()
}

#[test]
fn the_table_of_crates_is_true() {
    let (path, expected) = (root().join("ARCHITECTURE.md"), table());
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- crates -->\n").expect("a mark `<!-- crates -->`");
    let (written, after) = rest.split_once("<!-- /crates -->").expect("a mark `<!-- /crates -->`");
    if std::env::var_os("UPDATE").is_some() {
        let text = format!("{before}<!-- crates -->\n{expected}<!-- /crates -->{after}");
        return std::fs::write(&path, text).unwrap();
    }
    assert!(written == expected, "the table in `ARCHITECTURE.md` should be (UPDATE=1 writes it)\n{expected}");
}

/// Each package under these with its features, as the build of the whole workspace or of one package has them.
fn features(arguments: &[&str]) -> BTreeSet<String> {
    let form = ["tree", "--prefix", "none", "--format", "{p} {f}"];
    let said = cargo(&[&form[..], arguments].concat());
    said.lines().map(|line| line.trim_end_matches(" (*)").trim_end().to_owned()).collect()
}

/// What a wheel is built of was built already, by the same features: else all of it would be built a second time.
#[test]
fn a_wheel_takes_what_the_whole_build_made() {
    let whole = ["--workspace", "--exclude", "privet-credit", "--exclude", "privet-credit-engine"];
    // First what runs, then what builds it too: the same package may be there twice, with other features.
    let mut other = BTreeSet::new();
    for (of_whole, of_wheel) in [("normal,dev", "normal"), ("normal,build,dev", "normal,build")] {
        let whole = features(&[&whole[..], &["--edges", of_whole]].concat());
        let wheel = features(&["--package", "privet-python", "--edges", of_wheel]);
        other.extend(wheel.difference(&whole).cloned());
    }
    assert!(other.is_empty(), "`bindings/python/Cargo.toml` lacks features of these: {other:#?}");
}

#[test]
fn unsafe_code_stands_in_the_kernels_and_the_system_calls_only() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\nunsafe_code = \"deny\"\n"));
    for (name, Crate { folder, .. }) in crates() {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true\n"),
            "`{name}` does not take the workspace's lints"
        );
        for file in rust_files(&folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            let known = UNSAFE.iter().any(|known| file == root().join(known));
            // Its own words are put together here, so that this file is not one that has them.
            assert!(known || !text.contains(&["unsafe", "code)"].join("_")), "{} allows it", file.display());
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_program_is_made_of_few_packages() {
    let tree = cargo(&[
        "tree",
        "--locked",
        "-p",
        "privet-cli",
        "-e",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let mut packages: Vec<_> = tree.lines().filter(|line| !line.is_empty()).map(name_and_version).collect();
    packages.sort_unstable();
    packages.dedup();
    println!("{} packages, at most {MOST_PACKAGES}", packages.len());
    assert!(packages.len() > 20, "the tree was not read: {tree}");
    assert!(packages.len() <= MOST_PACKAGES, "{} packages, at most {MOST_PACKAGES}", packages.len());
}

fn name_and_version(line: &str) -> &str {
    line.match_indices(' ').nth(1).map_or(line, |(second, _)| &line[..second])
}
