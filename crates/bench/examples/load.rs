//! Clients that ask one deployment at one rate after the other, as `bench/load.py` starts them. Writes a record, a table and a plot.
#![allow(clippy::print_stdout)] // its output

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use privet_bench::machine::Machine;
use privet_bench::traffic::load::{Arrivals, Crowd, Measured};
use privet_bench::traffic::{curve, question, raise_open_files};
use serde::Serialize;

#[derive(Parser)]
struct Args {
    /// What to ask: a JSON file, of which the first deployment is asked.
    sources: PathBuf,
    /// The record; the table and the plot get the same name with other suffixes.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 1000)]
    clients: usize,
    /// Clients of these first, each of which asks again once it was answered.
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000")]
    closed: Vec<usize>,
    /// Seconds at each place.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Seconds that a call may wait.
    #[arg(long, default_value_t = 10.0)]
    deadline: f64,
    /// Rates, as parts of what all clients together got answered when each asked as soon as it could.
    #[arg(long, value_delimiter = ',', default_value = "0.1,0.25,0.5,0.7,0.8,0.9,1.0,1.2,1.5,2.0")]
    rates: Vec<f64>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value = "unknown")]
    commit: String,
}

/// What is written down.
#[derive(Serialize)]
struct Record {
    format: u32,
    machine: Machine,
    name: String,
    clients: usize,
    results: Vec<Measured>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    raise_open_files();
    let source = question::read(&args.sources)?.into_iter().next().ok_or("there is nothing to ask")?;
    let (name, machine) = (source.name.clone(), Machine::this(&args.commit));
    let results = tokio::runtime::Runtime::new()?.block_on(async {
        let deadline = Duration::from_secs_f64(args.deadline);
        let mut crowd = Crowd::gather(source, args.clients, deadline, args.seed).await?;
        Ok::<_, privet_deploy::Error>(all_places(&mut crowd, &args).await)
    })?;
    let of = format!("{name}, {} clients", args.clients);
    std::fs::write(args.out.with_extension("svg"), curve::plot(of, &results).standalone())?;
    print!("{}", curve::table(&results));
    let record = Record { format: 1, machine, name, clients: args.clients, results };
    std::fs::write(&args.out, serde_json::to_string_pretty(&record)? + "\n")?;
    Ok(())
}

async fn all_places(crowd: &mut Crowd, args: &Args) -> Vec<Measured> {
    let duration = Duration::from_secs_f64(args.seconds);
    let mut results = Vec::new();
    for clients in args.closed.iter().copied().filter(|n| *n <= args.clients) {
        results.push(said(crowd.measure(Arrivals::Closed { clients }, duration).await));
    }
    let most = results.iter().map(|one| one.answers_per_s).fold(1.0, f64::max);
    for rate in &args.rates {
        results.push(said(crowd.measure(Arrivals::Open { per_s: most * rate }, duration).await));
    }
    results
}

fn said(one: Measured) -> Measured {
    eprintln!("{:?}: {:.0} answers a second, {:?}", one.arrivals, one.answers_per_s, one.answered);
    one
}
