//! Nitro documents of real enclaves, each at a time of its own, and what must be refused.

#![allow(clippy::expect_used)] // in functions beside the tests too

mod recorded;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use privet_tee::kind::{Assurance, Kind};
use privet_tee::verify::{rfc3339, seconds_of};
use recorded::{Case, reasons, vector};

/// From SOURCES.md: file, time, beginning of register 0.
const PRODUCTION: [(&str, &str, &str); 2] = [
    ("dstack_nitro.cose", "2025-12-25T17:00:00Z", "eb7d0dab08ff4154"),
    ("evervault_valid.cose", "2022-10-13T10:00:00Z", "f4d48b81a460c991"),
];

const DEBUG: [(&str, &str); 3] = [
    ("dstack_nitro_debug.cose", "2025-12-25T09:00:00Z"),
    ("evervault_debug.cose", "2022-10-12T15:00:00Z"),
    ("evervault_valid_ga.cose.b64", "2023-09-18T16:00:00Z"),
];

fn document(name: &str) -> Vec<u8> {
    let bytes = vector("nitro", name);
    if !name.contains(".b64") {
        return bytes;
    }
    let text: String = String::from_utf8(bytes).expect("text").split_whitespace().collect();
    BASE64.decode(text).expect("base64")
}

/// Register `number`, straight from where it stands in the bytes.
fn register(document: &[u8], number: u8) -> String {
    let pcrs = find(document, b"dpcrs") + 5;
    let head: &[u8] = if number < 24 { &[number, 0x58, 48] } else { &[0x18, number, 0x58, 48] };
    let at = pcrs + find(&document[pcrs..], head) + head.len();
    privet_tee::statement::hex(&document[at..at + 48])
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|w| w == part).expect("to be there")
}

fn case(name: &str, at: &str, more: &str) -> Case {
    let body = document(name);
    let zero = register(&body, 0);
    // Nothing accepts zeros, so that debug documents meet another value.
    let zero = if zero.chars().all(|c| c == '0') { "ab".repeat(48) } else { zero };
    let policy = format!("[[accept]]\nkind = \"nitro\"\npcr = {{ 0 = [\"{zero}\"]{more} }}\n");
    Case::new(Kind::Nitro, body, &policy, at)
}

fn dstack() -> Case {
    case(PRODUCTION[0].0, PRODUCTION[0].1, "")
}

#[test]
fn every_production_document_is_accepted_at_its_time() {
    for (name, at, begins) in PRODUCTION {
        let verdict = case(name, at, "").verdict();
        assert!(verdict.is_accepted(), "{name}: {:?}", verdict.checks);
        assert_eq!(verdict.assurance, Assurance::HardwareUnbound);
        assert_eq!(verdict.measurements[0].0, "pcr0");
        assert!(verdict.measurements[0].1.starts_with(begins), "{name}");
    }
    let verdict = dstack().verdict();
    assert!(
        verdict.notes.iter().any(|n| n.contains("i-0827e799ec9232d44-enc019b5640fdf630d6")),
        "{:?}",
        verdict.notes
    );
    assert_eq!(verdict.expires, [("certificate (enclave)".into(), "2025-12-25T19:04:19Z".into())]);
}

#[test]
fn n17_a_document_is_refused_after_its_three_hours() {
    for (name, _, _) in PRODUCTION {
        let end = if name.starts_with("dstack") { "2025-12-25T19:04:19Z" } else { "2022-10-13T11:58:02Z" };
        let end = seconds_of(end).expect("a time");
        let at = |time| case(name, &rfc3339(time), "").reasons();
        assert!(at(end).is_empty(), "{name}: the last second");
        assert_eq!(at(end + 1), ["certificate-expired"], "{name}");
        assert_eq!(at(end + 3 * 365 * 24 * 3600), ["certificate-expired"], "{name}");
    }
}

#[test]
fn n18_a_document_is_refused_before_its_time() {
    let reasons = case("dstack_nitro.cose", "2025-12-25T16:00:00Z", "").reasons();
    assert_eq!(reasons, ["certificate-not-yet-valid", "timestamp-in-the-future"]);
}

#[test]
fn n30_debug_documents_are_refused() {
    for (name, at) in DEBUG {
        let mut case = case(name, at, "");
        assert_eq!(case.reasons(), ["debug-enabled", "measurement-unknown"], "{name}");
        let verdict = case.verdict();
        assert!(verdict.checks.iter().any(|c| c.ok && c.code == "signature"), "{name} is validly signed");
        assert!(verdict.checks.iter().any(|c| c.ok && c.code == "certificate"), "{name} leads to the root");
        // A policy cannot accept zeros.
        case.policy = case.policy.replace(&"ab".repeat(48), &"00".repeat(48));
        assert!(privet_tee::policy::Policy::parse(&case.policy).is_err());
    }
}

