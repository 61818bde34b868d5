//! Evidence in words: what it is, who signed it, what it shows, and what it does not.

use crate::kind::Kind;
use crate::verdict::Verdict;

/// What [`inspect`](crate::verify::inspect) found, in sentences.
pub fn explain(kind: Kind, found: &Verdict) -> Vec<String> {
    let title = match kind {
        Kind::SimProcess => {
            "This is SIMULATED evidence: an ordinary process, signed with a key that everyone has. It proves nothing.".into()
        }
        Kind::Tpm2 => format!("This is evidence of a {}.", kind.title()),
        _ => format!("This is evidence of an {}.", kind.title()),
    };
    let mut said = vec![title];
    said.push(signer(kind, found));
    said.extend(found.measurements.iter().map(|(name, value)| format!("It measured {name} = {value}.")));
    said.push(debug(found));
    said.push(found.platform.as_ref().map_or_else(
        || "It does not say which machine.".into(),
        |id| format!("It comes from machine {id}."),
    ));
    said.extend(found.notes.iter().map(|note| format!("Beside that: {note}.")));
    if !found.advisories.is_empty() {
        said.push(format!(
            "The vendor's advisories that are open on this machine: {}.",
            found.advisories.join(", ")
        ));
    }
    said.extend(found.expires.iter().map(|(what, until)| format!("{what}: until {until}.")));
    let reasons = found.checks.iter().filter(|c| !c.ok);
    said.extend(reasons.map(|c| format!("It would be refused: {} ({}).", c.detail, c.code)));
    said.extend(limits(kind).iter().map(|s| (*s).to_owned()));
    said
}

fn signer(kind: Kind, found: &Verdict) -> String {
    let passed = |code: &str| found.checks.iter().any(|c| c.ok && c.code == code);
    let who = match kind {
        Kind::SgxDcap | Kind::TdxDcap => "the machine's quoting enclave, under `Intel SGX Root CA`",
        Kind::SevSnp => "the machine's secure processor, under AMD's root for its line",
        Kind::Nitro => "the Nitro hypervisor, under `aws.nitro-enclaves` Root-G1",
        Kind::Tpm2 => "a TPM, whose key only its owner vouches for",
        Kind::SimProcess => "the simulator's public key",
    };
    let chain = passed("certificate") || matches!(kind, Kind::Tpm2 | Kind::SimProcess);
    match (passed("signature"), chain) {
        (true, true) => format!("Signed by {who}; the signature and its chain hold at {}.", found.at),
        (true, false) => format!(
            "It says that it is signed by {who}; the signature fits its certificate, which nobody vouched for at {}.",
            found.at
        ),
        (false, _) => format!("It should be signed by {who}, and no signature was verified."),
    }
}

fn debug(found: &Verdict) -> String {
    match found.checks.iter().find(|c| c.code == "debug" || c.code == "debug-enabled") {
        Some(check) if check.ok => "It is not in debug mode.".into(),
        Some(check) => format!("IN DEBUG MODE: {}.", check.detail),
        None => "It says nothing of a debug mode.".into(),
    }
}

/// What no evidence of this kind shows. These sentences belong to the answer, and not only into a document.
pub fn limits(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::SimProcess => &[
            "It does not show anything at all: whoever runs the machine reads every row and every answer.",
            "It is there so that the protocol can be tried where no such hardware is.",
        ],
        Kind::Tpm2 => &[
            "It does not show that anything is hidden: whoever runs the machine reads its memory.",
            "It does not show who is at the other end: a recording is bound to no channel.",
            "It does not show what happened after boot, nor how many rows, when and how often somebody asked.",
        ],
        _ => &[
            "It does not show who is at the other end: a recording is bound to no channel.",
            "It does not show that nobody has the machine in their hands: probes on the memory bus have extracted keys that sign such evidence, and vendors call that out of scope.",
            "It does not show that the program is right, only which one it is; nor that the processor leaks nothing through caches and timing.",
            "It does not hide how many rows, when and how often somebody asked, and it does not make anybody answer.",
        ],
    }
}
