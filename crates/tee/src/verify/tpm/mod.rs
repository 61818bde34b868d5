//! A TPM 2.0's quote over the registers that a boot was measured into, by "Trusted Platform Module Library" (TCG), Part 2, version 1.59.
//!
//! | what | signed by | by which algorithm |
//! |---|---|---|
//! | `TPMS_ATTEST` (magic, qualifying data, clock, firmware, selection, digest of registers) | the attestation key | RSASSA, RSAPSS (salt as long as the digest) or ECDSA P-256, with SHA-256 |
//! | the attestation key | nobody in this version: the policy names it by its digest | |
//!
//! | beside it, as auxiliary | what it holds |
//! |---|---|
//! | `signature` | `TPMT_SIGNATURE` |
//! | `attestation-key` | `TPMT_PUBLIC`, whose SHA-256 the policy names |
//! | `pcrs` | for each selected register of the SHA-256 bank, ascending: its number (1 byte) and its value (32 bytes) |
//! | `event-log` | optional: the firmware's log in the crypto-agile format |
//!
//! Not shown: that the key lives in a TPM at all, beyond what its public area says (there is no chain to an endorsement key here, so
//! the owner must have read it on the machine); that a TPM sits in *this* machine; and nothing is isolated: whoever owns the machine
//! reads its memory. What a register holds is what software before it measured, from the first instruction on.

mod key;
mod quote;
mod rules;

use key::Key;
use quote::{Quote, Values};

use super::event_log::{self, Bank};
use super::nitro::NAMES;
use super::{Collateral, Facts, Time, measured};
use crate::evidence::Evidence;
use crate::policy::{Policy, Rule};
use crate::statement::sha256;
use crate::verdict::Check;

/// The evidence, taken apart; nothing is believed yet.
struct Parts<'a> {
    quote: Quote<'a>,
    /// SHA-256 of the key's public area.
    name: [u8; 32],
    key: Key<'a>,
    values: Values,
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(evidence: &'a Evidence) -> Result<Self, Check> {
        let invalid = |what: String| Check::failed("format-invalid", what);
        let beside = |name: &str| {
            evidence
                .auxiliary(name)
                .ok_or_else(|| invalid(format!("a TPM's evidence has `{name}` beside its quote")))
        };
        let quote = Quote::read(&evidence.body.0)?;
        let public = beside("attestation-key")?;
        let key = Key::read(public).map_err(|e| invalid(format!("this is no attestation key: {e}")))?;
        let values = quote.values(beside("pcrs")?)?;
        Ok(Self { quote, name: sha256(public), key, values, signature: beside("signature")? })
    }
}

pub(super) fn verify(
    evidence: &Evidence,
    policy: &Policy,
    _: &Collateral,
    _: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    let Parts { quote, name, key, values, signature } = match Parts::read(evidence) {
        Ok(parts) => parts,
        Err(check) => {
            checks.push(check);
            return None;
        }
    };
    checks.push(key.fit());
    checks.push(match key.verify(&evidence.body.0, signature) {
        Ok(()) => Check::passed("signature", "signed with the attestation key"),
        Err(why) => Check::failed("signature-invalid", format!("not signed with the attestation key: {why}")),
    });
    checks.push(quote.covers(&values));
    let log = evidence.auxiliary("event-log").map(|log| event_log::read(log, Bank::Sha256));
    if let Some(Err(why)) = &log {
        checks.push(Check::failed("format-invalid", format!("the event log cannot be read: {why}")));
    }
    let events = log.and_then(Result::ok);
    measured(evidence.kind, policy, checks, |entry| match &entry.rule {
        Rule::Tpm2(rule) => {
            let booted = rules::Booted {
                key: name,
                firmware: quote.firmware,
                values: &values,
                events: events.as_deref(),
            };
            let mut failures = booted.failures(rule);
            if entry.format.is_some_and(|format| format != 2) {
                failures.push(Check::failed(
                    "format-not-accepted",
                    "there is one format of quotes, `tpm2` or `tpm2/2`",
                ));
            }
            failures
        }
        _ => vec![Check::failed("kind-not-accepted", "the entry is for another kind")],
    });
    Some(facts(&quote, name, &values))
}

fn facts(quote: &Quote<'_>, name: [u8; 32], values: &Values) -> Facts {
    let register =
        |(number, value): (&u8, &[u8; 32])| Some((*NAMES.get(usize::from(*number))?, value.to_vec()));
    Facts {
        report_data: quote.extra_data.to_vec(),
        measurements: values.iter().filter_map(register).collect(),
        platform: Some(name.to_vec()),
        expires: Vec::new(),
        advisories: Vec::new(),
        remarks: vec![
            format!(
                "firmware 0x{:016x}, {} resets, {} restarts, clock {} ms{}",
                quote.firmware,
                quote.resets,
                quote.restarts,
                quote.clock,
                if quote.safe { "" } else { " (it may have gone back)" }
            ),
            "the attestation key is believed because the policy names it; no vendor's certificate was checked".into(),
        ],
    }
}
