//! From the first epoch to the last.

use std::path::Path;
use std::time::Instant;

use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom as _;
use serde_json::{Map, Value};

use super::adam::Adam;
use super::auc::auc;
use super::checkpoint::{self, Best, State};
use super::epoch;
use super::matrix::Matrix;
use super::options::Recipe;
use super::outcome::Epoch;
use super::progress::Progress;
use super::score::{log_loss, logits};
use super::split::Split;
use crate::failure::Failure;

/// A training.
pub(crate) struct Fit<'a> {
    /// All rows with a known outcome.
    pub(crate) matrix: &'a Matrix,
    /// Which of them are for what.
    pub(crate) split: &'a Split,
    /// How.
    pub(crate) recipe: &'a Recipe,
    /// How many threads score.
    pub(crate) threads: usize,
}

/// Where the state is kept.
pub(crate) struct Keep<'a> {
    /// The file.
    pub(crate) path: &'a Path,
    /// Whether to go on from it.
    pub(crate) resume: bool,
    /// What makes this training different from others.
    pub(crate) settings: Map<String, Value>,
}

/// Weights, the bias last, and how they came about.
pub(crate) struct Fitted {
    /// As float64.
    pub(crate) weights: Vec<f64>,
    /// One entry for each epoch.
    pub(crate) history: Vec<Epoch>,
}

impl Fit<'_> {
    /// Runs all epochs that are left.
    pub(crate) fn run(
        &self,
        keep: Option<&Keep<'_>>,
        progress: &dyn Fn(&Progress<'_>),
    ) -> Result<Fitted, Failure> {
        let mut state = self.state(keep)?;
        progress(&Progress::Training { features: self.matrix.columns(), rows: self.split.training });
        while !self.done(&state) {
            self.epoch(&mut state);
            if let Some(keep) = keep {
                checkpoint::write(keep.path, &keep.settings, &state)?;
            }
            if let Some(epoch) = state.history.last() {
                progress(&Progress::Epoch { epoch, of: self.recipe.epochs });
            }
        }
        let weights = state.best.map_or(state.adam.weights, |best| best.weights);
        Ok(Fitted { weights, history: state.history })
    }

    fn state(&self, keep: Option<&Keep<'_>>) -> Result<State, Failure> {
        let kept = match keep {
            Some(keep) if keep.resume => checkpoint::read(keep.path, &keep.settings)?,
            _ => None,
        };
        let start = || State { adam: Adam::new(self.start()), best: None, history: Vec::new() };
        Ok(kept.unwrap_or_else(start))
    }

    /// Weights of 0, and the bias that is best for them: the log-odds of the training part.
    fn start(&self) -> Vec<f64> {
        let mut weights = vec![0.0; self.matrix.columns() + 1];
        if let (true, Some(bias)) = (self.recipe.bias, weights.last_mut()) {
            let targets = &self.split.targets[..self.split.training];
            let positives = targets.iter().filter(|&&target| target).count() as f64;
            *bias = (positives / (targets.len() as f64 - positives)).ln();
        }
        weights
    }

    fn done(&self, state: &State) -> bool {
        let gone = state.history.len();
        let waited = state.best.as_ref().map_or(0, |best| gone - best.epoch);
        gone >= self.recipe.epochs || self.recipe.patience.is_some_and(|patience| waited >= patience.max(1))
    }

    fn epoch(&self, state: &mut State) {
        let start = Instant::now();
        let number = state.history.len() + 1;
        let order = self.order(number);
        let Recipe { batch, l2, bias, .. } = *self.recipe;
        let (matrix, targets) = (self.matrix, self.split.targets.as_slice());
        let epoch = epoch::Epoch { matrix, targets, order: &order, batch, l2, bias };
        let train_loss = epoch.run(&mut state.adam, |step| self.rate(step));
        let (validation_loss, validation_auc) = self.validate(&state.adam.weights);
        if self.recipe.patience.is_some()
            && state.best.as_ref().is_none_or(|best| validation_loss < best.loss)
        {
            let weights = state.adam.weights.clone();
            state.best = Some(Best { epoch: number, loss: validation_loss, weights });
        }
        state.history.push(Epoch {
            epoch: number,
            train_loss,
            validation_loss,
            validation_auc,
            learning_rate: self.rate(state.adam.steps().saturating_sub(1)),
            seconds: start.elapsed().as_secs_f64(),
        });
    }

    /// The order of the rows in an epoch depends on the seed and the epoch alone, so that nothing of it need be kept.
    #[allow(clippy::cast_possible_truncation)] // a matrix has fewer than 2^32 rows
    fn order(&self, epoch: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.split.training as u32).collect();
        let seed = self.recipe.seed.wrapping_add((epoch as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        order
    }

    fn rate(&self, step: u64) -> f64 {
        let Recipe { batch, epochs, learning_rate, schedule, .. } = *self.recipe;
        let steps = self.split.training.div_ceil(batch.max(1)) * epochs;
        learning_rate * schedule.share(step, steps as u64)
    }

    /// Log loss and AUC of the validation part.
    fn validate(&self, weights: &[f64]) -> (f64, Option<f64>) {
        let rows = self.split.validation();
        let targets = &self.split.targets[rows.clone()];
        let logits = logits(self.matrix, rows, weights, self.threads);
        (log_loss(&logits, targets), auc(targets, &logits))
    }
}
