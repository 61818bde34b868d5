//! The TPM's driver: over a software TPM in a process of its own, and over streams that lie.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod imitation;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use imitation::soon;
use imitation::swtpm::Swtpm;
use privet_tee::attest::tpm::{Commands, Fault, Selection, Tpm};
use privet_tee::attest::{AttestError, Attester as _};
use privet_tee::evidence::Evidence;
use privet_tee::kind::Kind;
use privet_tee::statement::sha256;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

const DATA: [u8; 64] = [0x42; 64];

fn registers(of: &[u8]) -> Selection {
    Selection::of(of).unwrap()
}

/// Bytes behind their big-endian length.
fn sized(bytes: &[u8]) -> (&[u8], &[u8]) {
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    bytes[2..].split_at(length)
}

fn padded(coordinate: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 32 - coordinate.len()];
    bytes.extend(coordinate);
    bytes
}

/// What another program would do with the evidence: the signature by `ring`, the report data and the registers from the quote.
fn appraise(evidence: &Evidence, data: &[u8; 64]) -> Result<Vec<(u8, [u8; 32])>, &'static str> {
    let key = evidence.auxiliary("attestation-key").unwrap();
    assert_eq!(
        key[..8],
        [0, 0x23, 0, 0x0B, 0, 0x05, 0x04, 0x72],
        "P-256, restricted, signs, made inside and stays"
    );
    let (x, rest) = sized(&key[key.len() - 68..]);
    let (y, _) = sized(rest);
    let point = [vec![4], padded(x), padded(y)].concat();
    let signature = evidence.auxiliary("signature").unwrap();
    assert_eq!(signature[..4], [0, 0x18, 0, 0x0B], "ECDSA with SHA-256");
    let (r, rest) = sized(&signature[4..]);
    let (s, rest) = sized(rest);
    assert!(rest.is_empty());
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(&evidence.body.0, &[padded(r), padded(s)].concat())
        .map_err(|_| "signature")?;
    let (_signer, rest) = sized(&evidence.body.0[6..]);
    let (qualifying, rest) = sized(rest);
    if qualifying != sha256(data) {
        return Err("report data");
    }
    let (digest, rest) = sized(&rest[17 + 8 + 4 + 2 + 1 + 3..]);
    assert!(rest.is_empty());
    let pairs = evidence.auxiliary("pcrs").unwrap().chunks(33);
    let values: Vec<(u8, [u8; 32])> = pairs.map(|p| (p[0], p[1..].try_into().unwrap())).collect();
    let all: Vec<u8> = values.iter().flat_map(|(_, value)| *value).collect();
    if digest == sha256(&all) { Ok(values) } else { Err("registers") }
}

#[test]
fn a_quote_of_a_real_tpm_verifies() {
    let Some(tpm) = Swtpm::start() else { return };
    let driver = Tpm::over("swtpm", tpm.connect(), Selection::default());
    let evidence = driver.evidence(&DATA, soon()).unwrap();
    assert_eq!((driver.kind(), evidence.kind), (Kind::Tpm2, Kind::Tpm2));
    let values = appraise(&evidence, &DATA).unwrap();
    assert_eq!(values.iter().map(|(r, _)| *r).collect::<Vec<_>>(), (0..12).collect::<Vec<_>>());
    assert_eq!(values[3].1, [0; 32], "nothing was measured yet");
}

#[test]
fn a_quote_of_other_report_data_or_changed_does_not_verify() {
    let Some(tpm) = Swtpm::start() else { return };
    let driver = Tpm::over("swtpm", tpm.connect(), registers(&[0, 7, 23]));
    let evidence = driver.evidence(&DATA, soon()).unwrap();
    assert_eq!(appraise(&evidence, &[0x43; 64]), Err("report data"));
    for at in 0..evidence.body.0.len() {
        let mut changed = evidence.clone();
        changed.body.0[at] ^= 1;
        assert_eq!(appraise(&changed, &DATA), Err("signature"), "byte {at}");
    }
    let mut changed = evidence.clone();
    changed.auxiliary.iter_mut().find(|a| a.name == "pcrs").unwrap().data.0[5] ^= 1;
    assert_eq!(appraise(&changed, &DATA), Err("registers"));
}

#[test]
fn a_register_that_is_extended_shows() {
    let Some(tpm) = Swtpm::start() else { return };
    let mut commands = Commands(tpm.connect());
    let chosen = registers(&[10, 16]);
    let before = commands.read_registers(chosen).unwrap();
    commands.extend(16, &[7; 32]).unwrap();
    let after = commands.read_registers(chosen).unwrap();
    assert_eq!(before[0], after[0]);
    assert_eq!(after[1].1, sha256(&[before[1].1, [7; 32]].concat()));
    let driver = Tpm::over("swtpm", commands.0, chosen);
    assert_eq!(appraise(&driver.evidence(&DATA, soon()).unwrap(), &DATA).unwrap(), after);
}

