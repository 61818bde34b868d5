//! Documents that would rot are tests: the commands in them are read by the real parser, and the reference of commands
//! is the program's own help. `UPDATE=1 cargo test -p privet-cli` writes `docs/cli.md` again.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use crate::args::Arguments;
use crate::docs_reading::{self, all, reference, shell_lines};

/// Documents at the root whose commands are tried, beside all of `docs/`.
const DOCUMENTS: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap_or_else(|e| panic!("`{document}`: {e}"))
}

/// Every document, by its place.
pub(crate) fn documents() -> Vec<String> {
    let mut found: Vec<_> = DOCUMENTS.iter().map(|&name| name.to_owned()).collect();
    let mut folders = vec!["docs".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap().map(Result::unwrap) {
            let place = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.push(place);
            } else if entry.path().extension().is_some_and(|suffix| suffix == "md") {
                found.push(place);
            }
        }
    }
    found.sort_unstable();
    found
}

#[test]
fn every_command_in_a_code_block_is_one() {
    let mut tried = 0;
    for document in documents() {
        for line in shell_lines(&read(&document)) {
            for words in commands(&line) {
                let parsed = Arguments::try_parse_from(&words);
                assert!(parsed.is_ok(), "{document}: `{line}`: {}", parsed.err().unwrap());
                tried += 1;
            }
        }
    }
    assert!(tried >= 60, "only {tried} commands were found");
}

/// `privet check` in a sentence leaves out what it needs; but it must exist, as must every option that it names.
#[test]
fn every_command_in_a_sentence_exists() {
    let mut tried = 0;
    for document in documents() {
        let text = read(&document);
        let outside = text.split("```").step_by(2).collect::<String>();
        for span in outside.split('`').skip(1).step_by(2).filter(|span| span.starts_with("privet ")) {
            let error = Arguments::try_parse_from(span.split_ascii_whitespace()).err();
            assert!(
                error.as_ref().is_none_or(is_incomplete),
                "{document}: `{span}`: {}",
                error.as_ref().unwrap()
            );
            tried += 1;
        }
    }
    assert!(tried >= 40, "only {tried} commands were found");
}

/// Whether what is there is right, and only something is left out.
fn is_incomplete(error: &clap::Error) -> bool {
    match error.kind() {
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => true,
        ErrorKind::InvalidValue => error.to_string().contains("a value is required"),
        _ => false,
    }
}

#[test]
fn every_example_in_a_help_text_is_a_command() {
    for (path, command) in all(&Arguments::command()) {
        let help = command.get_after_help().unwrap_or_else(|| panic!("`{path}` has no examples")).to_string();
        let examples: Vec<_> = help.lines().skip(1).flat_map(commands).collect();
        assert!(!examples.is_empty(), "`{path}` has no examples");
        for words in examples {
            let parsed = Arguments::try_parse_from(&words);
            assert!(parsed.is_ok(), "`{path}`: {words:?}: {}", parsed.err().unwrap());
        }
    }
}

#[test]
fn the_reference_is_the_program_s_own_help() {
    let (path, expected) = (root().join("docs/cli.md"), reference("Commands", &Arguments::command()));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "`docs/cli.md` is not what the program says; write it again with `UPDATE=1 cargo test --release -p privet-cli docs`."
    );
}

fn commands(line: &str) -> Vec<Vec<String>> {
    docs_reading::commands(line, "privet", "cargo run --release --")
}
