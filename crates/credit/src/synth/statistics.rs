//! The published statistics that the generator follows, embedded as `statistics.json` (aggregates only).
//!
//! `tools/distill_statistics.py` makes the file and says how each number came about.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::marginal::{Curve, Levels, RowCounts};
use crate::failure::Failure;

/// All statistics.
#[derive(Deserialize)]
pub(super) struct Statistics {
    /// Published share of training applicants with TARGET 1.
    pub(super) base_rate: f64,
    /// By table name.
    tables: BTreeMap<String, TableStatistics>,
    /// Rank correlations of application columns.
    pub(super) spearman: Spearman,
    /// Frequencies of which of `EXT_SOURCE_1`, 2, 3 are present, as in `"011"` (1 = missing).
    pub(super) scores_present: BTreeMap<String, f64>,
    /// The reference logit's terms.
    pub(super) logit: Vec<Term>,
    /// Share of bureau credits with months in `bureau_balance`, by `train` and `test`.
    pub(super) months_share: BTreeMap<String, f64>,
    /// Share of instalments paid late.
    pub(super) late: f64,
    /// Days between due date and payment of an instalment; positive is late.
    pub(super) days_late: Vec<(f64, f64)>,
}

/// Rank correlations: lower triangle with the diagonal.
#[derive(Deserialize)]
pub(super) struct Spearman {
    /// Column names, in the matrix's order.
    pub(super) columns: Vec<String>,
    /// Row i holds columns 0..=i.
    pub(super) matrix: Vec<Vec<f64>>,
}

/// One term of the reference logit: weight x (value - mean) / std.
#[derive(Deserialize)]
pub(super) struct Term {
    /// A column, `missing:COLUMN`, `log:COLUMN` or `COLUMN=LEVEL`.
    pub(super) feature: String,
    /// Mean of the value in the sample.
    pub(super) mean: f64,
    /// Standard deviation of the value in the sample.
    pub(super) std: f64,
    /// Weight of the standardised value.
    pub(super) weight: f64,
    /// What stands for a missing value.
    pub(super) fill: Option<f64>,
}

/// One table.
#[derive(Deserialize)]
pub(super) struct TableStatistics {
    /// Rows of the complete published table.
    pub(super) rows: u64,
    /// Columns in Kaggle's order.
    pub(super) columns: Vec<ColumnStatistics>,
    /// Rows per applicant, by `train` and `test`.
    #[serde(default)]
    rows_per_applicant_by_split: BTreeMap<String, Counts>,
    /// Rows per loan.
    #[serde(default, rename = "rows_per_SK_ID_PREV")]
    rows_per_loan: BTreeMap<String, Counts>,
}

/// Share of keys without rows, and bins (fewest, most, frequency).
type Counts = (f64, Vec<(i64, i64, f64)>);

/// One column.
#[derive(Deserialize)]
pub(super) struct ColumnStatistics {
    /// Kaggle's name.
    pub(super) name: String,
    /// How the column is stored.
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// Share of missing values.
    #[serde(default)]
    pub(super) missing: f64,
    /// Share of the value 365243, "no date".
    #[serde(default)]
    pub(super) sentinel: f64,
    /// Inverse distribution function of the present values.
    #[serde(default)]
    pub(super) points: Vec<(f64, f64)>,
    /// Levels and their frequencies among the present values.
    #[serde(default)]
    pub(super) levels: Vec<(String, f64)>,
}

/// How a column is stored.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Int64, never missing.
    Integer,
    /// Float64, may be missing; also whole numbers with missing values.
    Real,
    /// Text from a fixed list, may be missing.
    Level,
}

impl Statistics {
    /// Reads the embedded file.
    pub(super) fn embedded() -> Result<Self, Failure> {
        serde_json::from_str(include_str!("statistics.json"))
            .map_err(|error| Failure::ours(format!("The embedded statistics do not parse: {error}.")))
    }

    /// The statistics of a table by its file name without extension.
    pub(super) fn table(&self, name: &str) -> Result<&TableStatistics, Failure> {
        self.tables.get(name).ok_or_else(|| absent("table", name))
    }
}

impl TableStatistics {
    /// The column of that name.
    pub(super) fn column(&self, name: &str) -> Result<&ColumnStatistics, Failure> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| absent("column", name))
    }

    /// Its place in Kaggle's order.
    pub(super) fn position(&self, name: &str) -> Result<usize, Failure> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| absent("column", name))
    }

    /// Inverse distribution function of a column of numbers.
    pub(super) fn curve(&self, name: &str) -> Result<Curve, Failure> {
        let column = self.column(name)?;
        if column.points.is_empty() {
            Err(absent("quantiles of", name))
        } else {
            Ok(Curve::new(&column.points))
        }
    }

    /// Frequencies of all levels of a column.
    pub(super) fn levels(&self, name: &str) -> Result<Levels, Failure> {
        self.levels_where(name, |_| true)
    }

    /// Frequencies of those levels that `keep` accepts, rescaled to 1.
    pub(super) fn levels_where(&self, name: &str, keep: impl Fn(&str) -> bool) -> Result<Levels, Failure> {
        let levels = &self.column(name)?.levels;
        let coded = (0_u8..).zip(levels).filter(|(_, level)| keep(&level.0));
        let kept: Vec<(u8, f64)> = coded.map(|(code, level)| (code, level.1)).collect();
        if kept.is_empty() { Err(absent("levels of", name)) } else { Ok(Levels::new(&kept)) }
    }

    /// Levels with frequencies other than the column's own, as conditional draws need.
    pub(super) fn mixture(&self, name: &str, frequencies: &[(&str, f64)]) -> Result<Levels, Failure> {
        let coded: Result<Vec<(u8, f64)>, Failure> =
            frequencies.iter().map(|&(level, frequency)| Ok((self.code(name, level)?, frequency))).collect();
        Ok(Levels::new(&coded?))
    }

    /// Code of one level.
    pub(super) fn code(&self, name: &str, level: &str) -> Result<u8, Failure> {
        let levels = &self.column(name)?.levels;
        let found = (0_u8..).zip(levels).find(|(_, known)| known.0 == level);
        found.map(|(code, _)| code).ok_or_else(|| absent("level", level))
    }

    /// Rows per applicant of a split, `train` or `test`.
    pub(super) fn per_applicant(&self, split: &str) -> Result<RowCounts, Failure> {
        let counts = self.rows_per_applicant_by_split.get(split);
        counts
            .map(|(none, bins)| RowCounts::new(*none, true, bins))
            .ok_or_else(|| absent("row counts of", split))
    }

    /// Rows per loan.
    pub(super) fn per_loan(&self) -> Result<RowCounts, Failure> {
        let counts = self.rows_per_loan.get("all");
        counts
            .map(|(none, bins)| RowCounts::new(*none, false, bins))
            .ok_or_else(|| absent("row counts of", "a loan"))
    }
}

fn absent(what: &str, name: &str) -> Failure {
    Failure::ours(format!("The embedded statistics lack the {what} \"{name}\"."))
}
