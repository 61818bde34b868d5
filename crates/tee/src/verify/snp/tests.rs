//! Full chains below SIMULATED authorities, for what no recording shows.

use rcgen::{CertificateParams, CustomExtension};
use rustls_pki_types::CertificateDer;
use webpki::ring::ECDSA_P384_SHA384;

use super::endorsement::{AMD, Authorities};
use super::report::Tcb;
use super::verify_under;
use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::policy::{Policy, Product};
use crate::statement::hex;
use crate::verdict::Check;
use crate::verify::Collateral;
use crate::verify::mock::{Made, NOW, amd};

/// A vendor, a chip, and a report.
struct World {
    root: Made,
    intermediate: Made,
    leaf: Made,
    report: Vec<u8>,
    policy: String,
    files: Vec<Vec<u8>>,
}

const TCB: [u8; 8] = [4, 0, 0, 0, 0, 0, 24, 219];

fn of_a_chip(params: &mut CertificateParams) {
    params.custom_extensions = vec![
        amd(&[1], &[2, 1, 1]),
        amd(&[2], b"\x16\x08Milan-B0"),
        amd(&[3, 1], &[2, 1, 4]),
        amd(&[3, 2], &[2, 1, 0]),
        amd(&[3, 3], &[2, 1, 24]),
        amd(&[3, 8], &[2, 2, 0, 219]),
        amd(&[4], &[0xC1; 64]),
    ];
}

fn of_a_provider(params: &mut CertificateParams) {
    of_a_chip(params);
    params.custom_extensions.pop();
    params.custom_extensions.push(amd(&[5], b"\x16\x09SIMULATED"));
}

impl World {
    fn new(name: &str, of: fn(&mut CertificateParams)) -> Self {
        let root = Made::root("SIMULATED ARK");
        let intermediate = root.authority("SIMULATED ASK", |_| ());
        let leaf = intermediate.leaf(name, of);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tee-vectors/snp/dstack_milan_report.bin");
        let mut report = std::fs::read(file).expect("a report");
        report[0x180..0x188].copy_from_slice(&TCB);
        report[0x1E0..0x1E8].copy_from_slice(&TCB);
        report[0x1A0..0x1E0].fill(0xC1);
        let policy = format!(
            "version = 1\n[[accept]]\nkind = \"snp\"\nmeasurement = [\"{}\"]\nsigner = [\"VCEK\", \"VLEK\"]\n\
             min_tcb = {{ product = \"Milan\", bootloader = 4, tee = 0, snp = 24, microcode = 219 }}\n",
            hex(&report[0x90..0xC0])
        );
        let mut world = Self { root, intermediate, leaf, report, policy, files: Vec::new() };
        world.sign();
        world
    }

    fn chip() -> Self {
        Self::new("SEV-VCEK", of_a_chip)
    }

    fn provider() -> Self {
        let mut world = Self::new("SEV-VLEK", of_a_provider);
        world.report[0x48] = 1 << 2;
        world.sign();
        world
    }

    /// With another certificate of the same chip.
    fn certified(mut self, leaf: Made) -> Self {
        self.leaf = leaf;
        self.sign();
        self
    }

    fn sign(&mut self) {
        let signature = self.leaf.sign(&self.report[..0x2A0]);
        for (half, at) in signature.chunks(48).zip([0x2A0, 0x2A0 + 72]) {
            let little: Vec<u8> = half.iter().rev().copied().collect();
            self.report[at..at + 48].copy_from_slice(&little);
        }
    }

    fn with_policy(mut self, more: &str) -> Self {
        self.policy.push_str(more);
        self
    }

    fn judge(&self, authorities: &Authorities<'_>, now: u64) -> Vec<&'static str> {
        let evidence = Evidence::recorded(Kind::SevSnp, self.report.clone());
        let mut files = self.files.clone();
        files.push(self.leaf.der.to_vec());
        let policy = Policy::parse(&self.policy).expect("a policy");
        let mut checks = Vec::new();
        verify_under(authorities, &evidence, &policy, &Collateral { files }, now, &mut checks);
        let failed = |c: &Check| (!c.ok).then_some(c.code);
        checks.iter().filter_map(failed).collect()
    }

    fn reasons_at(&self, now: u64) -> Vec<&'static str> {
        let root = self.root.der.clone();
        let intermediate = self.intermediate.der.clone();
        let authorities = Authorities {
            root: &|_| Some(root.clone()),
            intermediates: &|_, _| vec![intermediate.clone()],
            algorithms: &[ECDSA_P384_SHA384],
        };
        self.judge(&authorities, now)
    }

    fn reasons(&self) -> Vec<&'static str> {
        self.reasons_at(NOW)
    }
}

const NONE: [&str; 0] = [];

#[test]
fn a_full_chain_is_accepted_below_its_own_root() {
    assert_eq!(World::chip().reasons(), NONE);
    assert_eq!(World::provider().reasons(), NONE);
}

