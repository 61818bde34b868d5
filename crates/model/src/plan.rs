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
//! + folding                 float64 arithmetic of scalers folded into weights
//! ```
//!
//! where of the columns made from one feature only one is not zero at a time (a value or its indicator; one level of a
//! category), so that each sum takes the largest of them. `k` is wide enough that no sum can wrap, which is checked
//! with the actual integers. Everything in [`Plan`] is public: `f`, `g` and `k` come from the ranges, the number of
//! features, and two sums of weights rounded outward to powers of two; the stated bound is rounded up.

use privet_ring::fixed::{MAX_INPUT_BITS, encode, outward_exponent, power_of_two};
use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::cut::{Core, Cut};
use crate::head::{Column, Head};

pub use crate::range::{RangeSource, Ranges};

/// The widest ring.
pub const MAX_K: u32 = 64;

/// What everyone who handles a model may know of its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

    /// Fraction bits of a score.
    pub fn score_bits(&self) -> u32 {
        self.input_bits + self.weight_bits
    }

    /// Bits that an encoded input takes by itself, sign included.
    pub fn encoded_bits(&self) -> u32 {
        self.input_bits + 2
    }

    /// Whether the numbers are ones that this program can work with; asked of a plan that came from outside.
    pub fn is_sound(&self, columns: usize) -> bool {
        (1..=MAX_K).contains(&self.k)
            && self.encoded_bits() <= self.k
            && (1..=MAX_INPUT_BITS).contains(&self.input_bits)
            && self.weight_bits <= 1000
            && self.range_exponents.len() == columns
            && self.range_exponents.iter().all(|e| (-500..=500).contains(e))
            && self.bound.is_finite()
    }

    /// Decodes one score.
    pub fn decode(&self, element: u64) -> f64 {
        privet_ring::fixed::decode(element, self.k, self.score_bits())
    }
}

/// The core in integers, as the plan has it. The owner's secret: wiped on drop, no `Debug`.
#[derive(zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Integers {
    /// Row-major, one row per score, modulo 2^64.
    pub weights: Vec<u64>,
    /// One per score, with as many fraction bits as a score.
    pub bias: Vec<u64>,
}

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
    let source = ranges.source();
    let mut best_reachable = None;
    for exponents in ranges.candidates(cut) {
        let sizes = Sizes::of(cut, &exponents, accuracy);
        if let Some(bits) = sizes.bits(accuracy) {
            return finish(cut, accuracy, exponents, source, &sizes, bits);
        }
        best_reachable = Some(sizes.reachable());
    }
    let reachable = best_reachable.unwrap_or(f64::INFINITY);
    Err(Refusal::new(
        "E211",
        format!(
            "Accuracy {accuracy:e} does not fit into {MAX_K} bits with these ranges; {reachable:.1e} does. Ask for \
             that, or give `--rows` with smaller values."
        ),
    ))
}

/// Bits of inputs, weights, and of the ring.
#[derive(Clone, Copy)]
struct Bits {
    input: u32,
    weight: u32,
    k: u32,
}

/// The public sizes from which bits are chosen.
struct Sizes {
    /// Exponent of the outward power of two of `Σ |v_j|` over columns that are rounded.
    rounded: i64,
    /// The same over all columns, one per feature, and the bias: the range of a score.
    score: i64,
    /// Features: at most so many columns are not zero at once.
    features: f64,
    /// Error that float64 folding and decoding may add, per unit of score range.
    fold: f64,
}

