//! A simulator's evidence. Its checks are those of a platform's, so that the protocol is whole; what it shows is nothing.

use super::{Collateral, Facts, Time, measured};
use crate::evidence::Evidence;
use crate::policy::{Policy, Rule};
use crate::simulator::read;
use crate::verdict::Check;

pub(super) fn verify(
    evidence: &Evidence,
    policy: &Policy,
    _: &Collateral,
    _: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    let (document, verifies) = match read(&evidence.body.0) {
        Ok(read) => read,
        Err(e) => {
            checks.push(Check::failed("format-invalid", format!("this is no simulator's evidence: {e}")));
            return None;
        }
    };
    checks.push(if verifies {
        Check::passed("signature", "signed with the simulator's key, which is public and proves nothing")
    } else {
        Check::failed("signature-invalid", "not signed with the simulator's own, public key")
    });
    checks.push(if policy.simulator.accept {
        Check::passed("simulator", "the policy accepts simulators; nothing is proven")
    } else {
        Check::failed("simulator-not-accepted", "this is a SIMULATED enclave, and the policy accepts none")
    });
    measured(evidence.kind, policy, checks, |entry| match &entry.rule {
        Rule::SimProcess(rule) if rule.measurement.iter().any(|m| m.0 == document.measurement.0) => {
            Vec::new()
        }
        _ => vec![Check::failed(
            "measurement-unknown",
            format!("program {} is none that the policy names", document.measurement),
        )],
    });
    Some(Facts {
        report_data: document.report_data.0.to_vec(),
        measurements: vec![("program", document.measurement.0.to_vec())],
        platform: None,
        expires: Vec::new(),
        advisories: Vec::new(),
        remarks: document.isolation,
    })
}
