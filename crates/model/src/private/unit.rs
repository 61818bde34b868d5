//! Values by the root of their mean square: what layer, group and root mean square normalisation do.
//!
//! Step by step no useful bound is left, as intervals do not see that a large value has a large root. Together, with
//! y = g·x/√S and S = Σ x² + ε, |y| ≤ g, and an error δ of x moves y by at most g/√S·|δ|₂, as ∂y/∂x = g/√S·(I - x·xᵀ/S).

use serde::{Deserialize, Serialize};

use super::smooth::Domain;
use super::span::Span;
use crate::approx::normal::Positive;
use crate::graph::Windows;
use privet_ring::fixed::power_of_two;

/// `gain·x_i/√(Σ x_j² + epsilon)`, the sum over one of the windows. Its numbers are the exporter's and public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// What is added up.
    pub windows: Windows,
    /// By value, its window.
    pub of: Vec<usize>,
    /// Factor of all: the root of a window's length, for a mean.
    pub gain: f64,
    /// Added to each sum.
    pub epsilon: f64,
}

impl Unit {
    /// The least and the greatest sum of each window, where values are off by errors.
    fn sums(&self, x: &Span, e: impl Fn(usize) -> f64) -> Vec<(f64, f64)> {
        let least = |i: usize| {
            if x.low[i] <= 0.0 && x.high[i] >= 0.0 { 0.0 } else { x.low[i].abs().min(x.high[i].abs()) }
        };
        let add = |(low, high): (f64, f64), &i: &usize| {
            (low + (least(i) - e(i)).max(0.0).powi(2), high + (x.size(i) + e(i)).powi(2))
        };
        self.windows.0.iter().map(|w| w.iter().fold((self.epsilon, self.epsilon), add)).collect()
    }

    /// Where the inverse root is planned; none where a sum may be 0.
    pub(crate) fn domain(&self, x: &Span) -> Option<Domain> {
        let sums = self.sums(x, |_| 0.0);
        let lo = sums.iter().map(|s| s.0).fold(f64::INFINITY, f64::min);
        let hi = sums.iter().map(|s| s.1).fold(0.0, f64::max);
        Domain::of_positive(lo, hi)
    }

    pub(crate) fn span(&self, x: &Span) -> Span {
        let sums = self.sums(x, |_| 0.0);
        let one = |i: usize| {
            let least = x.low[i].abs().min(x.high[i].abs());
            let own = if x.low[i] <= 0.0 && x.high[i] >= 0.0 { 0.0 } else { least * least };
            let others = (sums[self.of[i]].0 - own).max(0.0);
            let at = |x: f64| if x == 0.0 { 0.0 } else { self.gain * x / (x * x + others).sqrt() };
            (at(x.low[i].min(0.0)), at(x.high[i].max(0.0)))
        };
        (0..x.len()).map(one).collect()
    }

    /// What becomes of errors of the values, and what the plan adds: with the sum off by τ = qS and the root's relative error ρ,
    /// g·(q/2)/(1 - q)^1.5 + g·ρ/√(1 - q), and x times a unit of the root.
    pub(crate) fn errors(&self, x: &Span, e: &[f64], plan: &Positive, sum_unit: f64) -> Vec<f64> {
        let (sums, Some(domain)) = (self.sums(x, |i| e[i]), self.domain(x)) else {
            return vec![f64::INFINITY; e.len()];
        };
        let tau = sum_unit + power_of_two(-i64::from(plan.normal.fraction_bits));
        let moved: Vec<f64> =
            self.windows.0.iter().map(|w| w.iter().map(|&i| e[i] * e[i]).sum::<f64>().sqrt()).collect();
        let one = |i: usize| {
            let (low, high) = sums[self.of[i]];
            let (q, rho) = (tau / low, plan.normal.relative);
            if low - tau < domain.lo || high + tau > domain.hi || q > 0.25 {
                return f64::INFINITY;
            }
            let of_sum = 0.5 * q / (1.0 - q).powf(1.5) + rho / (1.0 - q).sqrt();
            // Float64 errs too where gain and ε were computed.
            self.gain * (moved[self.of[i]] / low.sqrt() + of_sum + 1e-13)
                + (x.size(i) + e[i]) * plan.normal.absolute
        };
        (0..e.len()).map(one).collect()
    }

    /// In float64.
    pub(crate) fn at(&self, x: &[f64]) -> Vec<f64> {
        let sum = |w: &Vec<usize>| w.iter().map(|&i| x[i] * x[i]).sum::<f64>() + self.epsilon;
        let sums: Vec<f64> = self.windows.0.iter().map(sum).collect();
        x.iter().zip(&self.of).map(|(x, &w)| self.gain * x / sums[w].sqrt()).collect()
    }

    /// Whether every place is there, for so many values.
    pub(crate) fn is_sound(&self, n: usize) -> bool {
        self.of.len() == n
            && self.of.iter().all(|&w| w < self.windows.0.len())
            && self.windows.0.iter().all(|w| !w.is_empty() && w.iter().all(|&i| i < n))
            && self.gain.is_finite()
            && (0.0..1e300).contains(&self.epsilon)
    }
}
