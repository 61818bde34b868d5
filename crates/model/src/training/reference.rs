//! A training step in float64: what the one in fixed point comes near to, with the same constants.

use privet_ring::fixed::power_of_two;

use super::numbers::{Numbers, RATE, WEIGHTS};
use super::{Loss, Recipe};

/// Weights, and what Adam keeps of gradients before.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// One for each column.
    pub weights: Vec<f64>,
    /// Adam's sum of gradients.
    pub first: Vec<f64>,
    /// And of their squares.
    pub second: Vec<f64>,
    /// Steps so far.
    pub step: u64,
}

impl State {
    /// Zeros.
    pub fn new(columns: usize) -> Self {
        let zeros = || vec![0.0; columns];
        Self { weights: zeros(), first: zeros(), second: zeros(), step: 0 }
    }

    /// A step on a batch, row by row.
    pub fn step(&mut self, numbers: &Numbers, rows: &[f64], labels: &[f64]) {
        let gradient = self.gradient(numbers, rows, labels);
        self.step += 1;
        let rate = numbers.rate(self.step) as f64 / power_of_two(RATE.into());
        let Some(adam) = &numbers.adam else {
            self.weights.iter_mut().zip(gradient).for_each(|(w, g)| *w -= rate * g);
            return;
        };
        let [decay_first, decay_second] = adam.decays();
        for (i, g) in gradient.into_iter().enumerate() {
            self.first[i] = decay_first * self.first[i] + g;
            self.second[i] = decay_second * self.second[i] + g * g;
            self.weights[i] -= rate * self.first[i] / (self.second[i] + adam.epsilon()).sqrt();
        }
    }

    /// Brings weights to their bound.
    pub fn settle(&mut self, numbers: &Numbers) {
        let most = numbers.most_weight_units() as f64 / power_of_two(WEIGHTS.into());
        self.weights.iter_mut().for_each(|w| *w = w.clamp(-most, most));
    }

    /// As it is held: scaled by [`Numbers::gradient_scale`].
    fn gradient(&self, numbers: &Numbers, rows: &[f64], labels: &[f64]) -> Vec<f64> {
        let Recipe { columns, batch, .. } = numbers.recipe;
        let mut sum = vec![0.0; columns];
        for (row, label) in rows.chunks_exact(columns).zip(labels) {
            let residual = residual(numbers, dot(row, &self.weights), *label);
            sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += residual * x);
        }
        let scale = numbers.gradient_scale();
        let of_weight = |(i, w): (usize, &f64)| numbers.penalty_of(i) * w;
        let penalties = self.weights.iter().enumerate().map(of_weight);
        sum.iter().zip(penalties).map(|(sum, penalty)| scale * (sum / batch as f64 + penalty)).collect()
    }
}

/// What the loss's derivative is at a score.
pub fn residual(numbers: &Numbers, score: f64, label: f64) -> f64 {
    let most = numbers.residual();
    match numbers.recipe.loss {
        Loss::Logistic => 1.0 / (1.0 + (-score).exp()) - label,
        Loss::Squares { .. } => (score - label).clamp(-most, most),
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}
