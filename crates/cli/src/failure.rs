//! How a command ends when it does not succeed: a sentence on standard error, an object on standard output where JSON
//! was asked for, and the exit code that scripts rely on.

use std::ffi::OsString;
use std::process::ExitCode;

use privet_deploy::{Blame, Error};

use crate::output::print;
use crate::rows::RowsError;

/// Why a command failed.
pub(crate) struct Failure(Error);

impl Failure {
    /// A failure of ours.
    pub(crate) fn ours(message: String) -> Self {
        Self(Error::new(Blame::Ours, "E900", message))
    }

    /// Says so, and gives the exit code.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        eprintln!("{}", self.0);
        if json {
            self.print();
        }
        ExitCode::from(self.0.blame.exit_code())
    }

    fn print(&self) {
        let Error { blame, code, message, .. } = &self.0;
        let object = serde_json::json!({ "error": message, "code": code, "exit": blame.exit_code() });
        print(&object.to_string());
    }
}

/// Says what the parser of the command line says to people, and an object too where `--json` is among the words: what
/// else they would have meant is not known. Help and the version come this way as well, and are no errors.
pub(crate) fn misused(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() && asks_for_json(std::env::args_os()) {
        let text = error.render().to_string();
        let said = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ").replace('\'', "`");
        let what = format!("The command line cannot be read: {said}. `privet --help` says what there is.");
        Failure(Error::usage("E149", what)).print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn asks_for_json(words: impl Iterator<Item = OsString>) -> bool {
    let options = words.map_while(|word| (word != "--").then_some(word));
    options.into_iter().any(|word| word == "--json" || word.to_string_lossy().starts_with("--json="))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<RowsError> for Error {
    fn from(error: RowsError) -> Self {
        let blame = if error.is_usage() { Blame::Usage } else { Blame::Refused };
        Self::new(blame, error.code(), error.message())
    }
}

impl From<RowsError> for Failure {
    fn from(error: RowsError) -> Self {
        Self(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_asked_for_only_among_options() {
        let asks = |text: &str| asks_for_json(text.split(' ').map(OsString::from));
        assert!(asks("privet check --json --no") && asks("privet bench m --json=r.json --no"));
        assert!(!asks("privet check -- --json") && !asks("privet check --jsonish"));
    }
}
