//! Adam as Keras computes it: the correction of the moments' start is folded into the rate, and epsilon is added to the
//! uncorrected root. Weights and moments are float64.
//!
//! | | |
//! |---|---|
//! | first moment | `m ← m + (g − m)·(1 − β₁)` |
//! | second moment | `v ← v + (g² − v)·(1 − β₂)` |
//! | rate | `α = rate·√(1 − β₂ᵗ) / (1 − β₁ᵗ)` |
//! | weights | `w ← w − α·m / (√v + ε)` |

use serde::{Deserialize, Serialize};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-7;

/// Weights, the bias last, and what Adam remembers of their gradients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Adam {
    /// One for each feature, and the bias.
    pub(crate) weights: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    steps: u64,
}

impl Adam {
    /// Starts at these weights.
    pub(crate) fn new(weights: Vec<f64>) -> Self {
        let zeros = vec![0.0; weights.len()];
        Self { first: zeros.clone(), second: zeros, weights, steps: 0 }
    }

    /// Goes one step against the gradient.
    pub(crate) fn step(&mut self, gradient: &[f64], rate: f64) {
        self.steps += 1;
        let gone = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let rate = rate * (1.0 - BETA_2.powi(gone)).sqrt() / (1.0 - BETA_1.powi(gone));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((weight, (first, second)), &g) in self.weights.iter_mut().zip(moments).zip(gradient) {
            *first += (g - *first) * (1.0 - BETA_1);
            *second += (g * g - *second) * (1.0 - BETA_2);
            *weight -= rate * *first / (second.sqrt() + EPSILON);
        }
    }

    /// How many steps were gone.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }
}
