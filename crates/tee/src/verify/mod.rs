//! Evidence, policy, collateral and time to a verdict. No clock, no file, no network: all four are arguments.
//!
//! A vendor's verifier ([`VendorVerifier`]) says whether its evidence is genuine and whether the policy's entries hold; what binds
//! evidence to an asker (report data, nonce, direction, bundle, age) is compared here, for all kinds, so that no vendor's file can
//! forget it.

mod binding;
mod cbor;
mod dcap;
mod event_log;
#[cfg(test)]
mod mock;
mod nitro;
mod recording;
pub mod roots;
mod simulator;
mod snp;
mod time;
mod tpm;
mod wire;
mod x509;

pub use recording::{appraise_file, inspect, recognise};
pub use time::{rfc3339, seconds_of};

use crate::claims::{Appraised, Claims, SimulatedClaims};
use crate::evidence::Evidence;
use crate::kind::{Assurance, Kind};
use crate::policy::{Accept, Policy};
use crate::statement::{Direction, Hex, sha256};
use crate::verdict::{Check, Outcome, Verdict};

/// Seconds since 1970.
pub type Time = u64;

/// What the vendor publishes beside its evidence: each file's bytes as they came; what a file is, its content says.
#[derive(Clone, Debug, Default)]
pub struct Collateral {
    /// Intel's JSON with TCB info, QE identity and revocation lists; AMD certificates and revocation lists, DER or PEM.
    pub files: Vec<Vec<u8>>,
}

/// What was asked on a live channel, which the evidence must answer.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who asks.
    pub direction: Direction,
    /// The asker's nonce.
    pub nonce: Hex<32>,
    /// The bundle that the asker means.
    pub bundle: Hex<32>,
    /// The model that the asker means; `None` where none was opened yet, as before a key service.
    pub model: Option<Hex<32>>,
    /// In an epoch: the signature over the nonce that came beside the evidence.
    pub session: Option<Hex<64>>,
}

/// What vendor evidence says, once its signature and chain are verified or a check says why they are not.
pub(crate) struct Facts {
    /// What is signed with the measurement; 64 bytes for a statement.
    pub report_data: Vec<u8>,
    /// By register (`mrenclave`, `mrtd`, `rtmr0`, `measurement`, `pcr0`), raw.
    pub measurements: Vec<(&'static str, Vec<u8>)>,
    /// Which machine, as far as it tells.
    pub platform: Option<Vec<u8>>,
    /// What runs out when: a name and seconds since 1970.
    pub expires: Vec<(String, Time)>,
    /// Of the vendor, for this machine's state.
    pub advisories: Vec<String>,
    /// Anything else worth a line.
    pub remarks: Vec<String>,
}

/// A verifier of one kind of evidence: adds its checks to `checks` (signature, chain, freshness of collateral, debug, and the
/// policy's entries by [`measured`]), and gives what the evidence says as far as it could be read.
pub(crate) type VendorVerifier = fn(
    evidence: &Evidence,
    policy: &Policy,
    collateral: &Collateral,
    now: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts>;

fn verifier(kind: Kind) -> VendorVerifier {
    match kind {
        Kind::SgxDcap => dcap::sgx,
        Kind::TdxDcap => dcap::tdx,
        Kind::SevSnp => snp::verify,
        Kind::Nitro => nitro::verify,
        Kind::Tpm2 => tpm::verify,
        Kind::SimProcess => simulator::verify,
    }
}

/// The policy's entries for this kind: one of which `failures` finds nothing wrong is enough; otherwise the reasons of the entry
/// that came closest.
pub(crate) fn measured(
    kind: Kind,
    policy: &Policy,
    checks: &mut Vec<Check>,
    failures: impl Fn(&Accept) -> Vec<Check>,
) {
    let tried = policy.entries(kind).map(failures);
    match tried.min_by_key(Vec::len) {
        None => checks.push(Check::failed(
            "kind-not-accepted",
            format!("the policy has no entry for `{}`", kind.name()),
        )),
        Some(none) if none.is_empty() => {
            checks.push(Check::passed(
                "measurement",
                "an entry of the policy names this program and its state",
            ));
        }
        Some(some) => checks.extend(some),
    }
}

/// Appraises evidence. Without a question it is a recording: accepted or not, it opens nothing.
pub fn appraise(
    evidence: &[u8],
    policy: &Policy,
    collateral: &Collateral,
    question: Option<&Question>,
    now: Time,
) -> (Verdict, Option<Appraised>) {
    let mut verdict = Verdict::begin(policy.digest(), now);
    let envelope = match Evidence::parse(evidence) {
        Ok(envelope) => envelope,
        Err(e) => return (verdict.refuse(Check::failed("format-invalid", e)), None),
    };
    verdict.kind = Some(envelope.kind);
    let facts = verifier(envelope.kind)(&envelope, policy, collateral, now, &mut verdict.checks);
    let Some(facts) = facts else { return (verdict.conclude(Assurance::None), None) };
    let asked = binding::Asked { question, now, policy, digest: sha256(evidence) };
    let bound = asked.check(&envelope, &facts, &mut verdict);
    verdict.take(facts);
    let assurance = envelope.kind.assurance();
    let verdict = verdict.conclude(if question.is_some() { assurance } else { assurance.unbound() });
    let appraised = match (verdict.outcome, question, bound) {
        (Outcome::Accepted, Some(_), Some((statement, until))) => {
            let claims = Claims {
                kind: envelope.kind,
                assurance,
                statement,
                evidence: asked.digest,
                age_limit: until,
            };
            Some(if envelope.kind == Kind::SimProcess {
                Appraised::Simulated(SimulatedClaims(claims))
            } else {
                Appraised::Verified(claims)
            })
        }
        _ => None,
    };
    (verdict, appraised)
}
