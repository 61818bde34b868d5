//! `privet-credit synth`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::output::{bar, count, print};
use crate::synth::{self, Options};

/// Draws the eight tables at random from published statistics: no row of them is a person.
#[derive(Args)]
#[command(after_help = "Examples:
  privet-credit synth --applicants 10000 --out tables
  privet-credit synth --applicants 356255 --out full --seed 1 --format csv")]
pub(crate) struct Synth {
    /// Applicants in all, of whom about one in seven has no known outcome. The published tables have 356255.
    #[arg(long, value_name = "N")]
    pub(crate) applicants: u64,
    /// The folder for the tables; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What the draws come from; the same seed gives the same files.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// How the tables are written.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// How many threads. [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Apache Parquet.
    #[default]
    Parquet,
    /// Comma-separated, as the published tables.
    Csv,
}

pub(crate) fn run(args: &Synth) -> Result<ExitCode, Failure> {
    let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = Options {
        applicants: args.applicants,
        out: args.out.clone(),
        seed: args.seed,
        format: match args.format {
            Format::Parquet => synth::Format::Parquet,
            Format::Csv => synth::Format::Csv,
        },
        threads: args.threads.unwrap_or_else(all).max(1),
    };
    let bar =
        bar(args.applicants, "drawing {wide_bar} {human_pos}/{human_len} applicants, {rate}, {eta} left");
    let furthest = AtomicU64::new(0);
    let summary = synth::run(&options, &|done| {
        bar.set_position(furthest.fetch_max(done, Ordering::Relaxed).max(done));
    })?;
    bar.finish_and_clear();
    if args.json {
        print(&serde_json::to_string(&summary).map_err(|e| Failure::ours(e.to_string()))?);
    } else {
        let (rows, seconds) = (count(summary.rows), summary.seconds);
        print(&format!("{}: {rows} rows in eight tables, in {seconds:.1} s.", args.out.display()));
        print(summary.note);
    }
    Ok(ExitCode::SUCCESS)
}