#[test]
fn n51_a_simulated_vendor_is_nobody_to_the_product() {
    for world in [World::chip(), World::provider()] {
        assert_eq!(world.judge(&AMD, NOW), ["certificate-invalid"]);
        // Nor when its authorities come along as collateral.
        let mut helped = world;
        helped.files = vec![helped.root.der.to_vec(), helped.intermediate.der.to_vec()];
        assert_eq!(helped.judge(&AMD, NOW), ["certificate-invalid"]);
    }
}

#[test]
fn n16_a_root_with_the_right_name_and_another_key_is_refused() {
    let mut world = World::chip();
    world.root = Made::root("SIMULATED ARK");
    assert_eq!(world.reasons(), ["certificate-invalid"]);
    let mut world = World::chip();
    let other = World::chip();
    world.intermediate = other.intermediate;
    assert_eq!(
        world.reasons(),
        ["certificate-invalid"],
        "an intermediate with the right name, of another root"
    );
}

#[test]
fn n15_certificates_that_do_not_fit_their_place_are_refused() {
    let world = World::chip();
    let by_the_root = world.root.leaf("SEV-VCEK", of_a_chip);
    // A root may sign a leaf by the rules of paths: what AMD's never did is not forbidden, and shows nothing else.
    assert_eq!(world.certified(by_the_root).reasons(), NONE);
    let world = World::chip();
    let authority = world.intermediate.authority("SEV-VCEK", of_a_chip);
    assert_eq!(world.certified(authority).reasons(), ["certificate-invalid"], "a leaf that is an authority");
    let world = World::chip();
    let below_a_leaf = world.leaf.leaf("SEV-VCEK", of_a_chip);
    assert_eq!(
        world.certified(below_a_leaf).reasons(),
        ["certificate-invalid"],
        "below what is no authority"
    );
    let world = World::chip();
    let critical = world.intermediate.leaf("SEV-VCEK", |params| {
        of_a_chip(params);
        let mut unknown = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
        unknown.set_criticality(true);
        params.custom_extensions.push(unknown);
    });
    assert_eq!(world.certified(critical).reasons(), ["certificate-invalid"], "an unknown critical extension");
}

#[test]
fn n15_a_path_that_is_too_long_is_refused() {
    let mut world = World::chip();
    world.intermediate = world.root.authority("SIMULATED ASK", |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    });
    let between = world.intermediate.authority("SIMULATED between", |_| ());
    let leaf = between.leaf("SEV-VCEK", of_a_chip);
    let world = world.certified(leaf);
    let (root, ask, between) = (world.root.der.clone(), world.intermediate.der.clone(), between.der.clone());
    let authorities = Authorities {
        root: &|_| Some(root.clone()),
        intermediates: &|_, _| -> Vec<CertificateDer<'static>> { vec![ask.clone(), between.clone()] },
        algorithms: &[ECDSA_P384_SHA384],
    };
    assert_eq!(world.judge(&authorities, NOW), ["certificate-invalid"]);
}

#[test]
fn n17_n18_every_certificate_of_the_chain_has_its_time() {
    let world = World::chip();
    let days = |n: u64| n * 24 * 3600;
    assert_eq!(world.reasons_at(NOW + days(60)), ["certificate-expired"]);
    assert_eq!(world.reasons_at(NOW - days(360)), ["certificate-not-yet-valid"]);
    let mut world = World::chip();
    world.intermediate =
        world.root.authority("SIMULATED ASK", |p| p.not_after = rcgen::date_time_ymd(2025, 2, 1));
    let leaf = world.intermediate.leaf("SEV-VCEK", of_a_chip);
    assert_eq!(world.certified(leaf).reasons(), ["certificate-expired"]);
}

#[test]
fn n22_a_revoked_authority_is_refused() {
    let mut world = World::chip();
    world.files = vec![world.root.revokes(&[7], 2026)];
    assert_eq!(world.reasons(), ["certificate-revoked"]);
    world.files = vec![world.root.revokes(&[8, 9], 2026)];
    assert_eq!(world.reasons(), NONE);
}

#[test]
fn n20_n22_revocation_lists_that_are_old_or_foreign_are_refused() {
    let mut world = World::chip();
    world.files = vec![world.root.revokes(&[], 2025)];
    assert_eq!(world.reasons(), ["crl-expired"]);
    world.files = vec![Made::root("SIMULATED ARK").revokes(&[], 2026)];
    assert_eq!(world.reasons(), ["crl-invalid"], "the right name, and another key");
}

#[test]
fn n22_a_list_that_the_policy_requires_must_be_there() {
    let mut world = World::chip().with_policy("[collateral]\ncrl = \"required\"\n");
    assert_eq!(world.reasons(), ["crl-missing"]);
    world.files = vec![Made::root("SIMULATED other").revokes(&[], 2026)];
    assert_eq!(world.reasons(), ["crl-missing"], "somebody else's is none");
    world.files = vec![world.root.revokes(&[], 2026)];
    assert_eq!(world.reasons(), NONE);
}

