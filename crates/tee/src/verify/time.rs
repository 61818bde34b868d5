//! Times as people write them.

use std::time::Duration;

use x509_cert::der::DateTime;

use super::Time;

/// RFC 3339, in UTC.
pub fn rfc3339(time: Time) -> String {
    DateTime::from_unix_duration(Duration::from_secs(time))
        .map_or_else(|_| "after the year 9999".into(), |t| t.to_string())
}

/// Seconds since 1970 of a time in RFC 3339: `2026-01-31T12:00:00Z`, or with an offset or fractions of a second, or a date alone.
pub fn seconds_of(text: &str) -> Option<Time> {
    let utc = |text: &str| text.parse::<DateTime>().ok().map(|t| t.unix_duration().as_secs());
    if text.len() == 10 {
        return utc(&format!("{text}T00:00:00Z"));
    }
    let (date, rest) = text.split_at_checked(19)?;
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let base = utc(&format!("{}Z", date.replacen(' ', "T", 1)))?;
    match zone {
        "Z" | "z" => Some(base),
        _ => {
            let (sign, offset) = zone.split_at_checked(1)?;
            let (hours, minutes) = offset.split_once(':')?;
            let offset =
                3600 * u64::from(hours.parse::<u8>().ok()?) + 60 * u64::from(minutes.parse::<u8>().ok()?);
            match sign {
                "+" => base.checked_sub(offset),
                "-" => base.checked_add(offset),
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-25T06:12:27Z", Some(1_795_587_147)),
            ("2026-11-25T06:12:27.123Z", Some(1_795_587_147)),
            ("2026-11-25T08:12:27+02:00", Some(1_795_587_147)),
            ("2026-11-25", Some(1_795_564_800)),
            ("2026-11-25T06:12:27", None),
            ("2026-11-25T06:12:27+99999999999999999:00", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(seconds_of(text), seconds, "{text}");
        }
        assert_eq!(rfc3339(1_795_587_147), "2026-11-25T06:12:27Z");
    }
}
