//! `privet attest`.

mod evidence;
mod live;
mod log;

use std::process::ExitCode;

use crate::args_attest::AttestCommand;
use crate::failure::Failure;

pub(crate) async fn run(what: &AttestCommand) -> Result<ExitCode, Failure> {
    match what {
        AttestCommand::Explain(args) => evidence::explain(args),
        AttestCommand::Verify(args) => evidence::verify(args),
        AttestCommand::Show(args) => live::show(args).await,
        AttestCommand::Status(args) => evidence::status(args),
        AttestCommand::Policy(args) => evidence::policy(args),
        AttestCommand::Log(args) => log::run(args),
    }
}
