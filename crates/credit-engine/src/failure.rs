//! Why something was not done: a sentence, a stable code, and whose turn it is, as the exit codes of `privet` have it.

use std::fmt::{Display, Formatter};
use std::path::Path;

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    blame: Blame,
    /// Stable, for searching.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
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
    pub fn ours(message: impl Into<String>) -> Self {
        Self { blame: Blame::Ours, code: "C900", message: message.into() }
    }

    /// The command line, or a file that it names (exit code 2).
    pub fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self { blame: Blame::Usage, code, message: message.into() }
    }

    /// What the files hold (exit code 3).
    pub fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self { blame: Blame::Refused, code, message: message.into() }
    }

    /// Another program that could not be reached or answered wrongly (exit code 4).
    pub fn peer(code: &'static str, message: impl Into<String>) -> Self {
        Self { blame: Blame::Peer, code, message: message.into() }
    }

    /// A file that cannot be read.
    pub fn reading(path: &Path, why: impl Display) -> Self {
        Self::usage("C101", format!("`{}` cannot be read: {why}.", path.display()))
    }

    /// A file that cannot be written.
    pub fn writing(path: &Path, why: impl Display) -> Self {
        Self::usage("C102", format!("`{}` cannot be written: {why}.", path.display()))
    }

    /// Whether an engine failed in a way that a broken file may explain better.
    pub fn may_be_the_file(&self) -> bool {
        self.blame == Blame::Ours
    }

    /// What scripts rely on.
    pub fn exit_code(&self) -> u8 {
        match self.blame {
            Blame::Ours => 1,
            Blame::Usage => 2,
            Blame::Refused => 3,
            Blame::Peer => 4,
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}
