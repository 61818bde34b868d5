//! The programs, and their commands one after the other.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::failure::Failure;

/// This program and `privet`, which lies beside it.
pub(super) struct Programs {
    credit: PathBuf,
    privet: PathBuf,
    quiet: bool,
}

impl Programs {
    /// Finds both. `quiet` does not show the commands.
    pub(super) fn find(quiet: bool) -> Result<Self, Failure> {
        let credit = std::env::current_exe()
            .map_err(|e| Failure::ours(format!("This program cannot find itself: {e}.")))?;
        let beside = credit.with_file_name("privet");
        let privet = std::env::var_os("PRIVET_BIN").map_or(beside, PathBuf::from);
        if privet.is_file() {
            return Ok(Self { credit, privet, quiet });
        }
        let what = format!("`{}` is not there, and the demo deploys with it.", privet.display());
        Err(Failure::usage(
            "C120",
            format!("{what} Build it with `cargo build --release`, or name it in PRIVET_BIN."),
        ))
    }

    /// Runs a command of this program; gives the object that it prints.
    pub(super) fn credit(&self, words: &[&str]) -> Result<Value, Failure> {
        self.show("privet-credit", words);
        finish(Command::new(&self.credit).args(words).arg("--json"), "privet-credit", words)
    }

    /// Runs a command of `privet`; gives the object that it prints.
    pub(super) fn privet(&self, words: &[&str]) -> Result<Value, Failure> {
        self.show("privet", words);
        finish(Command::new(&self.privet).args(words).arg("--json"), "privet", words)
    }

    /// Starts a command of `privet` that runs until it is ended.
    pub(super) fn start(&self, words: &[&str]) -> Result<Child, Failure> {
        self.show("privet", words);
        let mut command = Command::new(&self.privet);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped());
        command.spawn().map_err(|e| Failure::ours(format!("`privet` cannot be started: {e}.")))
    }

    fn show(&self, program: &str, words: &[&str]) {
        if !self.quiet {
            eprintln!("$ {program} {}", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        }
    }
}

fn finish(command: &mut Command, program: &str, words: &[&str]) -> Result<Value, Failure> {
    let done = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| Failure::ours(format!("`{program}` cannot be started: {e}.")))?;
    if !done.status.success() {
        let what = words.first().copied().unwrap_or_default();
        return Err(Failure::refused(
            "C121",
            format!("The step `{program} {what}` failed; it says why above."),
        ));
    }
    serde_json::from_slice(&done.stdout)
        .map_err(|e| Failure::ours(format!("`{program}` printed something else than one JSON object: {e}.")))
}

/// As a shell would need it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A text of an object.
pub(super) fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_default().to_owned()
}
