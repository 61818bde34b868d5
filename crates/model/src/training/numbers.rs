//! Bits and rings of every value of a training step. What a value can be at most follows from the recipe alone, never from rows: each bound
//! stands by the value that it bounds, and a recipe with which something could wrap is refused.

use privet_ring::fixed::{outward_exponent, power_of_two};
use serde::{Deserialize, Serialize};

use super::{Loss, Optimiser, Recipe};
use crate::approx::Format;
use crate::approx::normal::{Inverse, Normal};
use crate::approx::smooth::Saturated;
use crate::series::fit::Domain;
use crate::series::smooth::Smooth;

/// The ring of rows, weights and averages.
pub const RING: u32 = 64;
/// Fraction bits of rows.
pub const ROWS: u32 = 12;
/// Of weights.
pub const WEIGHTS: u32 = 24;
/// Of `x·w`, as the loss takes it.
pub const SCORES: u32 = RESIDUALS;
/// Of labels and residuals.
pub const RESIDUALS: u32 = 16;
/// Of the gradient, averaged over a batch, and of Adam's sum of gradients, at most.
pub const GRADIENT: u32 = 20;
/// And at least: with fewer there is little to learn from.
const COARSEST: u32 = 12;
/// Of the factors by which both decay.
pub const DECAY: u32 = 14;
/// Of the inverse root.
pub const ROOT: u32 = 14;
/// Of Adam's rate, as it multiplies the sum of gradients.
pub const RATE: u32 = 24;
/// The error of the logistic function.
const SIGMOID: f64 = 1.0 / 4096.0;
/// Where a loss is told, scores count as no farther from zero.
pub const FARTHEST_SCORE: f64 = 64.0;
/// Fraction bits of residuals where a loss of squares is told.
pub const SQUARES: u32 = 10;
/// No label of a loss of squares is greater.
pub const LARGEST_LABEL: f64 = 4096.0;
/// Limits between scores, for the area under the curve: so many, as many below zero as above.
pub const LIMITS: i64 = 127;
/// Their distance is 2^-this.
pub const LIMIT_BITS: u32 = 3;
/// Rows that are evaluated at once at most.
pub const EVALUATED: usize = 1 << 14;
/// How many times the rate Adam moves a weight in a step at most.
const FARTHEST: f64 = 8.0;
/// The relative error of the inverse root.
const RELATIVE: f64 = 1.0 / 2048.0;

/// All numbers of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// What was chosen.
    pub recipe: Recipe,
    /// No weight is greater in magnitude.
    pub weight: f64,
    /// The ring of scores.
    pub scores: u32,
    /// The logistic function, where it is the loss's.
    pub sigmoid: Option<Saturated>,
    /// Fraction bits of the gradient, and of Adam's sum of gradients.
    pub gradient: u32,
    /// Bits by which the penalty is finer than the gradient's product.
    pub finer: u32,
    /// Adam's own.
    pub adam: Option<Adam>,
    /// `ln(1 + e^z)`, in which the logistic loss is told.
    pub softplus: Option<Saturated>,
}

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

/// Why a recipe cannot be followed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unplanned {
    /// A number that is none, or beyond what makes sense.
    #[error("{0}")]
    Choice(String),
    /// Something could wrap.
    #[error(
        "{what} could need {bits} bits, and there are {most}. Train for fewer steps, at a lower rate, on columns of smaller magnitude, or with smaller batches."
    )]
    Wraps {
        /// What.
        what: &'static str,
        /// Bits that it could need.
        bits: i64,
        /// Bits that there are.
        most: u32,
    },
}

impl Numbers {
    /// The numbers of a recipe.
    pub fn plan(recipe: Recipe) -> Result<Self, Unplanned> {
        sensible(&recipe)?;
        // The most bits that fit; where none do, why the fewest do not.
        let plan = |gradient| Self::with(&recipe, gradient);
        (COARSEST + 1..=GRADIENT).rev().find_map(|bits| plan(bits).ok()).map_or_else(|| plan(COARSEST), Ok)
    }

