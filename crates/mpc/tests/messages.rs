//! What the gates say: nothing about the secrets; and what happens when a message does not come as it was sent.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::gates::{bits, run, share, summed};
use common::{is_even, words};
use privet_model::series::{Series, Term};
use privet_mpc::Abort;
use privet_mpc::protocols::protocol::{Protocol, SeriesBits};
use privet_mpc::protocols::replicated3::Replicated3;
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::world::{Passing, World};

const K: u32 = 32;

/// The number draws the masks of summands. Shares are the same in every run, so that only what a gate masks is even.
type Gate = fn(Role, &mut Replicated3, u8, &[u64]) -> Result<(), Abort>;

fn truncate(me: Role, p: &mut Replicated3, seed: u8, x: &[u64]) -> Result<(), Abort> {
    p.truncate(summed(me, K, seed, x), 13, K).map(drop)
}

fn relu(me: Role, p: &mut Replicated3, seed: u8, x: &[u64]) -> Result<(), Abort> {
    p.relu(summed(me, K, seed, x), 8, K).map(drop)
}

fn compare(me: Role, p: &mut Replicated3, _: u8, x: &[u64]) -> Result<(), Abort> {
    p.is_negative(&share(me, 63, 3, x), 0).map(drop)
}

fn choice(me: Role, p: &mut Replicated3, _: u8, x: &[u64]) -> Result<(), Abort> {
    let bit: Vec<bool> = x.iter().map(|x| x & 1 == 1).collect();
    let bit = bits(me, 3, &bit);
    let both = p.and(&bit, &bit)?;
    p.bit_to_arith(&both, 16)?;
    p.select(&bit, &share(me, K, 3, x)).map(drop)
}

fn tables(me: Role, p: &mut Replicated3, _: u8, x: &[u64]) -> Result<(), Abort> {
    p.lookup(&share(me, 2, 3, x), &[5, 0, 0, 0], 8)?;
    p.is_zero(&share(me, 4, 3, x)).map(drop)
}

fn smooth(me: Role, p: &mut Replicated3, seed: u8, x: &[u64]) -> Result<(), Abort> {
    let f =
        Series { period_bits: 20, constant: 0.5, terms: vec![Term { harmonic: 3, sine: 0.5, cosine: 0.25 }] };
    let sum =
        p.series(summed(me, K, seed, x), &f, SeriesBits { drop: 0, sines: 14, coefficients: 14, ring: 40 })?;
    p.truncate(sum, 16, 40).map(drop)
}

/// Shares beside products have no mask of their own.
fn mixed(me: Role, p: &mut Replicated3, _: u8, x: &[u64]) -> Result<(), Abort> {
    let shared = share(me, K, 3, x);
    let product = p.multiply(&shared, &shared);
    let parts = p.concat_sums(vec![product, (&shared).into()])?;
    p.reshare(parts).map(drop)
}

fn product(me: Role, p: &mut Replicated3, _: u8, x: &[u64]) -> Result<(), Abort> {
    let shared = share(me, K, 3, x);
    let product = p.multiply(&shared, &shared);
    p.reshare(product).map(drop)
}

const GATES: [(&str, Gate); 8] = [
    ("product", product),
    ("mixed", mixed),
    ("truncate", truncate),
    ("relu", relu),
    ("compare", compare),
    ("choice", choice),
    ("tables", tables),
    ("smooth", smooth),
];

/// Message `at` of the run, by order of sending, is changed.
fn attacked(
    gate: Gate,
    at: usize,
    change: impl Fn(Vec<u8>) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> ([Option<Abort>; PARTIES], Option<(Role, Role)>) {
    let (counter, hit) = (AtomicUsize::new(0), Arc::new(Mutex::new(None)));
    let seen = Arc::clone(&hit);
    let world = World::new(1).deadline(Duration::from_millis(100)).adversary(move |m: Passing<'_>| {
        if counter.fetch_add(1, Ordering::Relaxed) != at {
            return Some(m.bytes);
        }
        *seen.lock().unwrap() = Some((m.from, m.to));
        change(m.bytes)
    });
    let x = words(1, 5);
    let results = run(&world, |me, p| {
        let result = gate(me, p, 3, &x);
        std::thread::sleep(Duration::from_millis(5)); // so that a late message is late, and its sender not gone
        result
    });
    let hit = *hit.lock().unwrap();
    (results.map(Result::err), hit)
}

#[test]
fn every_message_of_another_length_stops_its_receiver_and_names_its_sender() {
    for (name, gate) in GATES {
        for at in 0.. {
            let (aborts, hit) = attacked(gate, at, |mut bytes| bytes.pop().map(|_| bytes));
            let Some((from, to)) = hit else {
                assert!(aborts.iter().all(Option::is_none) && at >= 3, "{name}");
                break;
            };
            let abort = aborts[to.index()].clone();
            let Some(Abort::Peer { peer, what }) = abort else { panic!("{name} {at}: {abort:?}") };
            assert!(peer == from.index() && what.contains("bytes where"), "{name} {at}: {peer} {what}");
            assert_ne!(to.index(), 0, "{name}: P0 receives nothing");
        }
    }
}

#[test]
fn every_message_that_does_not_come_stops_its_receiver() {
    for (name, gate) in GATES {
        for at in 0.. {
            let (aborts, hit) = attacked(gate, at, |_| None);
            let Some((_, to)) = hit else { break };
            assert!(matches!(aborts[to.index()], Some(Abort::Peer { .. })), "{name} {at}");
        }
    }
}

/// In many runs on the same secrets: all that P0, P1 and P2 are told, and what P1 and P2 tell each other, put together.
fn told(gate: Gate, x: &[u64]) -> [Vec<u8>; 4] {
    let mut all = [const { Vec::new() }; 4];
    for seed in 0..40u8 {
        let told = Arc::new(Mutex::new([const { Vec::new() }; 5]));
        let seen = Arc::clone(&told);
        let world = World::new(seed.into()).adversary(move |m| {
            let told = &mut *seen.lock().unwrap();
            told[m.to.index()].extend_from_slice(&m.bytes);
            match (m.from.index(), m.to.index()) {
                (1, 2) => told[3].extend_from_slice(&m.bytes),
                (2, 1) => told[4].extend_from_slice(&m.bytes),
                _ => {}
            }
            Some(m.bytes)
        });
        assert!(run(&world, |me, p| gate(me, p, seed.wrapping_mul(7), x)).iter().all(Result::is_ok));
        let [p0, p1, p2, one, other] = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(one.len(), other.len(), "what they exchange is as long in both directions");
        let both = one.iter().zip(&other).map(|(a, b)| a ^ b).collect();
        all.iter_mut().zip([p0, p1, p2, both]).for_each(|(all, more)| all.extend(more));
    }
    all
}

/// A smoke check of the argument in the headers: what is received is masked by what the receiver does not know, and so is what both
/// halves of an exchange add up to. (Of a sum the lowest bits are the exclusive or, which is enough to see that it is fixed.)
#[test]
fn what_a_party_is_told_is_even_whatever_the_secrets() {
    let n = 192; // whole words and whole bytes, so that nothing is padded
    for (name, gate) in GATES {
        for x in [vec![0; n], vec![u64::MAX; n], vec![1 << 29; n]] {
            let [p0, rest @ ..] = told(gate, &x);
            assert!(p0.is_empty(), "P0 is told nothing");
            for (to, bytes) in ["P1", "P2", "both"].iter().zip(rest) {
                assert!(is_even(bytes.iter().map(|&b| b.into()), 256), "{name} to {to}, {}", x[0]);
            }
        }
    }
}
