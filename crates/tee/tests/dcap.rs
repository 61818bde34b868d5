//! Recorded quotes of real SGX and TDX machines, each at its own time.

#![allow(clippy::expect_used)] // in functions beside the tests too

mod recorded;

use privet_tee::kind::{Assurance, Kind};
use privet_tee::policy::Policy;
use privet_tee::statement::hex;
use privet_tee::verdict::Verdict;
use privet_tee::verify::seconds_of;
use recorded::{Case, every_byte, vector};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

/// A quote, the time it is put before the verifier, and what is believed of its machine.
struct Recorded {
    folder: &'static str,
    name: &'static str,
    collateral: &'static [&'static str],
    at: &'static str,
    more: &'static str,
    reasons: &'static [&'static str],
}

const STATE: &str = "tcb_status = [\"UpToDate\"]";

const ALL: [Recorded; 11] = [
    Recorded {
        folder: "sgx",
        name: "phala_sgx_quote_v3.bin",
        collateral: &["sgx/phala_sgx_quote_v3.collateral.json"],
        at: "2025-07-01T00:00:00Z",
        more: "tcb_status = [\"ConfigurationAndSWHardeningNeeded\"]\nallow_advisories = [\"INTEL-SA-00289\", \"INTEL-SA-00615\"]",
        reasons: &[],
    },
    Recorded {
        folder: "sgx",
        name: "trustee_occlum_sgx_quote_v3.bin",
        collateral: &[],
        at: "2025-01-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing", "debug-enabled"],
    },
    Recorded {
        folder: "tdx",
        name: "phala_tdx_quote_v4.bin",
        collateral: &["tdx/phala_tdx_quote_v4.collateral.json"],
        at: "2025-07-01T00:00:00Z",
        more: STATE,
        reasons: &[],
    },
    Recorded {
        folder: "tdx",
        name: "phala_tdx_quote_v5_td15_outdated.bin",
        collateral: &["tdx/phala_tdx_quote_v5_td15_outdated.collateral.json"],
        at: "2026-03-01T00:00:00Z",
        more: STATE,
        reasons: &["tcb-level-unmatched"],
    },
    Recorded {
        folder: "tdx",
        name: "gotdx_quote_v5_sample.dat",
        collateral: &["tdx/phala_tdx_quote_v5_td15_outdated.collateral.json"],
        at: "2026-03-01T00:00:00Z",
        more: STATE,
        reasons: &[],
    },
    Recorded {
        folder: "tdx",
        name: "gotdx_tdx_prod_quote_SPR_E4.dat",
        collateral: &[
            "tdx/gotdx_sample_tcbInfo_response",
            "tdx/gotdx_sample_qeIdentity_response",
            "tdx/gotdx_pckcrl",
            "tdx/gotdx_rootcrl.der",
        ],
        at: "2023-07-01T00:00:00Z",
        more: STATE,
        reasons: &["trailing-bytes", "collateral-missing", "sept-ve-enabled"],
    },
    Recorded {
        folder: "tdx",
        name: "gotdx_ccel_cos-113-tdx-quote.dat",
        collateral: &[],
        at: "2025-01-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing"],
    },
    Recorded {
        folder: "tdx",
        name: "trustee_tdx_quote_4.dat",
        collateral: &[],
        at: "2025-01-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing", "debug-enabled"],
    },
    Recorded {
        folder: "tdx",
        name: "trustee_tdx_quote_5.dat",
        collateral: &[],
        at: "2026-03-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing", "service-td"],
    },
    Recorded {
        folder: "tdx",
        name: "trustee_tdx_quote_6.dat",
        collateral: &[],
        at: "2026-01-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing"],
    },
    Recorded {
        folder: "vtpm",
        name: "az-tdx-vtpm_td-quote.bin",
        collateral: &[],
        at: "2025-01-01T00:00:00Z",
        more: STATE,
        reasons: &["collateral-missing", "sept-ve-enabled"],
    },
];

