//! Full chains below SIMULATED authorities, for what no recording shows.

use rcgen::{CertificateParams, KeyUsagePurpose};
use rustls_pki_types::CertificateDer;

use super::{roots, verify_under};
use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::policy::Policy;
use crate::verdict::Check;
use crate::verify::Facts;
use crate::verify::cbor::bytes_head;
use crate::verify::mock::{Made, NOW};

/// A hypervisor, and what it says.
struct World {
    root: Made,
    authority: Made,
    leaf: Made,
    made: u64,
    registers: Vec<(u8, Vec<u8>)>,
    user_data: Option<Vec<u8>>,
}

fn signs(params: &mut CertificateParams) {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
}

fn text(text: &str) -> Vec<u8> {
    [&[0x60 | u8::try_from(text.len()).expect("short")], text.as_bytes()].concat()
}

fn field(name: &str, value: &[u8]) -> Vec<u8> {
    [text(name).as_slice(), value].concat()
}

fn bytes(value: &[u8]) -> Vec<u8> {
    [bytes_head(value.len()).as_slice(), value].concat()
}

impl World {
    fn new() -> Self {
        let root = Made::root("SIMULATED aws.nitro-enclaves");
        let authority = root.authority("SIMULATED zone", |_| ());
        let leaf = authority.leaf("SIMULATED enclave", signs);
        let registers = (0..16).map(|n| (n, vec![n + 1; 48])).collect();
        Self { root, authority, leaf, made: NOW, registers, user_data: Some(vec![5; 64]) }
    }

    fn payload(&self) -> Vec<u8> {
        let registers = self.registers.iter().map(|(n, value)| [vec![*n], bytes(value)].concat());
        let mut pcrs = vec![0xA0 | u8::try_from(self.registers.len()).expect("few")];
        pcrs.extend(registers.flatten());
        let bundle = [&self.root, &self.authority].map(|made| bytes(&made.der)).concat();
        let user_data = self.user_data.as_deref().map_or(vec![0xF6], bytes);
        [
            vec![0xA9],
            field("module_id", &text("i-SIMULATED-enc1")),
            field("digest", &text("SHA384")),
            field("timestamp", &[&[0x1B], (1000 * self.made).to_be_bytes().as_slice()].concat()),
            field("pcrs", &pcrs),
            field("certificate", &bytes(&self.leaf.der)),
            field("cabundle", &[&[0x82], bundle.as_slice()].concat()),
            field("public_key", &[0xF6]),
            field("user_data", &user_data),
            field("nonce", &[0xF6]),
        ]
        .concat()
    }

    fn document(&self) -> Vec<u8> {
        let payload = bytes(&self.payload());
        let protected = [0x44, 0xA1, 0x01, 0x38, 0x22];
        let signed = [b"\x84\x6aSignature1".as_slice(), &protected, &[0x40], &payload].concat();
        [&[0x84], protected.as_slice(), &[0xA0], &payload, &bytes(&self.leaf.sign(&signed))].concat()
    }

    fn judge(&self, root: Option<CertificateDer<'static>>, now: u64) -> (Vec<&'static str>, Option<Facts>) {
        let policy = format!(
            "version = 1\n[[accept]]\nkind = \"nitro\"\npcr = {{ 0 = [\"{}\"], 8 = [\"{}\"] }}\n",
            "01".repeat(48),
            "09".repeat(48)
        );
        let policy = Policy::parse(&policy).expect("a policy");
        let evidence = Evidence::recorded(Kind::Nitro, self.document());
        let mut checks = Vec::new();
        let facts = verify_under(root, &evidence, &policy, now, &mut checks);
        let failed = |c: &Check| (!c.ok).then_some(c.code);
        (checks.iter().filter_map(failed).collect(), facts)
    }

    fn reasons(&self) -> Vec<&'static str> {
        self.judge(Some(self.root.der.clone()), NOW).0
    }
}

const NONE: [&str; 0] = [];

#[test]
fn a_full_chain_is_accepted_below_its_own_root() {
    let world = World::new();
    let (reasons, facts) = world.judge(Some(world.root.der.clone()), NOW);
    assert_eq!(reasons, NONE);
    let facts = facts.expect("facts");
    assert_eq!(facts.report_data, [5; 64]);
    assert_eq!(facts.platform, Some(vec![5; 48]), "register 4");
    let mut without = World::new();
    without.user_data = None;
    assert_eq!(without.judge(Some(without.root.der.clone()), NOW).1.expect("facts").report_data, [0; 0]);
}

#[test]
fn n51_a_simulated_vendor_is_nobody_to_the_product() {
    assert_eq!(World::new().judge(roots::AWS_NITRO_G1.certificate(), NOW).0, ["certificate-invalid"]);
    assert_eq!(World::new().judge(None, NOW).0, ["certificate-invalid"]);
}

