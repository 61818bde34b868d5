//! The messages between an enclave and the owner's key service. Their names stand outside (`{"hello":{…}}`), so that reading one
//! never holds outside JSON in memory as a tree many times its size.

use serde::{Deserialize, Serialize};

use crate::evidence::{Blob, LONGEST as LONGEST_EVIDENCE};
use crate::statement::{Hex, Stamp};

/// Longest message of an enclave, in bytes.
pub const LONGEST: usize = 2 * LONGEST_EVIDENCE;
/// Longest reply, in bytes.
pub const LONGEST_REPLY: usize = 8 * 1024;

/// From an enclave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Ask {
    /// Wants a nonce for this bundle.
    Hello {
        /// Digest of the bundle.
        bundle: Hex<32>,
    },
    /// Shows evidence for it.
    Claim {
        /// Digest of the bundle.
        bundle: Hex<32>,
        /// The nonce that it was made for.
        nonce: Hex<32>,
        /// The envelope.
        evidence: Blob,
    },
    /// Wants a time, signed with the key that this bundle names.
    Stamp {
        /// Digest of the bundle.
        bundle: Hex<32>,
    },
    /// Wants rows of a token.
    Grant {
        /// The session that came with the model's key.
        session: Hex<16>,
        /// Counts up in a session, so that no grant is replayed.
        counter: u64,
        /// The token, as its holder showed it.
        token: String,
        /// Rows that are needed now.
        needed: u64,
        /// Rows wanted ahead, as far as there are any.
        ahead: u64,
        /// HMAC-SHA256 under the session's secret over all of the above.
        mac: Hex<32>,
    },
}

/// From the key service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Reply {
    /// Make evidence for this.
    Challenge {
        /// Good for a minute, and for one release.
        nonce: Hex<32>,
    },
    /// The model's key.
    Released {
        /// HPKE's encapsulated key.
        encapsulated: Hex<32>,
        /// The model's key and the session's secret, sealed.
        sealed: Blob,
        /// The session's name.
        session: Hex<16>,
        /// Ed25519 by the key service.
        signature: Hex<64>,
    },
    /// A signed time.
    Stamp {
        /// It.
        stamp: Stamp,
    },
    /// Rows of a token.
    Granted {
        /// How many: at least what was needed, or none.
        rows: u64,
        /// HMAC-SHA256 under the session's secret over the request's and this.
        mac: Hex<32>,
    },
    /// Nothing.
    Refused {
        /// Stable, for scripts.
        code: String,
        /// A sentence for the operator; tells no secret.
        message: String,
    },
}

impl Ask {
    /// The bytes that travel.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a message, strictly.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= LONGEST).then(|| serde_json::from_slice(bytes).ok()).flatten()
    }
}

impl Reply {
    /// The bytes that travel.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a message, strictly.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= LONGEST_REPLY).then(|| serde_json::from_slice(bytes).ok()).flatten()
    }
}
