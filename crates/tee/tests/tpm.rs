//! TPM quotes of real machines (Azure's virtual TPMs among them), and what must be refused. The attestation keys of these recordings
//! came without their public areas, so that the areas here are written around the recorded keys.

#![allow(clippy::expect_used)] // in functions beside the tests too

mod recorded;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use privet_tee::kind::{Assurance, Kind};
use privet_tee::statement::sha256;
use privet_tee::statement::{from_hex, hex};
use recorded::{Case, reasons, vector};
use serde_json::Value;

/// A recorded quote.
struct Recorded {
    message: Vec<u8>,
    /// RSASSA, bare.
    signature: Vec<u8>,
    /// All 24.
    pcrs: Vec<Vec<u8>>,
    modulus: Vec<u8>,
}

/// Bytes as these files have them: numbers, hexadecimal, or base64.
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Array(list) => {
            list.iter().map(|n| u8::try_from(n.as_u64().expect("a number")).expect("a byte")).collect()
        }
        Value::String(text) => from_hex(text)
            .or_else(|| STANDARD.decode(text).ok())
            .or_else(|| URL_SAFE.decode(text).ok())
            .expect("bytes"),
        other => panic!("{other}"),
    }
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&vector("vtpm", name)).expect("JSON")
}

/// What Azure's paravisor puts around a hardware report: the report, and claims whose SHA-256 it binds.
struct Paravisor {
    report: Vec<u8>,
    claims: Vec<u8>,
}

impl Paravisor {
    fn read(bytes: &[u8]) -> Self {
        assert_eq!(&bytes[..4], b"HCLA");
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4")) as usize;
        // Header, a report's room, then: length, version, report type, hash, length of the claims.
        let at = 32 + 1184;
        let claims = bytes[at + 20..at + 20 + number(at + 16)].to_vec();
        Self { report: bytes[32..32 + 1184].to_vec(), claims }
    }

    fn modulus(&self) -> Vec<u8> {
        let claims: Value = serde_json::from_slice(&self.claims).expect("JSON");
        let keys = claims["keys"].as_array().expect("keys");
        let key = keys.iter().find(|k| k["kid"] == "HCLAkPub").expect("an attestation key");
        assert_eq!(key["e"], "AQAB");
        URL_SAFE_NO_PAD.decode(key["n"].as_str().expect("text")).expect("base64")
    }
}

fn recorded(quote: &Value, modulus: Vec<u8>) -> Recorded {
    let pcrs = quote["pcrs"].as_array().expect("registers").iter().map(bytes).collect();
    Recorded { message: bytes(&quote["message"]), signature: bytes(&quote["signature"]), pcrs, modulus }
}

fn azure(name: &str) -> (Recorded, Paravisor) {
    let evidence = json(name);
    let (quote, report) = match evidence.get("tpm_quote") {
        Some(quote) => (quote, &evidence["hcl_report"]),
        None => (&evidence["quote"], evidence.get("report").unwrap_or(&evidence["hcl_report"])),
    };
    let paravisor = Paravisor::read(&bytes(report));
    (recorded(quote, paravisor.modulus()), paravisor)
}

fn plain() -> Recorded {
    use x509_cert::der::Decode as _;
    let evidence = json("trustee_tpm_evidence.json");
    let spki = bytes(&evidence["ak_public"]);
    let spki = x509_cert::spki::SubjectPublicKeyInfoOwned::from_der(&spki).expect("a key");
    // RSAPublicKey: SEQUENCE { INTEGER 00 modulus, INTEGER exponent }, of 2048 bits.
    let key = spki.subject_public_key.raw_bytes();
    let mut quote = recorded(&evidence["tpm_quote"], key[9..9 + 256].to_vec());
    quote.signature = quote.signature[6..].to_vec(); // here it is a TPMT_SIGNATURE
    quote
}

const RESTRICTED_SIGNING: u32 = 0x0005_0072;

/// `TPMT_PUBLIC` of an RSA key of 2048 bits.
fn public(modulus: &[u8], attributes: u32) -> Vec<u8> {
    assert_eq!(modulus.len(), 256);
    let mut out = vec![0x00, 0x01, 0x00, 0x0B];
    out.extend(attributes.to_be_bytes());
    out.extend([0, 0, 0x00, 0x10, 0x00, 0x14, 0x00, 0x0B, 0x08, 0x00, 0, 0, 0, 0, 0x01, 0x00]);
    out.extend(modulus);
    out
}

