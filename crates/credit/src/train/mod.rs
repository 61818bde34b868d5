//! Logistic regression by mini-batch Adam: from a table of features to a model and its scores.
//!
//! [`run`] reads `features.parquet` and `preparation.json`, holds all rows with a known outcome as one float32 matrix (650 MB
//! for Home Credit's 307,507 × 528), and gives an [`Outcome`]. The same seed gives the same weights to the last bit, with any
//! number of threads, and also if it was interrupted and resumed.

mod adam;
pub(crate) mod auc;
mod checkpoint;
mod design;
mod epoch;
mod fit;
mod kernels;
mod load;
mod matrix;
mod model_file;
mod options;
pub(crate) mod outcome;
mod progress;
mod related;
mod rows;
mod rule;
mod schedule;
mod score;
mod split;
mod spread;
mod table;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub(crate) use model_file::ModelFile;
pub(crate) use options::{Columns, Data, Options, Placement, Recipe, Scaling};
pub(crate) use outcome::Outcome;
pub(crate) use progress::Progress;
pub(crate) use related::related;
pub(crate) use rows::{Which, write_rows};
pub(crate) use rule::to_f32;
pub(crate) use schedule::Schedule;
pub(crate) use table::Table;

use self::fit::{Fit, Keep};
use self::matrix::Matrix;
use self::outcome::Prepared;
use self::split::Split;
use crate::failure::Failure;

/// What a training gives.
pub(crate) struct Trained {
    /// The model that was asked for.
    pub(crate) outcome: Outcome,
    /// The same with the dropped features, where there are any, to tell what dropping them costs.
    pub(crate) undropped: Option<Outcome>,
    /// What lies beside the model.
    pub(crate) file: ModelFile,
}

/// Trains. Where features are dropped, trains with them first.
pub(crate) fn run(options: &Options, progress: &dyn Fn(&Progress<'_>)) -> Result<Trained, Failure> {
    let work = Work::prepare(options)?;
    let Work { table, split, prepared, kept, .. } = &work;
    let rules = design::rules(prepared, options.data.placement);
    let mut matrix = load::load(table, &rules, &split.places, options.threads, progress)?;
    let dropped = kept.len() < prepared.len();
    let undropped = if dropped { Some(work.train(&matrix, prepared, &[], progress)?) } else { None };
    let prepared: Vec<Prepared> = kept.iter().map(|&i| prepared[i].clone()).collect();
    if dropped {
        matrix.keep(kept);
    }
    let outcome = work.train(&matrix, &prepared, &options.data.drop, progress)?;
    let file = work.file.with(prepared, options.data.placement);
    Ok(Trained { outcome, undropped, file })
}

/// What is known before the matrix is read.
struct Work<'a> {
    options: &'a Options,
    file: ModelFile,
    table: Table,
    split: Split,
    /// Of all features that were chosen.
    prepared: Vec<Prepared>,
    /// Places of those that are not dropped.
    kept: Vec<usize>,
}

impl<'a> Work<'a> {
    fn prepare(options: &'a Options) -> Result<Self, Failure> {
        let file = ModelFile::read(&options.preparation)?;
        let table = Table::open(&options.features)?;
        let data = &options.data;
        let split = Split::new(&table, file.preparation.fitted_rows, data.validation)?;
        if options.recipe.patience.is_some() && split.validation().is_empty() {
            let what = "`--patience` waits for the validation loss, but there is no validation part";
            return Err(Failure::usage(
                "C409",
                format!("{what}. Give a larger `--validation`, or leave it out."),
            ));
        }
        let features = design::chosen(&table, data.columns);
        let kept = design::kept(&features, &data.drop)?;
        let fitted = &file.preparation.features;
        let prepared = design::prepared(&table, fitted, &features, data, &split, options.threads)?;
        Ok(Self { options, file, table, split, prepared, kept })
    }

    fn train(
        &self,
        matrix: &Matrix,
        prepared: &[Prepared],
        drop: &[String],
        progress: &dyn Fn(&Progress<'_>),
    ) -> Result<Outcome, Failure> {
        let Options { recipe, threads, .. } = self.options;
        let path = self.options.checkpoint.as_ref().map(|path| {
            // The training that only tells what dropping costs has a checkpoint of its own.
            let aside = drop.is_empty() && !self.options.data.drop.is_empty();
            if aside { path.with_added_extension("undropped") } else { path.clone() }
        });
        let keep = path.as_deref().map(|path| Keep {
            path,
            resume: self.options.resume,
            settings: self.settings(matrix, prepared, drop),
        });
        let fit = Fit { matrix, split: &self.split, recipe, threads: *threads };
        let fitted = fit.run(keep.as_ref(), progress)?;
        let weights: Vec<f64> = fitted.weights.iter().copied().map(rule::rounded).collect();
        let logits = score::logits(matrix, 0..matrix.rows(), &weights, *threads);
        let probabilities: Vec<f64> = logits.iter().copied().map(score::sigmoid).collect();
        let (bias, weights) = weights.split_last().map_or((0.0, &[][..]), |(bias, weights)| (*bias, weights));
        Ok(Outcome {
            features: prepared.iter().map(|p| p.name.clone()).collect(),
            weights: weights.to_vec(),
            bias,
            preparation: prepared.to_vec(),
            history: fitted.history,
            parts: self.split.parts(&probabilities),
        })
    }

    /// What makes this training different from others, by name.
    fn settings(&self, matrix: &Matrix, prepared: &[Prepared], drop: &[String]) -> Map<String, Value> {
        let mut settings = Map::new();
        let data = Data { drop: drop.to_vec(), ..self.options.data.clone() };
        for part in [serde_json::to_value(&data), serde_json::to_value(&self.options.recipe)] {
            if let Ok(Value::Object(part)) = part {
                settings.extend(part.into_iter().map(|(name, value)| (format!("`--{name}`"), value)));
            }
        }
        let outcomes =
            self.split.targets.iter().fold(0_u64, |sum, &target| sum.rotate_left(1) ^ u64::from(target));
        let data = matrix.checksum() ^ outcomes.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        settings.insert("the number of features".into(), prepared.len().into());
        settings.insert("the number of training rows".into(), self.split.training.into());
        settings.insert("the checksum of the data".into(), format!("{data:016x}").into());
        settings
    }
}
