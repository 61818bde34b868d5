//! Numbers, dates and names as people read them, and text that is safe inside HTML and SVG.

/// Text as HTML and SVG may hold it, in elements and in quoted attributes: no character of it means anything there, and
/// what XML does not allow at all is a replacement character.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// What a number counts, which says how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Things that are counted.
    Count,
    /// So many times another number.
    Ratio,
    /// US dollars.
    Dollars,
    /// A difference between two answers.
    Error,
}

impl Unit {
    /// A number as a table has it.
    pub fn write(self, x: f64) -> String {
        match self {
            Self::Seconds => seconds(x),
            Self::Bytes => bytes(x),
            Self::Count => count(x),
            Self::Ratio => ratio(x),
            Self::Dollars => dollars(x),
            Self::Error => format!("{x:.1e}"),
        }
    }

    /// A round number as an axis has it: no digits that say nothing.
    pub fn tick(self, x: f64) -> String {
        match self {
            Self::Seconds => scaled(x, &[(1e-6, " µs"), (1e-3, " ms"), (1.0, " s")]),
            Self::Bytes => scaled(x, &[(1.0, " B"), (1e3, " kB"), (1e6, " MB"), (1e9, " GB"), (1e12, " TB")]),
            Self::Count => scaled(x, &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")]),
            Self::Ratio => format!("{}x", plain(x)),
            Self::Dollars => plain(x),
            Self::Error => format!("{x:e}"),
        }
    }
}

/// In the largest unit that is not above it.
fn scaled(x: f64, units: &[(f64, &str)]) -> String {
    let fits = units.iter().rev().find(|(unit, _)| x >= unit * 0.999_999);
    let (unit, name) = fits.or(units.first()).copied().unwrap_or((1.0, ""));
    format!("{}{name}", plain(x / unit))
}

/// Few digits, without zeros at the end.
fn plain(x: f64) -> String {
    if x != 0.0 && !(1e-4..1e7).contains(&x.abs()) {
        return format!("{x:.0e}");
    }
    let text = format!("{x:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds; no line breaks before their unit.
pub fn seconds(s: f64) -> String {
    match s {
        s if s < 1e-3 => format!("{:.0}\u{a0}µs", s * 1e6),
        s if s < 1.0 => format!("{:.2}\u{a0}ms", s * 1e3),
        s => format!("{s:.2}\u{a0}s"),
    }
}

/// Bytes, in powers of 1000; no line breaks before their unit.
pub fn bytes(n: f64) -> String {
    match n {
        n if n < 1e4 => format!("{n:.0}\u{a0}B"),
        n if n < 1e6 => format!("{:.1}\u{a0}kB", n / 1e3),
        n if n < 1e9 => format!("{:.1}\u{a0}MB", n / 1e6),
        n => format!("{:.2}\u{a0}GB", n / 1e9),
    }
}

/// A count in groups of three digits, between which no line breaks.
pub fn count(x: f64) -> String {
    let digits = format!("{x:.0}");
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
    let mut out = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

/// So many times.
pub fn ratio(x: f64) -> String {
    if x < 100.0 { format!("{x:.2}x") } else { format!("{}x", count(x)) }
}

/// US dollars.
fn dollars(x: f64) -> String {
    if x < 0.01 { format!("{x:.5}\u{a0}USD") } else { format!("{x:.3}\u{a0}USD") }
}

/// Seconds since 1970 as a date and time in UTC, by the days of the proleptic Gregorian calendar (Howard Hinnant,
/// `chrono`-compatible low-level date algorithms: `civil_from_days`).
pub fn date(since_1970: u64) -> String {
    let (days, second) = (since_1970 / 86_400 + 719_468, since_1970 % 86_400);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", second / 3600, second / 60 % 60)
}

/// A name as a file and an anchor may be called: small letters, digits and hyphens.
pub fn slug(text: &str) -> String {
    let mapped = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let mapped: String = mapped.collect();
    let parts: Vec<&str> = mapped.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(count(1_234_567.0), "1\u{a0}234\u{a0}567");
        assert_eq!(count(-999.0), "-999");
        assert_eq!([Unit::Seconds.tick(1e-3), Unit::Seconds.tick(2e-5)], ["1 ms", "20 µs"]);
        assert_eq!(
            [Unit::Bytes.tick(1e6), Unit::Count.tick(1e4), Unit::Ratio.tick(0.5)],
            ["1 MB", "10k", "0.5x"]
        );
        assert_eq!([Unit::Error.tick(1e-4), Unit::Dollars.tick(0.002)], ["1e-4", "0.002"]);
        assert_eq!([ratio(3.456), ratio(1234.0)], ["3.46x", "1\u{a0}234x"]);
    }

    #[test]
    fn dates_are_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_795_985_893), "2026-11-29 20:58 UTC");
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_means_anything_to_a_page(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            prop_assert!(escaped.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')));
        }

        #[test]
        fn a_slug_is_a_name_of_a_file(text in any::<String>()) {
            let slug = slug(&text);
            prop_assert!(slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            prop_assert!(!slug.starts_with('-') && !slug.ends_with('-'));
        }
    }
}
