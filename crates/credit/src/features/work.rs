//! The steps of a run, in order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray as _};
use arrow::datatypes::Int64Type;
use privet_credit_engine::tables::{Files, Table};
use privet_credit_engine::{Engine, Resources, Session};

use super::applicants::Applicants;
use super::checks::{Checks, Known};
use super::ids::Ids;
use super::preparation::Preparation;
use super::{Options, Progress, STAGES, Step, Warning, assemble, fit, names, ordered, small, stages};
use crate::failure::Failure;

/// One run: its settings, and what it has done so far.
pub(super) struct Work<'a> {
    pub(super) options: &'a Options,
    pub(super) files: &'a Files,
    pub(super) resources: Resources,
    pub(super) scratch: &'a Path,
    pub(super) steps: Vec<Step>,
}

/// What the output and the summary are made of: applicants, preparation, rows by table, warnings.
pub(super) type Done = (Applicants, Preparation, BTreeMap<&'static str, u64>, Vec<Warning>);

impl Work<'_> {
    /// Everything, from the keys to the files.
    pub(super) async fn all(
        &mut self,
        fitted: Option<Preparation>,
        progress: &impl Progress,
    ) -> Result<Done, Failure> {
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
            results.push(stage.run(&session, self.scratch).await?);
            self.took(stage.name, started);
        }
        Ok(results)
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