#[test]
fn n44_genuine_evidence_of_an_unpinned_instance_is_refused() {
    let body = document("dstack_nitro.cose");
    let four = register(&body, 4);
    let right = format!(", 4 = [\"{four}\"]");
    assert!(case("dstack_nitro.cose", PRODUCTION[0].1, &right).verdict().is_accepted());
    let wrong = format!(", 4 = [\"{}\"]", "ab".repeat(48));
    assert_eq!(case("dstack_nitro.cose", PRODUCTION[0].1, &wrong).reasons(), ["platform-not-pinned"]);
    let mut by_module = dstack();
    by_module.policy.push_str("module_id = [\"i-0-enc0\"]");
    assert_eq!(by_module.reasons(), ["platform-not-pinned"]);
}

#[test]
fn another_measurement_is_refused() {
    for number in [0, 1, 2, 8, 31] {
        let mut case = dstack();
        let zero = register(&case.body, 0);
        let value = format!("{number} = [\"{}\"]", "ab".repeat(48));
        let others = if number == 0 { value } else { format!("0 = [\"{zero}\"], {value}") };
        case.policy = format!("version = 1\n[[accept]]\nkind = \"nitro\"\npcr = {{ {others} }}");
        assert_eq!(case.reasons(), ["measurement-unknown"], "{number}");
    }
}

#[test]
fn n03_truncation_at_every_length_is_refused() {
    let whole = dstack();
    let policy = whole.parsed();
    for length in 0..whole.body.len() {
        let mut case = whole.clone();
        case.body.truncate(length);
        assert_eq!(reasons(&case.verdict_by(&policy)), ["format-invalid"], "{length}");
    }
}

#[test]
fn n04_trailing_bytes_are_refused() {
    let mut case = dstack();
    case.body.push(0);
    assert_eq!(case.reasons(), ["trailing-bytes"]);
}

#[test]
fn with_and_without_the_tag_of_cose() {
    let mut case = dstack();
    case.body.insert(0, 0xD2);
    assert!(case.verdict().is_accepted());
    for other in [0xD1, 0xC0, 0xD3] {
        case.body[0] = other;
        assert_eq!(case.reasons(), ["format-invalid"]);
    }
}

/// The document's four parts: heads of the payload and of the signature are where AWS puts them.
fn with_headers(protected: &[u8], unprotected: &[u8]) -> Vec<u8> {
    let body = document("dstack_nitro.cose");
    assert_eq!(body[..7], [0x84, 0x44, 0xA1, 0x01, 0x38, 0x22, 0xA0]);
    let length = u8::try_from(protected.len()).expect("short");
    [&[0x84, 0x40 + length], protected, unprotected, &body[7..]].concat()
}

#[test]
fn n07_other_algorithms_and_headers_are_refused() {
    let es384: &[u8] = &[0xA1, 0x01, 0x38, 0x22];
    let none: &[u8] = &[0xA0];
    let rows: [(&str, &[u8], &[u8]); 10] = [
        ("ES256", &[0xA1, 0x01, 0x26], none),
        ("ES512", &[0xA1, 0x01, 0x38, 0x23], none),
        ("HMAC 256", &[0xA1, 0x01, 0x05], none),
        ("no algorithm", &[], none),
        ("an empty map", &[0xA0], none),
        ("the algorithm unprotected", &[], &[0xA1, 0x01, 0x38, 0x22]),
        ("the algorithm in both", es384, &[0xA1, 0x01, 0x38, 0x22]),
        ("crit", &[0xA2, 0x01, 0x38, 0x22, 0x02, 0x81, 0x01], none),
        ("the algorithm twice", &[0xA2, 0x01, 0x38, 0x22, 0x01, 0x38, 0x22], none),
        ("a key id beside", es384, &[0xA1, 0x04, 0x41, 0x01]),
    ];
    for (what, protected, unprotected) in rows {
        let mut case = dstack();
        case.body = with_headers(protected, unprotected);
        assert_eq!(case.reasons(), ["algorithm-not-accepted"], "{what}");
    }
    let mut case = dstack();
    case.body = with_headers(es384, none);
    assert!(case.verdict().is_accepted());
}

#[test]
fn n06_signature_numbers_out_of_range_are_refused() {
    let n =
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    let n = privet_tee::statement::from_hex(n).expect("hexadecimal");
    for half in [0, 48] {
        for number in [vec![0; 48], n.clone(), vec![0xFF; 48]] {
            let mut case = dstack();
            let at = case.body.len() - 96 + half;
            case.body[at..at + 48].copy_from_slice(&number);
            assert_eq!(case.reasons(), ["signature-invalid"]);
        }
    }
}

/// The payload replaced, and its head with it: the signature is then wrong, which is not what is looked for.
fn with_payload(change: impl Fn(&mut Vec<u8>)) -> Case {
    let mut case = dstack();
    let length = usize::from(u16::from_be_bytes([case.body[8], case.body[9]]));
    let mut payload = case.body[10..10 + length].to_vec();
    let signature = case.body[10 + length..].to_vec();
    change(&mut payload);
    let head = u16::try_from(payload.len()).expect("short").to_be_bytes();
    case.body = [&case.body[..8], &head, &payload, &signature].concat();
    case
}