#[test]
fn n29_n31_modes_are_refused_though_validly_signed() {
    for (bit, reason) in [(18, "migration-agent"), (19, "debug-enabled")] {
        let mut world = World::chip();
        world.report[0x08 + bit / 8] |= 1 << (bit % 8);
        world.sign();
        assert_eq!(world.reasons(), [reason]);
    }
    for level in [1, 2, 3, 255] {
        let mut world = World::chip();
        world.report[0x30] = level;
        world.sign();
        assert_eq!(world.reasons(), ["vmpl"], "{level}");
    }
}

#[test]
fn n10_certificates_of_another_chip_or_firmware_are_refused_though_the_key_is_right() {
    type Change = fn(&mut CertificateParams);
    let changes: [(&str, Change); 7] = [
        ("certificate-other-chip", |p| p.custom_extensions[6] = amd(&[4], &[0xC2; 64])),
        ("certificate-other-chip", |p| p.custom_extensions[6] = amd(&[4], &[0xC1; 8])),
        ("certificate-other-chip", |p| drop(p.custom_extensions.remove(6))),
        ("certificate-other-tcb", |p| p.custom_extensions[4] = amd(&[3, 3], &[2, 1, 23])),
        ("certificate-other-tcb", |p| p.custom_extensions[2] = amd(&[3, 1], &[2, 1, 5])),
        ("certificate-invalid", |p| drop(p.custom_extensions.remove(5))),
        ("certificate-invalid", |p| p.custom_extensions[5] = amd(&[3, 8], &[2, 1, 219])),
    ];
    for (reason, change) in changes {
        let world = World::chip();
        let leaf = world.intermediate.leaf("SEV-VCEK", |params| {
            of_a_chip(params);
            change(params);
        });
        assert_eq!(world.certified(leaf).reasons(), [reason]);
    }
}

#[test]
fn n10_a_masked_chip_id_is_no_chip() {
    let mut world = World::chip();
    world.report[0x1A0..0x1E0].fill(0);
    let leaf = world.intermediate.leaf("SEV-VCEK", |params| {
        of_a_chip(params);
        params.custom_extensions[6] = amd(&[4], &[0; 64]);
    });
    assert_eq!(world.certified(leaf).reasons(), ["certificate-other-chip"]);
}

#[test]
fn n11_a_certificate_for_another_line_is_refused_though_the_key_is_right() {
    let world = World::chip();
    let leaf = world.intermediate.leaf("SEV-VCEK", |params| {
        of_a_chip(params);
        params.custom_extensions[1] = amd(&[2], b"\x16\x05Genoa");
    });
    // The entry is for Milan, which is what the processor says it is.
    assert_eq!(world.certified(leaf).reasons(), ["product-mismatch"]);
    let world = World::chip();
    let leaf = world.intermediate.leaf("SEV-VCEK", |params| {
        of_a_chip(params);
        params.custom_extensions[1] = amd(&[2], b"\x16\x06Naples");
    });
    assert_eq!(world.certified(leaf).reasons(), ["certificate-invalid"]);
}

#[test]
fn the_report_says_which_key_signed_and_no_other_does() {
    // A VLEK's certificate under a report that says VCEK, and the reverse.
    let mut world = World::provider();
    world.report[0x48] = 0;
    world.sign();
    assert_eq!(world.reasons(), ["collateral-missing"]);
    let mut world = World::chip();
    world.report[0x48] = 1 << 2;
    world.sign();
    assert_eq!(world.reasons(), ["collateral-missing"]);
    // No key, an unknown one, a masked chip key.
    for flags in [7 << 2, 2 << 2, 1 << 1] {
        let mut world = World::chip();
        world.report[0x48] = flags;
        world.sign();
        assert!(world.reasons().contains(&"signature-invalid"), "{flags:x}");
    }
    // A VLEK that names a chip is none.
    let world = World::provider();
    let leaf = world.intermediate.leaf("SEV-VLEK", of_a_chip);
    assert_eq!(world.certified(leaf).reasons(), ["certificate-other-chip"]);
}

#[test]
fn firmware_that_can_be_put_back_counts_as_old() {
    let mut world = World::chip();
    world.report[0x1E6] = 23;
    world.sign();
    assert_eq!(world.reasons(), ["tcb-too-old"]);
}

#[test]
fn n12_layouts_of_firmware_versions_differ() {
    let bytes = [1, 2, 3, 4, 0, 0, 5, 6];
    let milan = Tcb { fmc: None, bootloader: 1, tee: 2, snp: 5, microcode: 6 };
    let turin = Tcb { fmc: Some(1), bootloader: 2, tee: 3, snp: 4, microcode: 6 };
    assert_eq!(Tcb::read(bytes, Product::Milan), milan);
    assert_eq!(Tcb::read(bytes, Product::Genoa), milan);
    assert_eq!(Tcb::read(bytes, Product::Turin), turin);
}