impl Recorded {
    fn kind(&self) -> Kind {
        if self.folder == "sgx" { Kind::SgxDcap } else { Kind::TdxDcap }
    }

    fn case(&self) -> Case {
        let body = vector(self.folder, self.name);
        let entry = format!("{}\n{}", entry(self.kind(), &body), self.more);
        let mut case = Case::new(self.kind(), body, &entry, self.at);
        for file in self.collateral {
            let (folder, name) = file.split_once('/').expect("a folder");
            case = case.with(vector(folder, name));
        }
        case
    }
}

fn named(name: &str) -> Recorded {
    ALL.into_iter().find(|r| r.name == name).expect("a vector")
}

/// An entry that names all that a quote measures.
fn entry(kind: Kind, body: &[u8]) -> String {
    if kind == Kind::SgxDcap {
        return format!("[[accept]]\nkind = \"sgx-dcap/3\"\nmrenclave = [\"{}\"]", hex(&body[112..144]));
    }
    let version = body[0];
    let report = &body[if version == 5 { 54 } else { 48 }..];
    let register = |n: usize| hex(&report[328 + 48 * n..376 + 48 * n]);
    let used = |n: &usize| register(*n).contains(|digit| digit != '0');
    let registers: Vec<String> =
        (0..4).filter(used).map(|n| format!("rtmr{n} = [\"{}\"]", register(n))).collect();
    let registers = registers.join("\n");
    format!("[[accept]]\nkind = \"tdx-dcap/{version}\"\nmrtd = [\"{}\"]\n{registers}", hex(&report[136..184]))
}

#[test]
fn every_recorded_quote_at_its_own_time() {
    for recorded in ALL {
        let verdict = recorded.case().verdict();
        assert_eq!(recorded::reasons(&verdict), recorded.reasons, "{}: {:#?}", recorded.name, verdict);
        for topic in ["quoting-enclave", "attestation-key", "signature", "certificate", "measurement"] {
            assert!(verdict.checks.iter().any(|c| c.ok && c.code == topic), "{}: {topic}", recorded.name);
        }
        let assurance =
            if recorded.reasons.is_empty() { Assurance::HardwareUnbound } else { Assurance::None };
        assert_eq!(verdict.assurance, assurance, "{}", recorded.name);
    }
}

/// Where the parts of a quote lie, by Intel's layout; counted here once more, and not by the code under test.
struct Places {
    /// Header and report end here.
    signed: usize,
    signature: usize,
    key: usize,
    qe_report: usize,
    qe_signature: usize,
    authentication: usize,
    chain: usize,
    end: usize,
}

fn places(quote: &[u8]) -> Places {
    let signed = match quote[0] {
        3 => 48 + 384,
        4 => 48 + 584,
        _ => 54 + 648,
    };
    let outer = if quote[0] == 3 { 0 } else { 6 };
    let signature = signed + 4;
    let qe_report = signature + 128 + outer;
    let authentication = qe_report + 448;
    let length = usize::from(u16::from_le_bytes([quote[authentication], quote[authentication + 1]]));
    let word = u32::from_le_bytes(quote[signed..signature].try_into().expect("four bytes"));
    Places {
        signed,
        signature,
        key: signature + 64,
        qe_report,
        qe_signature: qe_report + 384,
        authentication,
        chain: authentication + 2 + length,
        end: signature + usize::try_from(word).expect("small"),
    }
}

/// What a reader of an accepted verdict relies on.
fn claim(verdict: &Verdict) -> (Vec<(String, String)>, Option<String>, Vec<String>) {
    (verdict.measurements.clone(), verdict.platform.clone(), verdict.advisories.clone())
}

const ACCEPTED: [&str; 3] = ["phala_sgx_quote_v3.bin", "phala_tdx_quote_v4.bin", "gotdx_quote_v5_sample.dat"];

