//! What was released, to whom and when: lines that each hold the digest of the one before, signed by the key service. Editing,
//! dropping or reordering a line breaks the chain; cutting off the end does not, which is what a copy elsewhere is for.

use serde::{Deserialize, Serialize};

#[cfg(feature = "verify")]
use super::resource::ServiceKey;
use crate::statement::{Hex, sha256, verifies};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Counts from 0.
    pub number: u64,
    /// SHA-256 of the line before; zeros for the first.
    pub previous: Hex<32>,
    /// Seconds since 1970, by the key service's clock.
    pub time: u64,
    /// `released`, or the reason of a refusal.
    pub outcome: String,
    /// The model.
    pub model: String,
    /// The owner's number of its version.
    pub version: u64,
    /// Digest of the bundle.
    pub bundle: Hex<32>,
    /// SHA-256 of the evidence.
    pub evidence: Hex<32>,
    /// Kind of evidence, as in a policy; empty where it is of none.
    pub kind: String,
    /// Under which assurance.
    pub assurance: String,
    /// What the evidence measured, by register, in hexadecimal.
    pub measurements: Vec<(String, String)>,
    /// Which machine, as far as the evidence tells, in hexadecimal.
    pub platform: Option<String>,
    /// Refusals before this line that have none of their own, because too many came.
    pub unlogged: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    entry: String,
    key: Hex<32>,
    signature: Hex<64>,
}

/// The end of a log, to which the next line is chained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    next: u64,
    last: Hex<32>,
}

impl Default for Chain {
    fn default() -> Self {
        Self { next: 0, last: Hex([0; 32]) }
    }
}

/// Where a log breaks, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Broken {
    /// Counts from 1.
    pub line: usize,
    /// In words.
    pub why: String,
}

impl Chain {
    /// The next line; number and digest of the entry are filled in.
    #[cfg(feature = "verify")]
    pub fn next(&mut self, mut entry: Entry, key: &ServiceKey) -> String {
        (entry.number, entry.previous) = (self.next, self.last);
        let entry = serde_json::to_string(&entry).unwrap_or_default();
        let signature = key.sign(&message(&entry));
        let line = serde_json::to_string(&Line { entry, key: key.public(), signature }).unwrap_or_default();
        *self = Self { next: self.next + 1, last: Hex(sha256(line.as_bytes())) };
        line
    }

    /// The end of these lines, and what they say, if the chain holds and each is signed by one of `keys` (by whichever key it
    /// names where none are given).
    pub fn verify<'a>(
        lines: impl Iterator<Item = &'a str>,
        keys: &[Hex<32>],
    ) -> Result<(Self, Vec<Entry>), Broken> {
        let (chain, entries, broken) = Self::follow(lines, keys);
        broken.map_or(Ok((chain, entries)), Err)
    }

    /// The same as far as the chain holds, and where it breaks.
    pub fn follow<'a>(
        lines: impl Iterator<Item = &'a str>,
        keys: &[Hex<32>],
    ) -> (Self, Vec<Entry>, Option<Broken>) {
        let (mut chain, mut entries) = (Self::default(), Vec::new());
        for (at, line) in lines.enumerate() {
            match chain.link(line, keys) {
                Ok(entry) => entries.push(entry),
                Err(why) => return (chain, entries, Some(Broken { line: at + 1, why })),
            }
            chain = Self { next: chain.next + 1, last: Hex(sha256(line.as_bytes())) };
        }
        (chain, entries, None)
    }

    fn link(&self, line: &str, keys: &[Hex<32>]) -> Result<Entry, String> {
        let Line { entry, key, signature } =
            serde_json::from_str(line).map_err(|e| format!("it is malformed: {e}"))?;
        if !keys.is_empty() && !keys.contains(&key) {
            return Err("it is signed by a key that is not this service's".into());
        }
        if !verifies(&key, &message(&entry), &signature) {
            return Err("its signature does not verify: it was edited".into());
        }
        let entry: Entry = serde_json::from_str(&entry).map_err(|e| format!("it is malformed: {e}"))?;
        if (entry.number, entry.previous) != (self.next, self.last) {
            return Err("it does not follow the line before: one was dropped, added or moved".into());
        }
        Ok(entry)
    }
}

fn message(entry: &str) -> Vec<u8> {
    [b"privet tee release log v1".as_slice(), entry.as_bytes()].concat()
}
