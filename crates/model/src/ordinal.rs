//! Float32 numbers as whole numbers in the same order, so that a comparison of the one is a comparison of the other.

/// Greatest absolute value of an [`ordinal`], as an exponent of 2.
pub const ORDINAL_BITS: u32 = 31;

/// The number of float32 numbers between 0 and `x`, with the sign of `x`; `x` is rounded to float32 first. `a < b` for two float32
/// numbers is the same as for their ordinals, and both zeros have ordinal 0. Not a number gives NaN.
#[allow(clippy::cast_possible_truncation)] // to float32 is what is asked
pub fn ordinal(x: f64) -> f64 {
    let x = x as f32;
    if x.is_nan() {
        return f64::NAN;
    }
    let size = f64::from(x.to_bits() & 0x7fff_ffff);
    if x.is_sign_negative() { -size } else { size }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn order_is_kept(a: f32, b: f32) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(a < b, ordinal(a.into()) < ordinal(b.into()));
            prop_assert_eq!(a <= b, ordinal(a.into()) <= ordinal(b.into()));
            prop_assert!(ordinal(a.into()).abs() < 2f64.powi(31));
        }
    }

    #[test]
    fn neighbours_differ_by_one() {
        for x in [1.0f32, -1.0, 0.0, f32::MIN_POSITIVE, 3e38, -2.5e-40] {
            let gap = ordinal(x.next_up().into()) - ordinal(x.into());
            assert!((gap - 1.0).abs() < f64::EPSILON, "{x}: {gap}");
        }
        assert!(ordinal(-0.0).abs() < f64::EPSILON);
    }
}