impl Sizes {
    fn of(cut: &Cut, exponents: &[i32], accuracy: f64) -> Self {
        let Cut { head, core, .. } = cut;
        let limits: Vec<f64> = exponents.iter().map(|&e| power_of_two(i64::from(e))).collect();
        let groups = exclusive_groups(head);
        let size = |score: usize, column: usize| (core.row(score)[column] * limits[column]).abs();
        let rounded = |score: usize| {
            (0..core.columns).filter(|&c| is_rounded(head, c)).map(|c| size(score, c)).sum::<f64>()
        };
        let score = |score: usize| {
            let largest = |g: &std::ops::Range<usize>| g.clone().map(|c| size(score, c)).fold(0.0, f64::max);
            groups.iter().map(largest).sum::<f64>() + core.bias[score].abs()
        };
        let magnitude = (0..core.scores()).map(|s| score(s) + core.bias_magnitude[s]).fold(0.0, f64::max);
        Self {
            rounded: exponent_of(largest(core.scores(), rounded)),
            // Rounded weights may add up to a little beyond the range, by less than the accuracy.
            score: exponent_of(largest(core.scores(), score) + accuracy),
            features: groups.len() as f64,
            // Each term of a fold is rounded a few times, and each addition once more.
            fold: (core.columns as f64 + 16.0) * 2f64.powi(-52) * power_of_two(exponent_of(magnitude)),
        }
    }

    /// The fewest bits that reach `accuracy`, if 64 are enough.
    fn bits(&self, accuracy: f64) -> Option<Bits> {
        let choices = (1..=MAX_INPUT_BITS).filter_map(|input| {
            let left = accuracy - self.fold - power_of_two(self.rounded - i64::from(input) - 1);
            let weight = (left > 0.0).then(|| -outward_exponent_below(left / (self.features / 2.0 + 1.0)))?;
            let weight = u32::try_from(weight.max(0)).ok()?;
            let k = i64::from(input) + i64::from(weight) + self.score + 1;
            Some(Bits { input, weight, k: u32::try_from(k.max(i64::from(input) + 2)).ok()? })
        });
        choices.min_by_key(|bits| bits.k).filter(|bits| bits.k <= MAX_K)
    }

    /// The best accuracy, as a power of two, that 64 bits reach.
    fn reachable(&self) -> f64 {
        (-60..200).map(power_of_two).find(|&accuracy| self.bits(accuracy).is_some()).unwrap_or(f64::INFINITY)
    }
}

fn largest(scores: usize, size: impl Fn(usize) -> f64) -> f64 {
    (0..scores).map(size).fold(0.0, f64::max)
}

/// Outward exponent; a model of zeros counts as tiny, so that it still has a plan.
fn exponent_of(x: f64) -> i64 {
    if x > 0.0 { outward_exponent(x) } else { -20 }
}

/// The exponent of the greatest power of two that is at most `x`.
fn outward_exponent_below(x: f64) -> i64 {
    let above = outward_exponent(x);
    if power_of_two(above) > x { above - 1 } else { above }
}

/// Columns of which at most one is not zero: those made from the same feature. They stand together.
fn exclusive_groups(head: &Head) -> Vec<std::ops::Range<usize>> {
    let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, column) in head.columns.iter().enumerate() {
        let with_previous = at > 0 && exclusive(&head.columns[groups[groups.len() - 1].start], column)
            && exclusive(&head.columns[at - 1], column);
        match groups.last_mut() {
            Some(group) if with_previous => group.end = at + 1,
            _ => groups.push(at..at + 1),
        }
    }
    groups
}

fn exclusive(a: &Column, b: &Column) -> bool {
    match (a, b) {
        (
            Column::Value { feature: f, missing: Some(m) },
            Column::Indicator { feature: g, missing: n },
        ) => f == g && m == n,
        (
            Column::Level { feature: f, category: c, level: l },
            Column::Level { feature: g, category: d, level: m },
        ) => f == g && c == d && l != m,
        _ => false,
    }
}

fn is_rounded(head: &Head, column: usize) -> bool {
    matches!(head.columns[column], Column::Value { feature, .. } if !head.is_whole(feature))
}