#[test]
fn n01_one_flipped_bit_in_every_byte_of_every_signed_region_is_refused() {
    let mut count = 0;
    for recorded in ALL {
        let case = recorded.case();
        let policy = case.parsed();
        let places = places(&case.body);
        // The report; the key and what goes into the quoting enclave's report with it; that report; all three signatures.
        let regions = [
            0..places.signed,
            places.signature..places.qe_report - if case.body[0] == 3 { 0 } else { 6 },
            places.qe_report..places.authentication,
            places.authentication + 2..places.chain,
        ];
        for region in regions {
            count += every_byte(region.len(), |at| {
                let mut altered = case.clone();
                altered.body[region.start + at] ^= 1 << (at % 8);
                let reasons = recorded::reasons(&altered.verdict_by(&policy));
                let caught = reasons.iter().any(|r| INTEGRITY.contains(r));
                assert!(caught, "{}: byte {}: {reasons:?}", recorded.name, region.start + at);
            });
        }
    }
    println!("{count} bytes of signed regions, one bit flipped in each: all refused");
    assert!(count > 13_000, "{count}");
}

/// Reasons that say that something was altered.
const INTEGRITY: [&str; 5] = [
    "signature-invalid",
    "attestation-key-unbound",
    "format-invalid",
    "qe-vendor-unknown",
    "algorithm-not-accepted",
];

#[test]
fn n02_flips_outside_signed_regions_never_change_an_accepted_claim() {
    for name in ["phala_sgx_quote_v3.bin", "phala_tdx_quote_v4.bin"] {
        let case = named(name).case();
        let policy = case.parsed();
        let expected = claim(&case.verdict());
        let first = places(&case.body).chain;
        let count = every_byte(case.body.len() - first, |at| {
            let mut altered = case.clone();
            altered.body[first + at] ^= 1 << (at % 8);
            let verdict = altered.verdict_by(&policy);
            assert!(!verdict.is_accepted() || claim(&verdict) == expected, "{name}: byte {}", first + at);
        });
        println!(
            "{name}: {count} bytes of certificates and padding, one bit flipped in each: no other claim"
        );
    }
}

#[test]
fn n03_truncation_at_every_length_is_refused() {
    for name in ACCEPTED {
        let case = named(name).case();
        let (policy, end) = (case.parsed(), places(&case.body).end);
        every_byte(end, |length| {
            let mut altered = case.clone();
            altered.body.truncate(length);
            assert_eq!(
                recorded::reasons(&altered.verdict_by(&policy)),
                ["format-invalid"],
                "{name}: {length}"
            );
        });
    }
}

#[test]
fn n04_trailing_bytes_are_refused() {
    for name in ACCEPTED {
        for more in [&b"x"[..], &[1, 0, 0], b"-----BEGIN CERTIFICATE-----"] {
            let mut case = named(name).case();
            case.body.extend(more);
            assert_eq!(case.reasons(), ["trailing-bytes"], "{name}");
        }
    }
    let mut sgx = named(ACCEPTED[0]).case();
    sgx.body.push(0);
    assert_eq!(sgx.reasons(), ["trailing-bytes"], "only TDX hosts hand out buffers that end in zeros");
    let mut tdx = named(ACCEPTED[1]).case();
    tdx.body.extend([0; 1000]);
    assert_eq!(tdx.reasons(), [""; 0], "as `gotdx_ccel_cos-113-tdx-quote.dat` has them");
}

#[test]
fn n05_length_fields_of_other_values_are_refused() {
    for name in ACCEPTED {
        let case = named(name).case();
        let places = places(&case.body);
        let mut fields = vec![(places.signed, 4), (places.authentication, 2), (places.chain + 2, 4)];
        if case.body[0] > 3 {
            fields.push((places.qe_report - 4, 4));
        }
        if case.body[0] == 5 {
            fields.push((50, 4));
        }
        for (place, width) in fields {
            for byte in [0, 1, 0x7F, 0xFF] {
                let mut altered = case.clone();
                altered.body[place..place + width].fill(byte);
                if byte == 1 {
                    altered.body[place + 1..place + width].fill(0);
                }
                assert!(!altered.verdict().is_accepted(), "{name}: field at {place}: {byte}");
            }
        }
    }
}

/// The order of P-256.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

