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

/// The ordinal of the float32 number next to a threshold that may lie between two: the least that is not below it, or the
/// greatest that is not above it. So `x < t`, or `x ≤ t`, is the same of the ordinals.
#[allow(clippy::cast_possible_truncation)]
pub fn ordinal_beside(threshold: f64, above: bool) -> f64 {
    let near = threshold as f32;
    let beside = match (above, f64::from(near)) {
        (true, t) if t < threshold => near.next_up(),
        (false, t) if t > threshold => near.next_down(),
        _ => near,
    };
    ordinal(beside.into())
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

    proptest! {
        #[test]
        fn a_threshold_between_two_numbers_parts_them(x: f32, t: f64, near in -3i32..3) {
            prop_assume!(!x.is_nan() && !t.is_nan());
            // Around the number itself, where it matters.
            for t in [t, f64::from(x) * (1.0 + f64::from(near) * 1e-9)] {
                prop_assert_eq!(f64::from(x) <= t, ordinal(x.into()) <= ordinal_beside(t, false));
                prop_assert_eq!(f64::from(x) < t, ordinal(x.into()) < ordinal_beside(t, true));
            }
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