#[test]
fn all_registers_are_read_though_a_tpm_gives_eight_at_a_time() {
    let Some(tpm) = Swtpm::start() else { return };
    let all: Vec<u8> = (0..24).collect();
    let driver = Tpm::over("swtpm", tpm.connect(), registers(&all));
    let values = appraise(&driver.evidence(&DATA, soon()).unwrap(), &DATA).unwrap();
    assert_eq!(values.iter().map(|(r, _)| *r).collect::<Vec<_>>(), all);
}

#[test]
fn the_key_is_one_tpms_and_lasts() {
    let Some(tpm) = Swtpm::start() else { return };
    let driver = Tpm::over("swtpm", tpm.connect(), Selection::default());
    // A TPM has room for three keys: each question gives its place back.
    let keys: Vec<Vec<u8>> = (0..8u8)
        .map(|n| driver.evidence(&[n; 64], soon()).unwrap().auxiliary("attestation-key").unwrap().to_vec())
        .collect();
    assert!(keys.iter().all(|key| *key == keys[0]));
    let Some(other) = Swtpm::start() else { return };
    let driver = Tpm::over("another", other.connect(), Selection::default());
    let evidence = driver.evidence(&DATA, soon()).unwrap();
    assert_ne!(evidence.auxiliary("attestation-key").unwrap(), keys[0]);
}

#[test]
fn what_a_tpm_refuses_is_told() {
    let Some(tpm) = Swtpm::start() else { return };
    let mut commands = Commands(tpm.connect());
    let refused = commands.quote(0x8000_0000, &[0; 32], Selection::default()).unwrap_err();
    assert!(matches!(refused, Fault::Code(_)), "{refused}");
    // Register 0 to 15 are extended from locality 0, 17 to 22 are not.
    assert!(matches!(commands.extend(20, &[0; 32]), Err(Fault::Code(_))));
    for _ in 0..3 {
        commands.create_attestation_key().unwrap();
    }
    let full = commands.create_attestation_key().unwrap_err();
    assert!(full.to_string().contains("no room"), "{full}");
    let driver = Tpm::over("swtpm", commands.0, Selection::default());
    let error = driver.evidence(&DATA, soon()).unwrap_err();
    assert!(matches!(error, AttestError::Refused { .. }) && error.to_string().contains("no room"), "{error}");
}

/// Between the driver and a TPM: changes what comes back, or does something before a command goes out.
struct Between<F> {
    stream: UnixStream,
    code: u32,
    waiting: Vec<u8>,
    change: F,
}