fn case(quote: &Recorded) -> Case {
    let public = public(&quote.modulus, RESTRICTED_SIGNING);
    let seven = hex(&quote.pcrs[7]);
    let policy = format!(
        "[[accept]]\nkind = \"tpm2\"\nattestation_key = [\"sha256:{}\"]\npcr = {{ 7 = [\"{seven}\"] }}\n",
        hex(&sha256(&public))
    );
    let mut case = Case::new(Kind::Tpm2, quote.message.clone(), &policy, "2025-01-01");
    let length = u16::try_from(quote.signature.len()).expect("short").to_be_bytes();
    let signature = [&[0x00, 0x14, 0x00, 0x0B], length.as_slice(), &quote.signature].concat();
    let values = (0u8..).zip(&quote.pcrs).flat_map(|(n, v)| [&[n], v.as_slice()].concat()).collect();
    case.auxiliary = vec![("attestation-key", public), ("signature", signature), ("pcrs", values)];
    case
}

const AZURE_SNP: [&str; 4] = [
    "az-snp-vtpm_evidence-v0.json",
    "az-snp-vtpm_evidence-v1.json",
    "az-snp-vtpm_evidence-v2.json",
    "az-snp-vtpm_evidence-genoa.json",
];
const AZURE_TDX: [&str; 2] = ["az-tdx-vtpm_evidence-v0.json", "az-tdx-vtpm_evidence-v1.json"];

fn all() -> Vec<(&'static str, Recorded)> {
    let azure = AZURE_SNP.iter().chain(&AZURE_TDX).map(|name| (*name, azure(name).0));
    azure.chain([("trustee_tpm_evidence.json", plain())]).collect()
}

#[test]
fn every_recorded_quote_is_accepted_for_the_key_that_the_policy_names() {
    for (name, quote) in all() {
        let seven = quote.pcrs[7].iter().any(|&b| b != 0);
        let mut case = case(&quote);
        if !seven {
            // A register that nothing was measured into is none to pin.
            let at = quote.pcrs.iter().position(|v| v.iter().any(|&b| b != 0)).expect("a register");
            let from = format!("7 = [\"{}\"]", hex(&quote.pcrs[7]));
            case.policy = case.policy.replace(&from, &format!("{at} = [\"{}\"]", hex(&quote.pcrs[at])));
        }
        let verdict = case.verdict();
        assert!(verdict.is_accepted(), "{name}: {:?}", verdict.checks);
        assert_eq!(verdict.assurance, Assurance::MeasuredBoot);
        assert_eq!(verdict.measurements.len(), 24, "{name}");
    }
}

/// AMD vouches for the report, and the report for the claims with the attestation key.
fn bound_to_hardware(name: &str, paravisor: &Paravisor, line: &str, vcek: Vec<u8>) {
    let bound = [sha256(&paravisor.claims), [0; 32]].concat();
    assert_eq!(paravisor.report[0x50..0x90], bound, "{name}: the report binds the claims");
    let least = "bootloader = 3, tee = 0, snp = 8, microcode = 0";
    let policy = format!(
        "[[accept]]\nkind = \"snp\"\nmeasurement = [\"{}\"]\nmin_tcb = {{ product = \"{line}\", {least} }}\n",
        hex(&paravisor.report[0x90..0xC0])
    );
    let case = Case::new(Kind::SevSnp, paravisor.report.clone(), &policy, "2026-02-01").with(vcek);
    let verdict = case.verdict();
    assert!(verdict.is_accepted(), "{name}: {:?}", verdict.checks);
}

#[test]
fn azures_attestation_keys_are_bound_into_snp_reports_that_amd_vouches_for() {
    for (name, line) in AZURE_SNP.iter().zip(["Milan", "Milan", "Milan", "Genoa"]) {
        let (quote, paravisor) = azure(name);
        assert!(case(&quote).verdict().is_accepted(), "{name}: the quote");
        let vcek = json(name)["vcek"].as_str().map(|text| {
            if text.starts_with("-----") {
                text.as_bytes().to_vec()
            } else {
                URL_SAFE.decode(text).expect("base64")
            }
        });
        bound_to_hardware(name, &paravisor, line, vcek.expect("a certificate"));
    }
    // The bare files are those of the first.
    let bare = Paravisor::read(&vector("vtpm", "az-snp-vtpm_hcl-report.bin"));
    bound_to_hardware("the bare report", &bare, "Milan", vector("vtpm", "az-snp-vtpm_vcek.pem"));
    let quote = json("az-snp-vtpm_tpm-quote-v1.json");
    assert!(case(&recorded(&quote, bare.modulus())).verdict().is_accepted());
}

#[test]
fn a_key_that_the_policy_does_not_name_is_refused() {
    let quotes = all();
    let mut first = case(&quotes[0].1);
    let other = case(&quotes[3].1);
    first.auxiliary[0] = other.auxiliary[0].clone();
    assert_eq!(first.reasons(), ["signature-invalid", "platform-not-pinned"]);
}

