//! SEV-SNP reports of real machines, each at a time of its own, and what must be refused.

#![allow(clippy::expect_used)] // in functions beside the tests too

mod recorded;

use privet_tee::kind::{Assurance, Kind};
use privet_tee::statement::hex;
use privet_tee::verify::seconds_of;
use recorded::{Case, read, reasons, vector};

/// report, certificate, line, lowest TCB as the policy has it, time, beginning of the measurement
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const MILAN: &str = "bootloader = 2, tee = 0, snp = 5, microcode = 68";
const GENOA: &str = "bootloader = 10, tee = 0, snp = 25, microcode = 84";
const TURIN: &str = "fmc = 0, bootloader = 1, tee = 0, snp = 2, microcode = 71";

/// Every production report that a chip's own key signed.
const PRODUCTION: [Row; 6] = [
    ("virtee_report_milan.hex", "virtee_vcek_milan.der", "Milan", MILAN, "2024-01-01", "7a1e5c266c0108db"),
    ("trustee_test-report.bin", "trustee_test-vcek.der", "Milan", MILAN, "2024-01-01", "a1f3930413247bb3"),
    ("dstack_milan_report.bin", "dstack_milan_vcek.pem", "Milan", MILAN, "2026-07-01", "7f51e17f72a04d54"),
    (
        "oak_milan_release_report.bin",
        "oak_milan_release_vcek.der",
        "Milan",
        MILAN,
        "2025-06-01",
        "195b01b74976a1fa",
    ),
    ("oak_genoa_report.bin", "oak_genoa_vcek.der", "Genoa", GENOA, "2025-10-01", "c57729018b0a6fb9"),
    ("oak_turin_report.bin", "oak_turin_vcek.der", "Turin", TURIN, "2025-10-01", "f924dd18f168df60"),
];

fn report(name: &str) -> Vec<u8> {
    read("snp", name)
}

fn entry(report: &[u8], line: &str, tcb: &str, more: &str) -> String {
    format!(
        "[[accept]]\nkind = \"sev-snp\"\nmeasurement = [\"{}\"]\nmin_tcb = {{ product = \"{line}\", {tcb} }}\n{more}\n",
        hex(&report[0x90..0xC0])
    )
}

fn case(row: &Row, more: &str) -> Case {
    let body = report(row.0);
    let policy = entry(&body, row.2, row.3, more);
    Case::new(Kind::SevSnp, body, &policy, row.4).with(vector("snp", row.1))
}

fn of(name: &str) -> &'static Row {
    PRODUCTION.iter().find(|row| row.0.starts_with(name)).expect("a row of that name")
}

#[test]
fn every_production_report_is_accepted_at_its_time() {
    for row in &PRODUCTION {
        let verdict = case(row, "").verdict();
        assert!(verdict.is_accepted(), "{}: {:?}", row.0, verdict.checks);
        assert_eq!(verdict.assurance, Assurance::HardwareUnbound);
        let (name, measurement) = &verdict.measurements[0];
        assert_eq!(name, "measurement");
        assert!(measurement.starts_with(row.5), "{}: {measurement}", row.0);
        assert!(verdict.platform.is_some(), "{}: a chip", row.0);
        assert_eq!(verdict.expires.len(), 1);
    }
}

#[test]
fn a_policy_that_believes_any_firmware_is_remarked_upon() {
    let row = of("virtee_report_milan");
    let remarked = |case: Case| case.verdict().notes.iter().any(|note| note.contains("`min_tcb`"));
    assert!(!remarked(case(row, "")));
    let body = report(row.0);
    let policy = entry(&body, row.2, row.3, "").replace("min_tcb", "# min_tcb");
    let any = Case::new(Kind::SevSnp, body, &policy, row.4).with(vector("snp", row.1));
    assert!(any.verdict().is_accepted() && remarked(any));
}

fn vlek(at: &str) -> Case {
    let body = report("trustee_test-vlek-report.bin");
    let tcb = "bootloader = 4, tee = 0, snp = 24, microcode = 217";
    let policy = entry(&body, "Milan", tcb, "signer = [\"VLEK\"]\nvmpl = [1]");
    Case::new(Kind::SevSnp, body, &policy, at).with(vector("snp", "trustee_test-vlek.der"))
}

#[test]
fn a_report_by_a_cloud_providers_key_is_accepted_in_its_year() {
    let verdict = vlek("2025-06-01").verdict();
    assert!(verdict.is_accepted(), "{:?}", reasons(&verdict));
    assert_eq!(verdict.platform, None, "a VLEK is for no chip, and this host masked the chip id");
    assert!(verdict.notes.iter().any(|n| n.contains("CN=cc-us-east-2.amazonaws.com")), "{:?}", verdict.notes);
}

