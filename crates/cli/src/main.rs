//! The one binary users type.

mod args;
mod args_attest;
mod args_bench;
mod args_score;
mod args_words;
mod commands;
#[cfg(test)]
mod conformance_tests;
#[cfg(test)]
mod docs_config;
#[cfg(test)]
mod docs_errors;
#[cfg(test)]
mod docs_reading;
#[cfg(test)]
mod docs_tests;
mod failure;
mod output;
mod rows;
mod training;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Arguments, Command};

fn main() -> ExitCode {
    privet_ring::keep_freed_memory();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(e) => return failure::misused(&e),
    };
    output::start_logging();
    let json = arguments.command.wants_json();
    let runtime = match threads(&arguments.command).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            return failure::Failure::ours(format!("The program cannot start its threads: {e}."))
                .report(json);
        }
    };
    // On a worker thread and not on this one: an answer then wakes the command where it arrived.
    let done = runtime.block_on(runtime.spawn(run(arguments.command)));
    runtime.shutdown_background();
    match done {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => failure.report(json),
        Err(e) => failure::Failure::ours(format!("The program ended early: {e}.")).report(json),
    }
}

/// A client waits most of the time: on one thread, an answer wakes nobody but whom it is for, and what computes for long does so
/// on threads beside it. A role has clients on all cores.
fn threads(command: &Command) -> tokio::runtime::Builder {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    if !matches!(command, Command::Serve { .. } | Command::Gateway(_)) {
        threads.worker_threads(1);
    }
    threads
}

async fn run(command: Command) -> Result<ExitCode, failure::Failure> {
    match command {
        Command::Demo(args) => commands::demo::run(&args).await,
        Command::Check(args) => commands::check::run(&args),
        Command::Bundle(args) => commands::bundle::run(&args),
        Command::Keygen(args) => commands::keygen::run(&args),
        Command::Serve { role } => commands::serve::run(&role).await,
        Command::Up(args) => commands::up::run(&args).await,
        Command::Predict(args) => commands::predict::run(&args).await,
        Command::Score(args) => commands::score::run(&args).await,
        Command::Gateway(args) => commands::gateway::run(&args).await,
        Command::Bench(args) => commands::bench::run(&args).await,
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Attest { what } => commands::attest::run(&what).await,
        Command::Top(args) => commands::top::run(&args).await,
        Command::Token(args) => commands::token::run(&args),
        Command::Completions(args) => Ok(commands::completions::run(&args)),
        Command::Man(args) => commands::man::run(&args),
    }
}
