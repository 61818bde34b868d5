//! Frames, and the link that waiting threads read themselves.

#![allow(missing_docs, clippy::unwrap_used)]

use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use privet_tee::frames::{
    Configuration, Fault, Frame, FrameKind, HEADER, Header, Link, LinkError, Reader, Side, Start,
};
use privet_tee::statement::Hex;
use proptest::prelude::*;

fn bytes_of(kind: FrameKind, id: u64, payload: &[u8]) -> Vec<u8> {
    [&Header::of(kind, id, &[payload]).unwrap()[..], payload].concat()
}

/// Everything that can be read of these bytes, and why there is no more.
fn read_all(bytes: &[u8], from: Side) -> (Vec<Frame>, LinkError) {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A reader that ended does not take the rest.
            let _ = ours.write_all(bytes);
        });
        let mut reader = Reader::new(theirs, from);
        let mut frames = Vec::new();
        loop {
            match reader.next(None) {
                Ok(frame) => frames.push(frame),
                Err(why) => return (frames, why),
            }
        }
    })
}

#[test]
fn n77_a_length_above_its_kinds_limit_is_refused_by_the_header_alone() {
    for kind in FrameKind::ALL {
        for from in [Side::Host, Side::Enclave] {
            let mut header = Header::of(kind, 5, &[]).unwrap();
            let longest = kind.longest();
            header[..4].copy_from_slice(&u32::try_from(longest).unwrap().to_le_bytes());
            let parsed = Header::parse(&header, from);
            if !kind.is_sent_by(from) {
                assert_eq!(parsed, Err(LinkError::UnknownKind(kind.into())));
                continue;
            }
            assert_eq!(parsed, Ok(Header { kind, id: 5, length: longest }));
            header[..4].copy_from_slice(&u32::try_from(longest + 1).unwrap().to_le_bytes());
            let refused = LinkError::TooLong { kind: kind.into(), length: longest + 1, longest };
            assert_eq!(Header::parse(&header, from), Err(refused));
        }
    }
}

#[test]
fn n75_frames_come_whole_however_the_stream_cuts_them() {
    let large: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let payloads: [&[u8]; 6] = [b"", b"one", &large[..16_371], &large[..16_384], &large, &large[..40_000]];
    let all: Vec<u8> =
        payloads.iter().zip(0..).flat_map(|(p, id)| bytes_of(FrameKind::Call, id, p)).collect();
    let (frames, why) = read_all(&all, Side::Host);
    assert_eq!(why, LinkError::Ended);
    assert!(
        frames.iter().zip(0..).all(|(f, id)| f.id == id)
            && frames.iter().map(|f| &f.payload[..]).eq(payloads)
    );
    // Byte by byte, and cut at every place.
    let small = [bytes_of(FrameKind::Ask, 1, b"what?"), bytes_of(FrameKind::Call, 2, b"")].concat();
    for end in 0..small.len() {
        let (frames, why) = read_all(&small[..end], Side::Host);
        let first = HEADER + 5;
        assert_eq!(frames.len(), usize::from(end >= first));
        assert_eq!(why, if end == 0 || end == first { LinkError::Ended } else { LinkError::Cut }, "at {end}");
    }
}

proptest! {
    #[test]
    fn n75_garbage_ends_the_link_and_nothing_else(bytes in prop::collection::vec(any::<u8>(), 0..200), host: bool) {
        let from = if host { Side::Host } else { Side::Enclave };
        let (frames, _) = read_all(&bytes, from);
        let taken: Vec<u8> = frames.iter().flat_map(|f| bytes_of(f.kind, f.id, &f.payload)).collect();
        prop_assert!(bytes.starts_with(&taken));
        prop_assert!(frames.iter().all(|f| f.kind.is_sent_by(from)));
    }

    #[test]
    fn a_good_frame_with_one_changed_byte_is_another_frame_or_none(at in 0..40_usize, to: u8) {
        let mut bytes = bytes_of(FrameKind::Ask, 7, &[9; 27]);
        let before = bytes[at];
        bytes[at] = to;
        let (frames, _) = read_all(&bytes, Side::Host);
        let same = frames.first().is_some_and(|f| bytes_of(f.kind, f.id, &f.payload) == bytes_of(FrameKind::Ask, 7, &[9; 27]));
        prop_assert_eq!(same, before == to);
    }

    #[test]
    fn faults_and_starts_are_read_as_they_were_written_and_garbage_is_none(
        text in ".{0,2000}", blame: u8, model in prop::collection::vec(any::<u8>(), 0..50), garbage in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let fault = Fault { blame, code: *b"E123", message: text.clone() };
        let read = Fault::parse(&fault.to_bytes()).unwrap();
        prop_assert!(text.starts_with(&read.message) && (read.message == text || read.message.len() > 1000));
        prop_assert!(read.blame == blame && read.code == fault.code);
        let start = Start { public: text.clone(), configuration: text, measured: Some(Hex([blame; 32])), model };
        let payload = [start.head(), start.model.clone()].concat();
        prop_assert!(Start::parse(payload) == Some(start));
        let _ = Start::parse(garbage.clone());
        prop_assert!(Fault::parse(&garbage).is_none());
    }
}