#[test]
fn n19_expired_vlek_is_refused() {
    assert_eq!(vlek("2025-12-11").reasons(), ["certificate-expired"]);
    assert_eq!(vlek("2024-12-09").reasons(), ["certificate-not-yet-valid"]);
}

#[test]
fn n19_a_vlek_that_the_policy_does_not_name_is_refused() {
    let mut case = vlek("2025-06-01");
    case.policy = case.policy.replace("signer = [\"VLEK\"]", "");
    assert_eq!(case.reasons(), ["signer-not-accepted"]);
}

#[test]
fn n17_n18_certificates_are_refused_outside_their_time() {
    let row = of("dstack");
    let mut case = case(row, "");
    case.at = seconds_of("2033-06-18").expect("a time");
    assert_eq!(case.reasons(), ["certificate-expired"]);
    case.at = seconds_of("2026-06-16").expect("a time");
    assert_eq!(case.reasons(), ["certificate-not-yet-valid"]);
}

#[test]
fn without_a_certificate_only_that_is_missing() {
    for row in &PRODUCTION {
        let mut case = case(row, "");
        case.collateral.clear();
        assert_eq!(case.reasons(), ["collateral-missing"], "{}", row.0);
    }
}

#[test]
fn n09_corrupted_vcek_is_refused() {
    for name in ["trustee_test-vcek-invalid-legacy.der", "trustee_test-vcek-invalid-new.der"] {
        let mut case = case(of("trustee"), "");
        case.collateral = vec![vector("snp", name)];
        let reasons = case.reasons();
        assert!(reasons.contains(&"certificate-invalid"), "{name}: {reasons:?}");
    }
}

#[test]
fn n10_vcek_of_another_chip_is_refused() {
    let mut case = case(of("virtee"), "");
    case.collateral = vec![vector("snp", "trustee_test-vcek.der")];
    // Same firmware, another chip.
    assert_eq!(case.reasons(), ["certificate-other-chip", "signature-invalid"]);
    // Beside the right one it does no harm.
    case.collateral.push(vector("snp", "virtee_vcek_milan.der"));
    assert!(case.verdict().is_accepted());
}

#[test]
fn n10_vcek_for_another_tcb_is_refused() {
    let mut case = case(of("virtee"), "");
    case.collateral = vec![vector("snp", "gosev_milan_vcek.der")];
    assert_eq!(case.reasons(), ["certificate-other-chip", "certificate-other-tcb", "signature-invalid"]);
}

#[test]
fn n11_wrong_product_line_is_refused() {
    let mut genoa = case(of("oak_genoa"), "");
    genoa.collateral = vec![vector("snp", "oak_milan_release_vcek.der")];
    assert!(genoa.reasons().contains(&"product-mismatch"));
    // Right certificate, and an entry for another line.
    let mut milan = case(of("oak_milan"), "");
    milan.policy = milan.policy.replace("product = \"Milan\"", "product = \"Genoa\"");
    assert_eq!(milan.reasons(), ["product-mismatch"]);
    // Version 2 says nothing of its line: the certificate does.
    let mut old = case(of("virtee"), "");
    old.collateral = vec![vector("snp", "virtee_vcek_turin.der")];
    assert!(old.reasons().contains(&"product-mismatch"));
}

#[test]
fn n12_turins_layout_is_not_milans() {
    // As Milan has it, Turin's bytes would say microcode 71 of boot loader 0, snp 0.
    let mut case = case(of("oak_turin"), "");
    case.policy = case.policy.replace(TURIN, "bootloader = 0, tee = 0, snp = 0, microcode = 0");
    case.policy = case.policy.replace("product = \"Turin\"", "product = \"Milan\"");
    assert_eq!(case.reasons(), ["product-mismatch"]);
    let mut other = self::case(of("oak_turin"), "");
    other.collateral = vec![vector("snp", "virtee_vcek_turin.der")];
    assert!(other.reasons().contains(&"certificate-other-chip"));
}

#[test]
fn n29_debug_policy_is_refused() {
    let body = report("gosev_milan_report.bin");
    let policy = entry(&body, "Milan", MILAN, "");
    let case =
        Case::new(Kind::SevSnp, body, &policy, "2024-01-01").with(vector("snp", "gosev_milan_vcek.der"));
    assert_eq!(case.reasons(), ["debug-enabled"], "everything else about it holds");
}

