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

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact values are meant

    use super::*;

    /// Kingma and Ba's algorithm 1 with the order of operations that they give at the end of their section 2, which is
    /// what Keras computes, written down naively.
    fn reference(start: f64, gradients: &[f64], rate: f64) -> f64 {
        let (mut w, mut m, mut v) = (start, 0.0, 0.0);
        for (t, g) in (1..).zip(gradients) {
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g.powi(2);
            let alpha =
                rate * (1.0 - 0.999_f64.powf(f64::from(t))).sqrt() / (1.0 - 0.9_f64.powf(f64::from(t)));
            w -= alpha * m / (v.sqrt() + 1e-7);
        }
        w
    }

    #[test]
    fn follows_the_reference() {
        let gradients: Vec<f64> = (0..500).map(|t| f64::from(t).sin() * 0.3 + 0.01).collect();
        for scale in [1.0, 1e-6, 0.0] {
            let gradients: Vec<f64> = gradients.iter().map(|g| g * scale).collect();
            let mut adam = Adam::new(vec![0.5, -0.25]);
            for g in &gradients {
                adam.step(&[*g, 2.0 * g], 0.01);
            }
            let doubled: Vec<f64> = gradients.iter().map(|g| 2.0 * g).collect();
            assert!((adam.weights[0] - reference(0.5, &gradients, 0.01)).abs() < 1e-12);
            assert!((adam.weights[1] - reference(-0.25, &doubled, 0.01)).abs() < 1e-12);
            assert_eq!(adam.steps(), 500);
        }
    }

    #[test]
    fn the_first_step_is_as_long_as_the_rate() {
        let mut adam = Adam::new(vec![0.0]);
        adam.step(&[123.0], 0.001);
        assert!((adam.weights[0] + 0.001).abs() < 1e-9);
    }
}
