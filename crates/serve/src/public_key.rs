//! The public half of a machine's key, and the one line in which people exchange it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use privet_deploy::Error;

/// Who a machine is: its name, which TLS key it shows, and its half of pairwise agreements.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    tls: [u8; 32],
    agreement: [u8; 32],
}

impl PublicKey {
    /// From its parts; `tls` is the SHA-256 of the TLS key's `SubjectPublicKeyInfo`.
    pub fn new(name: &str, tls: [u8; 32], agreement: [u8; 32]) -> Result<Self, Error> {
        check_name(name)?;
        Ok(Self { name: name.into(), tls, agreement })
    }

    /// The machine's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of the TLS key's `SubjectPublicKeyInfo`: what a connection is held against.
    pub fn tls(&self) -> &[u8; 32] {
        &self.tls
    }

    /// The X25519 public key.
    pub fn agreement(&self) -> &[u8; 32] {
        &self.agreement
    }

    /// Both halves, one after the other.
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        let (tls, agreement) = bytes.split_at_mut(32);
        tls.copy_from_slice(&self.tls);
        agreement.copy_from_slice(&self.agreement);
        bytes
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX} {} {}", self.name, URL_SAFE_NO_PAD.encode(self.to_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self, Error> {
        let mut words = line.split_ascii_whitespace();
        let (Some(PREFIX), Some(name), Some(text), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(malformed(&format!(
                "a public key is one line of three words: `{PREFIX} NAME LETTERS`"
            )));
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed("its letters are not base64url"))?;
        let Some((tls, agreement)) =
            bytes.split_first_chunk::<32>().and_then(|(tls, rest)| Some((tls, rest.try_into().ok()?)))
        else {
            return Err(malformed(&format!("its letters stand for {} bytes, expected 64", bytes.len())));
        };
        Self::new(name, *tls, agreement)
    }
}

/// The keys of parties, from their lines: all different, in both halves, or one machine would be two parties.
pub fn of_parties(lines: &[String]) -> Result<Vec<PublicKey>, Error> {
    let keys = lines.iter().map(|line| line.parse()).collect::<Result<Vec<PublicKey>, _>>()?;
    for (at, key) in keys.iter().enumerate() {
        if let Some(other) =
            keys[..at].iter().find(|k| k.tls() == key.tls() || k.agreement() == key.agreement())
        {
            return Err(Error::refused(
                "E234",
                format!(
                    "`{}` and `{}` are the same machine's key. Each party must be another machine, or it would hold what \
                     only two together may.",
                    other.name(),
                    key.name()
                ),
            ));
        }
    }
    Ok(keys)
}

/// The first bytes of a key's hash, as people compare them.
pub fn fingerprint(hash: &[u8; 32]) -> String {
    let [a, b, c, d, ..] = hash;
    format!("{a:02x}{b:02x}{c:02x}{d:02x}…")
}

/// A machine's name: 1 to 64 of `a-z`, `0-9` and `-`.
pub fn check_name(name: &str) -> Result<(), Error> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    let shown: String = name.chars().take(64).collect();
    Err(malformed(&format!("the name `{shown}` must be 1 to 64 of `a-z`, `0-9` and `-`")))
}

const PREFIX: &str = "privet1";

fn malformed(what: &str) -> Error {
    Error::usage(
        "E312",
        format!("This is not a machine's public key: {what}. Copy the whole line as `keygen` printed it."),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_line_round_trips(name in "[a-z0-9-]{1,64}", tls: [u8; 32], agreement: [u8; 32]) {
            let key = PublicKey::new(&name, tls, agreement).unwrap();
            prop_assert_eq!(&key.to_string().parse::<PublicKey>().unwrap(), &key);
            prop_assert_eq!(&format!("  {key} \n").parse::<PublicKey>().unwrap(), &key);
        }

        #[test]
        fn a_changed_line_is_another_key_or_none(at in 0_usize..101, to in any::<char>()) {
            let key = PublicKey::new("bank-a", [7; 32], [9; 32]).unwrap();
            let line = key.to_string();
            prop_assume!(at < line.len() && line.as_bytes()[at] != b' ');
            let changed: String = line.chars().enumerate().map(|(i, c)| if i == at { to } else { c }).collect();
            prop_assume!(changed != line);
            if let Ok(other) = changed.parse::<PublicKey>() {
                prop_assert_ne!(other, key);
            }
        }
    }

    #[test]
    fn other_lines_are_refused() {
        let line = PublicKey::new("a", [1; 32], [2; 32]).unwrap().to_string();
        let short = format!("privet1 a {}", URL_SAFE_NO_PAD.encode([0; 63]));
        for bad in ["", "privet1 a", &line.replace("privet1", "privet2"), &format!("{line} x"), &short] {
            assert_eq!(bad.parse::<PublicKey>().unwrap_err().code, "E312", "{bad}");
        }
        assert!(PublicKey::new("Bank A", [1; 32], [2; 32]).is_err());
        assert!(PublicKey::new(&"a".repeat(65), [1; 32], [2; 32]).is_err());
    }
}