    fn with(recipe: &Recipe, gradient: u32) -> Result<Self, Unplanned> {
        let adam = match recipe.optimiser {
            Optimiser::Sgd => None,
            Optimiser::Adam { first, second } => Some(Adam::plan(recipe, [first, second], gradient)?),
        };
        let weight = recipe.steps as f64 * farthest_step(recipe, adam.as_ref(), gradient);
        let score = recipe.columns as f64 * (recipe.largest + unit(ROWS)) * weight;
        fits("A score", score, ROWS + WEIGHTS, RING - 1)?;
        let scores = bits(score, SCORES) + 1;
        fits("A score, as the loss takes it,", score, SCORES, RING - 1 - (ROWS + WEIGHTS - SCORES))?;
        let (sigmoid, softplus) = match recipe.loss {
            Loss::Logistic => (Some(sigmoid(score, scores)?), Some(softplus()?)),
            Loss::Squares { .. } => (None, None),
        };
        let recipe = recipe.clone();
        let numbers =
            Self { weight, scores, sigmoid, gradient, finer: finer(&recipe), adam, softplus, recipe };
        let sum = numbers.most_gradient() * numbers.recipe.batch as f64;
        fits("A gradient", sum, ROWS + RESIDUALS + numbers.finer, RING - 2)?;
        Ok(numbers)
    }

    /// No residual is greater.
    pub fn residual(&self) -> f64 {
        residual(&self.recipe)
    }

    /// Fraction bits of labels: those of classes are whole numbers.
    pub fn labels(&self) -> u32 {
        if matches!(self.recipe.loss, Loss::Logistic) { 0 } else { RESIDUALS }
    }

    /// Fraction bits of a sum of losses.
    pub fn loss(&self) -> u32 {
        if matches!(self.recipe.loss, Loss::Logistic) { SCORES } else { 2 * SQUARES + 1 }
    }

    /// The greatest residual, in its units.
    #[allow(clippy::cast_possible_truncation)] // at most 2^10
    pub fn residual_units(&self) -> i64 {
        (self.residual() * power_of_two(RESIDUALS.into())).round() as i64
    }

    /// No gradient is greater, with its penalty.
    pub fn most_gradient(&self) -> f64 {
        most_gradient(&self.recipe, self.gradient) + self.recipe.l2 * self.weight
    }

    /// Bits that the gradient of a batch loses: it is summed over the batch, and averaged by a power of two.
    pub fn gradient_drop(&self) -> u32 {
        ROWS + RESIDUALS + self.finer + log2_up(self.recipe.batch) - self.gradient
    }

    /// The gradient is held as so many times what it is: a batch over the power of two above it.
    pub fn gradient_scale(&self) -> f64 {
        self.recipe.batch as f64 * power_of_two(-i64::from(log2_up(self.recipe.batch)))
    }

    /// The weights' factor in the penalty of a whole batch, in units of the finer product.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 2^RING of the plan
    pub fn penalty(&self) -> u64 {
        let of_batch = self.recipe.l2 * self.recipe.batch as f64;
        let bits = i64::from(ROWS + RESIDUALS + self.finer) - i64::from(WEIGHTS);
        (of_batch * power_of_two(bits)).round() as u64
    }

    /// Adam's rate at a step, from 1: with both corrections of the averages' beginning, in units of 2^-[`RATE`], for the sum of gradients as it
    /// is held and the inverse root as it is.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // far below 2^64 by the plan
    pub fn rate(&self, step: u64) -> u64 {
        match &self.adam {
            // The gradient is held scaled.
            None => (self.recipe.rate / self.gradient_scale() * power_of_two(RATE.into())).round() as u64,
            Some(adam) => {
                (self.recipe.rate * adam.corrected(step) * power_of_two(RATE.into())).round() as u64
            }
        }
    }
}

