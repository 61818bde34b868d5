//! Which rows are fitted on, which tell when to stop, and which are held out.

use std::ops::Range;

use super::outcome::{HELD_OUT, Part, TRAINING, VALIDATION};
use super::table::Table;
use crate::failure::Failure;

/// The rows with a known outcome, in the file's order, and where their parts begin.
pub(crate) struct Split {
    /// By row of the file, its place among the rows with a known outcome.
    pub(crate) places: Vec<Option<usize>>,
    /// Who they are.
    pub(crate) ids: Vec<i64>,
    /// How it went.
    pub(crate) targets: Vec<bool>,
    /// The rows that weights are fitted on: the first ones.
    pub(crate) training: usize,
    /// These and the validation part.
    pub(crate) fitted: usize,
}

impl Split {
    /// The first `fitted` of the rows with a known outcome, less their last share, are the training part.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a number of rows
    pub(crate) fn new(table: &Table, fitted: usize, validation: f64) -> Result<Self, Failure> {
        let (mut places, mut ids, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for (&id, target) in table.ids.iter().zip(&table.targets) {
            places.push(target.map(|_| ids.len()));
            ids.extend(target.map(|_| id));
            targets.extend(target);
        }
        if fitted > ids.len() {
            let (path, rows) = (table.path().display(), ids.len());
            let what = format!(
                "The preparation was fitted on {fitted} rows with a known outcome, but `{path}` has {rows}"
            );
            return Err(Failure::refused(
                "C403",
                format!("{what}. Give the preparation that was written with it."),
            ));
        }
        let training = (fitted as f64 * (1.0 - validation)).floor() as usize;
        let split = Self { places, ids, targets, training, fitted };
        split.has_both_outcomes()?;
        Ok(split)
    }

    fn has_both_outcomes(&self) -> Result<(), Failure> {
        let fitted = &self.targets[..self.training];
        if fitted.contains(&true) && fitted.contains(&false) {
            return Ok(());
        }
        let what = format!("The training part has {} rows, which do not have both outcomes", fitted.len());
        Err(Failure::refused("C404", format!("{what}. Give more rows, or a smaller `--validation`.")))
    }

    /// The validation part.
    pub(crate) fn validation(&self) -> Range<usize> {
        self.training..self.fitted
    }

    /// The parts with these probabilities of all rows, those that have rows.
    pub(crate) fn parts(&self, probabilities: &[f64]) -> Vec<Part> {
        let rows = self.ids.len();
        let parts =
            [(TRAINING, 0..self.training), (VALIDATION, self.validation()), (HELD_OUT, self.fitted..rows)];
        let part = |(name, rows): (&'static str, Range<usize>)| Part {
            name,
            ids: self.ids[rows.clone()].to_vec(),
            targets: self.targets[rows.clone()].to_vec(),
            probabilities: probabilities[rows].to_vec(),
        };
        parts.into_iter().filter(|(_, rows)| !rows.is_empty()).map(part).collect()
    }
}
