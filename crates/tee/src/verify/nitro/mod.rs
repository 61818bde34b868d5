//! AWS Nitro Enclaves: an attestation document of the Nitro hypervisor, by "Nitro Enclaves Attestation Process" (AWS,
//! `aws-nitro-enclaves-nsm-api/docs/attestation_process.md`) and COSE (RFC 9052).
//!
//! | what | signed by | by which algorithm |
//! |---|---|---|
//! | `Signature1`, the protected header, the payload | the enclave's certificate, which lives 3 hours | ECDSA P-384, SHA-384 (COSE `ES384`) |
//! | that certificate | the instance's, the zone's and the region's, all in the document | ECDSA P-384, SHA-384 |
//! | the region's | `aws.nitro-enclaves` Root-G1, compiled in | ECDSA P-384, SHA-384 |
//!
//! Everything needed comes with the document. AWS asks not to check revocation, and publishes nothing to check it by: the three hours
//! take its place, so that `crl = "required"` asks for nothing here.
//!
//! Not shown: that the parent instance is its owner's (pin registers 3 and 4); who signed the image (pin 8); anything about AWS
//! itself, whose hypervisor is both the wall and the witness.

mod document;

#[cfg(test)]
mod tests;

use ring::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use rustls_pki_types::CertificateDer;
use webpki::ring::ECDSA_P384_SHA384;
use x509_cert::ext::pkix::KeyUsages;

use document::Document;

use super::x509::{Parsed, Path};
use super::{Collateral, Facts, Time, measured, rfc3339, roots};
use crate::evidence::Evidence;
use crate::policy::{Accept, NitroRule, Policy, Rule};
use crate::statement::hex;
use crate::verdict::Check;

/// Clocks differ by a little everywhere.
const SKEW: u64 = 60;

pub(super) fn verify(
    evidence: &Evidence,
    policy: &Policy,
    _: &Collateral,
    now: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    verify_under(roots::AWS_NITRO_G1.certificate(), evidence, policy, now, checks)
}

/// By this root: AWS', or a test's.
fn verify_under(
    root: Option<CertificateDer<'_>>,
    evidence: &Evidence,
    policy: &Policy,
    now: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    let document = match Document::read(&evidence.body.0) {
        Ok(document) => document,
        Err(check) => {
            checks.push(check);
            return None;
        }
    };
    let Some(leaf) = Parsed::read(document.certificate) else {
        checks.push(Check::failed("certificate-invalid", "the document's certificate cannot be read"));
        return None;
    };
    let roots: Vec<_> = root.into_iter().collect();
    checks.push(chain(&document, &leaf, &roots, now).map_or_else(
        |refusal| refusal,
        |()| Check::passed("certificate", "AWS' root vouches for the enclave's certificate"),
    ));
    checks.push(signature(&document, &leaf));
    checks.push(timestamp(&document, &leaf, policy, now));
    checks.push(debug(&document));
    measured(evidence.kind, policy, checks, |entry| failures(&document, entry));
    Some(facts(&document, &leaf))
}

fn chain(
    document: &Document<'_>,
    leaf: &Parsed,
    roots: &[CertificateDer<'_>],
    now: Time,
) -> Result<(), Check> {
    let unfit = |detail: &str| Check::failed("certificate-invalid", detail);
    if !leaf.may(KeyUsages::DigitalSignature) {
        return Err(unfit("the document's certificate may not sign"));
    }
    for der in &document.bundle {
        let parsed = Parsed::read(der).ok_or_else(|| unfit("a certificate of the bundle cannot be read"))?;
        if !parsed.may(KeyUsages::KeyCertSign) {
            return Err(unfit("a certificate of the bundle may not sign certificates"));
        }
    }
    let intermediates: Vec<CertificateDer<'_>> = document.bundle.iter().map(|der| (*der).into()).collect();
    Path {
        roots,
        intermediates: &intermediates,
        algorithms: &[ECDSA_P384_SHA384],
        lists: &[],
        lists_required: false,
        every_issuer: false,
    }
    .check(leaf, now)
}

fn signature(document: &Document<'_>, leaf: &Parsed) -> Check {
    let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, leaf.key());
    match key.verify(&document.signed(), document.signature) {
        Ok(()) => Check::passed("signature", "signed with the key of the enclave's certificate"),
        Err(_) => Check::failed(
            "signature-invalid",
            "not signed with the key of the document's certificate: altered",
        ),
    }
}

