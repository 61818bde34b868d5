//! Documents that would rot are tests: the commands in them are read by the real parser, and the reference of commands
//! is the program's own help. `UPDATE=1 cargo test -p privet-cli` writes `docs/cli.md` again.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory as _, Parser as _};

use crate::args::Arguments;

/// Documents whose commands are tried.
const DOCUMENTS: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap_or_else(|e| panic!("`{document}`: {e}"))
}

#[test]
fn every_command_in_a_code_block_is_one() {
    let mut tried = 0;
    for document in DOCUMENTS {
        for line in shell_lines(&read(document)) {
            for words in commands(&line) {
                let parsed = Arguments::try_parse_from(&words);
                assert!(parsed.is_ok(), "{document}: `{line}`: {}", parsed.err().unwrap());
                tried += 1;
            }
        }
    }
    assert!(tried >= 6, "only {tried} commands were found");
}

/// `privet check` in a sentence leaves out what it needs; but it must exist, as must every option that it names.
#[test]
fn every_command_in_a_sentence_exists() {
    let mut tried = 0;
    for document in DOCUMENTS {
        let text = read(document);
        let outside = text.split("```").step_by(2).collect::<String>();
        for span in outside.split('`').skip(1).step_by(2).filter(|span| span.starts_with("privet ")) {
            let error = Arguments::try_parse_from(span.split_ascii_whitespace()).err();
            let kind = error.as_ref().map(clap::Error::kind);
            let incomplete = matches!(
                kind,
                None | Some(
                    ErrorKind::MissingRequiredArgument
                        | ErrorKind::MissingSubcommand
                        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                )
            );
            assert!(incomplete, "{document}: `{span}`: {}", error.unwrap());
            tried += 1;
        }
    }
    assert!(tried >= 4, "only {tried} commands were found");
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
    let (path, expected) = (root().join("docs/cli.md"), reference());
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

fn reference() -> String {
    let mut text =
        "# Commands\n\nWhat `privet COMMAND --help` says. A test compares this page with the program.\n"
            .to_owned();
    for (path, mut command) in all(&Arguments::command()) {
        let help = command.render_help().to_string();
        write!(text, "\n## {path}\n\n```text\n{}\n```\n", help.trim_end()).unwrap();
    }
    text
}

/// The program and its commands, each under what a person types.
fn all(command: &Command) -> Vec<(String, Command)> {
    let mut built = command.clone().term_width(100);
    built.build();
    let mut found = Vec::new();
    collect(&built, String::new(), &mut found);
    found
}

fn collect(command: &Command, before: String, found: &mut Vec<(String, Command)>) {
    let path = before + command.get_name();
    found.push((path.clone(), command.clone()));
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        collect(sub, format!("{path} "), found);
    }
}

/// The lines of the shell blocks of a document, without comments, those that go on in the next line joined.
fn shell_lines(text: &str) -> Vec<String> {
    let blocks = text.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    let joined = blocks.map(|block| block.replace("\\\n", " ")).collect::<Vec<_>>();
    joined.iter().flat_map(|block| block.lines()).map(str::to_owned).collect()
}

/// The commands of this program in a line of shell, as words.
fn commands(line: &str) -> Vec<Vec<String>> {
    let line = line.split(" #").next().unwrap_or_default().replace("cargo run --release --", "privet");
    let piped = line.split('|').map(words);
    piped.filter(|words| words.first().is_some_and(|first| first == "privet")).map(redirected).collect()
}

/// Without where its output goes.
fn redirected(words: Vec<String>) -> Vec<String> {
    words.into_iter().take_while(|word| word != ">").collect()
}

/// Words as a shell splits them, with either kind of quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn lines_are_read_as_a_shell_reads_them() {
    let text = "a\n```sh\nprivet bundle m.onnx \\\n  --party \"privet1 a b\" # why\n```\n`privet x`\n```toml\nprivet = 1\n```\n";
    let lines = shell_lines(text);
    assert_eq!(lines, ["privet bundle m.onnx    --party \"privet1 a b\" # why"]);
    assert_eq!(commands(&lines[0]), [["privet", "bundle", "m.onnx", "--party", "privet1 a b"]]);
    assert_eq!(commands("cat x | privet predict - > y"), [["privet", "predict", "-"]]);
}
