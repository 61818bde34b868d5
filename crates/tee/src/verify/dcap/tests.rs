//! Full chains below SIMULATED authorities, for what no recording shows. Documents are Intel's own words, signed by these.

use rcgen::{CertificateParams, CustomExtension, DnType, KeyUsagePurpose};
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Quote, Tee, modes, tdx, verify_under};
use crate::evidence::{Auxiliary, Blob, Evidence};
use crate::kind::Kind;
use crate::policy::Policy;
use crate::statement::hex;
use crate::verdict::Check;
use crate::verify::event_log::{Bank, measured, read};
use crate::verify::mock::Made;
use crate::verify::x509::Found;
use crate::verify::{Collateral, seconds_of};

fn vector(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tee-vectors/tdx");
    std::fs::read(folder.join(name)).expect("a vector")
}

/// A machine, its authorities, and what they publish.
struct World {
    root: Made,
    authority: Made,
    leaf: Made,
    signer: Made,
    attestation: Made,
    /// Header and report.
    report: Vec<u8>,
    qe_report: Vec<u8>,
    state: String,
    identity: String,
    revoked: Vec<u64>,
    revoked_by_root: Vec<u64>,
    lists_until: i32,
    /// The chain in the quote, where it is another than it should be.
    chain: Option<Vec<CertificateDer<'static>>>,
}

fn simulated(params: &mut CertificateParams) {
    params.distinguished_name.push(DnType::OrganizationName, "SIMULATED");
}

/// Of a real machine of Intel's: which family, which versions.
fn machine(params: &mut CertificateParams) {
    let quote = vector("phala_tdx_quote_v4.bin");
    let quote = Quote::read(&quote, Tee::Tdx).expect("a quote");
    let mut found = Found::default();
    found.read(quote.certified.certificates);
    let content = found.certificates[0].extension("1.2.840.113741.1.13.1").expect("an extension").to_vec();
    simulated(params);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.custom_extensions =
        vec![CustomExtension::from_oid_content(&[1, 2, 840, 113_741, 1, 13, 1], content)];
}

impl World {
    fn new() -> Self {
        let root = Made::root_p256("SIMULATED Intel SGX Root CA");
        let authority = root.authority("Intel SGX PCK Platform CA", simulated);
        let leaf = authority.leaf("Intel SGX PCK Certificate", machine);
        let signer = root.leaf("Intel SGX TCB Signing", simulated);
        let attestation = Made::root_p256("SIMULATED attestation key");
        let collateral: Value =
            serde_json::from_slice(&vector("phala_tdx_quote_v4.collateral.json")).expect("JSON");
        let text = |name: &str| collateral[name].as_str().expect("text").to_owned();
        let quote = vector("phala_tdx_quote_v4.bin");
        Self {
            root,
            authority,
            leaf,
            signer,
            attestation,
            report: quote[..632].to_vec(),
            qe_report: Quote::read(&quote, Tee::Tdx).expect("a quote").certified.report.0.to_vec(),
            state: text("tcb_info"),
            identity: text("qe_identity"),
            revoked: Vec::new(),
            revoked_by_root: Vec::new(),
            lists_until: 2026,
            chain: None,
        }
    }

    fn quote(&self) -> Vec<u8> {
        let mut found = Found::default();
        found.read(&self.attestation.der);
        let key = found.certificates[0].key()[1..].to_vec();
        let authentication = [9; 32];
        let mut qe_report = self.qe_report.clone();
        let hash = Sha256::new().chain_update(&key).chain_update(authentication).finalize();
        qe_report[320..352].copy_from_slice(&hash);
        let chain = [&self.leaf, &self.authority, &self.root].map(|made| made.der.clone()).to_vec();
        let chain: Vec<CertificateDer<'_>> = self.chain.clone().unwrap_or(chain);
        let pem = super::state::pem(&chain.iter().collect::<Vec<_>>());
        let length = |n: usize| u32::try_from(n).expect("short").to_le_bytes();
        let inner = [
            &qe_report,
            self.leaf.sign(&qe_report).as_slice(),
            &[32, 0],
            &authentication,
            &[5, 0],
            &length(pem.len()),
            pem.as_bytes(),
        ]
        .concat();
        let data =
            [&self.attestation.sign(&self.report), key.as_slice(), &[6, 0], &length(inner.len()), &inner]
                .concat();
        [self.report.as_slice(), &length(data.len()), &data].concat()
    }

    fn collateral(&self) -> Collateral {
        let of_service = |name: &str, text: &str| {
            let signature = hex(&self.signer.sign(text.as_bytes()));
            format!("{{\"{name}\":{text},\"signature\":\"{signature}\"}}").into_bytes()
        };
        Collateral {
            files: vec![
                of_service("tcbInfo", &self.state),
                of_service("enclaveIdentity", &self.identity),
                self.signer.der.to_vec(),
                self.root.revokes(&self.revoked_by_root, self.lists_until),
                self.authority.revokes(&self.revoked, self.lists_until),
            ],
        }
    }

