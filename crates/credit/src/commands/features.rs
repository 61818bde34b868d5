//! `privet-credit features`.

use std::process::ExitCode;

use indicatif::ProgressBar;

use crate::args::Features;
use crate::failure::Failure;
use crate::features::{self, Options, Progress, Summary};
use crate::output::{bar, count, print};

pub(crate) async fn run(args: Features) -> Result<ExitCode, Failure> {
    let json = args.json;
    let out = args.out.display().to_string();
    let summary = features::run(&options(args)?, &Bar::new()).await?;
    for warning in &summary.warnings {
        eprintln!("warning: {} {}", warning.code, warning.message);
    }
    if json {
        print(&serde_json::to_string(&summary).map_err(|e| Failure::ours(e.to_string()))?);
    } else {
        tell(&summary, &out);
    }
    Ok(ExitCode::SUCCESS)
}

/// What the command line asks for.
fn options(args: Features) -> Result<Options, Failure> {
    let memory = usize::try_from(args.limits.memory)
        .map_err(|_| Failure::usage("C103", "This machine cannot have as much memory as `--memory` says."))?;
    Ok(Options {
        memory,
        threads: args.limits.threads(),
        tables: args.tables,
        out: args.out,
        preparation: args.preparation,
        held_out: args.held_out,
        engine: args.engine,
        scratch: args.scratch.unwrap_or_else(std::env::temp_dir),
    })
}

fn tell(summary: &Summary, out: &str) {
    print(&format!(
        "{out}: {} applicants, {} of them with a known outcome, 528 features each, in {:.1} s.",
        count(summary.rows as u64),
        count(summary.train_rows as u64),
        summary.seconds
    ));
}

/// A bar over the rows of all tables.
#[derive(Clone)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        Self(bar(0, "{msg:22} {wide_bar} {human_pos}/{human_len} rows, {rate}, {eta} left"))
    }
}

impl Progress for Bar {
    fn step(&self, what: &str) {
        self.0.set_message(what.to_owned());
        if what == "writing" {
            self.0.set_position(self.0.length().unwrap_or(0));
        }
    }

    fn total(&self, rows: u64) {
        self.0.set_length(rows);
    }

    fn read(&self, rows: u64) {
        self.0.inc(rows);
    }
}
