//! Bits and rings of every value of a training step. What a value can be at most follows from the recipe alone, never from rows: each bound
//! stands by the value that it bounds, and a recipe with which something could wrap is refused.

use privet_ring::fixed::{outward_exponent, power_of_two};
use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::privacy::{self, deviation};
use super::{Loss, Optimiser, Recipe};
use crate::approx::Format;
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
pub const LIMITS: i64 = 255;
/// Their distance is 2^-this.
pub const LIMIT_BITS: u32 = 4;
/// Bits by which scores are finer than that distance, where they are compared with limits.
pub const FINER: u32 = 8;
/// Rows that are evaluated in one sum of losses or of counts at most, in as many chunks as are liked.
pub const EVALUATED: usize = 1 << 18;
/// How many times the rate Adam moves a weight in a step at most.
pub(super) const FARTHEST: f64 = 8.0;

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

/// Why a recipe cannot be followed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unplanned {
    /// A number that is none, or beyond what makes sense.
    #[error("{0}")]
    Choice(String),
    /// Something could wrap.
    #[error(
        "{what} could need {bits} bits, and there are {most}. Let weights settle after fewer steps and within smaller bounds, or take a lower rate, columns of smaller magnitude, or smaller batches."
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
    #[allow(clippy::needless_pass_by_value)] // it is part of what comes out
    pub fn plan(recipe: Recipe) -> Result<Self, Unplanned> {
        sensible(&recipe)?;
        // The most bits that fit; where none do, why the fewest do not.
        let plan = |gradient| Self::with(&recipe, gradient);
        (COARSEST + 1..=GRADIENT).rev().find_map(|bits| plan(bits).ok()).map_or_else(|| plan(COARSEST), Ok)
    }

    fn with(recipe: &Recipe, gradient: u32) -> Result<Self, Unplanned> {
        let weight = recipe.most_weight + unit(WEIGHTS) + recipe.run as f64 * farthest_step(recipe, gradient);
        let adam = match recipe.optimiser {
            Optimiser::Sgd => None,
            Optimiser::Adam { first, second } => Some(Adam::plan(recipe, [first, second], gradient, weight)?),
        };
        let score = recipe.columns as f64 * (recipe.largest + unit(ROWS)) * weight;
        fits("A score", score, ROWS + WEIGHTS, RING - 2)?;
        // Where a score is clipped, what it is from the clip must fit too.
        let reach = score + farthest_clip(recipe);
        fits("A score, as the loss takes it,", reach, SCORES, RING - 1 - (ROWS + WEIGHTS - SCORES))?;
        let scores = bits(reach, SCORES) + 1;
        let (sigmoid, softplus) = match recipe.loss {
            Loss::Logistic => (Some(sigmoid(score, scores)?), Some(softplus()?)),
            Loss::Squares { .. } => (None, None),
        };
        let recipe = recipe.clone();
        let numbers =
            Self { weight, scores, sigmoid, gradient, finer: finer(&recipe), adam, softplus, recipe };
        let sum = numbers.most_gradient() * numbers.recipe.batch as f64;
        fits("A gradient", sum, ROWS + RESIDUALS + numbers.finer, RING - 2)?;
        fits("A weight", weight + numbers.recipe.most_weight, WEIGHTS, RING - 2)?;
        Ok(numbers)
    }

    /// To which weights are brought, in their units.
    #[allow(clippy::cast_possible_truncation)] // far below 2^RING by the plan
    pub fn most_weight_units(&self) -> i64 {
        (self.recipe.most_weight * power_of_two(WEIGHTS.into())).round() as i64
    }

    /// The ring in which that is done.
    pub fn settling(&self) -> u32 {
        bits(self.weight + self.recipe.most_weight + unit(WEIGHTS), WEIGHTS) + 1
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

    /// Each weight's factor in the penalty of a whole batch, in units of the finer product.
    pub fn penalties(&self) -> Vec<u64> {
        let Recipe { columns, intercept, .. } = self.recipe;
        let penalised = columns - usize::from(intercept);
        (0..columns).map(|i| if i < penalised { self.penalty() } else { 0 }).collect()
    }

    /// Each weight's share of the penalty, as in real numbers.
    pub fn penalty_of(&self, column: usize) -> f64 {
        let left_alone = self.recipe.intercept && column + 1 == self.recipe.columns;
        if left_alone { 0.0 } else { self.recipe.l2 }
    }

    /// That of a weight that has one.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 2^RING of the plan
    fn penalty(&self) -> u64 {
        let of_batch = self.recipe.l2 * self.recipe.batch as f64;
        let bits = i64::from(ROWS + RESIDUALS + self.finer) - i64::from(WEIGHTS);
        (of_batch * power_of_two(bits)).round() as u64
    }

    /// By how much, for each unit of weight, that is another penalty than asked for, at most.
    pub(super) fn penalty_error(&self) -> f64 {
        if self.recipe.l2 == 0.0 {
            return 0.0;
        }
        let bits = i64::from(WEIGHTS) - i64::from(ROWS + RESIDUALS + self.finer);
        0.5 * power_of_two(bits) / self.recipe.batch as f64
    }

    /// The rate at a step, from 1: for Adam with both corrections of the averages' beginning, in units of 2^-[`RATE`], for the sum of gradients as it
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

/// How far a weight goes in a step at most, besides what a penalty takes it back.
fn farthest_step(recipe: &Recipe, gradient: u32) -> f64 {
    // A quotient's root is off by a unit at most, which is what matters where the sum of squares is great.
    let rounding = 2.0 * unit(WEIGHTS);
    match recipe.optimiser {
        Optimiser::Sgd => (recipe.rate + unit(RATE)) * most_gradient(recipe, gradient) + rounding,
        Optimiser::Adam { .. } => recipe.rate * FARTHEST + rounding,
    }
}

/// What the loss, and noise, can pull at a weight.
pub(super) fn most_gradient(recipe: &Recipe, gradient: u32) -> f64 {
    let noise = 3.0 * privacy::FARTHEST * deviation(recipe, residual(recipe)) / recipe.batch as f64;
    // Held scaled, by a half or more.
    (recipe.largest + unit(ROWS)) * residual(recipe) + noise + 2.0 * unit(gradient)
}

fn residual(recipe: &Recipe) -> f64 {
    match recipe.loss {
        Loss::Logistic => 1.0 + SIGMOID,
        Loss::Squares { most } => (most * power_of_two(SQUARES.into())).round() * unit(SQUARES),
    }
}

/// From where scores are clipped at most.
fn farthest_clip(recipe: &Recipe) -> f64 {
    match recipe.loss {
        Loss::Logistic => FARTHEST_SCORE,
        Loss::Squares { .. } => LARGEST_LABEL + residual(recipe),
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
    positive("The number of steps between settlings", recipe.run as f64, 1e9)?;
    positive("The greatest weight", recipe.most_weight, 1e6)?;
    positive("The greatest magnitude of a column", recipe.largest, 1024.0)?;
    positive("The rate", recipe.rate, 16.0)?;
    if let Loss::Squares { most } = recipe.loss {
        positive("The greatest residual", most, 1024.0)?;
        positive("The greatest residual, in units of 2^-10,", (most * 1024.0).round(), 1e9)?;
    }
    if let Some(privacy) = recipe.privacy {
        positive("The noise's multiplier", privacy.multiplier, 1e6)?;
        positive("The norm of a row", privacy.norm, 1e6)?;
    }
    if !(recipe.l2 >= 0.0 && recipe.l2 * recipe.rate <= 1.0) {
        return Err(Unplanned::Choice(format!(
            "The penalty is {}; expected 0 or more, and at most 1 over the rate.",
            recipe.l2
        )));
    }
    Ok(())
}

pub(super) fn unit(fraction: u32) -> f64 {
    power_of_two(-i64::from(fraction))
}

/// Bits of a magnitude with so many fraction bits.
pub(super) fn bits(x: f64, fraction: u32) -> u32 {
    u32::try_from((outward_exponent(x) + i64::from(fraction)).max(1)).unwrap_or(RING)
}

pub(super) fn fits(what: &'static str, x: f64, fraction: u32, most: u32) -> Result<(), Unplanned> {
    let bits = outward_exponent(x) + i64::from(fraction);
    if bits <= i64::from(most) { Ok(()) } else { Err(Unplanned::Wraps { what, bits, most }) }
}

/// The exponent of the least power of two that is as great.
fn log2_up(n: usize) -> u32 {
    n.next_power_of_two().trailing_zeros()
}
