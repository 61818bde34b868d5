//! Parties that talk to each other: many computations at once, and peers that go, are late, or were told otherwise.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::pedantic)]

mod parties;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use parties::{Trio, assert_right, blamed, point_of};
use privet_mpc::Abort;
use privet_mpc::link::LinkError;
use privet_mpc::role::Role;

const LONG: Duration = Duration::from_secs(20);

#[test]
fn two_hundred_computations_at_once_are_right() {
    let trio = Trio::new(LONG);
    thread::scope(|scope| {
        for seed in 0..200 {
            let trio = &trio;
            scope.spawn(move || trio.check(10 * seed));
        }
    });
}

#[test]
fn without_a_party_no_computation_begins_and_service_resumes_with_it() {
    let mut trio = Trio::new(LONG);
    trio.check(1);
    let [p0, _, p2] = Role::ALL;
    trio.kill(p2);
    let start = Instant::now();
    while trio.mesh(p0).connected(Duration::ZERO) {
        assert!(start.elapsed() < Duration::from_secs(1), "P2 is gone, and P0 does not know");
    }
    let start = Instant::now();
    let (peer, what) = blamed(trio.meet(p0, &point_of(3)));
    assert!(peer == 2 && what.contains("is not connected to party 0"), "{peer} {what}");
    assert!(start.elapsed() < Duration::from_secs(1));
    trio.start(p2);
    trio.works_again(Duration::from_secs(10));
}

