//! AMD SEV-SNP: an attestation report of the secure processor's firmware, by "SEV Secure Nested Paging Firmware ABI
//! Specification" (AMD 56860), and certificates by "Versioned Chip Endorsement Key Certificate and KDS Interface" (AMD 57230).
//!
//! | what | signed by | by which algorithm |
//! |---|---|---|
//! | the report's first 0x2A0 bytes (of 0x4A0) | a VCEK (derived in the chip from its secret and its firmware's versions) or a VLEK (given to a cloud provider) | ECDSA P-384, SHA-384, `r` and `s` little-endian |
//! | the VCEK or VLEK | AMD's ASK or ASVK of the line | RSA-PSS, SHA-384 |
//! | ASK and ASVK | AMD's ARK of the line, compiled in | RSA-PSS, SHA-384 |
//!
//! The certificate comes with the evidence or as collateral, since it is believed by its signature; ASK and ARK never do. Its
//! extensions must name the chip and the firmware that the report names.
//!
//! Not shown: that the host runs this machine where its owner says (pin `platform`); that what runs in it now is what was
//! launched (the measurement is of the launch); that memory withstands someone with hands on it; with a VLEK, on which chip. AMD's
//! revocation lists name ASKs and ASVKs only: a chip whose keys leaked is not revoked by name, but by `min_tcb`.

mod endorsement;
mod report;
mod rules;

#[cfg(test)]
mod tests;

use endorsement::{AMD, Authorities, Endorsed, endorse};
use report::Report;

use super::x509::Found;
use super::{Collateral, Facts, Time, measured};
use crate::evidence::Evidence;
use crate::policy::{CrlRule, Policy, Rule};
use crate::verdict::Check;

pub(super) fn verify(
    evidence: &Evidence,
    policy: &Policy,
    collateral: &Collateral,
    now: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    verify_under(&AMD, evidence, policy, collateral, now, checks)
}

/// By these authorities: AMD's, or a test's.
fn verify_under(
    authorities: &Authorities<'_>,
    evidence: &Evidence,
    policy: &Policy,
    collateral: &Collateral,
    now: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    let report = match Report::read(&evidence.body.0) {
        Ok(report) => report,
        Err(check) => {
            checks.push(check);
            return None;
        }
    };
    let found = found(evidence, collateral);
    let lists_required = policy.collateral.crl == Some(CrlRule::Required);
    let endorsed = endorse(authorities, &report, &found, lists_required, now, checks);
    modes(&report, checks);
    measured(evidence.kind, policy, checks, |entry| match &entry.rule {
        Rule::SevSnp(rule) => {
            let mut failures = rules::failures(&report, endorsed.as_ref(), rule);
            if let Some(format) = entry.format.filter(|&f| u32::from(f) != report.version()) {
                let detail = format!("report version {}, the entry is for {format}", report.version());
                failures.push(Check::failed("format-not-accepted", detail));
            }
            failures
        }
        _ => vec![Check::failed("kind-not-accepted", "the entry is for another kind")],
    });
    Some(facts(&report, endorsed, policy))
}

/// Certificates and lists: what the asker has, then what the platform handed over with the report. In this order, since only some
/// certificates are tried: a host that hands over many of its own does not get in the way.
fn found(evidence: &Evidence, collateral: &Collateral) -> Found {
    let mut found = Found::default();
    for file in &collateral.files {
        found.read(file);
    }
    if let Some(table) = evidence.auxiliary("certificates") {
        for file in report::certificate_table(table) {
            found.read(file);
        }
    }
    found
}

/// What makes it no protection at all, whatever a policy says.
fn modes(report: &Report<'_>, checks: &mut Vec<Check>) {
    let guest = report.policy();
    checks.push(if guest.debug() {
        Check::failed("debug-enabled", "the guest's policy lets the host read its memory (bit 19, DEBUG)")
    } else {
        Check::passed("debug", "the guest's policy forbids debugging")
    });
    checks.push(if guest.migration_agent() {
        Check::failed(
            "migration-agent",
            "the guest's policy admits a migration agent (bit 18), which may export its memory",
        )
    } else {
        Check::passed("migration", "the guest's policy forbids a migration agent")
    });
}

/// A policy that names no oldest firmware says nothing of known holes; whoever reads the verdict shall know.
fn any_firmware(policy: &Policy) -> Option<String> {
    let any = |rule: &Rule| matches!(rule, Rule::SevSnp(rule) if rule.min_tcb.is_none());
    policy.accept.iter().any(|entry| any(&entry.rule)).then(|| {
        "an entry of the policy names no `min_tcb`: it believes any firmware, also one with known holes"
            .into()
    })
}

fn facts(report: &Report<'_>, endorsed: Option<Endorsed>, policy: &Policy) -> Facts {
    let guest = report.policy();
    let mut remarks = vec![format!(
        "report version {}, privilege level {}, guest policy 0x{:x}{}",
        report.version(),
        report.vmpl(),
        guest.0,
        if guest.smt() { ", threads may share a core" } else { "" }
    )];
    remarks.extend(any_firmware(policy));
    let mut expires = Vec::new();
    if let Some(endorsed) = endorsed {
        remarks.push(endorsed.to_string());
        expires.push((format!("certificate ({})", endorsed.signer.name()), endorsed.not_after));
    }
    let chip = report.chip_id();
    Facts {
        report_data: report.report_data().to_vec(),
        measurements: vec![
            ("measurement", report.measurement().to_vec()),
            ("host_data", report.host_data().to_vec()),
            ("id_key_digest", report.id_key_digest().to_vec()),
            ("author_key_digest", report.author_key_digest().to_vec()),
        ],
        platform: chip.iter().any(|&b| b != 0).then(|| chip.to_vec()),
        expires,
        advisories: Vec::new(),
        remarks,
    }
}
