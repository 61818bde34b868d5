//! The page of error codes has each code that the source uses, once, and no other.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use crate::docs_tests::{read, root};

/// The codes in a text, where they stand between quotes.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).filter(|word| is_code(word))
}

/// `E000` is where the table of all texts of codes begins, and is none that anybody sees.
fn is_code(word: &str) -> bool {
    word.len() == 4
        && word != "E000"
        && word.starts_with('E')
        && word[1..].bytes().all(|byte| byte.is_ascii_digit())
}

/// Adds what the files under a folder use, without tests.
fn used(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(&*name, "tests" | "node_modules" | "target" | "dist") {
            used(&path, found);
        }
        let is_source = [".rs", ".py", ".ts"].iter().any(|suffix| name.ends_with(suffix));
        if path.is_dir() || !is_source || name.contains("test") || name.starts_with("conformance") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        found.extend(codes(text.split("\nmod tests {").next().unwrap()).map(str::to_owned));
    }
}

#[test]
fn the_page_of_errors_has_every_code() {
    let mut expected = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        used(&entry.unwrap().path().join("src"), &mut expected);
    }
    used(&root().join("bindings"), &mut expected);
    let page = read("docs/reference/errors.md");
    let rows: Vec<_> =
        page.lines().filter_map(|row| Some(row.strip_prefix("| `")?.split_once("` |")?.0)).collect();
    let described: BTreeSet<_> = rows.iter().map(|&code| code.to_owned()).collect();
    assert_eq!(rows.len(), described.len(), "a code is there twice");
    let lacks: Vec<_> = expected.difference(&described).collect();
    let unused: Vec<_> = described.difference(&expected).collect();
    assert!(lacks.is_empty() && unused.is_empty(), "the page lacks {lacks:?}; {unused:?} are not used");
    assert!(expected.len() > 100);
}
