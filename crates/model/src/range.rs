//! The range of each column: from sample rows, else from the model's own scalers and imputers, else the widest that
//! fits. Rounded outward to powers of two, because everyone sees them.

use privet_ring::fixed::outward_exponent;
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

/// Standard deviations, as powers of two, that a feature with a scaler may lie from its mean: at most what real credit
/// data need, which have values at 75; at least what a range must have to be of use.
const SPREADS: std::ops::RangeInclusive<i32> = 2..=7;
/// The widest and the narrowest range, as powers of two, tried for a feature of which nothing is known.
const WIDEST: i32 = 40;
const NARROWEST: i32 = 0;

/// What is known of the ranges of features.
pub struct Ranges {
    /// Largest absolute value by column, from sample rows.
    sampled: Option<Vec<f64>>,
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
        let mut largest = vec![0.0f64; width];
        let mut row = vec![0.0; width];
        for r in 0..rows.len() {
            rows.fill(r, &mut row);
            if let Some(column) = row.iter().position(|x| !x.is_finite()) {
                return Err(unusable(head, column, r));
            }
            largest.iter_mut().zip(&row).for_each(|(l, x)| *l = l.max(x.abs()));
        }
        Ok(Self { sampled: Some(largest) })
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
        if let Some(largest) = &self.sampled {
            Box::new(std::iter::once(sampled(head, largest)))
        } else {
            let of = |width| from_model(head, statistics, width);
            Box::new((NARROWEST..=WIDEST).rev().map(of).collect::<Vec<_>>().into_iter())
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

fn sampled(head: &Head, largest: &[f64]) -> Vec<i32> {
    let each = head.columns.iter().zip(largest);
    each.map(|(column, &x)| match column {
        Column::Value { .. } if x > 0.0 => exponent(2.0 * x),
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

/// What is beyond float64 has a range that no plan holds.
fn exponent(x: f64) -> i32 {
    if !x.is_finite() {
        return 400;
    }
    i32::try_from(outward_exponent(x)).unwrap_or(i32::MAX).clamp(-400, 400)
}
