//! The range of each column: from sample rows, else from the model's own scalers and imputers, else the widest that
//! fits. Rounded outward to powers of two, because everyone sees them.
//!
//! A range reaches as far below zero as above it, unless the model takes a logarithm, a root or an inverse of the column: then
//! sample rows say how near to zero it comes ([`Floor`]), and no applicant with a value below that is answered.

use privet_ring::fixed::{outward_exponent, power_of_two};
use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::fold::Statistics;
use crate::head::{Column, Head};
use crate::ordinal::ORDINAL_BITS;
use crate::tensor::Tensor;

/// Where a plan's ranges came from, in the words of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RangeSource {
    /// Sample rows, widened twofold.
    Rows,
    /// The model's own scalers and imputers where it has them, and the widest that fits elsewhere.
    Model,
}

/// Where a column's range begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Floor {
    /// As far below zero as it reaches above.
    #[default]
    Opposite,
    /// At zero.
    Zero,
    /// At 2^this.
    Power(i32),
}

impl Floor {
    /// The least value of a column that reaches up to `limit`.
    pub fn below(self, limit: f64) -> f64 {
        match self {
            Self::Opposite => -limit,
            Self::Zero => 0.0,
            Self::Power(exponent) => power_of_two(i64::from(exponent)),
        }
    }

    /// That of values of which this is the least: half of it.
    fn of(least: f64) -> Self {
        if least < 0.0 {
            return Self::Opposite;
        }
        // Downwards is upwards of the inverse.
        let inverse = exponent(2.0 / least);
        if inverse >= FARTHEST { Self::Zero } else { Self::Power(-inverse) }
    }

    /// Whether it is one of a column up to 2^`exponent`.
    pub(crate) fn is_sound(self, exponent: i32) -> bool {
        match self {
            Self::Opposite | Self::Zero => true,
            Self::Power(own) => (-FARTHEST..=exponent).contains(&own),
        }
    }
}

/// Standard deviations, as powers of two, that a feature with a scaler may lie from its mean: at most what real credit
/// data need, which have values at 75; at least what a range must have to be of use.
const SPREADS: std::ops::RangeInclusive<i32> = 2..=7;
/// The widest and the narrowest range, as powers of two, tried for a feature of which nothing is known.
const WIDEST: i32 = 40;
const NARROWEST: i32 = 0;

/// The values of a column in sample rows.
#[derive(Clone, Copy)]
struct Sampled {
    least: f64,
    /// The largest without its sign.
    largest: f64,
}

/// What is known of the ranges of features.
pub struct Ranges {
    /// By column, from sample rows.
    sampled: Option<Vec<Sampled>>,
}

impl Ranges {
    /// Nothing but the model.
    pub fn of_model() -> Self {
        Self { sampled: None }
    }

    /// From sample rows, which must be finite where the model has no imputation.
    pub fn of_rows(head: &Head, rows: &[Tensor]) -> Result<Self, Refusal> {
        let rows = head.bind(rows)?;
        let width = head.columns.len();
        let mut sampled = vec![Sampled { least: f64::INFINITY, largest: 0.0 }; width];
        let mut row = vec![0.0; width];
        for r in 0..rows.len() {
            rows.fill(r, &mut row);
            if let Some(column) = row.iter().position(|x| !x.is_finite()) {
                return Err(unusable(head, column, r));
            }
            for (seen, x) in sampled.iter_mut().zip(&row) {
                *seen = Sampled { least: seen.least.min(*x), largest: seen.largest.max(x.abs()) };
            }
        }
        Ok(Self { sampled: Some(sampled) })
    }

    /// Where they come from.
    pub fn source(&self) -> RangeSource {
        if self.sampled.is_some() { RangeSource::Rows } else { RangeSource::Model }
    }

    /// Exponents for each column, the most wanted first.
    pub(crate) fn candidates(
        &self,
        head: &Head,
        statistics: &[Option<Statistics>],
    ) -> Box<dyn DoubleEndedIterator<Item = Vec<i32>>> {
        if let Some(seen) = &self.sampled {
            Box::new(std::iter::once(sampled(head, seen)))
        } else {
            let of = |width| from_model(head, statistics, width);
            Box::new((NARROWEST..=WIDEST).rev().map(of).collect::<Vec<_>>().into_iter())
        }
    }

