//! Noise on the sum of a batch's gradients, so that the weights tell next to nothing of any row: differential privacy by gradient descent with
//! noise (Abadi et al., CCS 2016), accounted for as zero-concentrated (Bun, Steinke, TCC 2016).
//!
//! Here no gradient has to be clipped: a row's is its residual times the row. Residuals have a bound, and owners bring rows to theirs before
//! they share them. So a row moves the sum by no more than [`Numbers::sensitivity`].
//!
//! **What this gives.** Whoever sees the weights after any of the steps, and is curious at one party too, whose own noise it knows, still faces
//! noise of the full deviation, as that of any two parties together has it.
//!
//! **What it does not give.** It says nothing of other results that are opened: losses and counts on rows that were kept from training. It holds
//! for the rows as they are, not for people that have several. A party that cheats could leave its noise out, and one that works with another
//! knows of two noises. Draws are normal ones in float64, rounded to whole units of the sum, and cut at [`FARTHEST`] deviations, not
//! draws of the discrete normal distribution. One party's rounded draw on a sum of whole units is the rounded draw on the sum, which is as
//! private as the draw; two rounded draws are not quite the rounded draw of both: that they differ by a unit at most, of 2^-28 or less, is left out
//! of account, as is what 53 bits of a draw leave out.

use serde::{Deserialize, Serialize};

use super::Recipe;
use super::numbers::Numbers;

/// Noise is never more deviations from zero. Two normal draws of 53 bits reach 8.6.
pub const FARTHEST: f64 = 16.0;

/// How much noise, for rows of what length.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// The noise's deviation, in those amounts by which one row can move the sum of a batch's gradients.
    pub multiplier: f64,
    /// No row is longer, as a Euclidean norm over all columns, with that of ones if there is one: owners see to that.
    pub norm: f64,
}

impl Numbers {
    /// By how much one row, there or not, moves the sum of a batch's gradients at most, as a Euclidean norm. 0 where there is no noise.
    pub fn sensitivity(&self) -> f64 {
        self.recipe.privacy.map_or(0.0, |privacy| privacy.norm * self.residual())
    }

    /// The deviation of what one party adds to each element of that sum: of two of them together that of the full noise.
    pub fn deviation(&self) -> f64 {
        deviation(&self.recipe, self.residual())
    }
}

/// The same, as the plan needs it before there are numbers.
pub(super) fn deviation(recipe: &Recipe, residual: f64) -> f64 {
    let full = recipe.privacy.map_or(0.0, |privacy| privacy.multiplier * privacy.norm * residual);
    full * std::f64::consts::FRAC_1_SQRT_2
}

/// ε for δ after so many epochs, in each of which every row took part once: ρ = epochs/(2·multiplier²), ε = ρ + 2·√(ρ·ln 1/δ).
///
/// Of neighbouring data one has a row that is missing in the other (all zero, as batches have one size). Where a row may instead be
/// any other, it moves the sum twice as far: that ε is this with half of the multiplier. The order of rows is public, so that nothing is
/// gained by their having been sampled.
pub fn epsilon(multiplier: f64, epochs: u32, delta: f64) -> f64 {
    let rho = f64::from(epochs) / (2.0 * multiplier * multiplier);
    rho + 2.0 * (rho * (1.0 / delta).ln()).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: ρ = 1/2, and ln 10^6 = 13.8155; ρ = 10/128, and ln 10^5 = 11.5129.
    #[test]
    fn epsilons_are_those_computed_by_hand() {
        assert!((epsilon(1.0, 1, 1e-6) - 5.756_52).abs() < 1e-4, "{}", epsilon(1.0, 1, 1e-6));
        assert!((epsilon(8.0, 10, 1e-5) - 1.974_91).abs() < 1e-4, "{}", epsilon(8.0, 10, 1e-5));
        // A row replaced: 4 times ρ.
        assert!((epsilon(4.0, 10, 1e-5) - 4.106_0).abs() < 1e-3, "{}", epsilon(4.0, 10, 1e-5));
    }
}
