//! The one place that applies a preparation to a value.

use super::options::Placement;
use super::outcome::Prepared;

/// Infinite is missing, missing is filled, the rest is clipped; then the offset is taken off and the scale divided by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    fill: f64,
    low: f64,
    high: f64,
    offset: f64,
    scale: f64,
}

impl Rule {
    /// That of a feature.
    pub(crate) fn new(prepared: &Prepared, placement: Placement) -> Self {
        let &Prepared { fill, low, high, mean, scale, .. } = prepared;
        let (low, high) = match placement {
            Placement::Beside => (low, high),
            // Nothing is clipped but to what float32 holds.
            Placement::Inside => (f64::from(f32::MIN), f64::from(f32::MAX)),
        };
        Self { fill, low, high, offset: mean, scale }
    }

    /// What the model is given for a value: filled and clipped, in the feature's own unit.
    pub(crate) fn raw(&self, value: Option<f64>) -> f32 {
        let known = value.filter(|value| value.is_finite()).unwrap_or(self.fill);
        // Like `clamp`, which would panic if the bounds were not in order.
        to_f32(known.max(self.low).min(self.high))
    }

    /// What the weights are multiplied with: computed in float64 from what the model is given.
    pub(crate) fn scaled(&self, value: Option<f64>) -> f32 {
        to_f32((f64::from(self.raw(value)) - self.offset) / self.scale)
    }
}

/// To the nearest number that the model can hold.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn to_f32(value: f64) -> f32 {
    value as f32
}

/// The same, as float64.
pub(crate) fn rounded(value: f64) -> f64 {
    f64::from(to_f32(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact values are meant

    use super::*;

    fn prepared(fill: f64, low: f64, high: f64, mean: f64, scale: f64) -> Prepared {
        Prepared { name: "x".into(), fill, low, high, mean, scale }
    }

    #[test]
    fn fills_and_clips() {
        let rule = Rule::new(&prepared(3.0, 1.0, 9.0, 2.0, 4.0), Placement::Beside);
        let values =
            [None, Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(f64::NAN), Some(0.0), Some(1e300)];
        assert_eq!(values.map(|value| rule.raw(value)), [3.0, 3.0, 3.0, 3.0, 1.0, 9.0]);
        assert_eq!(values.map(|value| rule.scaled(value)), [0.25, 0.25, 0.25, 0.25, -0.25, 1.75]);
    }

    #[test]
    fn inside_clips_nothing_that_float32_holds() {
        let rule = Rule::new(&prepared(3.0, 1.0, 9.0, 2.0, 4.0), Placement::Inside);
        assert_eq!([None, Some(-6.0), Some(1e300)].map(|value| rule.raw(value)), [3.0, -6.0, f32::MAX]);
    }

    #[test]
    fn a_constant_column_is_zero() {
        let rule = Rule::new(&prepared(0.1, 0.1, 0.1, rounded(0.1), 1.0), Placement::Beside);
        assert_eq!([None, Some(0.1), Some(7.0)].map(|value| rule.scaled(value)), [0.0; 3]);
    }
}
