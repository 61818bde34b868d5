//! The applicants in the order of their files, their credits, and what is fitted on the first of them.

use std::collections::BTreeMap;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray, StringViewArray};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;

use super::ids::Ids;
use super::ordered;
use super::warnings::{self, Warning};
use crate::failure::Failure;
use privet_credit_engine::Session;
use privet_credit_engine::tables::{Files, Table};

/// Who applied, in the order of the output.
#[derive(Default)]
pub(super) struct Applicants {
    /// Everybody: first those of `application_train`, then those of `application_test`.
    pub(super) ids: Vec<i64>,
    /// Their outcomes, as far as `application_train` has them.
    pub(super) targets: Vec<bool>,
    /// Of the same, what is fitted on.
    pub(super) facts: Vec<Facts>,
    /// Everybody, also those who were left out.
    pub(super) known: Ids,
    left_out: u64,
    first_left_out: Option<u64>,
}

/// What is fitted on, of one applicant.
pub(super) struct Facts {
    organization: Option<String>,
    income: Option<f64>,
    sources: [Option<f64>; 3],
}

impl Applicants {
    /// Reads both tables, or the second alone.
    pub(super) async fn read(session: &Session, files: &Files) -> Result<Self, Failure> {
        let mut applicants = Self::default();
        if files.get(Table::ApplicationTrain).is_some() {
            applicants.read_train(session).await?;
        }
        applicants.read_test(session).await?;
        Ok(applicants)
    }

    async fn read_train(&mut self, session: &Session) -> Result<(), Failure> {
        let columns = "\"SK_ID_CURR\", \"TARGET\", \"CODE_GENDER\", \"ORGANIZATION_TYPE\", \"AMT_INCOME_TOTAL\", \
                       \"EXT_SOURCE_1\", \"EXT_SOURCE_2\", \"EXT_SOURCE_3\"";
        let mut row = 0;
        let sql = format!("SELECT {columns} FROM application_train");
        ordered::each(session, &sql, |batch| {
            self.see_train(batch, &mut row)?;
            Ok(true)
        })
        .await?;
        if self.ids.is_empty() {
            let what = "Table `application_train` has no row that can be trained on";
            return Err(Failure::refused("C205", format!("{what}; get the file again.")));
        }
        Ok(())
    }

    fn see_train(&mut self, batch: &RecordBatch, row: &mut u64) -> Result<(), Failure> {
        let ids = batch.column(0).as_primitive::<Int64Type>();
        let targets = batch.column(1).as_primitive::<Int64Type>();
        let gender = Texts::of(batch, 2);
        let organizations = Texts::of(batch, 3);
        let number = |column: usize, at: usize| {
            let values = batch.column(column).as_primitive::<Float64Type>();
            values.is_valid(at).then(|| values.value(at))
        };
        for at in 0..batch.num_rows() {
            *row += 1;
            let id = self.add(Table::ApplicationTrain, ids.is_valid(at).then(|| ids.value(at)), *row)?;
            let target = outcome(targets.is_valid(at).then(|| targets.value(at)), *row)?;
            if gender.get(at) == Some("XNA") {
                self.left_out += 1;
                self.first_left_out.get_or_insert(*row);
                continue;
            }
            self.ids.push(id);
            self.targets.push(target);
            self.facts.push(Facts {
                organization: organizations.get(at).map(str::to_owned),
                income: number(4, at),
                sources: [number(5, at), number(6, at), number(7, at)],
            });
        }
        Ok(())
    }

    async fn read_test(&mut self, session: &Session) -> Result<(), Failure> {
        let mut row = 0;
        ordered::each(session, "SELECT \"SK_ID_CURR\" FROM application_test", |batch| {
            let ids = batch.column(0).as_primitive::<Int64Type>();
            for at in 0..batch.num_rows() {
                row += 1;
                let id = ids.is_valid(at).then(|| ids.value(at));
                let id = self.add(Table::ApplicationTest, id, row)?;
                self.ids.push(id);
            }
            Ok(true)
        })
        .await
    }

    fn add(&mut self, table: Table, id: Option<i64>, row: u64) -> Result<i64, Failure> {
        let id = id.ok_or_else(|| ordered::no_key(table, "SK_ID_CURR", row))?;
        if self.known.insert(id) {
            return Ok(id);
        }
        let what = "the key `SK_ID_CURR` of an earlier row of this table or of `application_train`";
        Err(ordered::wrong(table, row, &format!("has {what}; keep one row for each applicant")))
    }

    /// Applicants left out, as a warning.
    pub(super) fn warning(&self) -> Option<Warning> {
        (self.left_out > 0).then(|| warnings::without_gender(self.left_out, self.first_left_out))
    }

    /// Median income by organisation over the first rows.
    pub(super) fn income_by_organization(&self, fitted_rows: usize) -> BTreeMap<String, f64> {
        let mut incomes: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for facts in self.facts.iter().take(fitted_rows) {
            if let (Some(organization), Some(income)) = (&facts.organization, facts.income) {
                incomes.entry(organization).or_default().push(income);
            }
        }
        let median = |(name, mut values): (&str, Vec<f64>)| {
            values.sort_unstable_by(f64::total_cmp);
            super::fit::quantile(&values, 0.5).map(|median| (name.to_owned(), median))
        };
        incomes.into_iter().filter_map(median).collect()
    }

    /// Mean over the first rows of the sample standard deviation of an applicant's external scores.
    pub(super) fn scores_std_mean(&self, fitted_rows: usize) -> Option<f64> {
        let rows = self.facts.iter().take(fitted_rows);
        let deviations: Vec<_> = rows.filter_map(|facts| deviation(&facts.sources)).collect();
        let count = deviations.len();
        (count > 0).then(|| deviations.iter().sum::<f64>() / count as f64)
    }
}

fn deviation(sources: &[Option<f64>; 3]) -> Option<f64> {
    let present: Vec<f64> = sources.iter().flatten().copied().collect();
    let count = present.len() as f64;
    let mean = present.iter().sum::<f64>() / count;
    let squares: f64 = present.iter().map(|x| (x - mean).powi(2)).sum();
    (present.len() > 1).then(|| (squares / (count - 1.0)).sqrt())
}

fn outcome(target: Option<i64>, row: u64) -> Result<bool, Failure> {
    match target {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        _ => {
            let what = "has a `TARGET` that is neither 0 nor 1; get the file again";
            Err(ordered::wrong(Table::ApplicationTrain, row, what))
        }
    }
}

/// Texts of a column, however they are stored.
pub(super) enum Texts<'a> {
    View(&'a StringViewArray),
    Plain(&'a StringArray),
    /// No text at all.
    Nothing,
}

impl<'a> Texts<'a> {
    /// Those of one column of a batch.
    pub(super) fn of(batch: &'a RecordBatch, column: usize) -> Self {
        Self::of_column(batch.column(column))
    }

    /// Those of a column.
    pub(super) fn of_column(array: &'a ArrayRef) -> Self {
        match (array.as_string_view_opt(), array.as_string_opt::<i32>()) {
            (Some(view), _) => Self::View(view),
            (None, Some(plain)) => Self::Plain(plain),
            (None, None) => Self::Nothing,
        }
    }

    /// The text in a row.
    pub(super) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Plain(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Nothing => None,
        }
    }
}
