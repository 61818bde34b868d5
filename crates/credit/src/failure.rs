//! How a command ends when it does not succeed: a sentence on standard error with a stable code, an object on standard
//! output where JSON was asked for, and the exit code that scripts rely on (the same as those of `privet`).

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use crate::output::print;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    blame: Blame,
    code: &'static str,
    message: String,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    Ours,
    Usage,
    Refused,
    Peer,
}

impl Failure {
    /// A failure of ours (exit code 1).
    pub(crate) fn ours(message: impl Into<String>) -> Self {
        Self { blame: Blame::Ours, code: "C900", message: message.into() }
    }

    /// The command line, or a file that it names (exit code 2).
    pub(crate) fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self { blame: Blame::Usage, code, message: message.into() }
    }

    /// What the files hold (exit code 3).
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self { blame: Blame::Refused, code, message: message.into() }
    }

    /// Another program that could not be reached or answered wrongly (exit code 4).
    pub(crate) fn peer(code: &'static str, message: impl Into<String>) -> Self {
        Self { blame: Blame::Peer, code, message: message.into() }
    }

    /// A file that cannot be read.
    pub(crate) fn reading(path: &Path, why: impl Display) -> Self {
        Self::usage("C101", format!("`{}` cannot be read: {why}.", path.display()))
    }

    /// A file that cannot be written.
    pub(crate) fn writing(path: &Path, why: impl Display) -> Self {
        Self::usage("C102", format!("`{}` cannot be written: {why}.", path.display()))
    }

    /// Whether an engine failed in a way that a broken file may explain better.
    pub(crate) fn may_be_the_file(&self) -> bool {
        self.blame == Blame::Ours
    }

    /// Says so, and gives the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        eprintln!("{} {}", self.code, self.message);
        if json {
            let exit = self.exit_code();
            print(
                &serde_json::json!({ "error": self.message, "code": self.code, "exit": exit }).to_string(),
            );
        }
        ExitCode::from(self.exit_code())
    }

    fn exit_code(&self) -> u8 {
        match self.blame {
            Blame::Ours => 1,
            Blame::Usage => 2,
            Blame::Refused => 3,
            Blame::Peer => 4,
        }
    }
}
