//! The numeric plan: ranges, fraction bits, wire width, and the error bound that follows from them.
//!
//! Column `j` has the public range `±X_j`, a power of two, and travels as the integer nearest to `x_j·2^f/X_j`, so
//! that every column has the same integer range. Its weight is scaled alike: `v_j = w_j·X_j`, as the integer nearest to
//! `v_j·2^g`. A score is then an exact integer sum with `f + g` fraction bits, and its error is at most
//!
//! ```text
//!   Σ |v̂_j|·2^-(f+1)        rounding of inputs (none for whole numbers and indicators)
//! + Σ |v̂_j - v_j|           rounding of weights, taken from the actual weights, times |x_j/X_j| ≤ 1
//! + |b̂ - b| + 2^-53·|score| rounding of the bias and of decoding
//! + folding                 float64 arithmetic of scalers folded into weights, by running error analysis
//! ```
//!
//! where of the columns made from one feature only one is not zero at a time (a value or its indicator; one level of a
//! category), so that each sum takes the largest of them. `k` is wide enough that no sum can wrap, which is checked
//! with the actual integers. Everything in [`Plan`] is public: `f`, `g` and `k` start from the ranges, the number of
//! features, and three sums of weights rounded outward to powers of two (over the columns that are rounded, over all,
//! and over all with what stood in the bias while folding). The actual roundings of the weights then save up to
//! [`SAVED`] bits, and may move up to [`SHIFT`] bits between `f` and `g`, which tells no more than how lucky the
//! roundings were; where the ranges are the widest that fit, they may be that many bits wider. The stated bound is
//! rounded up to a power of two.

use privet_ring::fixed::{MAX_INPUT_BITS, outward_exponent, power_of_two};
use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::bound::{Sizes, bound, exclusive_groups, never_wraps};
use crate::cut::{Core, Cut};
use crate::encode::Encoder;
use crate::head::Head;

pub use crate::range::{RangeSource, Ranges};

/// The widest ring.
pub const MAX_K: u32 = 64;

/// Most fraction bits of a weight: scores with more could not be told from zero in float64.
const MAX_WEIGHT_BITS: u32 = 900;

/// What everyone who handles a model may know of its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What the owner asked for: the largest absolute error of a score.
    pub accuracy: f64,
    /// Bits per element on the wire.
    pub k: u32,
    /// Fraction bits of an input, relative to its range.
    pub input_bits: u32,
    /// Fraction bits of a weight.
    pub weight_bits: u32,
    /// Column `j` lies within ±2^`range_exponents[j]`.
    pub range_exponents: Vec<i32>,
    /// Where the ranges came from.
    pub range_source: RangeSource,
    /// Every score lies within ±2^this.
    pub score_exponent: i32,
    /// Proven: no score of an accepted input is wrong by more than this.
    pub bound: f64,
}

impl Plan {
    /// The scale by which each column is encoded, a power of two.
    pub fn scales(&self) -> Vec<f64> {
        let bits = i64::from(self.input_bits);
        self.range_exponents.iter().map(|&e| power_of_two(bits - i64::from(e))).collect()
    }

    /// The largest absolute value of each column.
    pub fn limits(&self) -> Vec<f64> {
        self.range_exponents.iter().map(|&e| power_of_two(i64::from(e))).collect()
    }

    /// Turns rows into integers.
    pub fn encoder(&self) -> Encoder {
        let limits = self.limits();
        Encoder::new(self.scales(), limits.iter().map(|l| -l).collect(), limits)
    }

    /// Fraction bits of a score.
    pub fn score_bits(&self) -> u32 {
        self.input_bits + self.weight_bits
    }

    /// Bits that an encoded input takes by itself, sign included.
    pub fn encoded_bits(&self) -> u32 {
        self.input_bits + 2
    }

    /// The sum of the absolute integer weights of a score is below 2^this. Follows from what is public alone: no score wraps, and
    /// of the columns of one feature as many may have a weight as there are.
    pub fn norm_bits(&self, head: &Head) -> u32 {
        let widest = exclusive_groups(head).iter().map(ExactSizeIterator::len).max().unwrap_or(1);
        (self.k - 1 - self.input_bits.min(self.k - 1)) + widest.next_power_of_two().trailing_zeros()
    }

    /// Whether the numbers are ones that this program can work with; asked of a plan that came from outside.
    pub fn is_sound(&self, columns: usize) -> bool {
        (1..=MAX_K).contains(&self.k)
            && (1..=MAX_INPUT_BITS).contains(&self.input_bits)
            && self.encoded_bits() <= self.k
            && self.weight_bits <= MAX_WEIGHT_BITS
            && self.range_exponents.len() == columns
            && self.range_exponents.iter().all(|e| (-500..=500).contains(e))
            && (-1100..=1100).contains(&self.score_exponent)
            && self.accuracy.is_finite()
            && self.bound > 0.0
            && self.bound <= self.accuracy
    }

    /// Decodes one score.
    pub fn decode(&self, element: u64) -> f64 {
        privet_ring::fixed::decode(element, self.k, self.score_bits())
    }
}

/// The core in integers, as the plan has it. The owner's secret: wiped on drop.
#[derive(zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Integers {
    /// Row-major, one row per score, modulo 2^64.
    pub weights: Vec<u64>,
    /// One per score, with as many fraction bits as a score.
    pub bias: Vec<u64>,
}

privet_ring::not_shown!(Integers);