#[test]
fn a_key_that_may_leave_its_tpm_or_sign_anything_is_refused() {
    let quote = plain();
    for attributes in [0x0004_0072, 0x0005_0070, 0x0005_0052, 0x0007_0072, 0x0001_0072, 0] {
        let public = public(&quote.modulus, attributes);
        let mut case = case(&quote);
        case.policy = format!(
            "version = 1\n[[accept]]\nkind = \"tpm2\"\nattestation_key = [\"{}\"]\npcr = {{ 10 = [\"{}\"] }}\n",
            hex(&sha256(&public)),
            "ab".repeat(32)
        );
        case.auxiliary[0].1 = public;
        assert_eq!(case.reasons(), ["attestation-key-unfit", "measurement-unknown"], "{attributes:08x}");
    }
}

#[test]
fn other_values_than_the_quoted_ones_are_refused() {
    let (quote, _) = azure(AZURE_SNP[1]);
    for register in 0..24 {
        let mut case = case(&quote);
        case.auxiliary[2].1[33 * register + 5] ^= 1;
        let mut expected = vec!["pcr-digest-mismatch"];
        expected.extend((register == 7).then_some("measurement-unknown"));
        assert_eq!(case.reasons(), expected, "{register}");
    }
    // Dropped, doubled, renumbered, in another order.
    let changes: [fn(&mut Vec<u8>); 5] = [
        |v| v.truncate(33 * 23),
        |v| v.extend_from_within(33 * 23..),
        |v| v[33] = 9,
        |v| v.rotate_left(33),
        |v| v.push(0),
    ];
    for change in changes {
        let mut case = case(&quote);
        change(&mut case.auxiliary[2].1);
        assert_eq!(case.reasons(), ["format-invalid"]);
    }
}

#[test]
fn a_register_with_another_value_is_refused() {
    let (quote, _) = azure(AZURE_SNP[1]);
    let mut case = case(&quote);
    case.policy = case.policy.replace(&hex(&quote.pcrs[7]), &"ab".repeat(32));
    assert_eq!(case.reasons(), ["measurement-unknown"]);
}

#[test]
fn events_need_a_log_that_replays() {
    let (quote, _) = azure(AZURE_SNP[1]);
    let mut case = case(&quote);
    let events = format!("events = [{{ pcr = 9, digests = [\"{}\"] }}]\n", "ab".repeat(32));
    case.policy.push_str(&events);
    assert_eq!(case.reasons(), ["event-log-missing"]);
    case.auxiliary.push(("event-log", vec![1, 2, 3]));
    assert_eq!(case.reasons(), ["format-invalid", "event-log-missing"]);
}

#[test]
fn n37_another_qualifying_data_is_another_signature() {
    let (quote, _) = azure(AZURE_SNP[1]);
    let mut case = case(&quote);
    let at = 6 + 2 + 34 + 2; // magic and type, the signer's name, the length
    case.body[at] ^= 1;
    assert_eq!(case.reasons(), ["signature-invalid"]);
}

#[test]
fn n01_one_flipped_bit_in_every_byte_of_a_quote_is_refused() {
    let mut count = 0;
    for (name, quote) in all() {
        let mut whole = case(&quote);
        whole.policy = whole.policy.replace(&"00".repeat(32), &"ab".repeat(32));
        let policy = whole.parsed();
        for at in 0..whole.body.len() {
            let mut case = whole.clone();
            case.body[at] ^= 1 << (at % 8);
            let reasons = reasons(&case.verdict_by(&policy));
            let refused = reasons.contains(&"signature-invalid")
                || reasons == ["format-invalid"]
                || reasons == ["trailing-bytes"];
            assert!(refused, "{name} byte {at}: {reasons:?}");
            count += 1;
        }
    }
    println!("TPM quotes: {count} flipped bits refused");
    assert!(count > 800);
}

#[test]
fn n03_n04_quotes_of_other_lengths_are_refused() {
    let (quote, _) = azure(AZURE_SNP[1]);
    let whole = case(&quote);
    for length in 0..whole.body.len() {
        let mut case = whole.clone();
        case.body.truncate(length);
        assert_eq!(case.reasons(), ["format-invalid"], "{length}");
    }
    let mut longer = whole.clone();
    longer.body.push(0);
    assert_eq!(longer.reasons(), ["trailing-bytes"]);
    for part in 0..3 {
        for length in 0..whole.auxiliary[part].1.len() {
            let mut case = whole.clone();
            case.auxiliary[part].1.truncate(length);
            assert!(!case.reasons().is_empty(), "{part} {length}");
        }
        let mut case = whole.clone();
        case.auxiliary[part].1.push(0);
        assert!(!case.reasons().is_empty(), "{part}");
        let mut case = whole.clone();
        case.auxiliary.remove(part);
        assert_eq!(case.reasons(), ["format-invalid"]);
    }
}