#[test]
fn n06_signature_numbers_out_of_range_are_refused() {
    let order = privet_tee::statement::from_hex(ORDER).expect("hexadecimal");
    for name in ACCEPTED {
        let case = named(name).case();
        let places = places(&case.body);
        for place in [places.signature, places.signature + 32, places.qe_signature, places.qe_signature + 32]
        {
            for value in [&[0; 32][..], &order, &[0xFF; 32]] {
                let mut altered = case.clone();
                altered.body[place..place + 32].copy_from_slice(value);
                assert!(altered.reasons().contains(&"signature-invalid"), "{name}: number at {place}");
            }
        }
    }
}

#[test]
fn n13_an_attestation_key_that_the_quoting_enclave_did_not_make_is_refused() {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let key =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("a key");
    for name in ACCEPTED {
        let mut case = named(name).case();
        let places = places(&case.body);
        let signature = key.sign(&random, &case.body[..places.signed]).expect("a signature");
        case.body[places.signature..places.key].copy_from_slice(signature.as_ref());
        case.body[places.key..places.key + 64].copy_from_slice(&key.public_key().as_ref()[1..]);
        assert_eq!(reasons_but_the_last_word(&case), ["attestation-key-unbound"], "{name}");
    }
}

/// `dcap-qvl` refuses what was refused already, and says so.
fn reasons_but_the_last_word(case: &Case) -> Vec<&'static str> {
    let mut reasons = case.reasons();
    reasons.retain(|&r| r != "machine-refused");
    reasons
}

#[test]
fn n14_quoting_enclaves_of_others_are_refused() {
    let mut case = named(ACCEPTED[1]).case();
    case.body[12] ^= 1;
    assert_eq!(case.reasons(), ["qe-vendor-unknown"]);
    // What Intel published for SGX says nothing of the enclave that quotes TDs.
    let mut case = named(ACCEPTED[1]).case();
    case.collateral = vec![vector("sgx", "phala_sgx_quote_v3.collateral.json"), case.collateral[0].clone()];
    assert_eq!(case.reasons(), [""; 0], "the right one is found among two");
    case.collateral = vec![with_identity_of(&case.collateral[1], &case.collateral[0])];
    assert_eq!(case.reasons(), ["qe-identity-mismatch"]);
}

fn with_identity_of(collateral: &[u8], other: &[u8]) -> Vec<u8> {
    let mut value: serde_json::Value = serde_json::from_slice(collateral).expect("JSON");
    let other: serde_json::Value = serde_json::from_slice(other).expect("JSON");
    for name in ["qe_identity", "qe_identity_signature", "qe_identity_issuer_chain"] {
        value[name] = other[name].clone();
    }
    serde_json::to_vec(&value).expect("JSON")
}

#[test]
fn n17_n18_n20_n26_each_at_other_times() {
    for (name, at, expected) in [
        (ACCEPTED[1], "2035-01-01T00:00:00Z", "certificate-expired"),
        (ACCEPTED[1], "2020-01-01T00:00:00Z", "certificate-not-yet-valid"),
        (ACCEPTED[1], "2025-06-19T00:00:00Z", "collateral-not-yet-valid"),
        (ACCEPTED[1], "2025-07-20T00:00:00Z", "collateral-expired"),
        (ACCEPTED[0], "2025-07-19T10:30:00Z", "crl-expired"),
    ] {
        let mut case = named(name).case();
        assert_eq!(case.reasons(), [""; 0], "{name} at its own time");
        case.at = seconds_of(at).expect("a time");
        assert!(case.reasons().contains(&expected), "{name} at {at}: {:?}", case.reasons());
        case = named(name).case();
        assert_eq!(case.reasons(), [""; 0], "{name}: a verdict leaves nothing behind for the next");
    }
}

/// The same evidence under a policy with another section or entry.
fn under(name: &str, change: impl FnOnce(String) -> String) -> Vec<&'static str> {
    let mut case = named(name).case();
    case.policy = change(case.policy);
    case.reasons()
}

