//! The 528 features: SQL over eight tables, with what is fitted kept apart from what is applied.

mod applicants;
mod assemble;
mod checks;
mod diagnose;
mod fit;
mod ids;
pub(crate) mod names;
mod ordered;
pub(crate) mod preparation;
mod small;
mod stages;
mod warnings;
mod work;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

pub(crate) use stages::STAGES;
pub(crate) use warnings::Warning;

use self::preparation::Preparation;
use self::work::Work;
use crate::failure::Failure;
use privet_credit_engine::tables::{Files, Table, TableFile};
use privet_credit_engine::{Engine, Resources};

/// What to make, of what, with what.
pub(crate) struct Options {
    /// The folder with the tables.
    pub(crate) tables: PathBuf,
    /// The file to write.
    pub(crate) out: PathBuf,
    /// A preparation to apply; without one it is fitted.
    pub(crate) preparation: Option<PathBuf>,
    /// Share of the rows of `application_train`, its last ones, that nothing is fitted on.
    pub(crate) held_out: f64,
    /// Which engine runs the SQL.
    pub(crate) engine: Engine,
    /// Most bytes that queries here hold; beyond it they write to disk.
    pub(crate) memory: usize,
    /// How many threads.
    pub(crate) threads: usize,
    /// Where intermediate results go; a folder of its own is made in it. For a cluster all machines must see it.
    pub(crate) scratch: PathBuf,
}

/// What was made.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Applicants.
    pub(crate) rows: usize,
    /// Those whose outcome is known.
    pub(crate) train_rows: usize,
    test_rows: usize,
    fitted_rows: usize,
    features: usize,
    /// Wall time.
    pub(crate) seconds: f64,
    /// Wall time of each step.
    steps: Vec<Step>,
    tables: BTreeMap<&'static str, Size>,
    /// What is odd in the tables.
    pub(crate) warnings: Vec<Warning>,
}

#[derive(Debug, Serialize)]
struct Step {
    name: &'static str,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct Size {
    rows: u64,
    bytes: u64,
}

/// What hears how far it is.
pub(crate) trait Progress: Clone + Send + Sync + 'static {
    /// A step begins.
    fn step(&self, what: &str);
    /// So many rows are to be read in all, roughly.
    fn total(&self, rows: u64);
    /// So many more were read.
    fn read(&self, rows: u64);
}

/// Makes the features and their preparation, which lies beside them as `preparation.json`.
pub(crate) async fn run(options: &Options, progress: &impl Progress) -> Result<Summary, Failure> {
    let start = Instant::now();
    let fitted = options.preparation.as_deref().map(Preparation::read).transpose()?;
    let files = Files::find(&options.tables, fitted.is_some())?;
    progress.total(files.iter().map(|file| file.rows).sum());
    let scratch = tempfile::Builder::new()
        .prefix("privet-credit-")
        .tempdir_in(&options.scratch)
        .map_err(|e| Failure::writing(&options.scratch, e))?;
    let mut work = Work {
        options,
        files: &files,
        resources: Resources::new(options.memory, options.threads, scratch.path())?,
        scratch: scratch.path(),
        steps: Vec::new(),
    };
    let done = work.all(fitted, progress).await;
    let (applicants, preparation, rows, warnings) = match done {
        Ok(done) => done,
        // What the engine says of a broken file is hard to read, and quotes it.
        Err(failure) if failure.may_be_the_file() => {
            return Err(diagnose::first_fault(&files, &Table::ALL).unwrap_or(failure));
        }
        Err(failure) => return Err(failure),
    };
    Ok(Summary {
        rows: applicants.ids.len(),
        train_rows: applicants.targets.len(),
        test_rows: applicants.ids.len() - applicants.targets.len(),
        fitted_rows: preparation.fitted_rows,
        features: preparation.features.len(),
        seconds: start.elapsed().as_secs_f64(),
        steps: work.steps,
        tables: sizes(&files, &rows),
        warnings,
    })
}

fn sizes(files: &Files, rows: &BTreeMap<&'static str, u64>) -> BTreeMap<&'static str, Size> {
    let size = |file: &TableFile| {
        let name = file.table.name();
        (name, Size { rows: rows.get(name).copied().unwrap_or(0), bytes: file.bytes })
    };
    files.iter().map(size).collect()
}
