//! `kind = "tpm2"`: what a machine booted, by the word of a TPM whose key is named here.

use serde::Deserialize;

use super::nitro::Registers;
use super::values::{Bytes, expect_some};

/// What was measured into one register, event by event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRule {
    /// Into which register.
    pub pcr: u8,
    /// SHA-256 digests of all its events, in their order: the command line and the initial file system in 9, what firmware
    /// started in 4.
    pub digests: Vec<Bytes>,
}

/// Which machine, and what it booted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TpmRule {
    /// SHA-256 of the public areas (`TPMT_PUBLIC`) of attestation keys: the TPM's name of the key without its first two bytes.
    /// There are no vendors' certificates in this version, so that the owner vouches for these keys.
    #[serde(default)]
    pub attestation_key: Vec<Bytes>,
    /// Values of registers, SHA-256.
    #[serde(default)]
    pub pcr: Registers,
    /// Registers by what was measured into them; needs the event log beside the evidence.
    #[serde(default)]
    pub events: Vec<EventRule>,
    /// Firmware versions of the TPM that are believed; nothing: not compared.
    #[serde(default)]
    pub firmware: Option<Vec<u64>>,
}

/// Registers of a TPM on a PC.
const REGISTERS: u8 = 24;

impl TpmRule {
    pub(super) fn check(&self) -> Result<(), String> {
        expect_some(&self.attestation_key, "attestation_key", &[32])?;
        if self.pcr.0.is_empty() && self.events.is_empty() {
            return Err("it names neither `pcr` nor `events`, so that nothing would be measured".into());
        }
        if self.firmware.as_ref().is_some_and(Vec::is_empty) {
            return Err("`firmware` is an empty list, which nothing matches; leave it out or fill it".into());
        }
        for (at, rule) in self.events.iter().enumerate() {
            expect_some(&rule.digests, &format!("event of register {}", rule.pcr), &[32])?;
            let twice = self.events.iter().take(at).any(|r| r.pcr == rule.pcr);
            if rule.pcr >= REGISTERS || twice {
                return Err(format!(
                    "`events` names register {} twice, or there is none of that number",
                    rule.pcr
                ));
            }
        }
        self.pcr.check(REGISTERS, 32)
    }

    /// A key that lives in one TPM pins that machine.
    pub(super) fn pins_platform(&self) -> bool {
        !self.attestation_key.is_empty()
    }
}
