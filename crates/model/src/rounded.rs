//! Float64 numbers that know how wrong they may be: running error analysis (Higham, *Accuracy and Stability of Numerical
//! Algorithms*, section 3.3), so that folding is part of the proven bound even where terms cancel.

/// Twice the unit roundoff of float64: covers one rounding, and that the errors are themselves computed in float64.
const UNIT: f64 = f64::EPSILON;

/// A computed number, and a bound on its distance from the exact one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rounded {
    pub(crate) value: f64,
    pub(crate) error: f64,
}

impl Rounded {
    /// A number that the file states: exact by definition.
    pub(crate) fn exact(value: f64) -> Self {
        Self { value, error: 0.0 }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let value = self.value + other.value;
        // Adding zero to an exact number rounds nothing.
        let rounding = if self.value == 0.0 || other.value == 0.0 { 0.0 } else { value.abs() * UNIT };
        Self { value, error: self.error + other.error + rounding }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.plus(Self { value: -other.value, ..other })
    }

    /// Times a number that the file states.
    #[allow(clippy::float_cmp)] // a product with exactly one is exact
    pub(crate) fn times(self, factor: f64) -> Self {
        let value = self.value * factor;
        let unit = self.value == 0.0 || self.value.abs() == 1.0 || factor.abs() == 1.0 || factor == 0.0;
        // The least positive float64 covers products that underflow.
        let rounding = if unit { 0.0 } else { value.abs() * UNIT + f64::MIN_POSITIVE };
        Self { value, error: self.error * factor.abs() * (1.0 + UNIT) + rounding }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cancels_keeps_its_error() {
        // 0.1·3e13 - 0.3·1e13: the float64 numbers 0.1 and 0.3 are not the decimal ones, and the difference is 2.8e-4.
        let a = Rounded::exact(0.1).times(3e13);
        let b = Rounded::exact(0.3).times(1e13);
        let difference = a.minus(b);
        assert!(difference.error >= 2.8e-4, "{difference:?}");
    }

    #[test]
    fn exact_steps_add_no_error() {
        assert_eq!(Rounded::exact(0.1).times(-1.0).plus(Rounded::default()), Rounded::exact(-0.1));
    }
}
