//! A report against one entry of a policy.

use super::endorsement::{Endorsed, same_chip};
use super::report::{Report, Tcb};
use crate::policy::{Bytes, MinimumTcb, Product, SnpRule};
use crate::statement::hex;
use crate::verdict::Check;

/// Everything in the report that the entry does not accept.
pub(super) fn failures(report: &Report<'_>, endorsed: Option<&Endorsed>, rule: &SnpRule) -> Vec<Check> {
    let mut failures = Vec::new();
    let mut refuse = |code, wrong: bool, detail: String| {
        if wrong {
            failures.push(Check::failed(code, detail));
        }
    };
    let measurement = report.measurement();
    refuse(
        "measurement-unknown",
        !names(&rule.measurement, &measurement),
        format!("launch measurement {} is none that the policy names", hex(&measurement)),
    );
    optional(report, rule, &mut refuse);
    asked_for(report, rule, &mut refuse);
    guest(report, rule, &mut refuse);
    if let Some(least) = &rule.min_tcb {
        tcb(report, endorsed, least, &mut refuse);
    }
    let chip = report.chip_id();
    refuse(
        "platform-not-pinned",
        rule.platform.as_ref().is_some_and(|p| !p.chip_id.iter().any(|id| same_chip(&id.0, &chip))),
        format!("chip {} is none that the policy names", hex(&chip)),
    );
    failures
}

fn names(list: &[Bytes], value: &[u8]) -> bool {
    list.iter().any(|b| b.0 == value)
}

/// What is compared only where the policy has a list.
fn optional(report: &Report<'_>, rule: &SnpRule, refuse: &mut impl FnMut(&'static str, bool, String)) {
    let mut compare = |code, what: &str, list: &Option<Vec<Bytes>>, value: &[u8]| {
        let wrong = list.as_ref().is_some_and(|list| !names(list, value));
        refuse(code, wrong, format!("{what} {} is none that the policy names", hex(value)));
    };
    compare("host-data-mismatch", "host data", &rule.host_data, &report.host_data());
    compare("id-key-unknown", "identity key", &rule.id_key, &report.id_key_digest());
    compare("author-key-unknown", "author key", &rule.author_key, &report.author_key_digest());
    compare("family-unknown", "image family", &rule.family_id, &report.family_id());
    compare("image-unknown", "image id", &rule.image_id, &report.image_id());
}

/// From where, and signed by whom.
fn asked_for(report: &Report<'_>, rule: &SnpRule, refuse: &mut impl FnMut(&'static str, bool, String)) {
    refuse(
        "vmpl",
        !rule.vmpl.contains(&report.vmpl()),
        format!("asked for from privilege level {}, the policy takes {:?}", report.vmpl(), rule.vmpl),
    );
    let signer = report.signer();
    refuse(
        "signer-not-accepted",
        !signer.is_some_and(|s| rule.signer.contains(&s)),
        format!("signed by {}, which the policy does not take", signer.map_or("nobody", |s| s.name())),
    );
}

fn guest(report: &Report<'_>, rule: &SnpRule, refuse: &mut impl FnMut(&'static str, bool, String)) {
    let guest = report.policy();
    refuse(
        "guest-svn-too-old",
        report.guest_svn() < rule.min_guest_svn,
        format!("guest security version {}, the policy asks for {}", report.guest_svn(), rule.min_guest_svn),
    );
    refuse(
        "smt-enabled",
        guest.smt() && !rule.smt,
        "the guest may share a core with another thread, and the policy forbids it".into(),
    );
    refuse(
        "abi-too-old",
        rule.min_abi.is_some_and(|least| guest.abi() < least),
        format!("the guest asks for interface {:?} or newer, the policy for {:?}", guest.abi(), rule.min_abi),
    );
}

fn tcb(
    report: &Report<'_>,
    endorsed: Option<&Endorsed>,
    least: &MinimumTcb,
    refuse: &mut impl FnMut(&'static str, bool, String),
) {
    // Without a certificate that is believed, the chip's word; version 2 has none, and is read as the entry's line.
    let product =
        endorsed.map(|e| e.product).or_else(|| report.product().ok().flatten()).unwrap_or(least.product);
    refuse(
        "product-mismatch",
        product != least.product,
        format!("the chip is a {}, the entry is for {}", product.name(), least.product.name()),
    );
    for (which, bytes) in [("reported", report.reported_tcb()), ("committed", report.committed_tcb())] {
        let tcb = Tcb::read(bytes, product);
        refuse(
            "tcb-too-old",
            !reaches(tcb, least),
            format!("{which} firmware is {tcb}, the policy asks for {}", asked(least)),
        );
    }
}

fn reaches(tcb: Tcb, least: &MinimumTcb) -> bool {
    // `None` comes before any number: no entry for another line is reached by leaving a part out.
    tcb.fmc >= least.fmc
        && tcb.bootloader >= least.bootloader
        && tcb.tee >= least.tee
        && tcb.snp >= least.snp
        && tcb.microcode >= least.microcode
}

fn asked(least: &MinimumTcb) -> Tcb {
    let fmc = least.fmc.filter(|_| least.product == Product::Turin);
    Tcb { fmc, bootloader: least.bootloader, tee: least.tee, snp: least.snp, microcode: least.microcode }
}