#[test]
fn n20_n21_collateral_that_the_policy_finds_too_old_is_refused() {
    let collateral = |rule: &str| under(ACCEPTED[1], |p| format!("{p}\n[collateral]\n{rule}"));
    assert_eq!(collateral("max_age = \"30d\"\nmin_tcb_evaluation_number = 17\ncrl = \"required\""), [""; 0]);
    assert_eq!(collateral("max_age = \"5d\""), ["collateral-too-old"; 2]);
    assert_eq!(collateral("min_tcb_evaluation_number = 18"), ["collateral-rollback"; 2]);
}

#[test]
fn n23_n24_states_and_advisories_that_the_policy_does_not_name_are_refused() {
    let strict = |p: String| p.split("tcb_status").next().expect("an entry").to_owned();
    assert_eq!(under(ACCEPTED[0], strict), ["tcb-status", "advisory-unknown"]);
    assert_eq!(under(ACCEPTED[0], |p| p.replace("\"INTEL-SA-00289\", ", "")), ["advisory-unknown"]);
    assert_eq!(named("phala_tdx_quote_v5_td15_outdated.bin").case().reasons(), ["tcb-level-unmatched"]);
}

#[test]
fn n25_collateral_for_another_family_of_machines_is_refused() {
    let mut case = named(ACCEPTED[2]).case();
    let other = vector("tdx", "phala_tdx_quote_v4.collateral.json");
    let mut value: serde_json::Value = serde_json::from_slice(&case.collateral[0]).expect("JSON");
    let other: serde_json::Value = serde_json::from_slice(&other).expect("JSON");
    for name in ["tcb_info", "tcb_info_signature"] {
        value[name] = other[name].clone();
    }
    case.collateral = vec![serde_json::to_vec(&value).expect("JSON")];
    assert_eq!(case.reasons(), ["collateral-other-fmspc"]);
}

#[test]
fn n20_every_altered_collateral_is_refused() {
    let case = named(ACCEPTED[1]).case();
    let value: serde_json::Value = serde_json::from_slice(&case.collateral[0]).expect("JSON");
    let signed = [
        ("tcb_info", "collateral-signature-invalid"),
        ("tcb_info_signature", "collateral-signature-invalid"),
        ("qe_identity", "collateral-signature-invalid"),
        ("qe_identity_signature", "collateral-signature-invalid"),
    ];
    for (name, reason) in signed {
        let text = value[name].as_str().expect("text");
        for at in (0..text.len()).step_by(7).filter(|at| text.as_bytes()[*at].is_ascii_digit()) {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
            let mut value = value.clone();
            value[name] = String::from_utf8(bytes).expect("text").into();
            let mut altered = case.clone();
            altered.collateral = vec![serde_json::to_vec(&value).expect("JSON")];
            let reasons = altered.reasons();
            // A changed family or kind is no longer found, before anybody looks at its signature.
            assert!(
                reasons.contains(&reason) || reasons.contains(&"collateral-other-fmspc"),
                "{name}: {at}: {reasons:?}"
            );
        }
    }
    for name in ["root_ca_crl", "pck_crl", "tcb_info", "qe_identity"] {
        let mut value = value.clone();
        value[name] = String::new().into();
        let mut altered = case.clone();
        altered.collateral = vec![serde_json::to_vec(&value).expect("JSON")];
        assert!(!altered.verdict().is_accepted(), "without {name}");
    }
}

#[test]
fn intels_service_s_own_answers_are_read_too() {
    let mut case = named(ACCEPTED[2]).case();
    let whole: serde_json::Value = serde_json::from_slice(&case.collateral[0]).expect("JSON");
    let text = |name: &str| whole[name].as_str().expect("text").to_owned();
    let identity = format!(
        "{{\"enclaveIdentity\":{},\"signature\":\"{}\"}}",
        text("qe_identity"),
        text("qe_identity_signature")
    );
    case.collateral = vec![
        vector("tdx", "gotdx_sample_tcbinfo_response_v5"),
        identity.into_bytes(),
        text("root_ca_crl").into_bytes(),
        text("pck_crl").into_bytes(),
        text("tcb_info_issuer_chain").into_bytes(),
    ];
    assert_eq!(case.reasons(), [""; 0]);
    for missing in 0..5 {
        let mut case = case.clone();
        case.collateral.remove(missing);
        assert_eq!(case.reasons(), ["collateral-missing"], "without file {missing}");
    }
}

