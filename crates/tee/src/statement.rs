//! What an enclave says of itself, and the report data made from it. The measured code says it; the platform vouches that this
//! code said it, by signing report data that is a digest of the statement's very bytes.

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha512};

/// Version of the format below.
pub const VERSION: u32 = 1;

/// Longest statement, in bytes.
pub const LONGEST: usize = 8 * 1024;

/// 64 bytes that a platform signs with its measurement.
pub type ReportData = [u8; 64];

/// `N` bytes, in hexadecimal where they are written. For digests and public keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> std::fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl<const N: usize> std::fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl<const N: usize> std::str::FromStr for Hex<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = Some(text).filter(|text| text.len() == 2 * N).and_then(from_hex);
        let array = bytes.and_then(|bytes| bytes.try_into().ok());
        array.map(Self).ok_or_else(|| format!("expected {} hexadecimal digits, got {}", 2 * N, text.len()))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// To whom a statement is made. Evidence for one is no evidence for the other, nor can a client's own be sent back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To a client, before it sends rows.
    EnclaveToClient,
    /// To the owner's key service, before it releases the model's key.
    EnclaveToKeys,
}

impl Direction {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::EnclaveToClient => "enclave-to-client",
            Self::EnclaveToKeys => "enclave-to-keys",
        }
    }
}

/// A time and a random nonce, signed by a key service: evidence that binds it was made later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// Seconds since 1970.
    pub time: u64,
    /// Random.
    pub nonce: Hex<32>,
    /// Ed25519 by the key service over [`Stamp::message`].
    pub signature: Hex<64>,
}

impl Stamp {
    /// What is signed.
    pub fn message(time: u64, nonce: &Hex<32>) -> Vec<u8> {
        [b"privet tee stamp v1".as_slice(), &time.to_le_bytes(), &nonce.0].concat()
    }
}

/// What shows that evidence is new: quotes carry no time, and the host owns the clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "mode", deny_unknown_fields)]
pub enum Freshness {
    /// The asker's own nonce.
    Full {
        /// Random, drawn by who asked.
        nonce: Hex<32>,
    },
    /// A stamp by a key service; each asker's nonce is signed by the epoch's signing key beside the evidence.
    Epoch {
        /// The stamp.
        stamp: Stamp,
    },
}

/// Where state could be kept outside, and whether an older one could be put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealing {
    /// `none`, `key-service`, `sgx`, `snp`, `tpm`, `simulated`.
    pub provider: String,
    /// What stops an older state: `none`, `key-service`, `tpm-nv`.
    pub rollback: String,
}

/// What an enclave says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`VERSION`].
    pub version: u32,
    /// To whom.
    pub direction: Direction,
    /// What shows that it is new.
    pub freshness: Freshness,
    /// X25519: requests are sealed to it. Made inside, never leaves.
    pub encryption_key: Hex<32>,
    /// Ed25519: signs clients' nonces in an epoch. Made inside, never leaves.
    pub signing_key: Hex<32>,
    /// Requests after which both keys are thrown away.
    pub requests: u64,
    /// Digest of the bundle that it serves: what the owner hands out.
    pub bundle: Hex<32>,
    /// SHA-256 of the configuration that it was started with: key service, owner's key, limits.
    pub configuration: Hex<32>,
    /// Salted digest of the opened model, as the bundle has it; `None` before the model was opened.
    pub model: Option<Hex<32>>,
    /// State outside.
    pub sealing: Sealing,
    /// What the enclave's surroundings say for themselves, in words; for the simulator, the isolation that it has.
    pub remarks: Vec<String>,
}

impl Statement {
    /// The bytes that travel, and that the report data is made from.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a statement, strictly.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LONGEST {
            return Err(format!("the statement has {} bytes, at most {LONGEST} are read", bytes.len()));
        }
        let statement: Self =
            serde_json::from_slice(bytes).map_err(|e| format!("the statement is malformed: {e}"))?;
        if statement.version != VERSION {
            return Err(format!(
                "the statement has version {}, this program reads {VERSION}",
                statement.version
            ));
        }
        Ok(statement)
    }
}

/// SHA-512 over a label, the length, and the statement's bytes: what the platform signs.
pub fn report_data(statement: &[u8]) -> ReportData {
    let mut hasher = Sha512::new_with_prefix(b"privet tee statement v1");
    hasher.update((statement.len() as u64).to_le_bytes());
    hasher.update(statement);
    hasher.finalize().into()
}

/// What the key of an epoch signs for one asker: its nonce, the direction and the evidence.
pub fn session_message(direction: Direction, nonce: &[u8; 32], evidence: &[u8; 32]) -> Vec<u8> {
    let name = direction.name().as_bytes();
    [b"privet tee session v1".as_slice(), &[u8::try_from(name.len()).unwrap_or(0)], name, nonce, evidence]
        .concat()
}

/// Whether this key's holder signed this message (Ed25519, strict: RFC 8032 without its leniency).
pub fn verifies(key: &Hex<32>, message: &[u8], signature: &Hex<64>) -> bool {
    let signature = Signature::from_bytes(&signature.0);
    VerifyingKey::from_bytes(&key.0).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// Bytes from hexadecimal.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |d: u8| char::from(d).to_digit(16);
    let byte = |&[a, b]: &[u8; 2]| u8::try_from(16 * digit(a)? + digit(b)?).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect()).flatten()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