impl<F: FnMut(u32, Vec<u8>, &UnixStream) -> Vec<u8>> Write for Between<F> {
    fn write(&mut self, command: &[u8]) -> io::Result<usize> {
        self.code = u32::from_be_bytes(command[6..10].try_into().unwrap());
        self.stream.write_all(command)?;
        let response = exchange(&mut self.stream)?;
        self.waiting = (self.change)(self.code, response, &self.stream);
        Ok(command.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F> Read for Between<F> {
    /// A few bytes at a time: a stream keeps no boundaries.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.waiting.len().min(buffer.len()).min(7);
        buffer[..count].copy_from_slice(&self.waiting[..count]);
        self.waiting.drain(..count);
        Ok(count)
    }
}

fn exchange(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut response = vec![0; 10];
    stream.read_exact(&mut response)?;
    response.resize(u32::from_be_bytes(response[2..6].try_into().unwrap()) as usize, 0);
    stream.read_exact(&mut response[10..])?;
    Ok(response)
}

const QUOTE: u32 = 0x158;
const PCR_READ: u32 = 0x17E;

fn evidence_through(
    tpm: &Swtpm,
    change: impl FnMut(u32, Vec<u8>, &UnixStream) -> Vec<u8> + Send + 'static,
) -> Result<Evidence, AttestError> {
    let between = Between { stream: tpm.connect(), code: 0, waiting: Vec::new(), change };
    Tpm::over("swtpm", between, registers(&[0, 16])).evidence(&DATA, soon())
}

#[test]
fn n73_an_old_quote_is_an_error() {
    let Some(tpm) = Swtpm::start() else { return };
    let mut old = Commands(tpm.connect());
    let key = old.create_attestation_key().unwrap();
    // The whole response to a quote of other report data.
    let recorded = {
        let Commands(stream) = old;
        let between =
            Between { stream, code: 0, waiting: Vec::new(), change: |_, bytes, _: &UnixStream| bytes };
        let mut commands = Commands(between);
        let signed = commands.quote(key.handle, &[9; 32], registers(&[0, 16])).unwrap();
        commands.flush(key.handle).unwrap();
        let parameters = [
            u16::try_from(signed.statement.len()).unwrap().to_be_bytes().to_vec(),
            signed.statement,
            signed.signature,
        ]
        .concat();
        let length = u32::try_from(parameters.len()).unwrap();
        let whole = (length + 14 + 5).to_be_bytes();
        [&[0x80, 0x02], whole.as_slice(), &[0; 4], &length.to_be_bytes(), &parameters, &[0, 0, 1, 0, 0]]
            .concat()
    };
    let change =
        move |code, response, _: &UnixStream| if code == QUOTE { recorded.clone() } else { response };
    let error = evidence_through(&tpm, change).unwrap_err();
    assert!(
        matches!(error, AttestError::Wrong { .. }) && error.to_string().contains("report data"),
        "{error}"
    );
}

#[test]
fn n66_registers_that_change_meanwhile_are_read_again() {
    for (times, ends_well) in [(2, true), (u32::MAX, false)] {
        let Some(tpm) = Swtpm::start() else { return };
        let mut left = times;
        // Behind each quote another program extends a register.
        let change = move |code, response, stream: &UnixStream| {
            if code == QUOTE && left > 0 {
                left -= 1;
                Commands(stream.try_clone().unwrap()).extend(16, &[1; 32]).unwrap();
            }
            response
        };
        match evidence_through(&tpm, change) {
            Ok(evidence) => assert!(ends_well && appraise(&evidence, &DATA).is_ok()),
            Err(e) => assert!(!ends_well && e.to_string().contains("registers change"), "{e}"),
        }
    }
}

#[test]
fn n67_a_busy_tpm_is_asked_again_but_not_for_ever() {
    let busy = |code: u16| {
        [0x80, 0x01, 0, 0, 0, 10, 0, 0].into_iter().chain(code.to_be_bytes()).collect::<Vec<u8>>()
    };
    for (times, ends_well) in [(3, true), (u32::MAX, false)] {
        let Some(tpm) = Swtpm::start() else { return };
        let mut left = times;
        let change = move |code, response, _: &UnixStream| {
            if code == PCR_READ && left > 0 {
                left -= 1;
                return busy([0x922, 0x908, 0x90A][left as usize % 3]);
            }
            response
        };
        match evidence_through(&tpm, change) {
            Ok(evidence) => assert!(ends_well && appraise(&evidence, &DATA).is_ok()),
            Err(e) => assert!(!ends_well && e.to_string().contains("busy"), "{e}"),
        }
    }
}

#[test]
fn responses_that_end_early_or_lie_are_errors() {
    let Some(tpm) = Swtpm::start() else { return };
    let whole = |changed: fn(Vec<u8>, usize) -> Vec<u8>, at: usize| {
        let change = move |code, response, _: &UnixStream| {
            if code == QUOTE { changed(response, at) } else { response }
        };
        evidence_through(&tpm, change)
    };
    let length = 100;
    for at in 0..length {
        let cut = |mut response: Vec<u8>, at| {
            response.truncate(at);
            response
        };
        assert!(whole(cut, at).is_err(), "the first {at} bytes");
        // The same, with a length that says so.
        let short = |mut response: Vec<u8>, at| {
            response.truncate(at);
            let bytes = u32::try_from(at).unwrap().to_be_bytes();
            response.iter_mut().skip(2).zip(bytes).for_each(|(old, new)| *old = new);
            response
        };
        assert!(whole(short, at).is_err(), "{at} bytes, said to be all");
    }
    for length in [0, 9, 4097, u32::MAX] {
        let lies = move |mut response: Vec<u8>, at: usize| {
            response[2..6].copy_from_slice(&u32::try_from(at).unwrap().to_be_bytes());
            response
        };
        assert!(whole(lies, length as usize).is_err(), "{length}");
    }
    // Nothing that was tried cost the TPM a place for a key.
    let driver = Tpm::over("swtpm", tpm.connect(), Selection::default());
    appraise(&driver.evidence(&DATA, soon()).unwrap(), &DATA).unwrap();
}

#[test]
fn n68_a_tpm_that_hangs_is_left_at_the_deadline() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let driver = Tpm::over("nobody", ours, Selection::default());
    let began = Instant::now();
    let late = driver.evidence(&DATA, began + Duration::from_millis(100));
    assert!(matches!(late, Err(AttestError::Late { .. })), "{late:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
    drop(theirs);
}

#[test]
fn registers_beyond_a_tpms_are_not_selected() {
    assert_eq!(Selection::of(&[24]), None);
    assert_eq!(Selection::of(&[255]), None);
    assert_eq!(Selection::of(&[]), None);
    assert_eq!(registers(&[7, 0, 7]).registers().collect::<Vec<_>>(), [0, 7]);
    let missing = Tpm::open("/nowhere/tpmrm0".as_ref(), &Selection::default()).err().unwrap();
    assert!(matches!(missing, AttestError::Missing { .. }), "{missing}");
}