#[test]
fn n31_privilege_level_and_other_rules_are_refused() {
    let rows: [(&str, &[&str]); 8] = [
        ("vmpl = [1, 2]", &["vmpl"]),
        (
            "host_data = [\"00000000000000000000000000000000000000000000000000000000000000ff\"]",
            &["host-data-mismatch"],
        ),
        ("smt = false", &["smt-enabled"]),
        ("min_abi = [1, 51]", &["abi-too-old"]),
        ("min_guest_svn = 1", &["guest-svn-too-old"]),
        ("family_id = [\"00000000000000000000000000000001\"]", &["family-unknown"]),
        ("image_id = [\"00000000000000000000000000000001\"]", &["image-unknown"]),
        ("signer = [\"VLEK\"]", &["signer-not-accepted"]),
    ];
    for (more, expected) in rows {
        assert_eq!(case(of("dstack"), more).reasons(), expected, "{more}");
    }
    let key = "11".repeat(48);
    assert_eq!(case(of("dstack"), &format!("id_key = [\"{key}\"]")).reasons(), ["id-key-unknown"]);
    assert_eq!(case(of("dstack"), &format!("author_key = [\"{key}\"]")).reasons(), ["author-key-unknown"]);
}

#[test]
fn rules_that_hold_are_accepted() {
    let body = report("dstack_milan_report.bin");
    let more = format!(
        "host_data = [\"{}\"]\nplatform = {{ chip_id = [\"{}\"] }}",
        hex(&body[0xC0..0xE0]),
        hex(&body[0x1A0..0x1E0])
    );
    assert!(case(of("dstack"), &more).verdict().is_accepted());
    // Turin's ids are 8 bytes.
    let body = report("oak_turin_report.bin");
    let more = format!("platform = {{ chip_id = [\"{}\"] }}", hex(&body[0x1A0..0x1A8]));
    assert!(case(of("oak_turin"), &more).verdict().is_accepted());
    let body = report("trustee_test-report.bin");
    let more = format!(
        "id_key = [\"{}\"]\nauthor_key = [\"{}\"]",
        hex(&body[0xE0..0x110]),
        hex(&body[0x110..0x140])
    );
    let keys = body[0x110..0x140].iter().any(|&b| b != 0);
    let more = if keys { more } else { more.lines().next().expect("a line").to_owned() };
    assert!(case(of("trustee"), &more).verdict().is_accepted());
}

#[test]
fn each_part_of_the_firmware_has_its_own_minimum() {
    for (name, least) in [
        ("oak_milan", "bootloader = 5, tee = 0, snp = 0, microcode = 0"),
        ("oak_milan", "bootloader = 0, tee = 1, snp = 0, microcode = 0"),
        ("oak_milan", "bootloader = 0, tee = 0, snp = 25, microcode = 0"),
        ("oak_milan", "bootloader = 0, tee = 0, snp = 0, microcode = 220"),
        ("oak_turin", "fmc = 1, bootloader = 0, tee = 0, snp = 0, microcode = 0"),
    ] {
        let row = of(name);
        let mut case = case(row, "");
        case.policy = case.policy.replace(row.3, least);
        let reasons = case.reasons();
        assert!(!reasons.is_empty() && reasons.iter().all(|r| *r == "tcb-too-old"), "{least}: {reasons:?}");
    }
}

#[test]
fn n44_genuine_evidence_of_an_unpinned_platform_is_refused() {
    let more = format!("platform = {{ chip_id = [\"{}\"] }}", "ab".repeat(64));
    for row in &PRODUCTION {
        assert_eq!(case(row, &more).reasons(), ["platform-not-pinned"], "{}", row.0);
    }
}

#[test]
fn another_measurement_is_refused() {
    for row in &PRODUCTION {
        let mut case = case(row, "");
        case.policy = case.policy.replace(&hex(&case.body[0x90..0xC0]), &"ab".repeat(48));
        assert_eq!(case.reasons(), ["measurement-unknown"], "{}", row.0);
    }
}

#[test]
fn an_entry_for_another_version_is_refused() {
    let mut case = case(of("dstack"), "");
    case.policy = case.policy.replace("sev-snp", "sev-snp/5");
    assert_eq!(case.reasons(), ["format-not-accepted"]);
    case.policy = case.policy.replace("sev-snp/5", "snp/3");
    assert!(case.verdict().is_accepted());
}

#[test]
fn n05_every_version_and_algorithm_field_is_checked() {
    for version in [0u32, 1, 6, 7, 255, u32::MAX] {
        let mut case = case(of("dstack"), "");
        case.body[..4].copy_from_slice(&version.to_le_bytes());
        assert_eq!(case.reasons(), ["report-version-unknown"], "{version}");
    }
    for algorithm in [0u32, 2, u32::MAX] {
        let mut case = case(of("dstack"), "");
        case.body[0x34..0x38].copy_from_slice(&algorithm.to_le_bytes());
        assert_eq!(case.reasons(), ["format-invalid"], "{algorithm}");
    }
}

