//! Documents that would rot are tests, as those of `privet` are. `UPDATE=1 cargo test --release -p privet-credit docs` writes
//! `docs/credit-cli.md` again.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use clap::{CommandFactory as _, Parser as _};

use crate::args::Arguments;
use crate::docs_reading::{self, all, reference, shell_lines};

/// Documents whose commands are tried.
const DOCUMENTS: [&str; 4] =
    ["README.md", "docs/credit.md", "deploy/credit-cluster/README.md", "examples/keras/README.md"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn commands(line: &str) -> Vec<Vec<String>> {
    let line = line.replace("target/release/privet-credit", "privet-credit");
    docs_reading::commands(&line, "privet-credit", "cargo run --release -p privet-credit --")
}

#[test]
fn every_command_in_a_code_block_is_one() {
    let mut tried = 0;
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        for words in shell_lines(&text).iter().flat_map(|line| commands(line)) {
            let parsed = Arguments::try_parse_from(&words);
            assert!(parsed.is_ok(), "{document}: {words:?}: {}", parsed.err().unwrap());
            tried += 1;
        }
    }
    assert!(tried >= 12, "only {tried} commands were found");
}

#[test]
fn every_example_in_a_help_text_is_a_command() {
    for (path, command) in all(&Arguments::command()) {
        let Some(help) = command.get_after_help() else {
            assert!(command.has_subcommands(), "`{path}` has no examples");
            continue;
        };
        let examples: Vec<_> = help.to_string().lines().skip(1).flat_map(commands).collect();
        assert!(!examples.is_empty(), "`{path}` has no examples");
        for words in examples {
            let parsed = Arguments::try_parse_from(&words);
            assert!(parsed.is_ok(), "`{path}`: {words:?}: {}", parsed.err().unwrap());
        }
    }
}

#[test]
fn the_reference_is_the_program_s_own_help() {
    let path = root().join("docs/credit-cli.md");
    let expected = reference("Commands of the credit workload", &Arguments::command());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "`docs/credit-cli.md` is not what the program says; UPDATE=1 writes it again."
    );
}
