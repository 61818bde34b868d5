//! Numbers as a reader sees them.

/// What stands where a number would.
pub(super) const NOT_DEFINED: &str = "not defined";

/// With so many decimals; a true minus sign.
pub(super) fn fixed(value: impl Into<Option<f64>>, decimals: usize) -> String {
    let text = |value: f64| format!("{value:.decimals$}");
    let Some(value) = value.into().filter(|value| value.is_finite()) else {
        return NOT_DEFINED.into();
    };
    let text = text(value);
    // What rounds to zero has no sign.
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| c == '0' || c == '.') => digits.into(),
        Some(digits) => format!("\u{2212}{digits}"),
        None => text,
    }
}

/// The same with its sign always.
pub(super) fn signed(value: impl Into<Option<f64>>, decimals: usize) -> String {
    let value = value.into();
    let plus =
        value.is_some_and(|value| value.is_finite() && value >= 0.5 * 0.1_f64.powi(decimal_power(decimals)));
    format!("{}{}", if plus { "+" } else { "" }, fixed(value, decimals))
}

fn decimal_power(decimals: usize) -> i32 {
    i32::try_from(decimals).unwrap_or(i32::MAX)
}

/// A share as a percentage with one decimal.
pub(super) fn percent(value: impl Into<Option<f64>>) -> String {
    match value.into() {
        Some(value) if value.is_finite() => format!("{} %", fixed(100.0 * value, 1)),
        _ => NOT_DEFINED.into(),
    }
}

/// Four significant digits, whatever the size.
pub(super) fn significant(value: Option<f64>) -> String {
    match value {
        Some(value) if value.is_finite() && value != 0.0 && !(1e-3..1e5).contains(&value.abs()) => {
            let text = format!("{value:.3e}");
            text.replace('-', "\u{2212}").replace('e', " \u{b7} 10^")
        }
        value => fixed(value, 4),
    }
}

/// A count with its thousands apart.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The same of rows.
pub(super) fn rows(value: usize) -> String {
    count(value as u64)
}

/// Two ends of an interval, each written by `text`.
pub(super) fn interval(ends: Option<[f64; 2]>, text: impl Fn(f64) -> String) -> String {
    ends.map_or_else(|| NOT_DEFINED.into(), |[low, high]| format!("{} to {}", text(low), text(high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(fixed(-0.0004, 3), "0.000");
        assert_eq!(fixed(-1.25, 1), "\u{2212}1.2");
        assert_eq!((fixed(None, 2), fixed(f64::NAN, 2)), (NOT_DEFINED.into(), NOT_DEFINED.into()));
        assert_eq!(
            (signed(0.0123, 3), signed(0.0, 3), signed(-0.5, 1)),
            ("+0.012".into(), "0.000".into(), "\u{2212}0.5".into())
        );
        assert_eq!((percent(0.0807), percent(f64::INFINITY)), ("8.1 %".into(), NOT_DEFINED.into()));
        assert_eq!(
            (count(7), count(61_500), count(58_000_000)),
            ("7".into(), "61,500".into(), "58,000,000".into())
        );
        assert_eq!(significant(Some(-1.234_56e-7)), "\u{2212}1.235 \u{b7} 10^\u{2212}7");
        assert_eq!((significant(Some(0.0)), significant(Some(0.05))), ("0.0000".into(), "0.0500".into()));
        assert_eq!(interval(Some([0.1, 0.25]), percent), "10.0 % to 25.0 %");
    }
}
