//! The driver of `/dev/nsm`: real `ioctl(2)` calls to a pseudo-file. CUSE, which makes character devices, is on few machines; a
//! plain FUSE file gets the same call with the same 32 bytes, and the imitation reads and writes the caller's memory at the
//! addresses in them, as the kernel's module does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod imitation;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ciborium::Value;
use imitation::tree::{Answer, Folder, Found};
use imitation::{Mounted, errno, mount, soon, vector};
use privet_tee::attest::nsm::{Fault, LONGEST_REPLY, document, request};
use privet_tee::attest::{AttestError, Attester as _, Nsm, Quote, report_data_of};
use privet_tee::kind::Kind;
use proptest::prelude::*;

const DATA: [u8; 64] = [0xA7; 64];

type Reply = Box<dyn Fn(&[u8]) -> Answer<Vec<u8>> + Send + Sync>;

/// A module that replies so.
struct Imitation {
    reply: Reply,
    /// What it says how much it wrote, if not the truth.
    says: Option<u64>,
}

impl Folder for Imitation {
    fn find(&self, path: &str) -> Option<Found> {
        match path {
            "" => Some(Found::Folder),
            "nsm" => Some(Found::File { readable: true, writable: true }),
            _ => None,
        }
    }

    fn read(&self, _: &str) -> Answer<Vec<u8>> {
        Err(errno::INVALID)
    }

    fn write(&self, _: &str, _: u64, _: &[u8]) -> Answer<()> {
        Err(errno::INVALID)
    }

    /// By `drivers/misc/nsm.c`: copies in, asks, truncates what does not fit, copies out.
    fn control(&self, _: &str, command: u32, given: &[u8]) -> Answer<Vec<u8>> {
        if command != 0xC020_0A00 {
            return Err(errno::INVALID);
        }
        let word = |at: usize| u64::from_le_bytes(given[8 * at..8 * at + 8].try_into().unwrap());
        let memory = OpenOptions::new().read(true).write(true).open("/proc/self/mem").unwrap();
        if word(1) > 0x1000 {
            return Err(errno::MESSAGE_SIZE);
        }
        let mut request = vec![0; usize::try_from(word(1)).unwrap()];
        memory.read_exact_at(&mut request, word(0)).unwrap();
        let mut reply = (self.reply)(&request)?;
        reply.truncate(usize::try_from(word(3)).unwrap());
        memory.write_all_at(&reply, word(2)).unwrap();
        let says = self.says.unwrap_or(reply.len() as u64);
        Ok([&given[..24], &says.to_le_bytes()].concat())
    }
}

fn imitate(
    says: Option<u64>,
    reply: impl Fn(&[u8]) -> Answer<Vec<u8>> + Send + Sync + 'static,
) -> Option<(Nsm, Mounted)> {
    let mounted = mount(&Arc::new(Imitation { reply: Box::new(reply), says }))?;
    Some((Nsm::open(&mounted.path().join("nsm")).unwrap(), mounted))
}

