//! How a command ends when it does not succeed: a sentence on standard error, an object on standard output where JSON
//! was asked for, and the exit code that scripts rely on.

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
            let Error { code, message, .. } = &self.0;
            let object =
                serde_json::json!({ "error": message, "code": code, "exit": self.0.blame.exit_code() });
            print(&object.to_string());
        }
        ExitCode::from(self.0.blame.exit_code())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<RowsError> for Failure {
    fn from(error: RowsError) -> Self {
        let blame = if error.is_usage() { Blame::Usage } else { Blame::Refused };
        Self(Error::new(blame, error.code(), error.message()))
    }
}