#[test]
fn n16_a_root_with_the_right_name_and_another_key_is_refused() {
    let world = World::new();
    let other = Made::root("SIMULATED aws.nitro-enclaves");
    assert_eq!(world.judge(Some(other.der), NOW).0, ["certificate-invalid"]);
}

#[test]
fn n15_certificates_that_do_not_fit_their_place_are_refused() {
    let with = |authority: Made, leaf: Made, root: Made| World { root, authority, leaf, ..World::new() };
    let root = || Made::root("SIMULATED aws.nitro-enclaves");
    let r = root();
    let authority = r.leaf("SIMULATED zone", |p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let leaf = authority.leaf("SIMULATED enclave", signs);
    assert_eq!(with(authority, leaf, r).reasons(), ["certificate-invalid"], "an authority that is none");
    let r = root();
    let authority = r.authority("SIMULATED zone", |p| p.key_usages = vec![KeyUsagePurpose::CrlSign]);
    let leaf = authority.leaf("SIMULATED enclave", signs);
    assert_eq!(
        with(authority, leaf, r).reasons(),
        ["certificate-invalid"],
        "one that may not sign certificates"
    );
    let r = root();
    let authority = r.authority("SIMULATED zone", |_| ());
    let leaf = authority.leaf("SIMULATED enclave", |p| p.key_usages = vec![KeyUsagePurpose::KeyAgreement]);
    assert_eq!(with(authority, leaf, r).reasons(), ["certificate-invalid"], "an enclave's that may not sign");
    let r = root();
    let authority = r.authority("SIMULATED zone", |_| ());
    let leaf = authority.authority("SIMULATED enclave", |_| ());
    assert_eq!(
        with(authority, leaf, r).reasons(),
        ["certificate-invalid"],
        "an enclave's that is an authority"
    );
    let r = root();
    let region = r.authority("SIMULATED region", |p| {
        p.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    });
    let zone = region.authority("SIMULATED zone", |_| ());
    let leaf = zone.leaf("SIMULATED enclave", signs);
    // The region takes the root's place in the bundle, which the verifier has anyway.
    let long = World { root: region, authority: zone, leaf, ..World::new() };
    assert_eq!(long.judge(Some(r.der), NOW).0, ["certificate-invalid"], "a path that is too long");
}

#[test]
fn n30_registers_of_zeros_are_a_debug_mode() {
    for number in 0..3 {
        let mut world = World::new();
        world.registers[number].1.fill(0);
        assert!(world.reasons().contains(&"debug-enabled"), "{number}");
        let mut world = World::new();
        world.registers.remove(number);
        assert!(world.reasons().contains(&"debug-enabled"), "{number} is not there");
    }
}

#[test]
fn registers_that_the_policy_names_must_be_there() {
    let mut world = World::new();
    world.registers.remove(8);
    assert_eq!(world.reasons(), ["measurement-unknown"]);
    for length in [0, 32, 47, 49, 64] {
        let mut world = World::new();
        world.registers[15].1 = vec![1; length];
        assert_eq!(world.reasons(), ["format-invalid"], "{length}");
    }
}

#[test]
fn times_that_do_not_fit_each_other_are_refused() {
    let mut world = World::new();
    world.made = NOW + 3600;
    assert_eq!(world.reasons(), ["timestamp-in-the-future"]);
    world.made = NOW - 400 * 24 * 3600;
    assert_eq!(world.reasons(), ["timestamp-mismatch"]);
    world.made = 0;
    assert_eq!(world.reasons(), ["format-invalid"]);
}

#[test]
fn n42_a_document_that_another_key_signed_is_refused() {
    let mut world = World::new();
    let document = world.document();
    world.leaf = world.authority.leaf("SIMULATED enclave", signs);
    // The signature of one key, the certificate of another.
    let end = document.len() - 96;
    let mut mixed = world.document();
    let start = mixed.len() - 96;
    mixed.splice(start.., document[end..].iter().copied());
    let policy = "version = 1\n[[accept]]\nkind = \"nitro\"\npcr = { 0 = [\"".to_owned()
        + &"01".repeat(48)
        + "\"] }\n";
    let policy = Policy::parse(&policy).expect("a policy");
    let mut checks = Vec::new();
    let evidence = Evidence::recorded(Kind::Nitro, mixed);
    verify_under(Some(world.root.der.clone()), &evidence, &policy, NOW, &mut checks);
    let reasons: Vec<&str> = checks.iter().filter(|c| !c.ok).map(|c| c.code).collect();
    assert_eq!(reasons, ["signature-invalid"]);
}
