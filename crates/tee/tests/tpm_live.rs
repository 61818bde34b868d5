//! A TPM's evidence on a live channel, with an event log: the TPM is a key of this test's, since the policy names keys and not
//! vendors; everything else is the product's.

#![allow(clippy::expect_used)] // in functions beside the tests too

mod recorded;

use privet_tee::claims::Appraised;
use privet_tee::evidence::{Auxiliary, Blob, Evidence};
use privet_tee::kind::{Assurance, Kind};
use privet_tee::policy::Policy;
use privet_tee::statement::hex;
use privet_tee::statement::{Direction, Freshness, Hex, Sealing, Statement, report_data, sha256};
use privet_tee::verdict::Verdict;
use privet_tee::verify::{Collateral, Question, appraise};
use recorded::reasons;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

/// A machine that booted.
struct Machine {
    key: EcdsaKeyPair,
    registers: Vec<(u8, [u8; 32])>,
    log: Vec<u8>,
    direction: Direction,
    nonce: Hex<32>,
}

const CMDLINE: &[u8] = b"quiet privet=1";
const INITRD: &[u8] = b"an initial file system";

fn extend(register: [u8; 32], digest: [u8; 32]) -> [u8; 32] {
    sha256(&[register, digest].concat())
}

/// An event of the SHA-256 bank.
fn event(register: u32, kind: u32, digest: [u8; 32], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("short");
    let numbers = |list: &[u32]| list.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    [&numbers(&[register, kind, 1]), &[0x0B, 0x00][..], &digest, &numbers(&[length]), data].concat()
}

fn log(events: &[Vec<u8>]) -> Vec<u8> {
    let mut spec = b"Spec ID Event03\0".to_vec();
    spec.extend([0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0x0B, 0, 32, 0, 0]);
    let length = u32::try_from(spec.len()).expect("short").to_le_bytes();
    let head = [&[0, 0, 0, 0, 3, 0, 0, 0][..], &[0; 20], &length, &spec].concat();
    [head, events.concat()].concat()
}

impl Machine {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
        let (cmdline, initrd) = (sha256(CMDLINE), sha256(INITRD));
        let nine = extend(extend([0; 32], cmdline), initrd);
        let log = log(&[
            event(9, 3, [0xEE; 32], b"says something, and is measured nowhere"),
            event(9, 6, cmdline, CMDLINE),
            event(4, 0x8000_0003, [4; 32], b"a boot loader"),
            event(9, 6, initrd, b"Linux initrd"),
        ]);
        let registers = vec![(4, extend([0; 32], [4; 32])), (9, nine)];
        let (direction, nonce) = (Direction::EnclaveToClient, Hex([7; 32]));
        Self { key: key.expect("a key"), registers, log, direction, nonce }
    }

    /// `TPMT_PUBLIC`: a restricted signing key on P-256.
    fn public(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let head = [
            0x00, 0x23, 0x00, 0x0B, 0x00, 0x05, 0x00, 0x72, 0, 0, 0x00, 0x10, 0x00, 0x18, 0x00, 0x0B, 0, 3,
            0, 0x10,
        ];
        [&head[..], &[0, 32], &point[1..33], &[0, 32], &point[33..65]].concat()
    }

    fn statement(&self) -> Vec<u8> {
        let statement = Statement {
            version: privet_tee::statement::VERSION,
            direction: self.direction,
            freshness: Freshness::Full { nonce: self.nonce },
            encryption_key: Hex([1; 32]),
            signing_key: Hex([2; 32]),
            requests: 100,
            bundle: Hex([3; 32]),
            configuration: Hex([4; 32]),
            model: None,
            sealing: Sealing { provider: "none".into(), rollback: "none".into() },
            remarks: Vec::new(),
        };
        statement.to_bytes()
    }

    fn quote(&self, statement: &[u8]) -> Vec<u8> {
        let mut bits = [0u8; 3];
        for (number, _) in &self.registers {
            bits[usize::from(number / 8)] |= 1 << (number % 8);
        }
        let values: Vec<u8> = self.registers.iter().flat_map(|(_, v)| *v).collect();
        [
            b"\xFFTCG\x80\x18\x00\x22\x00\x0B".as_slice(),
            &[0xAA; 32],
            &[0, 32],
            &sha256(&report_data(statement)),
            &[0; 8],
            &[0, 0, 0, 3, 0, 0, 0, 0, 1],
            &[0, 0, 0, 0, 0, 0, 0, 9],
            &[0, 0, 0, 1, 0x00, 0x0B, 3],
            &bits,
            &[0, 32],
            &sha256(&values),
        ]
        .concat()
    }

    fn evidence(&self) -> Evidence {
        let statement = self.statement();
        let body = self.quote(&statement);
        let signature = self.key.sign(&SystemRandom::new(), &body).expect("a signature");
        let (r, s) = signature.as_ref().split_at(32);
        let signature = [&[0x00, 0x18, 0x00, 0x0B, 0, 32][..], r, &[0, 32], s].concat();
        let pcrs = self.registers.iter().flat_map(|(n, v)| [&[*n], v.as_slice()].concat()).collect();
        let mut evidence = Evidence::recorded(Kind::Tpm2, body);
        evidence.auxiliary = [
            ("signature", signature),
            ("attestation-key", self.public()),
            ("pcrs", pcrs),
            ("event-log", self.log.clone()),
        ]
        .map(|(name, data)| Auxiliary { name: name.into(), data: Blob(data) })
        .to_vec();
        evidence.statement = Blob(statement);
        evidence
    }

    fn policy(&self) -> Policy {
        let key = hex(&sha256(&self.public()));
        let (cmdline, initrd) = (hex(&sha256(CMDLINE)), hex(&sha256(INITRD)));
        let four = hex(&extend([0; 32], [4; 32]));
        let text = format!(
            "version = 1\n[[accept]]\nkind = \"tpm2\"\nattestation_key = [\"sha256:{key}\"]\npcr = {{ 4 = [\"{four}\"] }}\n\
             events = [{{ pcr = 9, digests = [\"sha256:{cmdline}\", \"sha256:{initrd}\"] }}]\nfirmware = [9]\n"
        );
        Policy::parse(&text).expect("a policy")
    }

    fn judge(&self, evidence: &Evidence) -> (Verdict, Option<Appraised>) {
        let question = Question {
            direction: Direction::EnclaveToClient,
            nonce: Hex([7; 32]),
            bundle: Hex([3; 32]),
            model: None,
            session: None,
        };
        appraise(&evidence.to_bytes(), &self.policy(), &Collateral::default(), Some(&question), 1_800_000_000)
    }

    fn reasons(&self) -> Vec<&'static str> {
        reasons(&self.judge(&self.evidence()).0)
    }
}

