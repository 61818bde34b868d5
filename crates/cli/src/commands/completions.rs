//! `privet completions`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::args::{Arguments, CompletionsArgs};

pub(crate) fn run(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "privet", &mut script);
    // A reader that has gone away is no error.
    let _ = std::io::stdout().lock().write_all(&script);
    ExitCode::SUCCESS
}
