//! Fixed point: a real number `x` becomes the integer nearest to `x·scale`, and back.
//!
//! Error of encoding: at most half a unit, exactly (the product `x·scale` is itself exact when `scale` is a power of
//! two, which is why the plan only uses such scales). Error of decoding: half a unit in the last place of a float64.

// Exponents of float64 lie within ±1100, so their conversion to an integer loses nothing.
#![allow(clippy::cast_possible_truncation)]

/// Adding and subtracting this rounds a float64 of magnitude below 2^51 to the nearest integer, ties to even, and
/// leaves that integer in the low bits: one addition instead of a conversion that no vector unit had before AVX-512.
const ROUNDER: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52

/// Most fraction bits of an encoded input: the rounder's limit.
pub const MAX_INPUT_BITS: u32 = 50;

/// The integer nearest to `x·scale` (ties to even), as a ring element. `|x·scale|` must be below 2^51.
#[inline]
pub fn encode(x: f64, scale: f64) -> u64 {
    (x * scale + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits())
}

/// `element`, of `k` bits, times 2^(-fraction_bits). Rounds to float64: relative error at most 2^-53.
pub fn decode(element: u64, k: u32, fraction_bits: u32) -> f64 {
    crate::signed(element, k) as f64 * power_of_two(-i64::from(fraction_bits))
}

/// 2^exponent, exactly; saturates to 0 or infinity beyond the range of float64.
pub fn power_of_two(exponent: i64) -> f64 {
    match exponent {
        ..-1074 => 0.0,
        -1074..-1022 => f64::from_bits(1 << (exponent + 1074)),
        -1022..1024 => f64::from_bits((exponent + 1023).cast_unsigned() << 52),
        1024.. => f64::INFINITY,
    }
}

/// The least power of two that is at least `x`, as its exponent; 1024 for what is beyond float64, -1074 for what is not
/// positive.
pub fn outward_exponent(x: f64) -> i64 {
    if !x.is_finite() {
        return 1024;
    }
    if x <= 0.0 {
        return -1074;
    }
    let mut exponent = x.log2().ceil() as i64;
    // log2 may round either way; a power of two is decided by comparing, not by trusting it.
    while power_of_two(exponent) < x {
        exponent += 1;
    }
    while exponent > -1000 && power_of_two(exponent - 1) >= x {
        exponent -= 1;
    }
    exponent
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact equality is what is claimed

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn encoding_errs_by_at_most_half_a_unit(x in -1.0f64..=1.0, bits in 1u32..=MAX_INPUT_BITS) {
            let scale = power_of_two(i64::from(bits));
            let integer = encode(x, scale).cast_signed();
            prop_assert!((integer as f64 - x * scale).abs() <= 0.5, "{x} {bits} {integer}");
        }

        #[test]
        fn decoding_undoes_encoding(n in -(1i64 << 49)..(1i64 << 49), bits in 0u32..=50) {
            let x = n as f64 * power_of_two(-i64::from(bits));
            let element = encode(x, power_of_two(i64::from(bits)));
            prop_assert_eq!(decode(element, 64, bits), x);
            prop_assert_eq!(decode(crate::reduce(element, 51), 51, bits), x);
        }
    }

    #[test]
    fn a_power_of_two_is_exact_down_to_the_least() {
        let mut power = f64::from_bits(1);
        for exponent in -1074..1024 {
            assert_eq!(power_of_two(exponent), power, "{exponent}");
            power *= 2.0;
        }
        assert_eq!((power_of_two(-1075), power_of_two(1024)), (0.0, f64::INFINITY));
    }

    #[test]
    fn outward_is_the_least_power_of_two_above() {
        for (x, exponent) in [(1.0, 0), (1.000_000_1, 1), (0.5, -1), (528.0, 10), (1024.0, 10), (3e-5, -15)] {
            assert_eq!(outward_exponent(x), exponent, "{x}");
        }
    }
}
