//! The reference workload: Home Credit tables to features, a synthetic generator, training, and an exported model.

mod args;
mod commands;
#[cfg(test)]
#[path = "../../cli/src/docs_reading.rs"]
mod docs_reading;
#[cfg(test)]
mod docs_tests;
mod failure;
mod features;
mod onnx;
mod output;
mod report;
mod synth;
mod train;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Arguments, Command};
use crate::failure::Failure;

/// Planning queries of hundreds of columns needs a deep stack.
const STACK: usize = 16 << 20;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.command.wants_json();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(async {
            let work = tokio::spawn(run(arguments.command));
            work.await.unwrap_or_else(|e| Err(Failure::ours(format!("The program ended early: {e}."))))
        }),
        Err(e) => Err(Failure::ours(format!("The program cannot start its threads: {e}."))),
    };
    done.unwrap_or_else(|failure| failure::report(&failure, json))
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(args) => commands::demo::run(&args),
        Command::Synth(args) => commands::synth::run(&args),
        Command::Features(args) => commands::features::run(args).await,
        Command::Train(args) => commands::train::run(&args),
        Command::Prepare(args) => commands::prepare::run(&args),
        Command::Cluster { role } => commands::cluster::run(role).await,
    }
}
