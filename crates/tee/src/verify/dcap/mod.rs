//! Intel SGX and TDX: quotes of the Data Center Attestation Primitives, versions 3 (SGX), 4 and 5 (TDX).
//!
//! | what | signed by | by which algorithm |
//! |---|---|---|
//! | the quote: header and report | the attestation key, which the machine's quoting enclave made | ECDSA P-256, SHA-256 |
//! | that key | it stands in the quoting enclave's report, which the machine's certificate (PCK) signs | ECDSA P-256, SHA-256 |
//! | that certificate | an authority of Intel's, below `Intel SGX Root CA`, compiled in | ECDSA P-256, SHA-256 |
//! | TCB info, QE identity | `Intel SGX TCB Signing`, below the same root | ECDSA P-256, SHA-256 |
//!
//! A quote says which versions of firmware and microcode the machine has, and not whether they are safe; that says Intel's
//! collateral, for a month at a time, so that nothing is accepted without it. Its two revocation lists are part of it, whatever
//! `crl` says.
//!
//! Not shown: that nobody has the machine in their hands with a memory interposer; that the firmware which `MRTD` measures loads
//! what its owner meant, unless `rtmr1` and `rtmr2` are named; when the quote was made.

mod chain;
mod published;
mod quote;
mod rules;
mod state;

#[cfg(test)]
mod tests;

use rustls_pki_types::CertificateDer;

use chain::{Machine, Pck, signatures};
use published::Published;
use quote::{Body, Domain, Enclave, Quote, Tee};
use rules::Appraised;
use state::{Known, State};

use super::event_log::{self, Bank};
use super::{Collateral, Facts, Time, measured, roots};
use crate::evidence::Evidence;
use crate::policy::{Policy, Rule};
use crate::statement::hex;
use crate::verdict::Check;

pub(super) fn sgx(
    evidence: &Evidence,
    policy: &Policy,
    collateral: &Collateral,
    now: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    verify_under(&roots::INTEL_SGX.certificate()?, Tee::Sgx, evidence, policy, collateral, now, checks)
}

pub(super) fn tdx(
    evidence: &Evidence,
    policy: &Policy,
    collateral: &Collateral,
    now: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    verify_under(&roots::INTEL_SGX.certificate()?, Tee::Tdx, evidence, policy, collateral, now, checks)
}

/// By this root: Intel's, or a test's.
fn verify_under(
    root: &CertificateDer<'_>,
    tee: Tee,
    evidence: &Evidence,
    policy: &Policy,
    collateral: &Collateral,
    now: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    let bytes = &evidence.body.0;
    let quote = match Quote::read(bytes, tee) {
        Ok(quote) => quote,
        Err(check) => {
            checks.push(check);
            return None;
        }
    };
    checks.extend(trailing(&quote, tee));
    let published = Published::read(collateral);
    let asked = Asked { root, tee, bytes, published: &published, policy, now };
    let machine = asked.machine(&quote, checks);
    modes(&quote.body, checks);
    let log = evidence.auxiliary("event-log");
    let appraised = Appraised {
        version: quote.version,
        body: quote.body,
        machine: machine.known.as_ref(),
        state: machine.state.as_ref(),
        events: log.and_then(|log| event_log::read(log, Bank::Sha384).ok()),
    };
    measured(evidence.kind, policy, checks, |entry| appraised.failures(entry));
    Some(facts(&quote, machine, policy))
}

struct Asked<'a> {
    root: &'a CertificateDer<'a>,
    tee: Tee,
    bytes: &'a [u8],
    published: &'a Published,
    policy: &'a Policy,
    now: Time,
}

/// What came out about the machine.
#[derive(Default)]
struct Outcome {
    known: Option<Machine>,
    state: Option<State>,
    expires: Vec<(String, Time)>,
}

impl Asked<'_> {
    fn machine(&self, quote: &Quote<'_>, checks: &mut Vec<Check>) -> Outcome {
        let mut outcome = Outcome::default();
        let pck = Pck::read(quote).map_err(|refusal| checks.push(refusal)).ok();
        signatures(quote, pck.as_ref(), checks);
        let Some(pck) = pck else { return outcome };
        outcome.expires.push(("certificate of the machine (PCK)".into(), pck.leaf.not_after()));
        outcome.expires.push(("certificate of its authority".into(), pck.authority.not_after()));
        let published = self.published;
        let lists = published.lists.of(&pck.authority);
        match pck.check(self.root, &lists, self.now) {
            Ok(machine) => {
                checks
                    .push(Check::passed("certificate", "Intel's root vouches for the machine's certificate"));
                outcome.known = Some(machine);
            }
            Err(refusal) => checks.push(refusal),
        }
        if let Some(missing) = published.missing(self.tee, &lists) {
            checks.push(Check::failed("collateral-missing", missing));
            return outcome;
        }
        let Some(machine) = &outcome.known else {
            checks.extend(published.stale(self.tee, &self.policy.collateral, self.now));
            return outcome;
        };
        let (rule, now) = (&self.policy.collateral, self.now);
        let (root, tee, bytes) = (self.root, self.tee, self.bytes);
        let known =
            Known { tee, root, bytes, quote, pck: &pck, machine, published, lists: &lists, rule, now };
        outcome.state = known.appraise(checks, &mut outcome.expires);
        outcome
    }
}

