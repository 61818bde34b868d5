//! What was fitted on training rows and is applied to every row after: `preparation.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Raised when the meaning of a field changes.
const FORMAT: u32 = 1;

/// Levels of a category that training rows have, by table and column.
pub(crate) type Levels = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preparation {
    /// Version of the format.
    pub(crate) format: u32,
    /// How many of the first rows of `application_train` (those left after `CODE_GENDER = XNA` was removed) were fitted on.
    pub(crate) fitted_rows: usize,
    /// Known levels.
    pub(crate) levels: Levels,
    /// Median `AMT_INCOME_TOTAL` by `ORGANIZATION_TYPE`.
    pub(crate) income_by_organization: BTreeMap<String, f64>,
    /// Mean of `NEW_SCORES_STD` where two or three scores are there; what the others get. Missing where nobody has two.
    pub(crate) scores_std_mean: Option<f64>,
    /// How each feature becomes an input of the model, in order.
    pub(crate) features: Vec<Prepared>,
}

/// How a feature becomes an input of the model: what is infinite is missing; what is missing is filled; what lies outside
/// `[low, high]` is clipped; then (x − mean) / scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prepared {
    /// The feature.
    pub(crate) name: String,
    /// Median of the finite values.
    pub(crate) fill: f64,
    /// Their 0.5 % quantile.
    pub(crate) low: f64,
    /// Their 99.5 % quantile.
    pub(crate) high: f64,
    /// Mean of the filled and clipped values.
    pub(crate) mean: f64,
    /// Standard deviation of the filled and clipped values; 1 where they are all the same.
    pub(crate) scale: f64,
}

impl Preparation {
    /// One without features yet.
    pub(crate) fn new(fitted_rows: usize) -> Self {
        Self {
            format: FORMAT,
            fitted_rows,
            levels: Levels::new(),
            income_by_organization: BTreeMap::new(),
            scores_std_mean: None,
            features: Vec::new(),
        }
    }

    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|e| Failure::reading(path, e))?;
        let read: Self = serde_json::from_str(&text).map_err(|e| {
            let what = format!("`{}` is no preparation: {e}.", path.display());
            Failure::refused("C210", format!("{what} `privet-credit features` writes one."))
        })?;
        if read.format != FORMAT {
            let (got, path) = (read.format, path.display());
            let what = format!("`{path}` has format {got}, this program reads {FORMAT}");
            return Err(Failure::refused("C211", format!("{what}; use the program that wrote it.")));
        }
        Ok(read)
    }

    /// Writes the file, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|e| Failure::writing(path, e))?;
        crate::output::write_whole(path, text.as_bytes())
    }
}
