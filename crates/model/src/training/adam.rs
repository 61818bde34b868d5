//! Numbers of Adam (Kingma, Ba, ICLR 2015), with ε inside of the root.

use privet_ring::fixed::{outward_exponent, power_of_two};
use serde::{Deserialize, Serialize};

use super::Recipe;
use super::numbers::{DECAY, FARTHEST, RATE, RING, ROOT, Unplanned, bits, fits, most_gradient, unit};
use crate::approx::Format;
use crate::approx::normal::{Inverse, Normal};

/// The relative error of the inverse root.
const RELATIVE: f64 = 1.0 / 512.0;
/// Steps whose corrections are looked at one by one.
const BEGINNING: i32 = 100_000;

/// Numbers of Adam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam {
    /// Factors by which the sums decay, in units of 2^-[`DECAY`].
    pub decay: [u64; 2],
    /// What is added to the sum of squares, in its units.
    pub epsilon: u64,
    /// Fraction bits of that sum: twice those of the gradient, less those of a decay.
    pub second: u32,
    /// The inverse root.
    pub root: Normal,
}

impl Adam {
    /// For weights of at most that magnitude.
    pub(super) fn plan(
        recipe: &Recipe,
        decay: [f64; 2],
        gradient: u32,
        weight: f64,
    ) -> Result<Self, Unplanned> {
        let decay = decay.map(|x| (x * power_of_two(DECAY.into())).round());
        let of = decay.map(|x| x / power_of_two(DECAY.into()));
        if !(0.0..1.0).contains(&of[0]) || !(0.5..1.0).contains(&of[1]) || of[0] * of[0] >= of[1] {
            return Err(Unplanned::Choice(format!(
                "Adam's factors are {} and {}; expected 0 ≤ first < 1, 0.5 ≤ second < 1 and first² < second, in units of 2^-{DECAY}.",
                of[0], of[1]
            )));
        }
        // Each step's rounding is a unit, and they add up as squares do.
        let roundings = 1.0 / (1.0 - of[1]);
        let low = u32::try_from(outward_exponent(roundings)).unwrap_or(RING);
        let epsilon = 2 << low;
        let (most, second) = (most_gradient(recipe, gradient) + recipe.l2 * weight, second(gradient));
        let squares = most * most * roundings + 1.0;
        fits("Adam's sum of squares", squares, second + DECAY, RING - 2)?;
        fits("Adam's sum of gradients", most / (1.0 - of[0]) + 1.0, gradient + DECAY, RING - 2)?;
        let high = bits(squares, second);
        let input = Format { ring: high + 4, fraction_bits: second };
        let output = Format { ring: RING, fraction_bits: ROOT };
        // Four bits a step: half of the limits, which cost more than the longer series. The ring has room for no more than one such step beyond what
        // is needed; where that is not enough, gradients have a bit less.
        let root = Normal::plan_by(Inverse::InverseSquareRoot, 1, input, [low, high], RELATIVE, output);
        let root =
            root.ok_or(Unplanned::Wraps { what: "Adam's root", bits: i64::from(high) + 4, most: RING })?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below 2^DECAY
        let adam = Self { decay: decay.map(|x| x as u64), epsilon, second, root };
        let farthest = adam.quotient(gradient) * (adam.most_corrected() + unit(RATE) / recipe.rate);
        if farthest > FARTHEST {
            return Err(Unplanned::Choice(format!(
                "With these factors Adam could move a weight by {farthest:.0} times the rate in a step; expected at most {FARTHEST}."
            )));
        }
        fits("Adam's step", recipe.rate * farthest, gradient + RATE + ROOT, RING - 2)?;
        Ok(adam)
    }

    /// The factors as they are.
    pub fn decays(&self) -> [f64; 2] {
        self.decay.map(|x| x as f64 / power_of_two(DECAY.into()))
    }

    /// What is added to the sum of squares.
    pub fn epsilon(&self) -> f64 {
        self.epsilon as f64 * unit(self.second)
    }

    /// What makes averages of both sums at a step, and corrects them for having begun at zero.
    pub fn corrected(&self, step: u64) -> f64 {
        let [first, second] = self.decays();
        let begun = |decay: f64| 1.0 - decay.powf(step as f64);
        let of_first = (1.0 - first) / begun(first);
        of_first / ((1.0 - second) / begun(second)).sqrt()
    }

    /// No quotient of the sum of gradients and the root of the sum of squares is greater: Cauchy and Schwarz, and what roundings add.
    pub(super) fn quotient(&self, gradient: u32) -> f64 {
        let [first, second] = self.decays();
        let exact = (1.0 / (1.0 - first * first / second)).sqrt();
        let rounding = unit(gradient) / (1.0 - first) / (0.5 * self.epsilon()).sqrt();
        (exact + rounding) * (1.0 + self.root.relative)
    }

    /// The greatest of [`Self::corrected`]. The factor of the first sum falls to its limit, that of the second grows to it.
    fn most_corrected(&self) -> f64 {
        let [first, second] = self.decays();
        let limit = (1.0 - first) / (1.0 - second).sqrt() / (1.0 - first.powi(BEGINNING));
        let mut most = limit;
        let mut left = [1.0, 1.0];
        for _ in 0..BEGINNING {
            left = [left[0] * first, left[1] * second];
            let corrected = (1.0 - first) / (1.0 - left[0]) / ((1.0 - second) / (1.0 - left[1])).sqrt();
            most = most.max(corrected);
        }
        most
    }
}

/// Fraction bits of the sum of squares.
fn second(gradient: u32) -> u32 {
    (2 * gradient).saturating_sub(DECAY)
}