/// TDX hosts hand quotes out in buffers that end in zeros. Nothing else may stand there.
fn trailing(quote: &Quote<'_>, tee: Tee) -> Option<Check> {
    let padding = tee == Tee::Tdx && quote.trailing.iter().all(|&b| b == 0);
    (!padding && !quote.trailing.is_empty()).then(|| {
        let detail = format!("{} bytes stand behind the quote, signed by nobody", quote.trailing.len());
        Check::failed("trailing-bytes", detail)
    })
}

/// What makes it no protection at all, whatever a policy says.
fn modes(body: &Body<'_>, checks: &mut Vec<Check>) {
    match body {
        Body::Enclave(enclave) if enclave.debug() => checks.push(Check::failed(
            "debug-enabled",
            "a debug enclave (ATTRIBUTES.DEBUG): whoever owns the machine reads its memory",
        )),
        Body::Enclave(_) => checks.push(Check::passed("debug", "no debug enclave")),
        Body::Domain(domain) => domain_modes(domain, checks),
    }
}

/// "Intel TDX Module ABI", `ATTRIBUTES`: bits that must be zero.
const RESERVED: u64 = 0x3FFF_FFFF_0780_FF8E;

fn domain_modes(domain: &Domain<'_>, checks: &mut Vec<Check>) {
    let attributes = domain.attributes();
    let has = |bit: u32| attributes >> bit & 1 == 1;
    let before = checks.len();
    let mut refuse = |code, wrong: bool, detail: &str| {
        if wrong {
            checks.push(Check::failed(code, detail));
        }
    };
    refuse(
        "debug-enabled",
        has(0),
        "a TD under debug (attribute 0): whoever owns the machine reads its memory",
    );
    refuse("debug-enabled", attributes & 0x70 != 0, "a TD that the host profiles (attributes 4 to 6)");
    refuse("reserved-bits", attributes & RESERVED != 0, "attributes are set that nobody defined");
    refuse("migratable", has(29), "the TD may be moved to another machine (attribute 29)");
    let served = domain.service().is_some_and(|hash| hash != [0; 48]);
    refuse("service-td", has(17) || served, "another TD is bound to it, of which the policy knows nothing");
    refuse(
        "sept-ve-enabled",
        !has(28),
        "the host may take pages away and give others (SEPT_VE_DISABLE, attribute 28, is not set)",
    );
    if checks.len() == before {
        checks.push(Check::passed("debug", "neither debugged, profiled, served nor moved"));
    }
}

fn facts(quote: &Quote<'_>, machine: Outcome, policy: &Policy) -> Facts {
    let mut remarks = vec![format!("quote version {}", quote.version)];
    if let Some(known) = &machine.known {
        let extension = &known.extension;
        remarks.push(format!(
            "machine of family {} (FMSPC), PCK key {}",
            hex(&extension.fmspc),
            hex(&known.key)
        ));
    }
    if let Some(state) = &machine.state {
        remarks.push(format!("Intel calls the machine's state {}", state.status));
    }
    let measurements = match &quote.body {
        Body::Enclave(enclave) => {
            remarks.push(format!(
                "signer's product {}, security version {}",
                enclave.product(),
                enclave.version()
            ));
            of_enclave(*enclave)
        }
        Body::Domain(domain) => {
            remarks.extend(firmware_only(policy));
            of_domain(domain)
        }
    };
    Facts {
        report_data: quote.body.report_data().to_vec(),
        measurements,
        platform: machine.known.map(|m| m.extension.ppid),
        expires: machine.expires,
        advisories: machine.state.map(|s| s.advisories).unwrap_or_default(),
        remarks,
    }
}

fn firmware_only(policy: &Policy) -> Option<String> {
    let only = |rule: &Rule| matches!(rule, Rule::TdxDcap(rule) if !rule.pins_system());
    policy.accept.iter().any(|entry| only(&entry.rule)).then(|| {
        "an entry of the policy names MRTD and not RTMR1 and RTMR2: it believes any system that this firmware starts".into()
    })
}

fn of_enclave(enclave: Enclave<'_>) -> Vec<(&'static str, Vec<u8>)> {
    vec![("mrenclave", enclave.mrenclave().to_vec()), ("mrsigner", enclave.mrsigner().to_vec())]
}

fn of_domain(domain: &Domain<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let mut measurements = vec![("mrtd", domain.mrtd().to_vec())];
    let names = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"];
    measurements.extend(names.into_iter().zip(domain.rtmr().map(|r| r.to_vec())));
    measurements.extend([
        ("mrseam", domain.mrseam().to_vec()),
        ("mr_config_id", domain.mr_config_id().to_vec()),
        ("mr_owner", domain.mr_owner().to_vec()),
        ("mr_owner_config", domain.mr_owner_config().to_vec()),
    ]);
    measurements
}
