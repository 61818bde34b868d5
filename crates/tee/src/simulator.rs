//! The simulator's evidence: a document of its own kind, signed with a key that everyone has. It stands where a platform's quote
//! would, so that the whole protocol runs; it proves nothing, and says so.

use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};

use crate::statement::{Hex, ReportData, sha256, verifies};

/// The signing key is SHA-256 of this sentence, for everyone to compute.
pub const PUBLIC_CONSTANT: &str = "privet simulator: this key is public and proves nothing";

/// Longest document, in bytes.
pub const LONGEST: usize = 16 * 1024;

/// What stands in a simulator's evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Always `SIMULATED: proves nothing`.
    pub assurance: String,
    /// 1.
    pub version: u32,
    /// SHA-256 of the program that the launcher started.
    pub measurement: Hex<32>,
    /// What isolates the process from its neighbours; nothing isolates it from the machine's owner.
    pub isolation: Vec<String>,
    /// What the process asked to be bound.
    pub report_data: Hex<64>,
}

/// What every document says of itself.
pub const ASSURANCE: &str = "SIMULATED: proves nothing";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    document: String,
    signature: Hex<64>,
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&sha256(PUBLIC_CONSTANT.as_bytes()))
}

/// A document with its signature.
pub fn sign(measurement: [u8; 32], isolation: &[String], report_data: &ReportData) -> Vec<u8> {
    let document = Document {
        assurance: ASSURANCE.into(),
        version: 1,
        measurement: Hex(measurement),
        isolation: isolation.to_vec(),
        report_data: Hex(*report_data),
    };
    let document = serde_json::to_string(&document).unwrap_or_default();
    let signature = Hex(key().sign(&message(&document)).to_bytes());
    serde_json::to_vec(&Signed { document, signature }).unwrap_or_default()
}

fn message(document: &str) -> Vec<u8> {
    [b"privet simulated evidence v1".as_slice(), document.as_bytes()].concat()
}

/// The document, and whether its signature verifies.
pub fn read(bytes: &[u8]) -> Result<(Document, bool), String> {
    if bytes.len() > LONGEST {
        return Err(format!("it has {} bytes, a simulator's has at most {LONGEST}", bytes.len()));
    }
    let signed: Signed = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let document: Document = serde_json::from_str(&signed.document).map_err(|e| e.to_string())?;
    if document.version != 1 || document.assurance != ASSURANCE {
        return Err("its version is unknown, or it does not say what it is".into());
    }
    let key = Hex(key().verifying_key().to_bytes());
    Ok((document, verifies(&key, &message(&signed.document), &signed.signature)))
}
