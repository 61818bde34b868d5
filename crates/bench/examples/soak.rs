//! Clients that ask several deployments at once, as `bench/soak.py` starts them: a line for each failure and some answers to a file, and a
//! summary to standard output.
#![allow(clippy::print_stdout)] // its output

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use privet_bench::traffic::soak::{Manner, soak};
use privet_bench::traffic::{question, raise_open_files};

#[derive(Parser)]
struct Args {
    /// What to ask: a JSON file.
    sources: PathBuf,
    /// The log.
    #[arg(long)]
    log: PathBuf,
    #[arg(long, default_value_t = 64)]
    clients: usize,
    #[arg(long)]
    seconds: f64,
    /// Seconds that a call may wait.
    #[arg(long, default_value_t = 5.0)]
    deadline: f64,
    /// The longest pause of a client between two questions, in seconds.
    #[arg(long, default_value_t = 0.2)]
    pause: f64,
    #[arg(long)]
    seed: u64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    raise_open_files();
    let manner = Manner {
        clients: args.clients,
        duration: Duration::from_secs_f64(args.seconds),
        deadline: Duration::from_secs_f64(args.deadline),
        pause: Duration::from_secs_f64(args.pause),
        seed: args.seed,
    };
    let (sources, log) = (question::read(&args.sources)?, File::create(&args.log)?);
    let summary = tokio::runtime::Runtime::new()?.block_on(soak(sources, manner, log))?;
    println!("{}", serde_json::to_string(&summary)?);
    Ok(())
}
