//! Evidence in a file: what kind it is says its content, not its name. It is bound to nobody, and opens nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use super::{Collateral, Time, appraise};
use crate::evidence::{Evidence, LONGEST};
use crate::kind::{Assurance, Kind};
use crate::policy::Policy;
use crate::statement::from_hex;
use crate::verdict::{Check, Verdict};

/// What a file of evidence is, by its content: our envelope, or what a vendor's tools write (a quote, a report, a document; raw, in
/// hexadecimal or in base64).
pub fn recognise(file: &[u8]) -> Result<Evidence, String> {
    if file.len() > LONGEST {
        return Err(format!("the file has {} bytes, evidence at most {LONGEST}", file.len()));
    }
    if let Some(kind) = kind_of(file) {
        return Ok(Evidence::recorded(kind, file.to_vec()));
    }
    let text = std::str::from_utf8(file).map_err(|_| what_else(file))?.trim();
    if text.starts_with('{') {
        return of_json(text);
    }
    let digits: String = text.split_ascii_whitespace().collect();
    let bytes = from_hex(&digits).or_else(|| BASE64.decode(&digits).ok()).ok_or_else(|| what_else(file))?;
    match kind_of(&bytes) {
        Some(kind) => Ok(Evidence::recorded(kind, bytes)),
        None => Err(what_else(&bytes)),
    }
}

/// By the first bytes.
fn kind_of(bytes: &[u8]) -> Option<Kind> {
    match bytes {
        [3, 0, _, _, 0, 0, 0, 0, ..] if bytes.get(2) == Some(&2) => Some(Kind::SgxDcap),
        [4 | 5, 0, _, _, 0x81, 0, 0, 0, ..] => Some(Kind::TdxDcap),
        [2..=5, 0, 0, 0, ..] => Some(Kind::SevSnp),
        // COSE_Sign1, with or without its tag: an array of four that begins with a short string of bytes.
        [0x84, 0x41..=0x57, ..] | [0xD2, 0x84, 0x41..=0x57, ..] => Some(Kind::Nitro),
        _ => None,
    }
}

fn of_json(text: &str) -> Result<Evidence, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|e| format!("the file is JSON that is malformed: {e}"))?;
    let has = |name: &str| value.get(name).is_some();
    if has("document") && has("signature") {
        return Ok(Evidence::recorded(Kind::SimProcess, text.as_bytes().to_vec()));
    }
    if has("hcl_report") || (has("report") && has("quote")) {
        return Err(
            "this is evidence of an Azure virtual machine: a TPM quote, whose key an SEV-SNP report or a TDX quote vouches for, inside the paravisor's report; the wrapper is not read here, so take the report or the quote out of it".into(),
        );
    }
    if has("tpm_quote") || (has("message") && has("pcrs")) {
        return Err(
            "this is a TPM quote as another tool writes it; `tpm2` evidence is read in this program's own envelope, with the signature and the key beside the quote".into(),
        );
    }
    if has("tcbInfo") || has("enclaveIdentity") || has("tcb_info") {
        return Err("this is Intel's collateral and no evidence; give it as `--collateral`".into());
    }
    Evidence::parse(text.as_bytes())
}

/// What it is, where it is no evidence that is read here.
fn what_else(bytes: &[u8]) -> String {
    match bytes {
        [b'H', b'C', b'L', b'A', ..] => {
            "this is the report of an Azure paravisor; the SEV-SNP report or TDX report in it begins at byte 32".into()
        }
        [0xFF, b'T', b'C', b'G', ..] => {
            "this is a TPM quote without its signature and key; `tpm2` evidence is read in this program's own envelope".into()
        }
        [0x81, 0, 0, 0, ..] if bytes.len() == 1024 => {
            "this is a TDREPORT, which only its own machine can check; ask the quoting service for a quote of it".into()
        }
        [] => "the file is empty".into(),
        _ => "this is no evidence that is known here: no quote of SGX or TDX, no report of SEV-SNP, no document of Nitro, no envelope".into(),
    }
}

/// Appraises the evidence of a file. What is no evidence is refused too, with the reason.
pub fn appraise_file(file: &[u8], policy: &Policy, collateral: &Collateral, now: Time) -> Verdict {
    match recognise(file) {
        Ok(evidence) => appraise(&evidence.to_bytes(), policy, collateral, None, now).0,
        Err(what) => Verdict::begin(policy.digest(), now).refuse(Check::failed("format-invalid", what)),
    }
}

/// What evidence shows by itself, whatever anybody believes: its checks, without those of a policy. It is never accepted.
pub fn inspect(evidence: &Evidence, collateral: &Collateral, now: Time) -> Verdict {
    let nobody = Policy::nobody();
    let mut verdict = appraise(&evidence.to_bytes(), &nobody, collateral, None, now).0;
    verdict.checks.retain(|c| !["kind-not-accepted", "simulator-not-accepted"].contains(&c.code));
    verdict.policy = String::new();
    verdict.assurance = Assurance::None;
    verdict
}
