//! How a command ends when it does not succeed: a sentence on standard error with a stable code, an object on standard
//! output where JSON was asked for, and the exit code that scripts rely on (the same as those of `privet`).

use std::process::ExitCode;

pub(crate) use privet_credit_engine::Failure;

use crate::output::print;

/// Says what went wrong, and gives the exit code.
pub(crate) fn report(failure: &Failure, json: bool) -> ExitCode {
    eprintln!("{failure}");
    let exit = failure.exit_code();
    if json {
        let object = serde_json::json!({ "error": failure.message, "code": failure.code, "exit": exit });
        print(&object.to_string());
    }
    ExitCode::from(exit)
}
