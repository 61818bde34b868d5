//! The error bound of a plan, and the bits that it needs: see [`plan`](crate::plan) for the inequality.

use std::ops::Range;

use privet_ring::fixed::{MAX_INPUT_BITS, outward_exponent, power_of_two};

use crate::cut::Cut;
use crate::head::{Column, Head};
use crate::plan::{Integers, Plan};

/// The public sizes from which bits are chosen.
pub(crate) struct Sizes {
    /// Exponent of the outward power of two of `Σ |v_j|` over columns that are rounded.
    rounded: i64,
    /// The same over all columns, one per feature, and the bias: the range of a score.
    pub(crate) score: i64,
    /// Features: at most so many columns are not zero at once.
    features: f64,
    /// Error that float64 may add when scalers are folded into weights.
    pub(crate) fold: f64,
    /// Input bits from which on whole numbers are exact.
    whole: u32,
}

impl Sizes {
    pub(crate) fn of(cut: &Cut, exponents: &[i32], accuracy: f64) -> Self {
        let Cut { head, core, .. } = cut;
        let limits: Vec<f64> = exponents.iter().map(|&e| power_of_two(i64::from(e))).collect();
        let groups = exclusive_groups(head);
        let size = |score: usize, column: usize| (core.row(score)[column] * limits[column]).abs();
        let rounded = |score: usize| {
            (0..core.columns).filter(|&c| is_fraction(head, c)).map(|c| size(score, c)).sum::<f64>()
        };
        let score = |score: usize| {
            groups.iter().map(|g| greatest(g, |c| size(score, c))).sum::<f64>() + core.bias[score].abs()
        };
        let of_all = |size: &dyn Fn(usize) -> f64| greatest(&(0..core.scores()), size);
        let fold = |score: usize| {
            let error = |c: usize| core.weight_errors[score * core.columns + c] * limits[c];
            groups.iter().map(|g| greatest(g, error)).sum::<f64>() + core.bias_errors[score]
        };
        Self {
            rounded: exponent_of(of_all(&rounded)),
            // Rounded weights may add up to a little beyond the range, by less than the accuracy.
            score: exponent_of(of_all(&score) + accuracy),
            features: groups.len() as f64,
            whole: (0..core.columns)
                .filter(|&c| is_whole(head, c))
                .map(|c| exponents[c])
                .max()
                .map_or(1, |e| e.clamp(1, 50).cast_unsigned()),
            fold: power_of_two(exponent_of(of_all(&fold)).max(-1000))
                * f64::from(u8::from(of_all(&fold) > 0.0)),
        }
    }

    /// The fewest input and weight bits that reach `accuracy` whatever the weights round to.
    pub(crate) fn worst_case_bits(&self, accuracy: f64) -> Option<(u32, u32)> {
        let choices = (self.whole..=MAX_INPUT_BITS).filter_map(|input| {
            let left = accuracy - self.fold - power_of_two(self.rounded - i64::from(input) - 1);
            let weight = (left > 0.0).then(|| -inward_exponent(left / (self.features / 2.0 + 1.0)))?;
            Some((input, u32::try_from(weight.max(0)).ok()?))
        });
        choices.min_by_key(|(input, weight)| input + weight)
    }
}

/// Outward exponent; a model of zeros counts as tiny, so that it still has a plan, and one beyond float64 as more than
/// any plan holds.
fn exponent_of(x: f64) -> i64 {
    match x {
        _ if !x.is_finite() => 2000,
        _ if x > 0.0 => outward_exponent(x),
        _ => -20,
    }
}

/// The exponent of the greatest power of two that is at most `x`.
fn inward_exponent(x: f64) -> i64 {
    let above = outward_exponent(x);
    if power_of_two(above) > x { above - 1 } else { above }
}

fn greatest(range: &Range<usize>, size: impl Fn(usize) -> f64) -> f64 {
    range.clone().map(size).fold(0.0, f64::max)
}

/// The error bound of the worst score, without folding, from the integers that are really used.
pub(crate) fn bound(cut: &Cut, plan: &Plan, integers: &Integers) -> f64 {
    let unit = power_of_two(-i64::from(plan.weight_bits));
    let half_input = power_of_two(-i64::from(plan.input_bits) - 1);
    let score_unit = power_of_two(-i64::from(plan.score_bits()));
    let (limits, groups) = (plan.limits(), exclusive_groups(&cut.head));
    let of_score = |score: usize| {
        let row = &integers.weights[score * cut.core.columns..(score + 1) * cut.core.columns];
        let column = |c: usize| {
            let used = row[c].cast_signed() as f64 * unit;
            let exact = !is_fraction(&cut.head, c) && (!is_whole(&cut.head, c) || steps_divide_one(plan, c));
            let rounding = if exact { 0.0 } else { used.abs() * half_input };
            rounding + (used - cut.core.row(score)[c] * limits[c]).abs()
        };
        let columns: f64 = groups.iter().map(|g| greatest(g, column)).sum();
        columns + (integers.bias[score].cast_signed() as f64 * score_unit - cut.core.bias[score]).abs()
    };
    let decoding = power_of_two(i64::from(plan.score_exponent) - 52);
    // These sums are float64 themselves: their own rounding is far below one part in 2^40.
    (greatest(&(0..cut.core.scores()), of_score) + decoding) * (1.0 + 2f64.powi(-40))
}

