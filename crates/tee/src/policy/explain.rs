//! A policy in sentences.

use super::{Accept, Bytes, CrlRule, MinimumTcb, Policy, Rule, SgxRule, SnpRule, TdxRule, TpmRule};
use super::{Machine, NitroRule};

impl Policy {
    /// What it believes, in sentences.
    pub fn explain(&self) -> Vec<String> {
        let mut said: Vec<String> =
            self.accept.iter().enumerate().map(|(n, entry)| entry.explain(n + 1)).collect();
        said.push(self.freshness());
        said.extend(self.published());
        if let Some(model) = &self.model {
            let id = model.id.as_deref().map_or_else(|| "any".into(), |id| format!("`{id}`"));
            let least = model.min_version.map_or_else(String::new, |v| format!(", version {v} and later"));
            let digests = if model.digest.is_empty() { "any content" } else { "content by digest" };
            said.push(format!("The model: {id}{least}, {digests}."));
        }
        if !self.accept.iter().all(|entry| entry.rule.pins_platform()) {
            said.push(
                "Some entry pins no machine: evidence of any genuine machine passes, also of one whose keys somebody extracted with a probe on its memory bus.".into(),
            );
        }
        said.push("Everything else is refused.".into());
        said
    }

    fn freshness(&self) -> String {
        if !self.accepts_epochs() {
            return "Each asker gets evidence of its own: an epoch's is refused.".into();
        }
        format!(
            "Evidence may be {} seconds old, counted from the stamp of one of {} key services.{}",
            self.channel.max_evidence_age.0,
            self.channel.stamp_keys.len(),
            self.channel
                .max_requests
                .map_or_else(String::new, |n| format!(" An epoch answers at most {n} requests."))
        )
    }

    fn published(&self) -> Vec<String> {
        let rule = &self.collateral;
        let age = rule.max_age.map(|age| format!("Intel's collateral may be {} seconds old.", age.0));
        let number = rule.min_tcb_evaluation_number;
        let number = number
            .map(|n| format!("Its evaluation number is at least {n}, so that no older one is put back."));
        let lists = (rule.crl == Some(CrlRule::Required))
            .then(|| "AMD's revocation list must be there and in force; Intel's always.".into());
        age.into_iter().chain(number).chain(lists).collect()
    }
}

impl Accept {
    fn explain(&self, number: usize) -> String {
        let title = self.rule.kind().title();
        let format = self.format.map_or_else(String::new, |f| format!(", format {f}"));
        let what = match &self.rule {
            Rule::SgxDcap(rule) => sgx(rule),
            Rule::TdxDcap(rule) => tdx(rule),
            Rule::SevSnp(rule) => snp(rule),
            Rule::Nitro(rule) => nitro(rule),
            Rule::Tpm2(rule) => tpm(rule),
            Rule::SimProcess(rule) => {
                format!("running program {}. IT IS SIMULATED and proves nothing", list(&rule.measurement))
            }
        };
        format!("{number}. Believes an {title}{format} {what}.")
            .replace("an SIM", "a SIM")
            .replace("an machine", "a machine")
    }
}

fn list(list: &[Bytes]) -> String {
    list.iter().map(Bytes::hex).collect::<Vec<_>>().join(" or ")
}

fn machine(rule: Machine<'_>) -> String {
    let names: Vec<&str> = rule.tcb_status.iter().map(|s| s.name()).collect();
    let open = match rule.allow_advisories {
        [] => "no advisory is open".into(),
        some => format!("of advisories only {} may be open", some.join(", ")),
    };
    let pins = rule.platform.map_or("any genuine machine", |_| "only the machines that it pins");
    format!("Intel calls the machine's state {}, {open}, {pins}", names.join(" or "))
}

fn sgx(rule: &SgxRule) -> String {
    let mut parts = Vec::new();
    if !rule.mrenclave.is_empty() {
        parts.push(format!("with MRENCLAVE {}", list(&rule.mrenclave)));
    }
    if !rule.mrsigner.is_empty() {
        parts.push(format!("signed by {}", list(&rule.mrsigner)));
    }
    parts.extend(rule.isv_prod_id.map(|p| format!("product {p}")));
    parts.extend(rule.min_isv_svn.map(|v| format!("security version {v} and later")));
    parts.push(machine(rule.machine()));
    parts.join(", ")
}

fn tdx(rule: &TdxRule) -> String {
    let mut parts = vec![format!("with MRTD {}", list(&rule.mrtd))];
    let registers = rule.registers().into_iter().enumerate();
    parts.extend(registers.filter_map(|(n, values)| Some(format!("RTMR{n} {}", list(values?)))));
    parts.extend(
        rule.events.iter().map(|e| format!("{} events by digest in RTMR{}", e.digests.len(), e.rtmr)),
    );
    if !rule.pins_system() {
        parts.push(
            "and ANY SYSTEM that this firmware starts, since RTMR1 and RTMR2 are not both named".into(),
        );
    }
    parts.push(machine(rule.machine()));
    parts.join(", ")
}

fn snp(rule: &SnpRule) -> String {
    let firmware =
        rule.min_tcb.as_ref().map_or_else(|| "with ANY FIRMWARE, also with known holes".into(), firmware);
    let signers: Vec<&str> = rule.signer.iter().map(|s| s.name()).collect();
    let pins = if rule.platform.is_some() { "only the chips that it pins" } else { "any genuine chip" };
    format!(
        "with measurement {}, {firmware}, signed by a {}, {pins}",
        list(&rule.measurement),
        signers.join(" or a ")
    )
}

fn firmware(least: &MinimumTcb) -> String {
    let MinimumTcb { product, fmc, bootloader, tee, snp, microcode } = least;
    let fmc = fmc.map_or_else(String::new, |fmc| format!("fmc {fmc}, "));
    let parts = format!("{fmc}bootloader {bootloader}, tee {tee}, snp {snp}, microcode {microcode}");
    format!("on {} with firmware from {parts} on", product.name())
}

fn registers<'a>(values: impl Iterator<Item = (&'a u8, &'a Vec<Bytes>)>) -> String {
    values.map(|(n, values)| format!("PCR{n} {}", list(values))).collect::<Vec<_>>().join(", ")
}

fn nitro(rule: &NitroRule) -> String {
    format!("with {}", registers(rule.pcr.0.iter()))
}

fn tpm(rule: &TpmRule) -> String {
    let events =
        rule.events.iter().map(|e| format!(", {} events by digest in PCR{}", e.digests.len(), e.pcr));
    format!(
        "with key {}, {}{}",
        list(&rule.attestation_key),
        registers(rule.pcr.0.iter()),
        events.collect::<String>()
    )
}
