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
mod writer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray as _};
use arrow::datatypes::Int64Type;
use serde::Serialize;

pub(crate) use stages::STAGES;
pub(crate) use warnings::Warning;

use self::applicants::Applicants;
use self::checks::{Checks, Known};
use self::ids::Ids;
use self::preparation::Preparation;
use self::stages::Stage;
use crate::failure::Failure;
use privet_credit_engine::tables::{Files, Table, TableFile};
use privet_credit_engine::{Engine, Resources, Session};

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

struct Work<'a> {
    options: &'a Options,
    files: &'a Files,
    resources: Resources,
    scratch: &'a Path,
    steps: Vec<Step>,
}

type Done = (Applicants, Preparation, BTreeMap<&'static str, u64>, Vec<Warning>);

impl Work<'_> {
    async fn all(&mut self, fitted: Option<Preparation>, progress: &impl Progress) -> Result<Done, Failure> {
        progress.step("keys");
        let started = Instant::now();
        let ordered = self.session_in_order().await?;
        let applicants = Applicants::read(&ordered, self.files).await?;
        let fit = fitted.is_none();
        let mut preparation = fitted.unwrap_or_else(|| self.fitted_before(&applicants));
        let known = self.known(&ordered, &applicants, if fit { preparation.fitted_rows } else { 0 }).await?;
        self.took("keys", started);
        let read = progress.clone();
        let checks = Arc::new(Checks::new(known, move |rows| read.read(rows)));
        let results = self.run_stages(&applicants, &preparation, &checks, progress).await?;
        if fit {
            preparation.levels = checks.levels();
        }
        let mut warnings: Vec<_> = applicants.warning().into_iter().collect();
        warnings.extend(checks.judge(&ordered, &preparation.levels).await?);
        self.write(&applicants, &mut preparation, &results, fit, progress)?;
        Ok((applicants, preparation, checks.rows(), warnings))
    }

    /// What is known from the application tables alone.
    fn fitted_before(&self, applicants: &Applicants) -> Preparation {
        let rows = applicants.targets.len();
        let rows = rows - held_out(rows, self.options.held_out);
        let mut preparation = Preparation::new(rows);
        preparation.income_by_organization = applicants.income_by_organization(rows);
        preparation.scores_std_mean = applicants.scores_std_mean(rows);
        preparation
    }

    /// A session in which every table is read in the order of its rows.
    async fn session_in_order(&self) -> Result<Session, Failure> {
        let session = Session::in_order(&self.resources);
        for file in self.files.iter() {
            session.register(file).await?;
        }
        Ok(session)
    }

    async fn known(
        &self,
        ordered: &Session,
        applicants: &Applicants,
        fitted_rows: usize,
    ) -> Result<Known, Failure> {
        let fitted: Ids = applicants.ids.iter().take(fitted_rows).copied().collect();
        let (mut credits, mut fitted_credits) = (Ids::default(), Ids::default());
        let mut row = 0;
        let sql = "SELECT \"SK_ID_BUREAU\", \"SK_ID_CURR\" FROM bureau";
        ordered::each(ordered, sql, |batch| {
            let column = |at: usize| -> &ArrayRef { batch.column(at) };
            let owners = column(1).as_primitive::<Int64Type>().values();
            for (&credit, &owner) in column(0).as_primitive::<Int64Type>().values().iter().zip(owners) {
                row += 1;
                if !credits.insert(credit) {
                    let what = "has the key `SK_ID_BUREAU` of an earlier row; keep one row for each";
                    return Err(ordered::wrong(Table::Bureau, row, what));
                }
                if fitted.contains(owner) {
                    fitted_credits.insert(credit);
                }
            }
            Ok(true)
        })
        .await?;
        Ok(Known { applicants: applicants.known.clone(), fitted, credits, fitted_credits })
    }

    async fn run_stages<P: Fn(u64) + Send + Sync + 'static>(
        &mut self,
        applicants: &Applicants,
        preparation: &Preparation,
        checks: &Arc<Checks<P>>,
        progress: &impl Progress,
    ) -> Result<Vec<PathBuf>, Failure> {
        let session = self.session(checks).await?;
        small::register(&session, self.scratch, applicants, preparation).await?;
        for (name, query) in stages::views(self.files.get(Table::ApplicationTrain).is_some()) {
            session.view(name, &query).await?;
        }
        let mut results = Vec::new();
        for stage in &STAGES {
            progress.step(stage.name);
            let started = Instant::now();
            results.push(self.run_stage(stage, &session).await?);
            self.took(stage.name, started);
        }
        Ok(results)
    }

    async fn run_stage(&self, stage: &Stage, session: &Session) -> Result<PathBuf, Failure> {
        stage.run(session, self.scratch).await
    }

    /// The session that runs the queries. Rows that a cluster reads pass by nobody here: the checks read them as well.
    async fn session<P: Fn(u64) + Send + Sync + 'static>(
        &self,
        checks: &Arc<Checks<P>>,
    ) -> Result<Session, Failure> {
        let observed = Session::embedded(&self.resources);
        for file in self.files.iter() {
            observed.register_observed(file, Arc::clone(checks) as _).await?;
        }
        let Engine::Ballista(address) = &self.options.engine else { return Ok(observed) };
        for file in self.files.iter() {
            let sql = format!("SELECT * FROM \"{}\"", file.table.name());
            ordered::each(&observed, &sql, |_| Ok(true)).await?;
        }
        let session = Session::on_cluster(address, self.options.threads.max(2)).await?;
        for file in self.files.iter() {
            session.register(file).await?;
        }
        Ok(session)
    }

    fn write(
        &mut self,
        applicants: &Applicants,
        preparation: &mut Preparation,
        results: &[PathBuf],
        fit: bool,
        progress: &impl Progress,
    ) -> Result<(), Failure> {
        progress.step("writing");
        let started = Instant::now();
        let (names, threads) = (names::all(), self.options.threads);
        assemble::assemble(&self.options.out, applicants, &names, results, threads)?;
        self.took("writing", started);
        if fit {
            progress.step("fitting");
            let started = Instant::now();
            preparation.features = fit::fit(&self.options.out, &names, preparation.fitted_rows, threads)?;
            self.took("fitting", started);
        }
        preparation.write(&self.options.out.with_file_name("preparation.json"))
    }

    fn took(&mut self, name: &'static str, since: Instant) {
        self.steps.push(Step { name, seconds: since.elapsed().as_secs_f64() });
    }
}

/// How many of so many rows are held out.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn held_out(rows: usize, share: f64) -> usize {
    rows - ((rows as f64) * (1.0 - share)).floor() as usize
}