#[test]
fn a_configuration_is_read_strictly() {
    assert_eq!(Configuration::parse(&Configuration::new("nsm").to_text()), Some(Configuration::new("nsm")));
    for text in ["", "{}", r#"{"version":2,"attester":"nsm"}"#, r#"{"version":1,"attester":"nsm","x":1}"#] {
        assert_eq!(Configuration::parse(text), None, "{text}");
    }
}

/// Both ends, and threads that answer on the enclave's: `slow` requests are asked about with the host first.
fn pair(threads: usize) -> (Arc<Link>, Vec<std::thread::JoinHandle<()>>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let host = Arc::new_cyclic(|weak: &std::sync::Weak<Link>| {
        let weak = weak.clone();
        let relay = move |frame: Frame| {
            let link = weak.upgrade().unwrap();
            std::thread::spawn(move || link.send(FrameKind::Relayed, frame.id, &[&frame.payload, b"!"]));
        };
        Link::new(ours, Side::Host, Some(Box::new(relay))).unwrap()
    });
    let enclave = Arc::new(Link::new(theirs, Side::Enclave, None).unwrap());
    let work = |link: Arc<Link>| {
        while let Ok(Frame { id, payload, .. }) = link.next() {
            if payload.starts_with(b"mute") {
                continue;
            }
            let reply = if payload.starts_with(b"slow") {
                link.ask(FrameKind::Relay, &[&payload], None).unwrap().payload
            } else {
                payload
            };
            link.send(FrameKind::Reply, id, &[&reply]).unwrap();
        }
    };
    let threads =
        (0..threads).map(|_| Arc::clone(&enclave)).map(|link| std::thread::spawn(move || work(link)));
    (host, threads.collect())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[test]
fn replies_reach_those_who_asked_also_when_every_worker_waits_for_the_host() {
    for workers in [1, 2, 4] {
        let (host, threads) = pair(workers);
        std::thread::scope(|scope| {
            for caller in 0..8 {
                let host = &host;
                scope.spawn(move || {
                    for n in 0..200 {
                        let slow = (caller + n) % 3 == 0;
                        let payload =
                            format!("{}{caller}-{n}{}", if slow { "slow" } else { "" }, "x".repeat(n * 50));
                        let frame = host.ask(FrameKind::Call, &[payload.as_bytes()], Some(soon())).unwrap();
                        let expected = if slow { payload + "!" } else { payload };
                        assert!(
                            frame.payload == expected.as_bytes(),
                            "{workers} workers, caller {caller}, {n}"
                        );
                    }
                });
            }
        });
        drop(host);
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

#[test]
fn a_deadline_is_kept_also_while_others_are_answered() {
    let (host, _threads) = pair(2);
    let begun = Instant::now();
    let late = std::thread::scope(|scope| {
        let mute =
            scope.spawn(|| host.ask(FrameKind::Call, &[b"mute"], Some(begun + Duration::from_millis(300))));
        while begun.elapsed() < Duration::from_millis(600) {
            host.ask(FrameKind::Call, &[b"x"], Some(soon())).unwrap();
        }
        mute.join().unwrap()
    });
    assert!(late == Err(LinkError::Late));
    assert!(host.ask(FrameKind::Call, &[b"still"], Some(soon())).is_ok(), "the link goes on");
}

#[test]
fn n78_the_end_of_the_other_side_is_told_to_everyone_who_waits_at_once() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let host = Link::new(ours, Side::Host, None).unwrap();
    let begun = std::thread::scope(|scope| {
        let waiting: Vec<_> =
            (0..5).map(|_| scope.spawn(|| host.ask(FrameKind::Call, &[b"x"], None))).collect();
        std::thread::sleep(Duration::from_millis(50));
        let begun = Instant::now();
        theirs.shutdown(Shutdown::Both).unwrap();
        assert!(waiting.into_iter().all(|w| w.join().unwrap() == Err(LinkError::Ended)));
        begun
    });
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(host.ask(FrameKind::Call, &[b"x"], None) == Err(LinkError::Ended));
}

#[test]
fn a_last_word_is_passed_on() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let host = Link::new(ours, Side::Host, None).unwrap();
    let fault = Fault { blame: 0, code: *b"E901", message: "it stopped".into() };
    theirs.write_all(&bytes_of(FrameKind::Refused, 0, &fault.to_bytes())).unwrap();
    assert!(host.ask(FrameKind::Call, &[b"x"], None) == Err(LinkError::Stopped(fault)));
}

#[test]
fn a_message_above_the_limit_is_refused_and_the_link_goes_on() {
    let (host, _threads) = pair(1);
    let error = host.ask(FrameKind::Ask, &[&[0; 2000]], None).unwrap_err();
    assert_eq!(error, LinkError::TooLong { kind: 2, length: 2000, longest: 1024 });
    assert!(host.ask(FrameKind::Ask, &[&[0; 1000]], Some(soon())).is_ok());
}

#[test]
fn round_trips_are_short() {
    let (host, _threads) = pair(3);
    for size in [2 << 10, 1 << 20] {
        let payload = vec![1; size];
        let mut times: Vec<Duration> = (0..300)
            .map(|_| {
                let begun = Instant::now();
                host.ask(FrameKind::Call, &[&payload], Some(soon())).unwrap();
                begun.elapsed()
            })
            .collect();
        times.sort();
        println!("{size} bytes there and back: median {:?}, fastest {:?}", times[150], times[0]);
        assert!(times[150] < Duration::from_millis(200));
    }
}