fn finish(
    cut: &Cut,
    accuracy: f64,
    exponents: Vec<i32>,
    source: RangeSource,
    sizes: &Sizes,
    bits: Bits,
) -> Result<(Plan, Integers), Refusal> {
    let mut plan = Plan {
        accuracy,
        k: bits.k,
        input_bits: bits.input,
        weight_bits: bits.weight,
        range_exponents: exponents,
        range_source: source,
        score_exponent: i32::try_from(sizes.score).unwrap_or(i32::MAX),
        bound: f64::INFINITY,
    };
    let integers = integers(&cut.core, &plan)?;
    let groups = exclusive_groups(&cut.head);
    let bound = (0..cut.core.scores())
        .map(|s| bound(cut, &plan, &integers, &groups, s))
        .fold(sizes.fold, |worst, b| worst.max(b + sizes.fold));
    plan.bound = power_of_two(outward_exponent(bound)).min(accuracy);
    if bound > accuracy || !never_wraps(&plan, &integers, &groups) {
        return Err(Refusal::new("E212", "The plan does not hold for its own integers; this is our fault."));
    }
    Ok((plan, integers))
}

fn integers(core: &Core, plan: &Plan) -> Result<Integers, Refusal> {
    let scale = power_of_two(i64::from(plan.weight_bits));
    let score_scale = power_of_two(i64::from(plan.score_bits()));
    let limits = plan.limits();
    let round = |x: f64| nearest(x).ok_or_else(|| Refusal::new("E213", "A weight does not fit into 64 bits."));
    let weight = |(j, &w): (usize, &f64)| round(w * limits[j % limits.len().max(1)] * scale);
    Ok(Integers {
        weights: core.weights.iter().enumerate().map(weight).collect::<Result<_, _>>()?,
        bias: core.bias.iter().map(|b| round(b * score_scale)).collect::<Result<_, _>>()?,
    })
}

/// The integer nearest to `x`, modulo 2^64.
fn nearest(x: f64) -> Option<u64> {
    let rounded = x.round_ties_even();
    (rounded.abs() < 2f64.powi(63)).then_some((rounded as i64).cast_unsigned())
}

/// The error bound of one score, from the integers that are really used.
fn bound(cut: &Cut, plan: &Plan, integers: &Integers, groups: &[std::ops::Range<usize>], score: usize) -> f64 {
    let unit = power_of_two(-i64::from(plan.weight_bits));
    let half_input = power_of_two(-i64::from(plan.input_bits) - 1);
    let limits = plan.limits();
    let row = &integers.weights[score * cut.core.columns..(score + 1) * cut.core.columns];
    let column = |c: usize| {
        let used = row[c].cast_signed() as f64 * unit;
        let rounding = if is_rounded(&cut.head, c) { used.abs() * half_input } else { 0.0 };
        rounding + (used - cut.core.row(score)[c] * limits[c]).abs()
    };
    let columns: f64 = groups.iter().map(|g| g.clone().map(column).fold(0.0, f64::max)).sum();
    let score_unit = power_of_two(-i64::from(plan.score_bits()));
    let bias = (integers.bias[score].cast_signed() as f64 * score_unit - cut.core.bias[score]).abs();
    let decode = power_of_two(i64::from(plan.score_exponent) - 52);
    // The sum above is itself float64: its own rounding is far below one part in 2^40.
    (columns + bias + decode) * (1.0 + 2f64.powi(-40))
}

/// Whether the largest possible score, in integers, stays inside half the ring.
fn never_wraps(plan: &Plan, integers: &Integers, groups: &[std::ops::Range<usize>]) -> bool {
    let columns = plan.range_exponents.len();
    let input = 1u128 << plan.input_bits;
    integers.bias.iter().enumerate().all(|(s, bias)| {
        let row = &integers.weights[s * columns..(s + 1) * columns];
        let size = |c: usize| u128::from(row[c].cast_signed().unsigned_abs()) * input;
        let sum: u128 = groups.iter().map(|g| g.clone().map(size).max().unwrap_or(0)).sum();
        sum + u128::from(bias.cast_signed().unsigned_abs()) < 1 << (plan.k - 1)
    })
}

/// Encodes one value of a column, for callers without a whole row.
pub fn encode_value(plan: &Plan, column: usize, x: f64) -> u64 {
    encode(x, plan.scales()[column])
}