#[test]
fn n08_payloads_that_are_not_strict_are_refused() {
    let replace = |payload: &mut Vec<u8>, from: &[u8], to: &[u8]| {
        let at = find(payload, from);
        payload.splice(at..at + from.len(), to.iter().copied());
    };
    let cases = [
        ("a field twice", with_payload(|p| replace(p, b"\xbfimodule_id", b"\xbffdigestfSHA384imodule_id"))),
        ("a field that is none", with_payload(|p| replace(p, b"\xbfimodule_id", b"\xbfdnamea0imodule_id"))),
        ("a register twice", with_payload(|p| replace(p, &[0x01, 0x58, 48], &[0x00, 0x58, 48]))),
        ("no break at the end", with_payload(|p| assert_eq!(p.pop(), Some(0xFF)))),
        ("bytes after the break", with_payload(|p| p.push(0))),
        ("registers of an indefinite length", with_payload(|p| replace(p, b"dpcrs\xb0", b"dpcrs\xbf"))),
        ("text of an indefinite length", with_payload(|p| replace(p, b"fSHA384", b"\x7ffSHA384\xff"))),
        ("a number that is too long", with_payload(|p| replace(p, b"fSHA384", b"\x78\x06SHA384"))),
        ("another digest", with_payload(|p| replace(p, b"fSHA384", b"fSHA512"))),
        ("a nested bomb", with_payload(|p| *p = vec![0x81; 4000])),
        ("a nested bomb of maps", with_payload(|p| *p = vec![0xBF; 4000])),
        (
            "a length beyond the end",
            with_payload(|p| replace(p, b"fSHA384", b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff")),
        ),
        ("nothing", with_payload(Vec::clear)),
    ];
    for (what, case) in cases {
        assert_eq!(case.reasons(), ["format-invalid"], "{what}");
    }
    // The method itself harms nothing.
    assert!(with_payload(|_| ()).verdict().is_accepted());
    assert_eq!(with_payload(|p| replace(p, b"i-0827e", b"i-0827f")).reasons(), ["signature-invalid"]);
}

#[test]
fn another_reader_of_cose_sees_the_same() {
    // `coset` and `ciborium`, of another origin, are not used by the product's reader.
    for (name, at, _) in PRODUCTION {
        use coset::CborSerializable as _;
        let body = document(name);
        let other = coset::CoseSign1::from_slice(&body).expect("coset reads it");
        let payload: ciborium::Value =
            ciborium::from_reader(other.payload.as_deref().expect("a payload")).expect("CBOR");
        let field = |name: &str| {
            let map = payload.as_map().expect("a map");
            map.iter().find(|(k, _)| k.as_text() == Some(name)).map(|(_, v)| v.clone()).expect("a field")
        };
        let registers = field("pcrs");
        let verdict = case(name, at, "").verdict();
        for (register, value) in &verdict.measurements {
            let number: u64 = register[3..].parse().expect("a number");
            let theirs = registers
                .as_map()
                .expect("a map")
                .iter()
                .find(|(k, _)| k.as_integer() == Some(number.into()));
            let theirs = theirs.and_then(|(_, v)| v.as_bytes()).expect("bytes");
            assert_eq!(*value, privet_tee::statement::hex(theirs), "{name}: {register}");
        }
        let leaf = field("certificate").into_bytes().expect("bytes");
        let key = {
            use x509_cert::der::Decode as _;
            let leaf = x509_cert::Certificate::from_der(&leaf).expect("a certificate");
            leaf.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes().to_vec()
        };
        other
            .verify_signature(b"", |signature, signed| {
                ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P384_SHA384_FIXED, key)
                    .verify(signed, signature)
            })
            .expect("coset's signed bytes verify too");
    }
}

#[test]
fn n01_n02_one_flipped_bit_in_every_byte_of_a_document_is_refused() {
    let mut count = 0;
    let all = PRODUCTION.map(|(name, at, _)| (name, at)).into_iter().chain(DEBUG);
    for (name, at) in all {
        let case = case(name, at, "");
        let policy = case.parsed();
        // Each costs five verifications of P-384: debug documents, which are refused anyway, get a quarter of them.
        let step = if DEBUG.iter().any(|d| d.0 == name) { 4 } else { 1 };
        count += recorded::every_byte(case.body.len() / step, |at| {
            let (mut case, at) = (case.clone(), at * step);
            case.body[at] ^= 1 << (at % 8);
            let reasons = reasons(&case.verdict_by(&policy));
            // Signed or not: what is not signed (heads, lengths) is read strictly.
            let expected = [
                "signature-invalid",
                "format-invalid",
                "algorithm-not-accepted",
                "trailing-bytes",
                "certificate-invalid",
            ];
            assert!(reasons.iter().any(|r| expected.contains(r)), "{name} byte {at}: {reasons:?}");
        });
    }
    println!("Nitro documents: {count} flipped bits refused");
    assert!(count > 12_000);
}
