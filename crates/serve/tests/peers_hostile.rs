//! Peers that are not what they should be, or say what they should not: everyone else goes on.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::pedantic)]

mod parties;

use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use parties::raw::{Raw, connect, greet, head, is_ended, shake};
use parties::{Trio, assert_right, blamed, point_of};
use privet_deploy::Blame;
use privet_mpc::Abort;
use privet_mpc::link::LinkError;
use privet_mpc::role::Role;
use privet_serve::MachineKey;
use privet_serve::public_key::fingerprint;

const LONG: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_secs(2);

#[test]
fn another_key_is_refused_on_both_sides_with_fingerprints() {
    let mut trio = Trio::stopped(LONG);
    let [p0, p1, p2] = Role::ALL;
    let stranger = MachineKey::generate("party-2").unwrap();
    let pinned = fingerprint(trio.members[2].key.public().tls());
    let got = fingerprint(stranger.public().tls());
    trio.members[2].certificate = stranger.certificate(&[]).unwrap();
    trio.members[2].key = stranger;
    Role::ALL.into_iter().for_each(|role| trio.start(role));
    assert!(!trio.mesh(p0).connected(Duration::from_secs(1)));
    let [to_p2, _] = trio.mesh(p0).troubles();
    let error = to_p2.unwrap();
    assert_eq!((error.blame, error.code), (Blame::Integrity, "E311"));
    assert!(error.message.contains(&format!("(expected {pinned}, got {got})")), "{error}");
    // And the stranger is told that nobody takes its key.
    for trouble in trio.mesh(p2).troubles() {
        let error = trouble.unwrap();
        assert_eq!((error.blame, error.code), (Blame::Integrity, "E321"), "{error}");
    }
    let (peer, what) = blamed(trio.meet(p1, &point_of(1)));
    assert!(peer == 2 && what.contains("not connected to party 1"), "{what}");
}

#[test]
fn a_client_without_a_key_and_another_role_are_refused() {
    let trio = Trio::new(LONG);
    let [p0, p1, p2] = Role::ALL;
    let member = &trio.members[2];
    let mut as_p1 = shake(&trio, &member.key, &member.certificate, p0);
    assert_eq!(greet(&mut as_p1, 0, p1, &member.bundle).unwrap(), 2, "the key is P2's");
    let mut unknown = shake(&trio, &member.key, &member.certificate, p0);
    assert!(greet(&mut unknown, 9, p2, &member.bundle).is_err(), "there is no such purpose");
    let stranger = MachineKey::generate("stranger").unwrap();
    let certificate = stranger.certificate(&[]).unwrap();
    let mut raw = shake(&trio, &stranger, &certificate, p0);
    assert!(greet(&mut raw, 0, p2, &member.bundle).is_err());
    trio.check(1);
}

#[test]
fn another_bundle_is_refused_in_words() {
    let mut trio = Trio::stopped(LONG);
    trio.members[2].bundle = [8; 32];
    Role::ALL.into_iter().for_each(|role| trio.start(role));
    assert!(!trio.mesh(Role::ALL[2]).connected(Duration::from_secs(1)));
    for trouble in trio.mesh(Role::ALL[2]).troubles() {
        let error = trouble.unwrap();
        assert_eq!((error.blame, error.code), (Blame::Refused, "E322"));
        assert!(error.message.contains("serves bundle 07070707…, this party 08080808…"), "{error}");
    }
}

/// What P2 says to P0 in place of frames; P0 must end the connection, and all goes on.
fn says(bytes: &[u8]) {
    let trio = Trio::new(LONG);
    let mut raw = connect(&trio, Role::ALL[2], Role::ALL[0]);
    raw.write_all(bytes).unwrap();
    raw.flush().unwrap();
    assert!(is_ended(&mut raw, Duration::from_secs(5)));
    drop(raw);
    trio.works_again(Duration::from_secs(10));
}

#[test]
fn an_oversize_frame_ends_the_connection_only() {
    says(&head([1; 32], 0, (64 << 20) + 1));
    says(&head([1; 32], 0, u32::MAX));
}

#[test]
fn garbage_ends_the_connection_only() {
    says(&[0xff; 5000]);
    let noise: Vec<u8> = (0..100).flat_map(|i| *blake3::hash(&[i]).as_bytes()).collect();
    says(&noise);
}

#[test]
fn half_a_frame_and_silence_end_the_connection_only() {
    let half = [head(point_of(1), 0, 1000), vec![0; 500]].concat();
    says(&half);
    says(&head(point_of(1), 0, 1000)[..20]);
    says(&[]);
}