fn bytes_of(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn named(name: &str, content: Value) -> Value {
    Value::Map(vec![(text(name), content)])
}

/// A recorded document with other `user_data`: as AWS makes them, but for the signature.
fn document_over(data: Value) -> Vec<u8> {
    let cose: Value = ciborium::from_reader(vector("nitro/evervault_valid.cose").as_slice()).unwrap();
    let mut parts = match cose {
        Value::Tag(18, inner) => inner.into_array().unwrap(),
        other => other.into_array().unwrap(),
    };
    let mut payload: Value = ciborium::from_reader(parts[2].as_bytes().unwrap().as_slice()).unwrap();
    let fields = payload.as_map_mut().unwrap();
    fields.retain(|(key, _)| key.as_text() != Some("user_data"));
    fields.push((text("user_data"), data));
    parts[2] = Value::Bytes(bytes_of(&payload));
    bytes_of(&Value::Array(parts))
}

fn reply_with(document: Vec<u8>) -> Vec<u8> {
    bytes_of(&named("Attestation", named("document", Value::Bytes(document))))
}

/// What the module is asked for: its `user_data`.
fn asked(request: &[u8]) -> Vec<u8> {
    let request: Value = ciborium::from_reader(request).unwrap();
    let [(name, fields)] = request.as_map().unwrap().as_slice() else { panic!("one name") };
    assert_eq!(name, &text("Attestation"));
    let [(user_data, data), nonce, public_key] = fields.as_map().unwrap().as_slice() else { panic!("three") };
    assert_eq!((user_data, nonce.1.is_null(), public_key.1.is_null()), (&text("user_data"), true, true));
    data.as_bytes().unwrap().clone()
}

#[test]
fn a_document_over_the_report_data() {
    let reply = |request: &[u8]| Ok(reply_with(document_over(Value::Bytes(asked(request)))));
    let Some((driver, _mounted)) = imitate(None, reply) else { return };
    for data in [DATA, [0; 64]] {
        let evidence = driver.evidence(&data, soon()).unwrap();
        assert_eq!((driver.kind(), evidence.kind), (Kind::Nitro, Kind::Nitro));
        assert_eq!(evidence.body.0, document_over(Value::Bytes(data.to_vec())));
    }
    // AWS' own documents tag or do not tag, and mix lengths given and not given.
    for name in ["nitro/evervault_valid.cose", "nitro/dstack_nitro.cose"] {
        let found = report_data_of(Quote::Nitro, &vector(name));
        assert!(
            found.as_ref().is_ok_and(|d| *d != DATA) || found.is_err_and(|e| e.contains("user_data")),
            "{name}"
        );
    }
}

#[test]
fn n71_error_replies_are_told_in_words() {
    let codes = [
        ("InvalidArgument", "argument"),
        ("InvalidIndex", "register"),
        ("InvalidResponse", "reply"),
        ("ReadOnlyIndex", "locked"),
        ("InvalidOperation", "state"),
        ("BufferTooSmall", "fit"),
        ("InputTooLarge", "too large"),
        ("InternalError", "restart"),
        ("Unheard", "does not know"),
    ];
    for (code, words) in codes {
        let Err(Fault::Said(said)) = document(&bytes_of(&named("Error", text(code)))) else {
            panic!("{code}")
        };
        assert!(said.contains(code) && said.contains(words), "{said}");
    }
    let Some((driver, _mounted)) = imitate(None, |_| Ok(bytes_of(&named("Error", text("InternalError")))))
    else {
        return;
    };
    let error = driver.evidence(&DATA, soon()).unwrap_err();
    assert!(
        matches!(error, AttestError::Refused { .. }) && error.to_string().contains("InternalError"),
        "{error}"
    );
}

#[test]
fn n71_errors_of_the_call() {
    for (number, words) in
        [(errno::MESSAGE_SIZE, "too large"), (errno::IO, "os error 5"), (errno::TIMED_OUT, "110")]
    {
        let Some((driver, _mounted)) = imitate(None, move |_| Err(number)) else { return };
        let error = driver.evidence(&DATA, soon()).unwrap_err();
        assert!(matches!(error, AttestError::Refused { .. }) && error.to_string().contains(words), "{error}");
    }
    let missing = Nsm::open("/nowhere/nsm".as_ref()).err().unwrap();
    assert!(matches!(missing, AttestError::Missing { .. }), "{missing}");
    // A file that is no such device.
    let error = Nsm::open("/dev/null".as_ref()).unwrap().evidence(&DATA, soon()).unwrap_err();
    assert!(matches!(error, AttestError::Refused { .. }), "{error}");
}

#[test]
fn n71_a_reply_that_does_not_fit_is_wrong() {
    // The kernel truncates it.
    let Some((driver, _mounted)) = imitate(None, |_| Ok(reply_with(vec![1; LONGEST_REPLY]))) else { return };
    assert!(matches!(driver.evidence(&DATA, soon()), Err(AttestError::Wrong { .. })));
    // A length that cannot be.
    for says in [LONGEST_REPLY as u64 + 1, u64::MAX] {
        let reply = |request: &[u8]| Ok(reply_with(document_over(Value::Bytes(asked(request)))));
        let Some((driver, _mounted)) = imitate(Some(says), reply) else { return };
        let error = driver.evidence(&DATA, soon()).unwrap_err();
        assert!(error.to_string().contains("more than there was room for"), "{error}");
    }
    let Some((driver, _mounted)) = imitate(Some(0), |_| Ok(reply_with(vec![1]))) else { return };
    assert!(matches!(driver.evidence(&DATA, soon()), Err(AttestError::Wrong { .. })));
}

#[test]
fn n73_a_document_of_other_report_data_is_an_error() {
    let twice = {
        let cose: Value =
            ciborium::from_reader(document_over(Value::Bytes(DATA.to_vec())).as_slice()).unwrap();
        let mut parts = cose.into_array().unwrap();
        let mut payload: Value = ciborium::from_reader(parts[2].as_bytes().unwrap().as_slice()).unwrap();
        payload.as_map_mut().unwrap().push((text("user_data"), Value::Bytes(vec![0; 64])));
        parts[2] = Value::Bytes(bytes_of(&payload));
        bytes_of(&Value::Array(parts))
    };
    let documents = [
        document_over(Value::Bytes(vec![0xA8; 64])),
        document_over(Value::Bytes(DATA[..63].to_vec())),
        document_over(Value::Bytes([DATA.as_slice(), &[0]].concat())),
        document_over(Value::Null),
        document_over(text("user data")),
        twice,
        b"no CBOR at all".to_vec(),
    ];
    for document in documents {
        let Some((driver, _mounted)) = imitate(None, move |_| Ok(reply_with(document.clone()))) else {
            return;
        };
        let error = driver.evidence(&DATA, soon()).unwrap_err();
        assert!(matches!(error, AttestError::Wrong { .. }), "{error}");
    }
}

#[test]
fn n68_a_module_that_hangs_is_left_at_the_deadline() {
    let slow = |request: &[u8]| {
        std::thread::sleep(Duration::from_millis(300));
        Ok(reply_with(document_over(Value::Bytes(asked(request)))))
    };
    let Some((driver, _mounted)) = imitate(None, slow) else { return };
    let late = driver.evidence(&DATA, Instant::now() + Duration::from_millis(40));
    assert!(matches!(late, Err(AttestError::Late { .. })), "{late:?}");
    std::thread::sleep(Duration::from_millis(400));
}

#[test]
fn n71_replies_of_every_other_shape_are_wrong() {
    let whole = reply_with(vec![1, 2, 3]);
    assert_eq!(document(&whole), Ok(vec![1, 2, 3]));
    for end in 0..whole.len() {
        assert!(matches!(document(&whole[..end]), Err(Fault::Wrong(_))), "the first {end} bytes");
    }
    let deep = (0..2000).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    let shapes = [
        [whole.as_slice(), &[0]].concat(),
        bytes_of(&named("Attestation", Value::Bytes(vec![1]))),
        bytes_of(&named("Attestation", named("document", text("text")))),
        bytes_of(&named("Attestation", named("document", Value::Bytes(Vec::new())))),
        bytes_of(&named("Attestation", named("dokument", Value::Bytes(vec![1])))),
        bytes_of(&named("DescribeNSM", named("document", Value::Bytes(vec![1])))),
        bytes_of(&text("Attestation")),
        bytes_of(&Value::Map(Vec::new())),
        // A length of 2^63 bytes that are not there.
        vec![
            0xA1, 0x6B, b'A', b't', b't', b'e', b's', b't', b'a', b't', b'i', b'o', b'n', 0x5B, 0x80, 0, 0,
            0, 0, 0, 0, 0,
        ],
        vec![0x9F; LONGEST_REPLY],
        bytes_of(&deep),
    ];
    for shape in shapes {
        assert!(matches!(document(&shape), Err(Fault::Wrong(_))), "{:02x?}", &shape[..shape.len().min(40)]);
    }
}

proptest! {
    #[test]
    fn n71_hostile_replies_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = document(&bytes);
        let _ = report_data_of(Quote::Nitro, &bytes);
    }

    #[test]
    fn requests_are_small_and_carry_their_data(data in any::<[u8; 32]>()) {
        let data: [u8; 64] = [data, data].concat().try_into().unwrap();
        let request = request(&data);
        prop_assert!(request.len() < 0x1000);
        prop_assert_eq!(asked(&request), data.to_vec());
    }
}
