//! What a person may type for `privet-credit train`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::train::{Columns, Data, Options, Placement, Recipe, Scaling, Schedule};

/// Trains a logistic regression on a table of features, and writes it as ONNX with its preparation and a report.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Train {
    /// The table of features, as `privet-credit features` writes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) features: PathBuf,
    /// The model to write; its `.preparation.json`, `.report.json` and `.report.html` are written beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// What was fitted with the features. [default: `preparation.json` beside them]
    #[arg(long, value_name = "FILE")]
    pub(crate) preparation_file: Option<PathBuf>,
    /// Whether missing values are filled and outliers clipped beside the model (`privet-credit prepare`) or filled, and
    /// nothing clipped, inside.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) preparation: Placement,
    /// To mean 0 and standard deviation 1, or to the range from 0 to 1.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) scaling: Scaling,
    /// All features, or those that come from the application itself.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) columns: Columns,
    /// Leaves these features out, and measures what that costs; features that come from the same column stay, and are named.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) drop: Vec<String>,
    #[command(flatten)]
    pub(crate) fitting: Fitting,
    /// Keeps the state in this file after each epoch.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Goes on from the checkpoint, if there is one, to the same model to the last bit.
    #[arg(long, requires = "checkpoint")]
    pub(crate) resume: bool,
    /// Writes the probability of every row to this Parquet file.
    #[arg(long, value_name = "FILE")]
    pub(crate) scores: Option<PathBuf>,
    /// For the report: where the rows came from, and what follows from that. [default: the name of the file]
    #[arg(long, value_name = "TEXT")]
    pub(crate) source: Option<String>,
    /// How many threads read and score. [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Prints one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the weights are found.
#[derive(Args)]
pub(crate) struct Fitting {
    /// Without a bias.
    #[arg(long)]
    pub(crate) no_bias: bool,
    /// Adds LAMBDA/2 times the sum of squared weights to the mean log loss (scikit-learn's C is 1/(LAMBDA · rows)).
    #[arg(long, value_name = "LAMBDA", default_value_t = 0.0, value_parser = not_negative)]
    pub(crate) l2: f64,
    /// Passes over the training part.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    pub(crate) epochs: usize,
    /// Rows per step.
    #[arg(long, value_name = "ROWS", default_value_t = 256, value_parser = at_least_one)]
    pub(crate) batch: usize,
    /// Of Adam, in the first step.
    #[arg(long, value_name = "RATE", default_value_t = 0.001, value_parser = positive)]
    pub(crate) learning_rate: f64,
    /// How the learning rate falls.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) schedule: Schedule,
    /// Stops after N epochs without a lower validation loss, and takes the weights of the best epoch.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) patience: Option<usize>,
    /// Share of the fitted rows, their last ones, that only tells when to stop.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    pub(crate) validation: f64,
    /// What the order of the rows comes from; the same seed gives the same model.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

const EXAMPLES: &str = "Examples:
  privet-credit train --features features.parquet --out model.onnx
  privet-credit train --features features.parquet --out model.onnx --l2 1e-4 --patience 3
  privet-credit train --features features.parquet --out fair.onnx --drop CODE_GENDER,DAYS_BIRTH
  privet-credit train --features features.parquet --out 2019.onnx --no-bias --scaling min-max --schedule constant
  privet-credit train --features features.parquet --out model.onnx --checkpoint state --resume";

impl Train {
    /// What they ask for.
    pub(crate) fn options(&self) -> Options {
        let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let fitting = &self.fitting;
        let beside = || self.features.with_file_name("preparation.json");
        Options {
            features: self.features.clone(),
            preparation: self.preparation_file.clone().unwrap_or_else(beside),
            data: Data {
                placement: self.preparation,
                scaling: self.scaling,
                columns: self.columns,
                drop: self.drop.clone(),
                validation: fitting.validation,
            },
            recipe: Recipe {
                bias: !fitting.no_bias,
                l2: fitting.l2,
                epochs: fitting.epochs,
                batch: fitting.batch,
                learning_rate: fitting.learning_rate,
                schedule: fitting.schedule,
                patience: fitting.patience,
                seed: fitting.seed,
            },
            checkpoint: self.checkpoint.clone(),
            resume: self.resume,
            threads: self.threads.unwrap_or_else(all).max(1),
        }
    }

    /// The options, by name.
    pub(super) fn named(&self) -> BTreeMap<String, String> {
        let Options { data, recipe, .. } = self.options();
        let objects = [serde_json::to_value(&data), serde_json::to_value(&recipe)];
        let fields = objects.into_iter().flatten().filter_map(|value| value.as_object().cloned()).flatten();
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        fields.map(|(name, value)| (name, text(value))).collect()
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "expected a whole number from 1".to_owned())
}

fn number(text: &str, what: &str, fits: fn(f64) -> bool) -> Result<f64, String> {
    let number = text.parse().ok().filter(|x: &f64| x.is_finite() && fits(*x));
    number.ok_or_else(|| format!("expected a number {what}"))
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text, "from 0", |x| x >= 0.0)
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, "above 0", |x| x > 0.0)
}

fn share(text: &str) -> Result<f64, String> {
    number(text, "from 0 to below 1", |x| (0.0..1.0).contains(&x))
}