#[test]
fn n03_truncation_at_every_length_is_refused() {
    let whole = case(of("dstack"), "");
    for length in 0..whole.body.len() {
        let mut case = whole.clone();
        case.body.truncate(length);
        assert_eq!(case.reasons(), ["format-invalid"], "{length}");
    }
}

#[test]
fn n04_trailing_bytes_are_refused() {
    for more in [1, 16, 4096] {
        let mut case = case(of("dstack"), "");
        case.body.extend(vec![0; more]);
        assert_eq!(case.reasons(), ["trailing-bytes"]);
    }
}

/// n of P-384, little-endian.
fn order() -> Vec<u8> {
    let n =
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    let mut n = privet_tee::statement::from_hex(n).expect("hexadecimal");
    n.reverse();
    n
}

#[test]
fn n06_signature_numbers_out_of_range_are_refused() {
    let mut beyond = order();
    beyond[0] += 1;
    for at in [0x2A0, 0x2A0 + 72] {
        for number in [vec![0; 48], order(), beyond.clone(), vec![0xFF; 48]] {
            let mut case = case(of("dstack"), "");
            case.body[at..at + 48].copy_from_slice(&number);
            assert_eq!(case.reasons(), ["signature-invalid"]);
        }
        // Longer than the curve's numbers.
        let mut case = case(of("dstack"), "");
        case.body[at + 48] = 1;
        assert_eq!(case.reasons(), ["format-invalid"]);
    }
}

#[test]
fn the_platforms_certificate_table_is_read_and_nothing_in_it_is_trusted() {
    let row = of("dstack");
    let vcek = recorded::der_of_pem(&vector("snp", row.1));
    let with_table = |table: Vec<u8>| {
        let mut case = case(row, "");
        case.collateral.clear();
        case.auxiliary = vec![("certificates", table)];
        case
    };
    assert!(with_table(recorded::table(&[&vcek])).verdict().is_accepted());
    let mut altered = vcek.clone();
    *altered.last_mut().expect("bytes") ^= 1;
    assert_eq!(with_table(recorded::table(&[&altered])).reasons(), ["certificate-invalid"]);
    // Offsets and lengths at their ends decide nothing.
    let mut hostile = recorded::table(&[&vcek]);
    hostile[16..24].fill(0xFF);
    assert_eq!(with_table(hostile).reasons(), ["collateral-missing"]);
    assert_eq!(with_table(Vec::new()).reasons(), ["collateral-missing"]);
}

/// Every report, whoever signed it, with what makes it accepted but for what it is.
fn all() -> Vec<(&'static str, Case)> {
    let mut all: Vec<_> = PRODUCTION.iter().map(|row| (row.0, case(row, ""))).collect();
    all.push(("trustee_test-vlek-report.bin", vlek("2025-06-01")));
    all
}

#[test]
fn n01_n02_one_flipped_bit_in_every_byte_of_a_report_is_refused() {
    let mut count = 0;
    for (name, case) in all() {
        let policy = case.parsed();
        count += recorded::every_byte(case.body.len(), |at| {
            let mut case = case.clone();
            case.body[at] ^= 1 << (at % 8);
            let reasons = reasons(&case.verdict_by(&policy));
            // Signed bytes break the signature, or say something that no report says; bytes beside the signature are zeros.
            let expected: &[&str] = if at < 0x2A0 {
                &[
                    "signature-invalid",
                    "report-version-unknown",
                    "format-invalid",
                    "collateral-missing",
                    "product-mismatch",
                ]
            } else {
                &["signature-invalid", "format-invalid"]
            };
            assert!(reasons.iter().any(|r| expected.contains(r)), "{name} byte 0x{at:x}: {reasons:?}");
        });
    }
    println!("SEV-SNP reports: {count} flipped bits refused");
    assert_eq!(count, 7 * 1184);
}

#[test]
fn n01_one_flipped_bit_in_every_byte_of_a_certificate_is_refused() {
    let mut count = 0;
    for (name, case) in all() {
        let policy = case.parsed();
        let file = &case.collateral[0];
        let der = if file.starts_with(b"-----") { recorded::der_of_pem(file) } else { file.clone() };
        count += recorded::every_byte(der.len(), |at| {
            let mut case = case.clone();
            case.collateral[0].clone_from(&der);
            case.collateral[0][at] ^= 1 << (at % 8);
            assert!(!reasons(&case.verdict_by(&policy)).is_empty(), "{name} byte 0x{at:x}");
        });
    }
    println!("VCEK and VLEK certificates: {count} flipped bits refused");
    assert!(count > 7 * 1200);
}

