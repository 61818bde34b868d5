//! Evidence as it travels: the vendor's bytes, what belongs to them, and the statement that their report data binds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::kind::Kind;

/// Version of the envelope.
pub const FORMAT: u32 = 1;
/// Longest vendor evidence, in bytes.
pub const LONGEST_BODY: usize = 64 * 1024;
/// Longest of what belongs to it (certificates, an event log), in bytes.
pub const LONGEST_AUXILIARY: usize = 1024 * 1024;
/// Longest envelope, in bytes.
pub const LONGEST: usize = 2 * (LONGEST_BODY + LONGEST_AUXILIARY);

/// Bytes, in base64 where they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        BASE64.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// What a driver got from its platform: nothing in it is believed before it was appraised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// [`FORMAT`].
    pub format: u32,
    /// What the attester calls it; the verifier compares.
    pub kind: Kind,
    /// Quote, report or document, as the vendor has it.
    pub body: Blob,
    /// What belongs to it: the certificate table of SEV-SNP, the signature of a TPM quote, an event log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auxiliary: Vec<Auxiliary>,
    /// The bytes of the [`Statement`](crate::statement::Statement) that the report data binds; empty for a recorded file.
    #[serde(default)]
    pub statement: Blob,
}

/// Something that belongs to evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auxiliary {
    /// What it is: `certificates`, `signature`, `attestation-key`, `event-log`.
    pub name: String,
    /// Its bytes.
    pub data: Blob,
}

impl Evidence {
    /// Evidence without a statement.
    pub fn recorded(kind: Kind, body: Vec<u8>) -> Self {
        Self { format: FORMAT, kind, body: Blob(body), auxiliary: Vec::new(), statement: Blob::default() }
    }

    /// Something that belongs to it.
    pub fn auxiliary(&self, name: &str) -> Option<&[u8]> {
        self.auxiliary.iter().find(|a| a.name == name).map(|a| a.data.0.as_slice())
    }

    /// The bytes that travel.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads an envelope, strictly. Nothing is allocated beyond what came.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LONGEST {
            return Err(format!("the evidence has {} bytes, at most {LONGEST} are read", bytes.len()));
        }
        let evidence: Self =
            serde_json::from_slice(bytes).map_err(|e| format!("the envelope is malformed: {e}"))?;
        if evidence.format != FORMAT {
            return Err(format!("the envelope has format {}, this program reads {FORMAT}", evidence.format));
        }
        let auxiliary: usize = evidence.auxiliary.iter().map(|a| a.data.0.len()).sum();
        if evidence.body.0.len() > LONGEST_BODY || auxiliary > LONGEST_AUXILIARY {
            return Err("the evidence is longer than any platform's".into());
        }
        Ok(evidence)
    }
}