#[test]
fn a_killed_party_ends_every_wait_for_it_within_a_second() {
    let mut trio = Trio::new(LONG);
    let (p0, p2) = (Role::ALL[0], Role::ALL[2]);
    let mut all: Vec<_> = (0..50).map(|seed| trio.meet(p0, &point_of(seed)).unwrap()).collect();
    let killed = trio.running[p2.index()].take();
    let began = Barrier::new(all.len() + 1);
    let took = thread::scope(|scope| {
        let waits: Vec<_> = all
            .iter_mut()
            .map(|links| {
                scope.spawn(|| {
                    began.wait();
                    (links.previous.recv("", 1), Instant::now())
                })
            })
            .collect();
        began.wait();
        thread::sleep(Duration::from_millis(50));
        let start = Instant::now();
        drop(killed);
        let ends = waits.into_iter().map(|wait| wait.join().unwrap());
        ends.map(|(error, at)| {
            assert_eq!(error, Err(LinkError::Closed));
            at.saturating_duration_since(start)
        })
        .max()
    });
    assert!(took.unwrap() < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_slow_party_ends_at_the_deadline_and_is_named() {
    let trio = Trio::new(Duration::from_secs(1));
    let start = Instant::now();
    let slow = Role::ALL[1];
    let ends = trio.product_with(1, [point_of(1); 3], |role| {
        if role == slow {
            thread::sleep(Duration::from_secs(3));
        }
    });
    let [p0, _, p2] = ends;
    // P0 is the only one that waits for P1, which never said a word; P2 has what it needs.
    let (peer, what) = blamed(p0);
    assert_eq!((peer, p2.is_ok()), (1, true));
    assert!(what.contains("in time"), "{what}");
    assert!(start.elapsed() >= Duration::from_secs(1));
    trio.check(5);
}

#[test]
fn a_peer_ahead_is_waited_for_by_nobody_and_loses_nothing() {
    let trio = Trio::new(LONG);
    let [p0, p1, _] = Role::ALL;
    let mut ahead = trio.meet(p1, &point_of(1)).unwrap();
    for i in 0..10_u8 {
        ahead.previous.send("", &[i; 3]).unwrap();
    }
    thread::sleep(Duration::from_millis(200));
    let mut late = trio.meet(p0, &point_of(1)).unwrap();
    for i in 0..10 {
        assert_eq!(late.next.recv("", 3).unwrap(), [i; 3]);
    }
    // Its end is told, too, and what came before is still there.
    ahead.previous.send("", b"last").unwrap();
    drop(ahead);
    assert_eq!(late.next.recv("", 4).unwrap(), b"last");
    assert_eq!(late.next.recv("", 4), Err(LinkError::Ended));
}

#[test]
fn a_message_of_another_length_is_told() {
    let trio = Trio::new(LONG);
    let mut p0 = trio.meet(Role::ALL[0], &point_of(1)).unwrap();
    let mut p1 = trio.meet(Role::ALL[1], &point_of(1)).unwrap();
    p0.next.send("", b"four").unwrap();
    assert_eq!(p1.previous.recv("", 5), Err(LinkError::Length { expected: 5, got: 4 }));
    assert!(p0.next.send("", &vec![0; (64 << 20) + 1]).is_err(), "no message is that long");
}

#[test]
fn the_same_request_runs_once() {
    let trio = Trio::new(LONG);
    let p0 = Role::ALL[0];
    let client = |what: &str| {
        let error = trio.meet(p0, &point_of(1)).err().unwrap();
        assert!(matches!(&error, Abort::Client(text) if text.contains(what)), "{error}");
    };
    let running = trio.meet(p0, &point_of(1)).unwrap();
    client("is already running");
    drop(running);
    client("was computed already");
    // What still comes for it is thrown away.
    let mut p1 = trio.meet(Role::ALL[1], &point_of(1)).unwrap();
    p1.previous.send("", b"late").unwrap();
    client("was computed already");
    trio.check(7);
}

#[test]
fn a_party_that_takes_no_more_says_so_and_nobody_waits_for_it() {
    let trio = Trio::new(LONG);
    let [p0, p1, _] = Role::ALL;
    let full: Vec<_> = (0..256).map(|seed| trio.mesh_meet(p0, 1000 + seed)).collect();
    let mut waits = trio.mesh_meet(p1, 1);
    let busy = trio.meet(p0, &point_of(1)).err().unwrap();
    assert!(matches!(busy, Abort::Busy(_)), "{busy}");
    assert_eq!(waits.previous.recv("", 1), Err(LinkError::Ended));
    drop(full);
    trio.check(5);
}

#[test]
fn a_client_that_told_parties_different_things_waits_for_who_was_told_otherwise() {
    let trio = Trio::new(Duration::from_millis(500));
    let points = [point_of(1), point_of(2), point_of(1)];
    let [p0, p1, p2] = trio.product_with(1, points, |_| ()).map(|result| result.err());
    // P0 waits for P1 and P1 for P2. P2 waits for P0, which was told the same as it.
    for (error, peer) in [(p0, 1), (p1, 2)] {
        let (named, what) = blamed(Err::<(), _>(error.unwrap()));
        assert!(named == peer && what.contains("were all parties sent the same request"), "{named} {what}");
    }
    assert!(p2.is_none());
    trio.check(5);
}

#[test]
fn large_messages_pass_in_both_directions_at_once() {
    let trio = Trio::new(LONG);
    let message = |role: Role| vec![u8::from(role) + 1; 20 << 20];
    thread::scope(|scope| {
        for role in Role::ALL {
            let (trio, message) = (&trio, &message);
            scope.spawn(move || {
                let mut links = trio.meet(role, &point_of(1)).unwrap();
                links.next.send("", &message(role)).unwrap();
                links.previous.send("", &message(role)).unwrap();
                assert!(links.previous.recv("", 20 << 20).unwrap() == message(role.previous()));
                assert!(links.next.recv("", 20 << 20).unwrap() == message(role.next()));
                // Nobody goes before all have read.
                links.next.send("", b"x").unwrap();
                links.previous.recv("", 1).unwrap();
            });
        }
    });
}

#[test]
fn products_are_right_whoever_is_first() {
    let trio = Trio::new(LONG);
    for first in Role::ALL {
        let seed = 10 * u64::from(u8::from(first)) + 100;
        let parts = trio.product_with(seed, [point_of(seed); 3], |role| {
            if role != first {
                thread::sleep(Duration::from_millis(50));
            }
        });
        assert_right(seed, &parts.map(Result::unwrap));
    }
}