/// The document says when it was made: after its certificate began, before it ended, and not in the future.
fn timestamp(document: &Document<'_>, leaf: &Parsed, policy: &Policy, now: Time) -> Check {
    let made = document.timestamp / 1000;
    let at = rfc3339(made);
    let skew = SKEW.max(policy.channel.max_clock_skew.0);
    if made > now.saturating_add(skew) {
        return Check::failed("timestamp-in-the-future", format!("made {at}, which is still to come"));
    }
    let lives = leaf.not_before().saturating_sub(skew)..=leaf.not_after();
    if !lives.contains(&made) {
        return Check::failed(
            "timestamp-mismatch",
            format!("made {at}, when its certificate was not in force"),
        );
    }
    Check::passed("timestamp", format!("made {at}"))
}

fn debug(document: &Document<'_>) -> Check {
    // A program that was measured has no zeros there; the hypervisor writes zeros for a debug mode.
    let zeros =
        [0, 1, 2].iter().any(|number| document.register(*number).is_none_or(|r| r.iter().all(|&b| b == 0)));
    if zeros {
        Check::failed(
            "debug-enabled",
            "registers 0 to 2 are zeros, which is what a debug mode shows: the host reads its console",
        )
    } else {
        Check::passed("debug", "registers 0 to 2 hold measurements, which a debug mode's do not")
    }
}

fn failures(document: &Document<'_>, entry: &Accept) -> Vec<Check> {
    let Rule::Nitro(rule) = &entry.rule else {
        return vec![Check::failed("kind-not-accepted", "the entry is for another kind")];
    };
    let mut failures = registers(document, rule);
    if rule.module_id.as_ref().is_some_and(|ids| !ids.iter().any(|id| id == document.module_id)) {
        let detail = format!("module {:?} is none that the policy names", document.module_id);
        failures.push(Check::failed("platform-not-pinned", detail));
    }
    // Documents have no version.
    if entry.format.is_some_and(|format| format != 1) {
        failures.push(Check::failed(
            "format-not-accepted",
            "there is one format of documents, `nitro` or `nitro/1`",
        ));
    }
    failures
}

fn registers(document: &Document<'_>, rule: &NitroRule) -> Vec<Check> {
    let unknown = |(number, values): (&u8, &Vec<crate::policy::Bytes>)| {
        let came = document.register(*number).unwrap_or_default();
        if values.iter().any(|v| v.0 == came) {
            return None;
        }
        let code = if matches!(number, 3 | 4) { "platform-not-pinned" } else { "measurement-unknown" };
        Some(Check::failed(code, format!("register {number} is {}, none that the policy names", hex(came))))
    };
    rule.pcr.0.iter().filter_map(unknown).collect()
}

/// Names of registers, of a TPM too.
pub(super) const NAMES: [&str; 32] = [
    "pcr0", "pcr1", "pcr2", "pcr3", "pcr4", "pcr5", "pcr6", "pcr7", "pcr8", "pcr9", "pcr10", "pcr11",
    "pcr12", "pcr13", "pcr14", "pcr15", "pcr16", "pcr17", "pcr18", "pcr19", "pcr20", "pcr21", "pcr22",
    "pcr23", "pcr24", "pcr25", "pcr26", "pcr27", "pcr28", "pcr29", "pcr30", "pcr31",
];

fn facts(document: &Document<'_>, leaf: &Parsed) -> Facts {
    let set = |value: &[u8]| value.iter().any(|&b| b != 0);
    let measurements = (NAMES.iter().zip(0u8..))
        .filter_map(|(name, number)| Some((*name, document.register(number)?.to_vec())))
        .filter(|(name, value)| set(value) || matches!(*name, "pcr0" | "pcr1" | "pcr2"))
        .collect();
    Facts {
        report_data: document.user_data.unwrap_or_default().to_vec(),
        measurements,
        platform: document.register(4).filter(|r| set(r)).map(<[u8]>::to_vec),
        expires: vec![("certificate (enclave)".into(), leaf.not_after())],
        advisories: Vec::new(),
        remarks: vec![format!(
            "module {:?}, made {}",
            document.module_id,
            rfc3339(document.timestamp / 1000)
        )],
    }
}