    fn under(&self, root: &CertificateDer<'_>) -> Vec<&'static str> {
        let evidence = Evidence::recorded(Kind::TdxDcap, self.quote());
        let mrtd = hex(&self.report[184..232]);
        let policy = format!("version = 1\n[[accept]]\nkind = \"tdx-dcap\"\nmrtd = [\"{mrtd}\"]");
        let policy = Policy::parse(&policy).expect("a policy");
        let now = seconds_of("2025-07-01T00:00:00Z").expect("a time");
        let mut checks: Vec<Check> = Vec::new();
        verify_under(root, Tee::Tdx, &evidence, &policy, &self.collateral(), now, &mut checks);
        checks.iter().filter(|c| !c.ok).map(|c| c.code).collect()
    }

    fn reasons(&self) -> Vec<&'static str> {
        self.under(&self.root.der)
    }
}

fn changed(change: impl FnOnce(&mut World)) -> Vec<&'static str> {
    let mut world = World::new();
    change(&mut world);
    world.reasons()
}

#[test]
fn a_full_chain_is_accepted() {
    assert_eq!(World::new().reasons(), [""; 0]);
}

#[test]
fn n51_a_simulated_vendor_is_nobody_to_the_product() {
    let intel = crate::verify::roots::INTEL_SGX.certificate().expect("a root");
    assert!(World::new().under(&intel).contains(&"certificate-invalid"));
}

#[test]
fn n15_certificates_that_do_not_fit_their_place_are_refused() {
    let with_leaf = |make: &dyn Fn(&World) -> Made| changed(|world| world.leaf = make(world));
    let name = "Intel SGX PCK Certificate";
    for (what, make) in [
        (
            "an authority as a leaf",
            (&|w: &World| w.authority.authority(name, machine)) as &dyn Fn(&World) -> Made,
        ),
        ("a leaf of another name", &|w: &World| w.authority.leaf("Intel SGX PCK Certificates", machine)),
        ("a leaf of the root's", &|w: &World| w.root.leaf(name, machine)),
        ("a leaf that says of no machine", &|w: &World| w.authority.leaf(name, simulated)),
        ("a leaf of another authority", &|w: &World| {
            w.root.authority("Intel SGX PCK Platform CA", simulated).leaf(name, machine)
        }),
    ] {
        assert!(with_leaf(make).contains(&"certificate-invalid"), "{what}");
    }
    let long = changed(|world| {
        let below = world.authority.authority("Intel SGX PCK Platform CA", simulated);
        world.leaf = below.leaf(name, machine);
        world.chain =
            Some([&world.leaf, &below, &world.authority, &world.root].map(|m| m.der.clone()).to_vec());
    });
    assert!(long.contains(&"certificate-invalid"), "a path that is too long: {long:?}");
    let unnamed = changed(|world| {
        world.authority = world.root.authority("Intel SGX PCK Other CA", simulated);
        world.leaf = world.authority.leaf(name, machine);
    });
    assert!(unnamed.contains(&"certificate-invalid"));
}

#[test]
fn n16_a_root_with_the_right_name_and_another_key_is_refused() {
    let other = Made::root_p256("SIMULATED Intel SGX Root CA");
    assert!(
        World::new().under(&other.der).iter().any(|r| ["certificate-invalid", "crl-invalid"].contains(r))
    );
    let brought = changed(|world| {
        let own = Made::root_p256("SIMULATED Intel SGX Root CA");
        world.authority = own.authority("Intel SGX PCK Platform CA", simulated);
        world.leaf = world.authority.leaf("Intel SGX PCK Certificate", machine);
        world.chain = Some([&world.leaf, &world.authority, &own].map(|m| m.der.clone()).to_vec());
    });
    assert!(brought.contains(&"certificate-invalid"), "a root that the quote brings: {brought:?}");
}

#[test]
fn n22_revoked_certificates_are_refused_and_n20_old_lists() {
    assert!(changed(|w| w.revoked = vec![7]).contains(&"certificate-revoked"), "the machine's");
    assert!(changed(|w| w.revoked_by_root = vec![7]).contains(&"certificate-revoked"), "the authority's");
    assert_eq!(changed(|w| (w.revoked, w.revoked_by_root) = (vec![8], vec![9])), [""; 0], "others'");
    assert!(changed(|w| w.lists_until = 2025).contains(&"crl-expired"));
}

#[test]
fn n14_other_quoting_enclaves_are_refused_though_validly_signed() {
    assert_eq!(changed(|w| w.qe_report[128] ^= 1), ["qe-identity-mismatch"], "another signer");
    assert_eq!(changed(|w| w.qe_report[256] ^= 4), ["qe-identity-mismatch"], "another product");
    assert_eq!(changed(|w| w.qe_report[48] ^= 2), ["qe-identity-mismatch"], "a debug enclave");
    assert_eq!(changed(|w| w.qe_report[16] ^= 1), ["qe-identity-mismatch"], "another selection");
    assert_eq!(changed(|w| w.qe_report[258] = 0), ["qe-too-old"]);
}