impl Integers {
    /// The scores of encoded rows, modulo 2^64, score by score for each row: what every protocol must give.
    pub fn scores(&self, encoded: &[u64]) -> Vec<u64> {
        let (scores, columns) = (self.bias.len(), self.weights.len() / self.bias.len().max(1));
        let rows = encoded.len() / columns.max(1);
        let mut out = vec![0; rows * scores];
        for (s, weights) in self.weights.chunks_exact(columns.max(1)).enumerate() {
            let mut one = vec![self.bias[s]; rows];
            privet_ring::kernels::add_products(encoded, weights, &mut one);
            one.iter().enumerate().for_each(|(r, &score)| out[r * scores + s] = score);
        }
        out
    }
}

/// Plans a linear model: the narrowest ring in which every score is good to `accuracy`.
pub fn plan(cut: &Cut, accuracy: f64, ranges: &Ranges) -> Result<(Plan, Integers), Refusal> {
    if !(accuracy > 0.0 && accuracy.is_finite()) {
        return Err(Refusal::new("E210", format!("Accuracy must be a positive number, got {accuracy}.")));
    }
    if cut.core.columns == 0 || cut.core.scores() == 0 {
        let what = "This model's answer does not depend on its input, so there is nothing to keep private.";
        return Err(Refusal::new("E214", what));
    }
    let mut narrowest = Vec::new();
    for exponents in ranges.candidates(&cut.head, &cut.statistics) {
        if let Some(planned) = attempt(cut, accuracy, &exponents, ranges.source()) {
            return Ok(planned);
        }
        narrowest = exponents;
    }
    let fits = |accuracy: &f64| attempt(cut, *accuracy, &narrowest, ranges.source()).is_some();
    Err(unreachable(accuracy, (-900..900).map(power_of_two).map(as_printed).find(fits)))
}

fn unreachable(accuracy: f64, reachable: Option<f64>) -> Refusal {
    let remedy = match reachable {
        Some(reachable) => {
            format!("{reachable:.1e} does. Ask for that, or give `--rows` with smaller values.")
        }
        None => "no other does. Give `--rows` with smaller values.".into(),
    };
    let what = format!("Accuracy {accuracy:e} does not fit into {MAX_K} bits with these ranges;");
    Refusal::new("E211", format!("{what} {remedy}"))
}

/// `x` as a message prints it: what is named must be what was tried.
fn as_printed(x: f64) -> f64 {
    format!("{x:.1e}").parse().unwrap_or(x)
}

/// Bits that the actual roundings of the weights may save below what the ranges alone would ask for.
const SAVED: u32 = 4;
/// How far the split between input and weight bits may move from where the ranges alone would put it.
const SHIFT: u32 = 3;

/// The narrowest plan with these ranges, if 64 bits are enough.
fn attempt(cut: &Cut, accuracy: f64, exponents: &[i32], source: RangeSource) -> Option<(Plan, Integers)> {
    let sizes = Sizes::of(cut, exponents, accuracy);
    let (input, weight) = sizes.worst_case_bits(accuracy)?;
    let total = input + weight;
    (total.saturating_sub(SAVED)..=total).find_map(|total| {
        let inputs = input.saturating_sub(SHIFT).max(1)..=(input + SHIFT).min(MAX_INPUT_BITS).min(total);
        let planned = inputs.filter_map(|input| {
            let k = u32::try_from(i64::from(total) + sizes.score + 1).ok()?.max(input + 2);
            let plan = Plan {
                accuracy,
                k,
                input_bits: input,
                weight_bits: Some(total - input).filter(|&bits| bits <= MAX_WEIGHT_BITS)?,
                range_exponents: exponents.to_vec(),
                range_source: source,
                score_exponent: i32::try_from(sizes.score).ok()?,
                bound: f64::INFINITY,
            };
            (k <= MAX_K).then_some(plan)
        });
        let held = planned.filter_map(|plan| hold(cut, plan, sizes.fold));
        held.min_by(|(a, ..), (b, ..)| a.total_cmp(b)).map(|(_, plan, integers)| (plan, integers))
    })
}

/// The plan with its integers, if they keep the accuracy and never wrap; and the bound before it is rounded up.
fn hold(cut: &Cut, mut plan: Plan, fold: f64) -> Option<(f64, Plan, Integers)> {
    let integers = integers(&cut.core, &plan)?;
    let bound = fold + bound(cut, &plan, &integers);
    plan.bound = power_of_two(outward_exponent(bound)).min(plan.accuracy);
    (bound <= plan.accuracy && never_wraps(&cut.head, &plan, &integers)).then_some((bound, plan, integers))
}

fn integers(core: &Core, plan: &Plan) -> Option<Integers> {
    let scale = power_of_two(i64::from(plan.weight_bits));
    let score_scale = power_of_two(i64::from(plan.score_bits()));
    let limits = plan.limits();
    let weight = |(j, &w): (usize, &f64)| nearest(w * limits[j % limits.len().max(1)] * scale);
    Some(Integers {
        weights: core.weights.iter().enumerate().map(weight).collect::<Option<_>>()?,
        bias: core.bias.iter().map(|b| nearest(b * score_scale)).collect::<Option<_>>()?,
    })
}

/// The integer nearest to `x`, modulo 2^64.
#[allow(clippy::cast_possible_truncation)] // a whole number below 2^63
fn nearest(x: f64) -> Option<u64> {
    let rounded = x.round_ties_even();
    (rounded.abs() < 2f64.powi(63)).then_some((rounded as i64).cast_unsigned())
}
