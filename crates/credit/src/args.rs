//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use privet_credit_engine::Engine;

use crate::commands::demo::Demo;
use crate::commands::prepare::Prepare;
use crate::commands::synth::Synth;
use crate::commands::train::Train;

/// The reference workload: Home Credit tables to features, a model, and its private deployment.
#[derive(Parser)]
#[command(name = "privet-credit", version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "Examples:
  privet-credit demo
  privet-credit synth --applicants 10000 --out tables
  privet-credit features --tables tables --out features.parquet";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The whole story on this machine: tables, features, a trained model, its private deployment.
    Demo(Demo),
    /// Draws the eight tables at random from published statistics.
    Synth(Synth),
    /// Makes the 528 features of every applicant from the eight tables.
    Features(Features),
    /// Trains a logistic regression on the features, and writes it as ONNX.
    Train(Train),
    /// Makes the rows that a model takes of a table of features.
    Prepare(Prepare),
    /// Roles of a cluster that runs the same queries where one machine is too small.
    Cluster {
        #[command(subcommand)]
        role: Role,
    },
}

impl Command {
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Demo(args) => args.json,
            Self::Synth(args) => args.json,
            Self::Features(args) => args.json,
            Self::Train(args) => args.json,
            Self::Prepare(args) => args.json,
            Self::Cluster { .. } => false,
        }
    }
}

#[derive(Args)]
#[command(after_help = "Examples:
  privet-credit features --tables tables --out features.parquet
  privet-credit features --tables new --out new.parquet --preparation preparation.json
  privet-credit features --tables tables --out features.parquet --memory 8GiB
  privet-credit features --tables /shared/tables --out features.parquet --engine ballista://scheduler:50050 --scratch /shared")]
pub(crate) struct Features {
    /// The folder with the eight tables: `application_train.csv` and so on; `.csv`, `.csv.gz`, `.csv.zst` or `.parquet`.
    #[arg(long, value_name = "DIR")]
    pub(crate) tables: PathBuf,
    /// The Parquet file to write; `preparation.json` is written beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Applies what was fitted before, instead of fitting. `application_train` may then be missing.
    #[arg(long, value_name = "FILE")]
    pub(crate) preparation: Option<PathBuf>,
    /// Share of the rows of `application_train`, its last ones, that nothing is fitted on.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    pub(crate) held_out: f64,
    #[command(flatten)]
    pub(crate) limits: Limits,
    /// Where the queries run: `embedded`, or `ballista://HOST:PORT` for a cluster whose workers see the same files.
    #[arg(long, default_value = "embedded")]
    pub(crate) engine: Engine,
    /// Where intermediate results go, in a folder that is removed at the end. [default: the system's]
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What may be used.
#[derive(Args)]
pub(crate) struct Limits {
    /// Most memory for sorts, joins and aggregates; beyond it they write to disk.
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = size)]
    pub(crate) memory: u64,
    /// How many threads. [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

impl Limits {
    pub(crate) fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or_else(all).max(1)
    }
}

#[derive(Subcommand)]
pub(crate) enum Role {
    /// Hands out work to workers.
    #[command(after_help = "Examples:
  privet-credit cluster scheduler --listen 0.0.0.0:50050")]
    Scheduler {
        /// Address and port.
        #[arg(long, default_value = "127.0.0.1:50050")]
        listen: SocketAddr,
    },
    /// Does the work.
    #[command(after_help = "Examples:
  privet-credit cluster worker --scheduler scheduler:50050 --listen 0.0.0.0:50051 --reachable-as worker-1")]
    Worker(Worker),
}

#[derive(Args)]
pub(crate) struct Worker {
    /// The scheduler.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
    pub(crate) scheduler: String,
    /// Where others fetch results; the port after it is used too.
    #[arg(long, default_value = "127.0.0.1:50051")]
    pub(crate) listen: SocketAddr,
    /// The name under which others reach this machine. [default: the address of `--listen`]
    #[arg(long, value_name = "HOST")]
    pub(crate) reachable_as: Option<String>,
    #[command(flatten)]
    pub(crate) limits: Limits,
    /// Where results wait to be fetched. [default: the system's]
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to below 1".to_owned()),
    }
}

/// `500MB`, `2GiB`, or bytes.
fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 8] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
        ("", 1),
    ];
    let parsed = UNITS.iter().find_map(|(unit, factor)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(*factor)
    });
    parsed.filter(|bytes| *bytes > 0).ok_or_else(|| "expected a size such as `512MiB` or `2GiB`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert_eq!(size("500 MB"), Ok(500_000_000));
        assert_eq!(size("77"), Ok(77));
        assert!(size("0").is_err() && size("2 apples").is_err() && size("99999999999GiB").is_err());
    }
}