    /// How near to zero a column comes, as far as sample rows tell.
    pub(crate) fn floor(&self, head: &Head, column: usize) -> Floor {
        match (&self.sampled, &head.columns[column]) {
            (Some(sampled), Column::Value { .. }) => Floor::of(sampled[column].least),
            _ => Floor::Opposite,
        }
    }
}

/// What cannot be sent: named by row (counted from 1) and feature.
pub fn unusable(head: &Head, column: usize, row: usize) -> Refusal {
    let name = head.columns.get(column).map_or_else(String::new, |c| head.feature_name(c.feature()));
    let row = row + 1;
    let message = match head.columns.get(column) {
        Some(Column::Level { .. }) => format!(
            "Row {row}, feature `{name}` is a category that the model does not know. Send one of its known levels."
        ),
        _ => format!(
            "Row {row}, feature `{name}` is missing or not finite, and the model does not say what to put in its \
             place. Fill it before asking."
        ),
    };
    Refusal::new("E104", message)
}

fn sampled(head: &Head, seen: &[Sampled]) -> Vec<i32> {
    let each = head.columns.iter().zip(seen);
    each.map(|(column, seen)| match column {
        Column::Value { .. } if seen.largest > 0.0 => exponent(2.0 * seen.largest),
        Column::Ordinal { .. } => ORDINAL_EXPONENT,
        _ => 0,
    })
    .collect()
}

/// `width` is the exponent for features of which nothing is known, and of the number of standard deviations (capped)
/// for those with a scaler.
fn from_model(head: &Head, statistics: &[Option<Statistics>], width: i32) -> Vec<i32> {
    let spread_factor = 2f64.powi(width.clamp(*SPREADS.start(), *SPREADS.end()));
    let of_feature = |feature: usize| match statistics.get(feature).copied().flatten() {
        Some(Statistics { center, spread: Some(spread) }) => exponent(center.abs() + spread_factor * spread),
        Some(Statistics { center, spread: None }) if center != 0.0 => width.max(exponent(2.0 * center.abs())),
        _ => width,
    };
    let each = head.columns.iter().map(|column| match column {
        Column::Value { feature, .. } if head.is_of_unit_length(*feature) => UNIT,
        Column::Value { feature, .. } => of_feature(*feature),
        Column::Indicator { .. } | Column::Level { .. } => 0,
        Column::Ordinal { .. } => ORDINAL_EXPONENT,
    });
    each.collect()
}

/// Exponent for a value of a row of unit length: one more than 0, as float64 division may round it a little above 1.
const UNIT: i32 = 1;

/// Exponent of the largest ordinal.
#[allow(clippy::cast_possible_wrap)]
const ORDINAL_EXPONENT: i32 = ORDINAL_BITS as i32;

/// An exponent that no plan holds.
const FARTHEST: i32 = 400;

/// What is beyond float64 has a range that no plan holds.
fn exponent(x: f64) -> i32 {
    if !x.is_finite() {
        return FARTHEST;
    }
    i32::try_from(outward_exponent(x)).unwrap_or(i32::MAX).clamp(-FARTHEST, FARTHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_is_at_most_half_of_the_least_value_and_at_least_a_quarter() {
        for least in [1.0, 0.75, 3e-7, 12_345.0, 2f64.powi(-300), 2f64.powi(60)] {
            let floor = Floor::of(least).below(f64::INFINITY);
            assert!(
                floor <= least / 2.0 && floor > least / 4.0 - f64::MIN_POSITIVE,
                "{floor:e} of {least:e}"
            );
        }
    }

    #[test]
    fn a_floor_from_outside_lies_below_the_limit() {
        for sound in [Floor::Opposite, Floor::Zero, Floor::Power(3), Floor::Power(-400)] {
            assert!(sound.is_sound(3), "{sound:?}");
        }
        for unsound in [Floor::Power(4), Floor::Power(i32::MAX), Floor::Power(-401), Floor::Power(i32::MIN)] {
            assert!(!unsound.is_sound(3), "{unsound:?}");
        }
    }

    #[test]
    fn zero_and_what_nearly_is_are_zero_and_what_is_below_has_none() {
        for (least, floor) in
            [(0.0, Floor::Zero), (5e-324, Floor::Zero), (-0.0, Floor::Zero), (-1e-9, Floor::Opposite)]
        {
            assert_eq!(Floor::of(least), floor, "{least:e}");
        }
    }
}
