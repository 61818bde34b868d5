//! Values as they are written in a policy.

use serde::{Deserialize, Deserializer};

use crate::statement::{from_hex, hex};

/// Bytes in hexadecimal, perhaps after `sha256:`, `sha384:` or `sha512:`.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex())
    }
}

impl Bytes {
    /// In hexadecimal.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// Whether it has one of these lengths, and is not all zeros, which no measurement is.
    pub fn expect(&self, what: &str, lengths: &[usize]) -> Result<(), String> {
        if !lengths.contains(&self.0.len()) {
            let lengths: Vec<String> = lengths.iter().map(ToString::to_string).collect();
            return Err(format!("a {what} has {} bytes, expected {}", self.0.len(), lengths.join(" or ")));
        }
        if self.0.iter().all(|&b| b == 0) {
            return Err(format!(
                "a {what} is all zeros, which is what debug modes show; it is never believed"
            ));
        }
        Ok(())
    }
}

/// A list of measurements of this length: not empty, or nothing would be measured.
pub(super) fn expect_some(list: &[Bytes], what: &str, lengths: &[usize]) -> Result<(), String> {
    if list.is_empty() {
        return Err(format!("it names no {what}; there is no \"any\""));
    }
    list.iter().try_for_each(|b| b.expect(what, lengths))
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(from)?;
        let (length, digits) = match text.split_once(':') {
            None => (None, text.as_str()),
            Some(("sha256", digits)) => (Some(32), digits),
            Some(("sha384", digits)) => (Some(48), digits),
            Some(("sha512", digits)) => (Some(64), digits),
            Some((other, _)) => {
                return Err(D::Error::custom(format!("`{other}` is no digest that is known here")));
            }
        };
        let bytes = from_hex(digits).filter(|b| length.is_none_or(|n| n == b.len()));
        bytes.map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is no value in hexadecimal of the length that it says; there are no wildcards"
            ))
        })
    }
}

/// A time span, written `60s`, `5m`, `12h` or `30d`; a bare number is seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        let text = match Written::deserialize(from)? {
            Written::Number(n) => return Ok(Self(n)),
            Written::Text(text) => text,
        };
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let factor = match unit {
            "s" | "" => Some(1),
            "m" => Some(60),
            "h" => Some(3600),
            "d" => Some(24 * 3600),
            _ => None,
        };
        let seconds = number.parse::<u64>().ok().zip(factor).and_then(|(n, f)| n.checked_mul(f));
        seconds.map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is no time span; expected one like `60s`, `5m`, `12h` or `30d`"
            ))
        })
    }
}
