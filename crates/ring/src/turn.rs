//! Sine and cosine of an integer angle, the same bits on every machine: exact reduction in integers, then IEEE additions and
//! multiplications only. No library function, and no fused operation, which would round otherwise.
//!
//! Error at most 2^-50: the Taylor polynomials are within 2^-57 on an eighth of a turn, the rest is rounding.

/// Sine and cosine of `angle / 2^period_bits` turns; `3 ≤ period_bits ≤ 53`.
#[inline]
pub fn sine_cosine(angle: u64, period_bits: u32) -> (f64, f64) {
    let turn = angle << (64 - period_bits.clamp(3, 53));
    // The nearest quarter, and what is left: at most an eighth of a turn, exact in float64.
    let quarter = turn.wrapping_add(1 << 61) >> 62;
    let rest = turn.wrapping_sub(quarter << 62).cast_signed() as f64;
    let (sine, cosine) = small(rest * RADIANS);
    match quarter {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

/// Radians in 2^-64 of a turn.
const RADIANS: f64 = std::f64::consts::TAU / 18_446_744_073_709_551_616.0;

/// For at most π/4.
fn small(x: f64) -> (f64, f64) {
    let square = x * x;
    let horner = |factors: &[f64]| factors.iter().fold(1.0, |sum, n| 1.0 - square * sum / n);
    // 1 - x²/(2·3)·(1 - x²/(4·5)·(…)), to x^17 and x^16.
    let sine = x * horner(&[272.0, 210.0, 156.0, 110.0, 72.0, 42.0, 20.0, 6.0]);
    let cosine = horner(&[240.0, 182.0, 132.0, 90.0, 56.0, 30.0, 12.0, 2.0]);
    (sine, cosine)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The platform's own functions are within 2^-52 or so.
    #[test]
    fn it_is_sine_and_cosine() {
        for period_bits in [3, 4, 11, 24, 48, 53] {
            for i in 0..5000u64 {
                let angle = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let reduced = angle & (u64::MAX >> (64 - period_bits));
                let turns = reduced as f64 / (1u64 << period_bits) as f64;
                let (sine, cosine) = sine_cosine(angle, period_bits);
                let radians = std::f64::consts::TAU * turns;
                assert!((sine - radians.sin()).abs() < 3e-15, "{period_bits} {angle}");
                assert!((cosine - radians.cos()).abs() < 3e-15, "{period_bits} {angle}");
                assert!((sine * sine + cosine * cosine - 1.0).abs() < 1e-15);
            }
        }
    }

    /// Worst where the quarters meet.
    #[test]
    fn eighths_of_a_turn_are_as_exact_as_they_can_be() {
        let half = std::f64::consts::FRAC_1_SQRT_2;
        for (eighth, sine, cosine) in [
            (0, 0.0, 1.0),
            (1, half, half),
            (2, 1.0, 0.0),
            (3, half, -half),
            (4, 0.0, -1.0),
            (5, -half, -half),
            (6, -1.0, 0.0),
            (7, -half, half),
        ] {
            let got = sine_cosine(eighth, 3);
            assert!((got.0 - sine).abs() <= 2f64.powi(-52), "{eighth} {got:?}");
            assert!((got.1 - cosine).abs() <= 2f64.powi(-52), "{eighth} {got:?}");
            assert_eq!(got, sine_cosine(eighth << 40, 43));
        }
    }

    /// The bits themselves, so that another machine is held to them.
    #[test]
    fn golden_bits() {
        let mut sum = 0u64;
        for i in 0..1000u64 {
            let (sine, cosine) = sine_cosine(i.wrapping_mul(0x9E37_79B9_7F4A_7C15), 45);
            sum = sum
                .wrapping_mul(31)
                .wrapping_add(sine.to_bits())
                .wrapping_mul(31)
                .wrapping_add(cosine.to_bits());
        }
        assert_eq!(sum, GOLDEN);
    }

    /// From the same steps in Python's floats.
    const GOLDEN: u64 = 5_760_916_750_430_997_359;
}
