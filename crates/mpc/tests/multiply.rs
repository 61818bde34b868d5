//! Products of replicated shares: right for every width, and what happens when a message does not come as it was sent.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use std::time::{Duration, Instant};

use common::words;
use privet_mpc::Abort;
use privet_mpc::protocols::replicated3::{Replicated, multiply};
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::world::{Passing, World};
use privet_ring::reduce;
use proptest::prelude::*;

/// The part of `P_i` of `x`, where `a` and `b` are two of the three summands.
fn part(role: Role, k: u32, x: &[u64], a: &[u64], b: &[u64]) -> Replicated {
    let c: Vec<u64> = x.iter().zip(a).zip(b).map(|((x, a), b)| x.wrapping_sub(*a).wrapping_sub(*b)).collect();
    let summands = [a.to_vec(), b.to_vec(), c];
    Replicated { k, own: summands[role.index()].clone(), next: summands[role.next().index()].clone() }
}

type Parts = [Result<Replicated, Abort>; PARTIES];

/// Each party stays until all are done, so that a message that does not come is late and its sender not gone.
fn product(world: &World, x: &[u64], y: &[u64], k: u32, stay: Duration) -> Parts {
    let summand = |i: u8| words(i.wrapping_add(world.keys()[0].with_next[0]), x.len());
    let summands = [1, 2, 3, 4].map(summand);
    world.run([5; 32], |mut session| {
        let me = session.me();
        let result = multiply(
            &mut session,
            &part(me, k, x, &summands[0], &summands[1]),
            &part(me, k, y, &summands[2], &summands[3]),
        );
        std::thread::sleep(stay);
        result
    })
}

fn sum(parts: &[Replicated; PARTIES], k: u32, at: usize) -> u64 {
    reduce(parts.iter().fold(0, |sum, part| part.own[at].wrapping_add(sum)), k)
}

fn agree(parts: &[Replicated; PARTIES], k: u32) -> bool {
    let mod_k = |v: &[u64]| v.iter().map(|&x| reduce(x, k)).collect::<Vec<_>>();
    Role::ALL.iter().all(|r| mod_k(&parts[r.index()].next) == mod_k(&parts[r.next().index()].own))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_product_is_right_modulo_two_to_the_k_and_replicas_agree(
        k in 1u32..=64,
        pairs in proptest::collection::vec(any::<(u64, u64)>(), 1..20),
        seed: u64,
    ) {
        let (x, y): (Vec<u64>, Vec<u64>) = pairs.iter().copied().unzip();
        let parts = product(&World::new(seed), &x, &y, k, Duration::ZERO).map(Result::unwrap);
        for (at, (x, y)) in pairs.iter().enumerate() {
            prop_assert_eq!(sum(&parts, k, at), reduce(x.wrapping_mul(*y), k));
        }
        prop_assert!(agree(&parts, k));
    }
}

/// The message from P1, which P0 waits for, is changed.
fn attacked(change: impl Fn(Vec<u8>) -> Option<Vec<u8>> + Send + Sync + 'static) -> (Parts, Duration) {
    let from_p1 = |m: &Passing<'_>| m.from.index() == 1;
    let adversary = move |m: Passing<'_>| if from_p1(&m) { change(m.bytes) } else { Some(m.bytes) };
    let world = World::new(1).deadline(Duration::from_millis(200)).adversary(adversary);
    let start = Instant::now();
    let parts = product(&world, &[3, 4], &[5, 6], 43, Duration::from_millis(400));
    (parts, start.elapsed())
}

fn abort_of_p0(parts: Parts) -> Abort {
    let [p0, p1, p2] = parts;
    assert!(p1.is_ok() && p2.is_ok(), "only P0 waits for P1");
    p0.unwrap_err()
}

#[test]
fn a_dropped_message_ends_at_the_deadline_and_names_its_sender() {
    let (parts, took) = attacked(|_| None);
    assert_eq!(abort_of_p0(parts), Abort::Peer { peer: 1, what: "did not answer in time".into() });
    assert!(took >= Duration::from_millis(600), "200 ms of waiting and 400 of staying, not {took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_peer_that_left_is_named() {
    let world = World::new(1).adversary(|m| (m.from.index() != 1).then_some(m.bytes));
    let parts = product(&world, &[3], &[5], 43, Duration::ZERO);
    assert_eq!(abort_of_p0(parts), Abort::Peer { peer: 1, what: "is gone".into() });
}

#[test]
fn a_message_of_another_length_is_refused() {
    let (shorter, _) = attacked(|mut bytes| bytes.pop().map(|_| bytes));
    let (longer, _) = attacked(|mut bytes| {
        bytes.push(0);
        Some(bytes)
    });
    for (parts, got) in [(shorter, 10), (longer, 12)] {
        let what = format!("sent {got} bytes where 11 were expected");
        assert_eq!(abort_of_p0(parts), Abort::Peer { peer: 1, what });
    }
}

/// The protocol is semi-honest and says so: a cheating party changes the result, and nobody notices.
#[test]
fn a_flipped_bit_changes_what_one_party_holds_and_stops_nobody() {
    let (parts, _) = attacked(|mut bytes| {
        bytes[0] ^= 1;
        Some(bytes)
    });
    let parts = parts.map(Result::unwrap);
    assert!(!agree(&parts, 43));
    let from_p0_and_p2 = |at: usize| {
        let (p0, p2) = (&parts[0], &parts[2]);
        reduce(p0.own[at].wrapping_add(p0.next[at]).wrapping_add(p2.own[at]), 43)
    };
    assert_eq!(from_p0_and_p2(0).abs_diff(15), 1);
    assert_eq!(from_p0_and_p2(1), 24);
}