#[test]
fn n23_states_are_compared_with_the_policy_and_a_revoked_one_is_never_taken() {
    let state = |status: &str| {
        changed(|w| {
            w.state = w.state.replace("\"tcbStatus\":\"UpToDate\"", &format!("\"tcbStatus\":\"{status}\""));
        })
    };
    for status in ["OutOfDate", "Revoked"] {
        assert_eq!(state(status), ["tcb-status"], "{status}");
    }
    let hardening =
        changed(|w| w.state = w.state.replacen("\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"Mystery\"", 9));
    assert_eq!(hardening, ["collateral-invalid"]);
}

#[test]
fn n21_n25_collateral_of_others_is_refused_though_validly_signed() {
    let other = changed(|w| {
        w.state = w.state.replacen("\"fmspc\":\"", "\"fmspc\":\"F", 1).replacen("F000000\"", "000000\"", 1);
    });
    assert_eq!(other, ["collateral-other-fmspc"]);
    let pce = changed(|w| w.state = w.state.replacen("\"pceId\":\"0000\"", "\"pceId\":\"0001\"", 1));
    assert_eq!(pce, ["collateral-other-fmspc"]);
    let unsigned = changed(|w| w.signer = w.authority.leaf("Intel SGX TCB Signing", simulated));
    assert!(!unsigned.is_empty(), "a signer below another authority");
}

#[test]
fn n28_modes_are_refused_though_validly_signed() {
    let place = 48 + 120;
    for (bit, expected) in [
        (0, "debug-enabled"),
        (1, "reserved-bits"),
        (4, "debug-enabled"),
        (6, "debug-enabled"),
        (7, "reserved-bits"),
        (17, "service-td"),
        (28, "sept-ve-enabled"),
        (29, "migratable"),
        (40, "reserved-bits"),
    ] {
        let reasons = changed(|w| w.report[place + bit / 8] ^= 1 << (bit % 8));
        assert!(reasons.contains(&expected), "attribute {bit}: {reasons:?}");
    }
    let harmless = changed(|w| w.report[place + 3] ^= 0x40);
    assert_eq!(harmless, [""; 0], "protection keys harm nobody");
}

#[test]
fn every_recorded_mode_is_read_from_its_place() {
    for (name, expected) in
        [("trustee_tdx_quote_4.dat", "debug-enabled"), ("trustee_tdx_quote_5.dat", "service-td")]
    {
        let quote = vector(name);
        let quote = Quote::read(&quote, Tee::Tdx).expect("a quote");
        let mut checks = Vec::new();
        modes(&quote.body, &mut checks);
        assert_eq!(checks.iter().map(|c| c.code).collect::<Vec<_>>(), [expected], "{name}");
    }
}

#[test]
fn events_must_replay_to_the_register_and_be_those_of_the_policy() {
    let (quote, log) = (vector("gotdx_ccel_cos-113-tdx-quote.dat"), vector("gotdx_ccel_ccel_data.dat"));
    let events = read(&log, Bank::Sha384).expect("a log");
    let digests: Vec<String> = measured(&events, 2).map(|e| format!("\"{}\"", hex(e.digest))).collect();
    let entry = |digests: &[String]| {
        let mrtd = hex(&quote[184..232]);
        let digests = digests.join(", ");
        format!(
            "version = 1\n[[accept]]\nkind = \"tdx-dcap\"\nmrtd = [\"{mrtd}\"]\nevents = [{{ rtmr = 1, digests = [{digests}] }}]"
        )
    };
    let reasons = |policy: &str, log: Option<&[u8]>| {
        let mut evidence = Evidence::recorded(Kind::TdxDcap, quote.clone());
        evidence.auxiliary = log
            .map(|log| Auxiliary { name: "event-log".into(), data: Blob(log.to_vec()) })
            .into_iter()
            .collect();
        let policy = Policy::parse(policy).expect("a policy");
        let mut checks: Vec<Check> = Vec::new();
        let now = seconds_of("2025-01-01T00:00:00Z").expect("a time");
        tdx(&evidence, &policy, &Collateral::default(), now, &mut checks);
        checks
            .iter()
            .filter(|c| !c.ok)
            .map(|c| c.code)
            .filter(|c| *c != "collateral-missing")
            .collect::<Vec<_>>()
    };
    assert_eq!(reasons(&entry(&digests), Some(&log)), [""; 0]);
    assert_eq!(reasons(&entry(&digests), None), ["event-log-missing"]);
    assert_eq!(reasons(&entry(&digests[1..]), Some(&log)), ["measurement-unknown"]);
    let at = log.windows(48).position(|w| w == events.iter().find(|e| e.register == 2).expect("one").digest);
    let mut altered = log.clone();
    altered[at.expect("a place")] ^= 1;
    assert_eq!(reasons(&entry(&digests), Some(&altered)), ["event-log-mismatch"]);
}