/// P0 and P1, and a P2 that accepts what they say and says itself what the test likes: to P0 and to P1.
fn with_raw_p2() -> (Trio, [Raw; 2]) {
    let mut trio = Trio::stopped(LONG);
    let [p0, p1, p2] = Role::ALL;
    trio.start_to(p2, ["127.0.0.1:1", "127.0.0.1:1"]);
    [p0, p1].into_iter().for_each(|role| trio.start(role));
    let raws = [p0, p1].map(|to| connect(&trio, p2, to));
    assert!(trio.mesh(p0).connected(LONG) && trio.mesh(p1).connected(LONG));
    (trio, raws)
}

/// Soon: before the silence in the middle of the frame counts as an end. A machine that is busy may need another attempt.
#[test]
fn half_a_frame_holds_up_no_message_of_another_peer() {
    let is_soon = |_| {
        let (trio, [mut raw, _to_p1]) = with_raw_p2();
        raw.write_all(&head(point_of(1), 0, 64 << 20)).unwrap();
        raw.flush().unwrap();
        let start = Instant::now();
        let mut p0 = trio.mesh_meet(Role::ALL[0], 1);
        let mut p1 = trio.mesh_meet(Role::ALL[1], 1);
        p1.previous.send("", b"here").unwrap();
        assert_eq!(p0.next.recv("", 4).unwrap(), b"here");
        let is_soon = start.elapsed() < SOON;
        // And silence in the middle of it is as good as gone.
        assert_eq!(p0.previous.recv("", 64 << 20), Err(LinkError::Closed));
        is_soon && start.elapsed() < Duration::from_secs(5)
    };
    assert!((0..5).any(is_soon));
}

#[test]
fn a_frame_out_of_order_ends_its_computation_only() {
    let (trio, [mut raw, _to_p1]) = with_raw_p2();
    let (mut one, mut other) = (trio.mesh_meet(Role::ALL[0], 1), trio.mesh_meet(Role::ALL[0], 2));
    for (seed, number) in [(1, 3), (2, 0)] {
        raw.write_all(&[head(point_of(seed), number, 1), vec![5]].concat()).unwrap();
    }
    raw.flush().unwrap();
    assert_eq!(one.previous.recv("", 1), Err(LinkError::Unasked));
    assert_eq!(other.previous.recv("", 1).unwrap(), [5]);
}

#[test]
fn a_flood_of_unknown_computations_holds_up_nobody() {
    let trio = Trio::new(LONG);
    let p2 = Role::ALL[2];
    // One that was begun before the flood is pushed out, and says so.
    let mut first = trio.mesh_meet(p2, 1);
    first.next.send("", b"early").unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for seed in 0..3000 {
                let mut links = trio.mesh_meet(p2, 1_000_000 + seed);
                links.next.send("", &[0; 100]).unwrap();
                // P0 keeps it all the same: its request may still come.
                drop(links);
            }
        });
        for seed in (0..50).map(|i| 10 * i + 5) {
            let trio = &trio;
            scope.spawn(move || {
                let parts = trio.product(seed, point_of(seed));
                // What P2 began before the flood, and others had not heard of, may have been pushed out with it.
                match parts.iter().find_map(|part| part.as_ref().err()) {
                    None => assert_right(seed, &parts.map(Result::unwrap)),
                    Some(error) => assert!(matches!(error, Abort::Peer { .. }), "{error}"),
                }
            });
        }
    });
    trio.check(7);
    let mut last = trio.mesh_meet(Role::ALL[0], 1_000_000 + 2999);
    assert_eq!(last.previous.recv("", 100).unwrap(), [0; 100]);
    let (peer, what) = blamed(trio.meet(Role::ALL[0], &point_of(1)));
    assert!(peer == 2 && what.contains("began more computations at once"), "{what}");
}

#[test]
fn bytes_that_nobody_asked_for_are_not_kept_for_ever() {
    let trio = Trio::new(LONG);
    let mut early = trio.mesh_meet(Role::ALL[2], 1);
    // Before the request is here: 128 MiB at most.
    for _ in 0..5 {
        early.next.send("", &vec![0; 40 << 20]).unwrap();
    }
    trio.check(20);
    let error = trio.meet(Role::ALL[0], &point_of(1)).err().unwrap();
    assert!(matches!(error, Abort::Peer { peer: 2, .. }), "{error}");
    // In a computation that runs: 256 MiB at most.
    let mut reads = trio.mesh_meet(Role::ALL[0], 2);
    let mut floods = trio.mesh_meet(Role::ALL[2], 2);
    for _ in 0..8 {
        floods.next.send("", &vec![1; 40 << 20]).unwrap();
    }
    let got: Vec<_> = (0..8).map(|_| reads.previous.recv("", 40 << 20).map(|_| ())).collect();
    assert!(got[..5].iter().all(Result::is_ok), "{got:?}");
    assert_eq!(got.last(), Some(&Err(LinkError::Unasked)));
    trio.check(30);
}
