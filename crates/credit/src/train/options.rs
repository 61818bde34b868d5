//! What a training is asked to do.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;

use super::schedule::Schedule;

/// Which rows, which columns, and how.
pub(crate) struct Options {
    /// The table of features.
    pub(crate) features: PathBuf,
    /// What was fitted with them.
    pub(crate) preparation: PathBuf,
    /// How the rows become a matrix.
    pub(crate) data: Data,
    /// How the weights are found.
    pub(crate) recipe: Recipe,
    /// Where the state is kept after each epoch.
    pub(crate) checkpoint: Option<PathBuf>,
    /// Whether to go on from there.
    pub(crate) resume: bool,
    /// How many threads read and score; results do not depend on it.
    pub(crate) threads: usize,
}

/// How the rows become a matrix.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Data {
    /// Where filling and clipping happens.
    #[serde(rename = "preparation")]
    pub(crate) placement: Placement,
    /// How columns are brought to one size.
    pub(crate) scaling: Scaling,
    /// Which features.
    pub(crate) columns: Columns,
    /// Features left out by name.
    pub(crate) drop: Vec<String>,
    /// Share of the fitted rows, their last ones, that only tells when to stop.
    pub(crate) validation: f64,
}

/// How the weights are found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Recipe {
    /// Whether there is a bias.
    pub(crate) bias: bool,
    /// λ of the penalty `λ/2·Σw²` on the mean log loss, which spares the bias.
    pub(crate) l2: f64,
    /// Passes over the training part, at least 1.
    pub(crate) epochs: usize,
    /// Rows per step, at least 1.
    pub(crate) batch: usize,
    /// Of Adam, in the first step.
    pub(crate) learning_rate: f64,
    /// How it falls.
    pub(crate) schedule: Schedule,
    /// Stops after so many epochs without a lower validation loss, and takes the best epoch's weights.
    pub(crate) patience: Option<usize>,
    /// What the order of the rows comes from.
    pub(crate) seed: u64,
}

/// Where missing values are filled and outliers clipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Placement {
    /// Before the model, by `privet-credit prepare`: the model takes rows without gaps and outliers.
    #[default]
    Beside,
    /// In the model, which fills missing values itself and clips nothing.
    Inside,
}

/// How columns are brought to one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scaling {
    /// Mean 0, standard deviation 1.
    #[default]
    Standard,
    /// From 0 to 1 over the range that values are clipped to (inside: that they were seen in).
    MinMax,
}

/// Which features a model uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Columns {
    /// Those that come from the application itself.
    Application,
    /// All.
    #[default]
    All,
}