/// Whether the largest possible score, in integers, stays inside half the ring.
pub(crate) fn never_wraps(head: &Head, plan: &Plan, integers: &Integers) -> bool {
    let (columns, groups) = (plan.range_exponents.len(), exclusive_groups(head));
    let input = 1u128 << plan.input_bits;
    integers.bias.iter().enumerate().all(|(s, bias)| {
        let row = &integers.weights[s * columns..(s + 1) * columns];
        let size = |c: usize| u128::from(row[c].cast_signed().unsigned_abs()) * input;
        let sum: u128 = groups.iter().map(|g| g.clone().map(size).max().unwrap_or(0)).sum();
        sum + u128::from(bias.cast_signed().unsigned_abs()) < 1 << (plan.k - 1)
    })
}

/// Columns of which at most one is not zero, as ranges: those made from the same feature, which stand together.
pub(crate) fn exclusive_groups(head: &Head) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (at, column) in head.columns.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if head.columns[group.clone()].iter().all(|c| exclusive(c, column)) => {
                group.end = at + 1;
            }
            _ => groups.push(at..at + 1),
        }
    }
    groups
}

fn exclusive(a: &Column, b: &Column) -> bool {
    use Column::{Indicator, Level, Value};
    a.feature() == b.feature()
        && match (a, b) {
            (Value { missing: Some(value), .. }, Indicator { missing, .. }) => value == missing,
            (Level { category, level, .. }, Level { category: other, level: another, .. }) => {
                category == other && level != another
            }
            _ => false,
        }
}

/// Whether a column has values between whole numbers, which encoding rounds. Indicators and levels are 0 or 1.
fn is_fraction(head: &Head, column: usize) -> bool {
    matches!(head.columns[column], Column::Value { feature, .. } if !head.is_whole(feature))
}

/// Whether a column has whole numbers of any size.
fn is_whole(head: &Head, column: usize) -> bool {
    matches!(head.columns[column], Column::Value { feature, .. } if head.is_whole(feature))
}

/// Whether whole numbers are multiples of the column's step 2^(e-f), and so exact.
fn steps_divide_one(plan: &Plan, column: usize) -> bool {
    i64::from(plan.input_bits) >= i64::from(plan.range_exponents[column])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Missing, Port};
    use crate::head::Feature;
    use crate::range::RangeSource;
    use crate::tensor::DataType;

    fn head(columns: Vec<Column>) -> Head {
        let port = Port {
            name: "x".into(),
            dtype: DataType::Fp64,
            width: 2,
            flat: false,
            dims: Vec::new(),
            columns: Vec::new(),
        };
        let features = (0..2).map(|element| Feature::Raw { input: 0, element }).collect();
        Head { inputs: vec![port], features, columns, ..Head::default() }
    }

    /// Whether scores of two columns with weights 7 and -5 and this bias, times inputs of up to 2^3, fit eight bits.
    fn fits(head: &Head, bias: i64) -> bool {
        let plan = Plan {
            accuracy: 1.0,
            k: 8,
            input_bits: 3,
            weight_bits: 3,
            range_exponents: vec![0; 2],
            range_source: RangeSource::Rows,
            score_exponent: 1,
            bound: 1.0,
        };
        let weights = [7, -5].map(i64::cast_unsigned).to_vec();
        never_wraps(head, &plan, &Integers { weights, bias: vec![bias.cast_unsigned()] })
    }

    #[test]
    fn a_sum_fits_up_to_the_last_unit_of_half_the_ring() {
        let value = |feature| Column::Value { feature, missing: None };
        let both = head(vec![value(0), value(1)]);
        // 7·8 + 5·8 = 96, and half the ring ends below 128.
        for (bias, expected) in [(31, true), (-31, true), (32, false), (-32, false), (i64::MIN, false)] {
            assert_eq!(fits(&both, bias), expected, "{bias}");
        }
    }

    #[test]
    fn of_columns_that_exclude_each_other_only_the_largest_counts() {
        let missing = Missing::Nan;
        let value = Column::Value { feature: 0, missing: Some(missing) };
        let either = head(vec![value.clone(), Column::Indicator { feature: 0, missing }]);
        // 7·8 = 56.
        assert!(fits(&either, 71) && !fits(&either, 72));
        let others = [
            Column::Indicator { feature: 1, missing },
            Column::Indicator { feature: 0, missing: Missing::Value(1.0) },
            Column::Value { feature: 0, missing: None },
        ];
        for other in others {
            assert!(!fits(&head(vec![value.clone(), other]), 71));
        }
    }
}