/// The second verifier is the crate `sev` of the `virtee` project, with pure-Rust cryptography (`p384`, `rsa`) and roots of its own;
/// the first, the product's, is ours over `ring` and `webpki`. `sev` looks at signatures alone: neither time nor chip nor firmware.
mod differential {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use sev::certs::snp::{Certificate, Chain, Verifiable as _, builtin, ca};
    use sev::firmware::guest::AttestationReport;
    use sev::parser::ByteParser as _;

    use super::*;

    fn certificate(case: &Case) -> Certificate {
        let file = &case.collateral[0];
        let der = if file.starts_with(b"-----") { recorded::der_of_pem(file) } else { file.clone() };
        Certificate::from_der(&der).expect("a certificate")
    }

    fn authorities(name: &str) -> ca::Chain {
        let (ark, ask) = match name {
            n if n.contains("vlek") => (builtin::milan::ark(), asvk("amd_ask_ark_milan_vlek.pem")),
            n if n.contains("genoa") => (builtin::genoa::ark(), builtin::genoa::ask()),
            n if n.contains("turin") => (builtin::turin::ark(), builtin::turin::ask()),
            _ => (builtin::milan::ark(), builtin::milan::ask()),
        };
        ca::Chain { ark: ark.expect("a root"), ask: ask.expect("an intermediate") }
    }

    /// `sev` has none for VLEKs built in: its root for Milan vouches for this one.
    fn asvk(name: &str) -> std::io::Result<Certificate> {
        Certificate::from_der(&recorded::der_of_pem(&vector("roots", name)))
    }

    /// Whether `sev` accepts the bytes, and whether it judged these very bytes: it verifies what it wrote out again, without what
    /// it does not know.
    fn accepts(vek: &Certificate, report: &[u8]) -> (bool, bool) {
        let Ok(read) = AttestationReport::from_bytes(report) else { return (false, true) };
        let written = read.to_bytes().expect("a report that was read");
        ((vek, &read).verify().is_ok(), written.as_ref() as &[u8] == report)
    }

    #[test]
    fn sev_agrees_on_every_report_and_chain() {
        for (name, case) in all() {
            let chain = Chain { ca: authorities(name), vek: certificate(&case) };
            let report = AttestationReport::from_bytes(&case.body).expect("a report");
            (&chain, &report).verify().unwrap_or_else(|e| panic!("sev on {name}: {e}"));
            assert!(case.verdict().is_accepted(), "{name}");
            let measured = &case.verdict().measurements[0].1;
            assert_eq!(*measured, hex(report.measurement.as_ref()), "{name}");
        }
    }

    #[test]
    fn n09_sev_agrees_on_corrupted_certificates() {
        for name in ["trustee_test-vcek-invalid-legacy.der", "trustee_test-vcek-invalid-new.der"] {
            let mut case = case(of("trustee"), "");
            case.collateral = vec![vector("snp", name)];
            let chain = Chain { ca: authorities("milan"), vek: certificate(&case) };
            assert!(chain.verify().is_err(), "sev on {name}");
            assert!(!case.verdict().is_accepted(), "{name}");
        }
    }

    #[test]
    fn sev_agrees_on_mutants() {
        let (mut count, looser) = (0, AtomicUsize::new(0));
        for (name, case) in all() {
            let (policy, vek) = (case.parsed(), certificate(&case));
            // `sev`'s verification takes some milliseconds: every fourth byte.
            count += recorded::every_byte(case.body.len() / 4, |at| {
                let (mut case, at) = (case.clone(), 4 * at + 1);
                case.body[at] ^= 0x80 >> (at % 8);
                let ours = case.verdict_by(&policy).is_accepted();
                let (theirs, of_these_bytes) = accepts(&vek, &case.body);
                // Where they differ ours is stricter, and only where `sev` dropped the altered byte before it looked, or never looks:
                // beside the signature's numbers.
                let beside = (0x2D0..0x2E8).contains(&at) || at >= 0x318;
                assert!(
                    !ours && (!theirs || beside || !of_these_bytes),
                    "{name} byte 0x{at:x}: ours {ours}, sev {theirs}"
                );
                looser.fetch_add(usize::from(theirs), Relaxed);
            });
        }
        let looser = looser.into_inner();
        println!(
            "SEV-SNP reports: {count} mutants, ours refuses all, sev all but {looser} in bytes that it never looks at"
        );
        assert!(looser < count / 2, "it judges most");
    }
}