impl Adam {
    fn plan(recipe: &Recipe, decay: [f64; 2], gradient: u32) -> Result<Self, Unplanned> {
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
        // No quotient is greater than FARTHEST, as is seen below.
        let penalty = recipe.l2 * recipe.steps as f64 * recipe.rate * FARTHEST;
        let (most, second) = (most_gradient(recipe, gradient) + penalty, second(gradient));
        let squares = most * most * roundings + 1.0;
        fits("Adam's sum of squares", squares, second + DECAY, RING - 2)?;
        fits("Adam's sum of gradients", most / (1.0 - of[0]) + 1.0, gradient + DECAY, RING - 2)?;
        let high = bits(squares, second);
        let input = Format { ring: high + 4, fraction_bits: second };
        let output = Format { ring: RING, fraction_bits: ROOT };
        let root = Normal::plan(Inverse::InverseSquareRoot, input, [low, high], RELATIVE, output);
        let root =
            root.ok_or(Unplanned::Wraps { what: "Adam's root", bits: i64::from(high) + 4, most: RING })?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below 2^DECAY
        let adam = Self { decay: decay.map(|x| x as u64), epsilon, second, root };
        let farthest = adam.quotient(gradient) * adam.most_corrected(recipe.steps);
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
    fn quotient(&self, gradient: u32) -> f64 {
        let [first, second] = self.decays();
        let exact = (1.0 / (1.0 - first * first / second)).sqrt();
        let rounding = unit(gradient) / (1.0 - first) / (0.5 * self.epsilon()).sqrt();
        (exact + rounding) * (1.0 + self.root.relative)
    }

    /// The greatest of [`Self::corrected`], which grows to its limit from the second step or so on.
    fn most_corrected(&self, steps: u64) -> f64 {
        let limit = self.corrected(u64::MAX);
        (1..=steps.min(100_000)).map(|step| self.corrected(step)).fold(limit, f64::max)
    }
}

/// How far a weight goes in a step at most.
fn farthest_step(recipe: &Recipe, adam: Option<&Adam>, gradient: u32) -> f64 {
    // The root is off by a unit at most, which is what matters where the sum of squares is great.
    let rounding = 2.0 * unit(WEIGHTS);
    match adam {
        None => recipe.rate * most_gradient(recipe, gradient) + rounding,
        Some(_) => recipe.rate * FARTHEST + rounding,
    }
}

/// What the loss can pull at a weight.
fn most_gradient(recipe: &Recipe, gradient: u32) -> f64 {
    (recipe.largest + unit(ROWS)) * residual(recipe) + unit(gradient)
}

/// Fraction bits of Adam's sum of squares.
fn second(gradient: u32) -> u32 {
    (2 * gradient).saturating_sub(DECAY)
}

fn residual(recipe: &Recipe) -> f64 {
    match recipe.loss {
        Loss::Logistic => 1.0 + SIGMOID,
        Loss::Squares { most } => most,
    }
}

/// The penalty's factor has ten bits at least.
fn finer(recipe: &Recipe) -> u32 {
    if recipe.l2 == 0.0 {
        return 0;
    }
    let wanted = 10 - outward_exponent(recipe.l2 * recipe.batch as f64) - i64::from(ROWS + RESIDUALS)
        + i64::from(WEIGHTS);
    u32::try_from(wanted.max(0)).unwrap_or(RING)
}

fn sigmoid(score: f64, ring: u32) -> Result<Saturated, Unplanned> {
    let domain = Domain { lo: -score, hi: score, fraction_bits: SCORES, ring };
    let output = Format { ring: RING, fraction_bits: RESIDUALS };
    let refused =
        || Unplanned::Choice("The logistic function has no series for scores of this magnitude.".into());
    Saturated::plan(Smooth::Sigmoid, &domain, SIGMOID, output).ok_or_else(refused)
}

fn softplus() -> Result<Saturated, Unplanned> {
    let domain = Domain { lo: -FARTHEST_SCORE, hi: FARTHEST_SCORE, fraction_bits: SCORES, ring: SCORES + 10 };
    let output = Format { ring: RING, fraction_bits: SCORES };
    let refused = || Unplanned::Choice("The logistic loss has no series.".into());
    Saturated::plan(Smooth::Softplus, &domain, SIGMOID, output).ok_or_else(refused)
}

fn sensible(recipe: &Recipe) -> Result<(), Unplanned> {
    let positive = |what: &str, x: f64, most: f64| {
        let fine = x > 0.0 && x <= most;
        let refused =
            || Unplanned::Choice(format!("{what} is {x}; expected a number above 0 and up to {most}."));
        fine.then_some(()).ok_or_else(refused)
    };
    positive("The number of columns", recipe.columns as f64, 1e6)?;
    positive("The batch", recipe.batch as f64, 65536.0)?;
    positive("The number of steps", recipe.steps as f64, 1e9)?;
    positive("The greatest magnitude of a column", recipe.largest, 1024.0)?;
    positive("The rate", recipe.rate, 16.0)?;
    if let Loss::Squares { most } = recipe.loss {
        positive("The greatest residual", most, 1024.0)?;
    }
    if !(recipe.l2 >= 0.0 && recipe.l2 * recipe.rate <= 1.0) {
        return Err(Unplanned::Choice(format!(
            "The penalty is {}; expected 0 or more, and at most 1 over the rate.",
            recipe.l2
        )));
    }
    Ok(())
}

fn unit(fraction: u32) -> f64 {
    power_of_two(-i64::from(fraction))
}

/// Bits of a magnitude with so many fraction bits.
fn bits(x: f64, fraction: u32) -> u32 {
    u32::try_from((outward_exponent(x) + i64::from(fraction)).max(1)).unwrap_or(RING)
}

fn fits(what: &'static str, x: f64, fraction: u32, most: u32) -> Result<(), Unplanned> {
    let bits = outward_exponent(x) + i64::from(fraction);
    if bits <= i64::from(most) { Ok(()) } else { Err(Unplanned::Wraps { what, bits, most }) }
}

/// The exponent of the least power of two that is as great.
fn log2_up(n: usize) -> u32 {
    n.next_power_of_two().trailing_zeros()
}
