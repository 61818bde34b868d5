//! The short floating-point formats.

/// Short formats keep their bits in the low half of an int32.
pub(super) fn low_bits(x: i32) -> u16 {
    (x.cast_unsigned() & 0xffff) as u16
}

/// IEEE 754 half precision.
pub(super) fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = ((bits >> 10) & 0x1f, f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction > 0.0 => f64::NAN,
        0x1f => f64::INFINITY,
        e => (1.0 + fraction / 1024.0) * 2f64.powi(i32::from(e) - 15),
    }
}

/// The upper half of a single-precision number.
pub(super) fn bfloat(bits: u16) -> f64 {
    f32::from_bits(u32::from(bits) << 16).into()
}
