//! The question for evidence, and what is presented.

use privet_tee::evidence::Blob;
use privet_tee::statement::Hex;
use serde::{Deserialize, Serialize};

/// How fresh evidence must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// New evidence that binds the asker's own nonce.
    Full,
    /// The epoch's evidence, with the asker's nonce signed beside it; the enclave may give full evidence all the same.
    Epoch,
}

/// Asks for evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// 1.
    pub version: u32,
    /// Random.
    pub nonce: Hex<32>,
    /// What the asker's policy takes.
    pub mode: Mode,
}

/// Longest challenge, in bytes.
pub const LONGEST_CHALLENGE: usize = 1024;

impl Challenge {
    /// The bytes that travel.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a challenge, strictly.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let short = bytes.len() <= LONGEST_CHALLENGE;
        short.then(|| serde_json::from_slice(bytes).ok()).flatten().filter(|c: &Self| c.version == 1)
    }
}

/// Evidence with what belongs to this asker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presented {
    /// The envelope's bytes: [`Evidence`](privet_tee::evidence::Evidence).
    pub evidence: Blob,
    /// In an epoch, the signature over the asker's nonce.
    pub session: Option<Hex<64>>,
}

impl Presented {
    /// The bytes that travel.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads it, strictly.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let short = bytes.len() <= 2 * privet_tee::evidence::LONGEST;
        short.then(|| serde_json::from_slice(bytes).ok()).flatten()
    }
}
