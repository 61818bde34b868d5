//! `synth`: the eight Home Credit tables, drawn from published statistics.
//!
//! No row of the real tables is here, nor anything that a row could be read from: `statistics.json` holds
//! frequencies, quantiles and correlations, and each module says which of them it follows.
//!
//! What the rows keep of the real ones: columns, types and order; ragged counts; orphans; sentinels; blocks of
//! missing values; the difference between training and test applicants in `bureau_balance`. What they do not keep:
//! dependencies that no module mentions. The area under the ROC curve of a model fitted on these tables is a
//! property of this generator, not of credit risk.
//!
//! Rows come in order of the applicant, those of one loan or credit together; the real history files have no
//! order. Files are the same for the same seed and number of applicants, whatever the number of threads.

mod application;
mod auc;
mod block;
mod columns;
mod copula;
mod history;
mod marginal;
mod normal;
mod plan;
mod random;
mod relay;
mod sink;
mod statistics;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use self::block::Generator;
use self::sink::TableFile;
use self::statistics::Statistics;
use self::tables::{Layout, NAMES};
use crate::failure::Failure;

/// What to generate.
pub(crate) struct Options {
    /// Applicants in all; 356,255 is the published size.
    pub(crate) applicants: u64,
    /// Folder for the eight files; made if it does not exist.
    pub(crate) out: PathBuf,
    /// Seed of all draws.
    pub(crate) seed: u64,
    /// File format.
    pub(crate) format: Format,
    /// Threads that draw; at least one.
    pub(crate) threads: usize,
}

/// File format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `.parquet`
    Parquet,
    /// `.csv`, as Kaggle's.
    Csv,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        }
    }
}

/// What was generated.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Applicants in all.
    pub(crate) applicants: u64,
    /// Seed of all draws.
    pub(crate) seed: u64,
    /// By table: rows, published rows of the full size, bytes.
    pub(crate) tables: BTreeMap<&'static str, TableSummary>,
    /// Rows of all tables.
    pub(crate) rows: u64,
    /// Wall time.
    pub(crate) seconds: f64,
    /// Share of training applicants with TARGET 1.
    pub(crate) base_rate: f64,
    /// AUC of the log odds that TARGET was drawn from: no model can do better.
    pub(crate) auc_of_true_log_odds: Option<f64>,
    /// AUC of the part of the log odds that comes from the application.
    pub(crate) auc_of_application_log_odds: Option<f64>,
    /// How to read the AUC.
    pub(crate) note: &'static str,
}

/// One table of the summary.
#[derive(Debug, Serialize)]
pub(crate) struct TableSummary {
    /// Rows written.
    pub(crate) rows: u64,
    /// Rows of the published table, for 356,255 applicants.
    pub(crate) published_rows: u64,
    /// Size of the file.
    pub(crate) bytes: u64,
}

const NOTE: &str = "The AUC is a property of the generator, not of credit risk: TARGET was drawn from a known \
                    formula, and a model is only as good here as it finds that formula again.";
/// 280 times the published size: the plan still fits in memory.
const MOST_APPLICANTS: u64 = 100_000_000;

/// Draws all tables and writes their files. `progress` gets the number of applicants done so far.
pub(crate) fn run(options: &Options, progress: &(dyn Fn(u64) + Sync)) -> Result<Summary, Failure> {
    let start = Instant::now();
    check(options)?;
    let generator = Generator::new(options.applicants, options.seed)?;
    let files = open(generator.statistics(), options)?;
    let report = |done: u64| progress(done.min(options.applicants));
    let written = relay::run(&generator, files, options.format, options.threads, &report)?;
    let mut tables = BTreeMap::new();
    for file in written.files {
        let name = file.name();
        let published_rows = generator.statistics().table(name)?.rows;
        let finished = file.finish()?;
        tables.insert(name, TableSummary { rows: finished.rows, published_rows, bytes: finished.bytes });
    }
    Ok(Summary {
        applicants: options.applicants,
        seed: options.seed,
        rows: tables.values().map(|table| table.rows).sum(),
        tables,
        seconds: start.elapsed().as_secs_f64(),
        base_rate: written.auc.base_rate(),
        auc_of_true_log_odds: written.auc.value(),
        auc_of_application_log_odds: written.application_auc.value(),
        note: NOTE,
    })
}

fn check(options: &Options) -> Result<(), Failure> {
    if !(1..=MOST_APPLICANTS).contains(&options.applicants) {
        return Err(Failure::usage(
            "C303",
            format!("--applicants must be from 1 to {MOST_APPLICANTS}, not {}.", options.applicants),
        ));
    }
    let out = &options.out;
    std::fs::create_dir_all(out).map_err(|error| {
        Failure::usage("C302", format!("The folder {} cannot be made: {error}.", out.display()))
    })
}

fn open(statistics: &Statistics, options: &Options) -> Result<Vec<(Layout, TableFile)>, Failure> {
    let file = |name: &&'static str| {
        let layout = Layout::new(statistics, name)?;
        let file = TableFile::create(layout.clone(), &options.out, options.format)?;
        Ok((layout, file))
    };
    NAMES.iter().map(file).collect()
}
