//! The first frame: what the program is to serve.

use serde::{Deserialize, Serialize};

use crate::statement::Hex;

/// Longest text of the first frame, in bytes.
const LONGEST: usize = 16 << 20;

/// What the host hands over at the start.
#[derive(Clone, PartialEq, Eq)]
pub struct Start {
    /// The public half of the bundle.
    pub public: String,
    /// The text of a [`Configuration`]; its digest stands in every statement.
    pub configuration: String,
    /// What the launcher measured. Only a simulator uses it: a real platform measures for itself.
    pub measured: Option<Hex<32>>,
    /// The sealed model.
    pub model: Vec<u8>,
}

privet_ring::not_shown!(Start);

/// How the program is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// 1.
    pub version: u32,
    /// What gives evidence: `simulated`, or a driver's name.
    pub attester: String,
}

impl Configuration {
    /// This attester.
    pub fn new(attester: &str) -> Self {
        Self { version: 1, attester: attester.into() }
    }

    /// The text that is digested.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a configuration, strictly.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|c: &Self| c.version == 1)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    public: String,
    configuration: String,
    measured: Option<Hex<32>>,
}

impl Start {
    /// What goes before the model: the length of the text in 4 bytes, and the text.
    pub fn head(&self) -> Vec<u8> {
        let Self { public, configuration, measured, .. } = self;
        let texts =
            Texts { public: public.clone(), configuration: configuration.clone(), measured: *measured };
        let text = serde_json::to_vec(&texts).unwrap_or_default();
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        [&length.to_le_bytes()[..], &text].concat()
    }

    /// Reads the payload of the first frame; none if it is not one.
    pub fn parse(mut payload: Vec<u8>) -> Option<Self> {
        let (length, rest) = payload.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|l| *l <= LONGEST)?;
        let Texts { public, configuration, measured } = serde_json::from_slice(rest.get(..length)?).ok()?;
        payload.drain(..4 + length);
        Some(Self { public, configuration, measured, model: payload })
    }
}
