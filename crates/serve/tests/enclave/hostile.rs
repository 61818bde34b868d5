//! A host that does not keep to the protocol: the real program, and a hand that writes what it likes to its descriptor.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use privet_enclave_image::{IMAGE, digest};
use privet_serve::enclave::Image;
use privet_serve::entropy::OsEntropy;
use privet_tee::frames::{Fault, Frame, FrameKind, HEADER, Header, Reader, Side};
use privet_tee::release::service::{Service, Terms};
use privet_tee::statement::Hex;

use crate::world::{NOW, Nothing, packaged, policy, start_of};

struct Raw {
    stream: UnixStream,
    child: Child,
}

impl Raw {
    fn new() -> Self {
        let image = Image::seal(IMAGE).unwrap();
        let (stream, theirs) = UnixStream::pair().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let child = Command::new(image.path())
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { stream, child }
    }

    /// A program that has opened its model, by an honest start.
    fn started(drip: bool) -> Self {
        let mut raw = Self::new();
        let package = packaged();
        let start = privet_tee::frames::Start { measured: Some(Hex(digest())), ..start_of(&package) };
        let payload = [start.head(), start.model.clone()].concat();
        let bytes = frame(FrameKind::Start, 1, &payload);
        if drip {
            bytes.chunks(7).for_each(|part| raw.stream.write_all(part).unwrap());
        } else {
            raw.stream.write_all(&bytes).unwrap();
        }
        let terms = Terms {
            policy: policy(),
            collateral: privet_tee::verify::Collateral::default(),
            floors: std::collections::BTreeMap::new(),
            dangerous_any_platform: false,
        };
        let service = Service::new(terms, vec![package.resource], Box::new(Nothing), &mut OsEntropy).unwrap();
        let mut reader = Reader::new(raw.stream.try_clone().unwrap(), Side::Enclave);
        loop {
            let Frame { kind, id, payload } = reader.next(None).unwrap();
            match kind {
                FrameKind::Relay => {
                    let reply = service.answer(&payload, NOW, &mut OsEntropy);
                    raw.stream.write_all(&frame(FrameKind::Relayed, id, &reply)).unwrap();
                }
                FrameKind::Started => return raw,
                other => panic!("{other:?}: {:?}", Fault::parse(&payload)),
            }
        }
    }

    /// Waits for the program's end, and what it said last.
    fn end(mut self) -> Vec<u8> {
        let begun = Instant::now();
        let mut said = Vec::new();
        // Reset, where it left something unread: that too is its end.
        let _ = self.stream.read_to_end(&mut said);
        self.child.wait().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
        said
    }
}

fn frame(kind: FrameKind, id: u64, payload: &[u8]) -> Vec<u8> {
    [&Header::of(kind, id, &[payload]).unwrap()[..], payload].concat()
}

/// A header that no honest side makes.
fn header(length: u32, kind: u8, id: u64) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    out[..4].copy_from_slice(&length.to_le_bytes());
    out[4] = kind;
    out[5..].copy_from_slice(&id.to_le_bytes());
    out
}

/// The fault in the only frame that was said.
fn fault(said: &[u8]) -> Fault {
    assert_eq!(said.len(), HEADER + Fault::BYTES);
    Fault::parse(&said[HEADER..]).unwrap()
}

#[test]
fn n75_frames_before_the_start_end_the_program() {
    for bytes in [
        header(u32::MAX, FrameKind::Start.into(), 1).to_vec(),
        header(0, 0, 1).to_vec(),
        header(16, FrameKind::Started.into(), 1).to_vec(),
        vec![0xff; 4096],
    ] {
        let mut raw = Raw::new();
        raw.stream.write_all(&bytes).unwrap();
        assert!(raw.end().is_empty(), "a stream that lied is not answered");
    }
    let mut raw = Raw::new();
    raw.stream.write_all(&frame(FrameKind::Call, 1, &[0; 64])).unwrap();
    assert_eq!(fault(&raw.end()).code, *b"E374");
}

#[test]
fn n75_a_start_that_is_none_is_refused() {
    let bundle = packaged();
    let mut no_attester = start_of(&bundle);
    no_attester.configuration = r#"{"version":1,"attester":"none such"}"#.into();
    let mut extra = start_of(&bundle);
    extra.configuration = r#"{"version":1,"attester":"simulated","debug":true}"#.into();
    let unmeasured = start_of(&bundle);
    let payloads = [no_attester, extra, unmeasured].map(|s| [s.head(), s.model.clone()].concat());
    let garbage = [vec![], vec![0xff; 4], [&[0xff; 4][..], b"{}"].concat(), b"\x02\0\0\0{}model".to_vec()];
    for payload in garbage.into_iter().chain(payloads) {
        let mut raw = Raw::new();
        raw.stream.write_all(&frame(FrameKind::Start, 1, &payload)).unwrap();
        let code = fault(&raw.end()).code;
        assert!([*b"E374", *b"E366"].contains(&code), "{}", String::from_utf8_lossy(&code));
    }
}

#[test]
fn n75_a_slow_host_gets_its_program_started_all_the_same() {
    let raw = Raw::started(true);
    raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
    raw.end();
}

#[test]
fn n75_n77_oversize_and_unknown_frames_end_a_serving_program() {
    let longest = u32::try_from(FrameKind::Call.longest()).unwrap();
    for bytes in [
        header(longest + 1, FrameKind::Call.into(), 2).to_vec(),
        header(1025, FrameKind::Ask.into(), 2).to_vec(),
        header(u32::MAX, FrameKind::Relayed.into(), 2).to_vec(),
        header(1, FrameKind::Reply.into(), 2).to_vec(),
        frame(FrameKind::Start, 2, b"again"),
    ] {
        let mut raw = Raw::started(false);
        raw.stream.write_all(&bytes).unwrap();
        assert!(raw.end().is_empty());
    }
}

#[test]
fn n77_a_frame_shorter_than_it_says_ends_with_the_stream() {
    let mut raw = Raw::started(false);
    raw.stream.write_all(&header(1 << 28, FrameKind::Call.into(), 2)).unwrap();
    raw.stream.write_all(&[0; 100]).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    // What was promised was not allocated.
    let inner = crate::world::inner(raw.child.id());
    let status = std::fs::read_to_string(inner.join("status")).unwrap();
    let size = status.lines().find_map(|l| l.strip_prefix("VmData:")?.trim().strip_suffix(" kB")).unwrap();
    assert!(size.trim().parse::<u64>().unwrap() < 100 << 10, "{size} kB");
    raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
    raw.end();
}

#[test]
fn replies_that_nobody_asked_for_are_dropped() {
    let mut raw = Raw::started(false);
    raw.stream.write_all(&frame(FrameKind::Relayed, 77, b"nobody asked")).unwrap();
    raw.stream.write_all(&frame(FrameKind::Call, 9, &[1; 500])).unwrap();
    let mut reader = Reader::new(raw.stream.try_clone().unwrap(), Side::Enclave);
    let reply = reader.next(None).unwrap();
    assert_eq!((reply.kind, reply.id), (FrameKind::Refused, 9));
    assert_eq!(Fault::parse(&reply.payload).unwrap().code, *b"E360");
}