#[test]
fn a_measured_boot_opens_a_channel_as_what_it_is() {
    let machine = Machine::new();
    let (verdict, appraised) = machine.judge(&machine.evidence());
    assert!(verdict.is_accepted(), "{:?}", verdict.checks);
    assert_eq!(verdict.assurance, Assurance::MeasuredBoot);
    assert!(
        matches!(appraised, Some(Appraised::Verified(claims)) if claims.assurance() == Assurance::MeasuredBoot)
    );
}

#[test]
fn n36_n38_a_quote_for_another_question_is_refused() {
    let mut other = Machine::new();
    other.nonce = Hex([8; 32]);
    assert_eq!(other.reasons(), ["nonce-mismatch"]);
    let mut reflected = Machine::new();
    reflected.direction = Direction::EnclaveToKeys;
    assert_eq!(reflected.reasons(), ["direction-mismatch"]);
    // Another statement beside the same quote.
    let machine = Machine::new();
    let mut evidence = machine.evidence();
    let mut statement = Statement::parse(&evidence.statement.0).expect("a statement");
    statement.encryption_key = Hex([9; 32]);
    evidence.statement = Blob(statement.to_bytes());
    assert_eq!(reasons(&machine.judge(&evidence).0), ["report-data-mismatch"]);
}

#[test]
fn another_boot_is_refused() {
    // Another initial file system, truthfully logged.
    let mut machine = Machine::new();
    let (cmdline, initrd) = (sha256(CMDLINE), sha256(b"another"));
    machine.registers[1].1 = extend(extend([0; 32], cmdline), initrd);
    machine.log = log(&[event(9, 6, cmdline, CMDLINE), event(9, 6, initrd, b"Linux initrd")]);
    assert_eq!(machine.reasons(), ["measurement-unknown"]);
    // One event more, truthfully logged.
    let mut machine = Machine::new();
    machine.registers[1].1 = extend(machine.registers[1].1, [5; 32]);
    machine.log.extend(event(9, 6, [5; 32], b"more"));
    assert_eq!(machine.reasons(), ["measurement-unknown"]);
    // Another boot loader.
    let mut machine = Machine::new();
    machine.registers[0].1 = extend([0; 32], [6; 32]);
    assert_eq!(machine.reasons(), ["measurement-unknown"]);
}

#[test]
fn a_log_that_lies_is_refused() {
    // The machine booted something else, and the log says what the policy wants to hear.
    let mut machine = Machine::new();
    machine.registers[1].1 = extend(extend([0; 32], sha256(CMDLINE)), sha256(b"another"));
    assert_eq!(machine.reasons(), ["event-log-mismatch"]);
    // An event marked as measured nowhere does not count, whatever it says.
    let mut machine = Machine::new();
    let (cmdline, initrd) = (sha256(CMDLINE), sha256(INITRD));
    machine.log = log(&[event(9, 3, cmdline, CMDLINE), event(9, 6, initrd, b"Linux initrd")]);
    assert_eq!(machine.reasons(), ["event-log-mismatch"]);
    // A register that the quote does not cover.
    let mut machine = Machine::new();
    machine.registers.remove(1);
    assert_eq!(machine.reasons(), ["event-log-mismatch"]);
    let mut machine = Machine::new();
    machine.registers.remove(0);
    assert_eq!(machine.reasons(), ["measurement-unknown"]);
}

#[test]
fn n06_signature_numbers_out_of_range_are_refused() {
    let machine = Machine::new();
    let n = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let n = privet_tee::statement::from_hex(n).expect("hexadecimal");
    for at in [6, 40] {
        for number in [vec![0; 32], n.clone(), vec![0xFF; 32]] {
            let mut evidence = machine.evidence();
            evidence.auxiliary[0].data.0[at..at + 32].copy_from_slice(&number);
            assert_eq!(reasons(&machine.judge(&evidence).0), ["signature-invalid"]);
        }
    }
}

#[test]
fn n07_other_algorithms_are_refused() {
    let machine = Machine::new();
    // RSASSA, HMAC, no scheme, SHA-1, SHA-384: over a key that is on P-256.
    for (at, value) in [(1, 0x14), (1, 0x05), (1, 0x10), (3, 0x04), (3, 0x0C)] {
        let mut evidence = machine.evidence();
        evidence.auxiliary[0].data.0[at] = value;
        assert_eq!(reasons(&machine.judge(&evidence).0), ["signature-invalid"], "{at} {value}");
    }
}
