//! A quote against one entry of a policy.

use super::chain::Machine;
use super::quote::{Body, Domain, Enclave};
use super::state::State;
use crate::policy::{self, Bytes, Rule, SgxRule, TdxEventRule, TdxRule};
use crate::statement::hex;
use crate::verdict::Check;
use crate::verify::event_log::{Bank, Event, measured, replay};

/// What the quote and Intel's collateral say.
pub(super) struct Appraised<'a> {
    pub(super) version: u16,
    pub(super) body: Body<'a>,
    /// `None`: the chain failed, which is a reason already.
    pub(super) machine: Option<&'a Machine>,
    /// `None`: there is no collateral, or it failed, which is a reason already.
    pub(super) state: Option<&'a State>,
    pub(super) events: Option<Vec<Event<'a>>>,
}

impl Appraised<'_> {
    /// Everything that the entry does not accept.
    pub(super) fn failures(&self, entry: &policy::Accept) -> Vec<Check> {
        let mut failures = Vec::new();
        let machine = match (&entry.rule, &self.body) {
            (Rule::SgxDcap(rule), Body::Enclave(enclave)) => {
                failures.extend(sgx(*enclave, rule));
                rule.machine()
            }
            (Rule::TdxDcap(rule), Body::Domain(domain)) => {
                failures.extend(self.tdx(domain, rule));
                rule.machine()
            }
            _ => return vec![Check::failed("kind-not-accepted", "the entry is for another kind")],
        };
        self.on(machine, &mut failures);
        if let Some(format) = entry.format.filter(|&f| f != self.version) {
            let detail = format!("quote version {}, the entry is for {format}", self.version);
            failures.push(Check::failed("format-not-accepted", detail));
        }
        failures
    }

    fn on(&self, rule: policy::Machine<'_>, failures: &mut Vec<Check>) {
        if let Some(state) = self.state {
            if !rule.tcb_status.iter().any(|s| s.name() == state.status) {
                let detail = format!(
                    "Intel calls the state of this machine {}, which the policy does not take",
                    state.status
                );
                failures.push(Check::failed("tcb-status", detail));
            }
            let unknown = state.advisories.iter().filter(|a| !rule.allow_advisories.contains(a));
            let unknown: Vec<&str> = unknown.map(String::as_str).collect();
            if !unknown.is_empty() {
                let detail =
                    format!("open on this machine: {}, which the policy does not allow", unknown.join(", "));
                failures.push(Check::failed("advisory-unknown", detail));
            }
        }
        let (Some(pins), Some(machine)) = (rule.platform, self.machine) else { return };
        let pinned = |list: Option<&Vec<Bytes>>, value: &[u8]| list.is_none_or(|list| names(list, value));
        let (key, ppid) = (&machine.key, &machine.extension.ppid);
        if !pinned(pins.pck_key.as_ref(), key) || !pinned(pins.ppid.as_ref(), ppid) {
            let detail = format!("machine {} (key {}) is none that the policy names", hex(ppid), hex(key));
            failures.push(Check::failed("platform-not-pinned", detail));
        }
    }

    fn tdx(&self, domain: &Domain<'_>, rule: &TdxRule) -> Vec<Check> {
        let mut failures = Vec::new();
        failures.extend(known("measurement-unknown", "MRTD", Some(&rule.mrtd), &domain.mrtd()));
        for ((n, value), list) in domain.rtmr().iter().enumerate().zip(rule.registers()) {
            failures.extend(known("measurement-unknown", &format!("RTMR{n}"), list, value));
        }
        let configuration = domain.mr_config_id();
        failures.extend(known("config-mismatch", "MRCONFIGID", rule.mr_config_id.as_ref(), &configuration));
        failures.extend(rule.events.iter().filter_map(|rule| self.events(domain, rule).err()));
        failures
    }

    /// The log replays to the quoted register, and has these events for it.
    fn events(&self, domain: &Domain<'_>, rule: &TdxEventRule) -> Result<(), Check> {
        let n = rule.rtmr;
        let Some(events) = &self.events else {
            let detail = "the policy names events, and the evidence has no readable event log";
            return Err(Check::failed("event-log-missing", detail));
        };
        let register = u32::from(n) + 1;
        let value = domain.rtmr().get(usize::from(n)).copied();
        if value.is_none_or(|value| replay(events, Bank::Sha384, register) != value) {
            let detail = format!(
                "the event log does not replay to RTMR{n} of the quote: it says what was not measured"
            );
            return Err(Check::failed("event-log-mismatch", detail));
        }
        let happened = measured(events, register).map(|e| e.digest);
        if happened.eq(rule.digests.iter().map(|d| d.0.as_slice())) {
            return Ok(());
        }
        let came: Vec<String> = measured(events, register).map(|e| hex(e.digest)).collect();
        let detail = format!("into RTMR{n} went {}, and not what the policy names", came.join(", "));
        Err(Check::failed("measurement-unknown", detail))
    }
}

fn names(list: &[Bytes], value: &[u8]) -> bool {
    list.iter().any(|b| b.0 == value)
}

/// A failure where there is a list and the value is not on it.
fn known(code: &'static str, what: &str, list: Option<&Vec<Bytes>>, value: &[u8]) -> Option<Check> {
    let unknown = list.is_some_and(|list| !names(list, value));
    unknown.then(|| Check::failed(code, format!("{what} {} is none that the policy names", hex(value))))
}

fn sgx(enclave: Enclave<'_>, rule: &SgxRule) -> Vec<Check> {
    let some = |list: &Vec<Bytes>| !list.is_empty();
    let mut failures = Vec::new();
    let (mrenclave, mrsigner) = (enclave.mrenclave(), enclave.mrsigner());
    let list = Some(&rule.mrenclave).filter(|l| some(l));
    failures.extend(known("measurement-unknown", "MRENCLAVE", list, &mrenclave));
    let list = Some(&rule.mrsigner).filter(|l| some(l));
    failures.extend(known("measurement-unknown", "MRSIGNER", list, &mrsigner));
    if let Some(product) = rule.isv_prod_id.filter(|&p| p != enclave.product()) {
        let detail =
            format!("the signer calls this program {}, the policy takes {product}", enclave.product());
        failures.push(Check::failed("measurement-unknown", detail));
    }
    if let Some(least) = rule.min_isv_svn.filter(|&least| enclave.version() < least) {
        let detail = format!("security version {}, the policy takes {least} and later", enclave.version());
        failures.push(Check::failed("version-too-old", detail));
    }
    failures.extend(known("config-mismatch", "CONFIGID", rule.config_id.as_ref(), &enclave.config_id()));
    failures
}