#[test]
fn n27_debug_enclaves_are_refused() {
    assert!(named("trustee_occlum_sgx_quote_v3.bin").case().reasons().contains(&"debug-enabled"));
}

#[test]
fn n28_debug_tds_are_refused() {
    assert!(named("trustee_tdx_quote_4.dat").case().reasons().contains(&"debug-enabled"));
}

#[test]
fn n32_n33_signers_stand_for_no_measurement_and_have_a_lowest_version() {
    let quote = vector("sgx", ACCEPTED[0]);
    let signer = hex(&quote[176..208]);
    let (product, version) = (quote[48 + 256], quote[48 + 258]);
    let state = named(ACCEPTED[0]).more;
    let by = |rule: &str| {
        under(ACCEPTED[0], |_| format!("version = 1\n[[accept]]\nkind = \"sgx-dcap\"\n{rule}\n{state}"))
    };
    let with_least =
        |least: u8| format!("mrsigner = [\"{signer}\"]\nisv_prod_id = {product}\nmin_isv_svn = {least}");
    assert_eq!(by(&with_least(version)), [""; 0]);
    assert_eq!(by(&with_least(version + 1)), ["version-too-old"]);
    let exact = format!("mrenclave = [\"{}\"]\n{}", "ab".repeat(32), with_least(version));
    assert_eq!(
        by(&exact),
        ["measurement-unknown"],
        "the signer alone is not enough where a measurement is named"
    );
    assert!(
        Policy::parse(&format!("version = 1\n[[accept]]\nkind = \"sgx-dcap\"\nmrsigner = [\"{signer}\"]"))
            .is_err()
    );
}

#[test]
fn n44_genuine_evidence_of_an_unpinned_machine_is_refused() {
    for name in ACCEPTED {
        let verdict = named(name).case().verdict();
        let id = verdict.platform.clone().expect("a machine's id");
        let key = verdict.notes.iter().find_map(|n| n.split("PCK key ").nth(1)).expect("a key").to_owned();
        let pinned = |pin: &str| under(name, |p| format!("{p}\nplatform = {{ {pin} }}"));
        assert_eq!(pinned(&format!("ppid = [\"{id}\"]")), [""; 0], "{name}");
        assert_eq!(pinned(&format!("pck_key = [\"sha256:{key}\"], ppid = [\"{id}\"]")), [""; 0], "{name}");
        assert_eq!(pinned(&format!("ppid = [\"{}\"]", "ab".repeat(16))), ["platform-not-pinned"], "{name}");
        let other = format!("pck_key = [\"{}\"], ppid = [\"{id}\"]", "ab".repeat(32));
        assert_eq!(pinned(&other), ["platform-not-pinned"], "{name}");
    }
}

#[test]
fn every_register_that_is_named_is_compared() {
    let case = named(ACCEPTED[1]).case();
    for line in case.policy.lines().filter(|l| l.starts_with("mrtd") || l.starts_with("rtmr")) {
        let (name, value) = line.split_once(" = ").expect("a value");
        let other = value.replace(|c: char| c.is_ascii_hexdigit(), "5");
        let reasons = under(ACCEPTED[1], |p| p.replace(line, &format!("{name} = {other}")));
        assert_eq!(reasons, ["measurement-unknown"], "{name}");
    }
    assert_eq!(under(ACCEPTED[1], |p| p.replace("tdx-dcap/4", "tdx-dcap/5")), ["format-not-accepted"]);
    assert_eq!(
        under(ACCEPTED[1], |p| format!("{p}\nmr_config_id = [\"{}\"]", "ab".repeat(48))),
        ["config-mismatch"]
    );
}
