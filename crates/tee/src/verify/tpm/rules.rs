//! A quote against one entry of a policy.

use super::quote::Values;
use crate::policy::{EventRule, TpmRule};
use crate::statement::hex;
use crate::verdict::Check;
use crate::verify::event_log::{Bank, Event, measured, replay};

/// What booted, as far as the evidence tells.
pub(super) struct Booted<'a> {
    /// SHA-256 of the attestation key's public area.
    pub(super) key: [u8; 32],
    pub(super) firmware: u64,
    pub(super) values: &'a Values,
    pub(super) events: Option<&'a [Event<'a>]>,
}

impl Booted<'_> {
    /// Everything that the entry does not accept.
    pub(super) fn failures(&self, rule: &TpmRule) -> Vec<Check> {
        let mut failures = Vec::new();
        if !rule.attestation_key.iter().any(|k| k.0 == self.key) {
            let detail = format!("attestation key {} is none that the policy names", hex(&self.key));
            failures.push(Check::failed("platform-not-pinned", detail));
        }
        if rule.firmware.as_ref().is_some_and(|known| !known.contains(&self.firmware)) {
            let detail = format!("TPM firmware 0x{:016x} is none that the policy names", self.firmware);
            failures.push(Check::failed("firmware-unknown", detail));
        }
        for (number, accepted) in &rule.pcr.0 {
            let value = self.values.get(number);
            if !value.is_some_and(|v| accepted.iter().any(|a| a.0 == v)) {
                let came = value.map_or_else(|| "not in the quote".into(), |v| hex(v));
                let detail = format!("register {number} is {came}, none that the policy names");
                failures.push(Check::failed("measurement-unknown", detail));
            }
        }
        failures.extend(rule.events.iter().filter_map(|rule| self.events(rule).err()));
        failures
    }

    /// The log replays to the quoted register, and has these events for it.
    fn events(&self, rule: &EventRule) -> Result<(), Check> {
        let register = u32::from(rule.pcr);
        let Some(events) = self.events else {
            let detail = "the policy names events, and the evidence has no readable event log";
            return Err(Check::failed("event-log-missing", detail));
        };
        let replayed = replay(events, Bank::Sha256, register);
        if self.values.get(&rule.pcr).is_none_or(|value| replayed != value) {
            let detail = format!(
                "the event log does not replay to register {register} of the quote: it says what was not measured"
            );
            return Err(Check::failed("event-log-mismatch", detail));
        }
        let happened = measured(events, register).map(|e| e.digest);
        if !happened.eq(rule.digests.iter().map(|d| d.0.as_slice())) {
            let came: Vec<String> = measured(events, register).map(|e| hex(e.digest)).collect();
            let detail =
                format!("into register {register} went {}, and not what the policy names", came.join(", "));
            return Err(Check::failed("measurement-unknown", detail));
        }
        Ok(())
    }
}
