//! What the gates of `replicated3-malicious` say: nothing about the secrets, whoever of the three listens.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::sync::{Arc, Mutex};

use common::gates::{bits, share};
use common::{entropy, is_even};
use privet_model::series::{Series, Term};
use privet_mpc::Abort;
use privet_mpc::protocols::protocol::{Protocol, SeriesBits};
use privet_mpc::protocols::replicated3_malicious::{Malicious3, Share};
use privet_mpc::role::Role;
use privet_mpc::world::World;

/// With the rest of 128 bits, whole bytes.
const K: u32 = 33;

type Gate = fn(Role, &mut Malicious3, &[u64]) -> Result<(), Abort>;

/// Shares are the same in every run, so that only what a gate masks is even.
fn given(me: Role, k: u32, x: &[u64]) -> Share {
    (&share(me, k, 3, x)).into()
}

fn product(me: Role, p: &mut Malicious3, x: &[u64]) -> Result<(), Abort> {
    let product = p.multiply(&given(me, K, x), &given(me, K, x));
    p.reshare(product).map(drop)
}

fn mixed(me: Role, p: &mut Malicious3, x: &[u64]) -> Result<(), Abort> {
    let x = given(me, K, x);
    let product = p.multiply(&x, &x);
    let sum = p.concat_sums(vec![product, (&x).into()])?;
    p.reshare(sum).map(drop)
}

fn truncate(me: Role, p: &mut Malicious3, x: &[u64]) -> Result<(), Abort> {
    p.truncate(given(me, K, x), 8, K).map(drop)
}

fn relu(me: Role, p: &mut Malicious3, x: &[u64]) -> Result<(), Abort> {
    p.relu(given(me, K, x), 8, K).map(drop)
}

fn choice(me: Role, p: &mut Malicious3, x: &[u64]) -> Result<(), Abort> {
    let bit: Vec<bool> = x.iter().map(|x| x & 1 == 1).collect();
    let bit = bits(me, 3, &bit);
    let both = p.and(&bit, &bit)?;
    p.select(&both, &given(me, K, x)).map(drop)
}

fn tables(me: Role, p: &mut Malicious3, x: &[u64]) -> Result<(), Abort> {
    p.lookup(given(me, 2, x), &[5, 0, 0, 0], 17)?;
    p.is_zero(given(me, 2, x)).map(drop)
}

fn smooth(me: Role, p: &mut Malicious3, x: &[u64]) -> Result<(), Abort> {
    let f =
        Series { period_bits: 20, constant: 0.5, terms: vec![Term { harmonic: 3, sine: 0.5, cosine: 0.25 }] };
    // The sum has 49 bits, and 15 more.
    let bits = SeriesBits { drop: 0, sines: 14, coefficients: 14, ring: 33 };
    let sum = p.series(given(me, K, x), &f, bits)?;
    p.reshare(sum).map(drop)
}

const GATES: [(&str, Gate); 7] = [
    ("product", product),
    ("mixed", mixed),
    ("truncate", truncate),
    ("relu", relu),
    ("choice", choice),
    ("tables", tables),
    ("smooth", smooth),
];

/// In many runs on the same secrets: all that each party is told by the next one, by a gate and in its proof.
fn told(gate: Gate, x: &[u64]) -> [Vec<u8>; 3] {
    let mut all = [const { Vec::new() }; 3];
    for seed in 0..25u64 {
        let told = Arc::new(Mutex::new([const { Vec::new() }; 3]));
        let seen = Arc::clone(&told);
        let world = World::new(seed).adversary(move |m| {
            // A verdict is a byte.
            if m.from == m.to.next() && m.bytes.len() > 1 {
                seen.lock().unwrap()[m.to.index()].extend_from_slice(&m.bytes);
            }
            Some(m.bytes)
        });
        let results = world.run([5; 32], |session| {
            let me = session.me();
            let mut p = Malicious3::begin(session, &mut entropy(seed * 3 + me.index() as u64))?;
            gate(me, &mut p, x)?;
            let one = p.public(&[1], 8);
            p.finish((&one).into(), 8)
        });
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        let told = std::mem::take(&mut *told.lock().unwrap());
        all.iter_mut().zip(told).for_each(|(all, more)| all.extend(more));
    }
    all
}

/// A smoke check of the argument in the headers: every summand is masked by what its receiver does not know.
#[test]
fn what_a_party_is_told_is_even_whatever_the_secrets() {
    let n = 64; // whole bytes, so that nothing is padded
    for (name, gate) in GATES {
        for x in [vec![0; n], vec![u64::MAX; n], vec![1 << 29; n]] {
            for (to, bytes) in told(gate, &x).into_iter().enumerate() {
                assert!(is_even(bytes.iter().map(|&b| b.into()), 256), "{name} to P{to}, {}", x[0]);
            }
        }
    }
}

/// What the client is told is even too, but for the answer: the components of one element take every value.
#[test]
fn components_of_an_answer_are_even() {
    let mut components = [const { Vec::new() }; 3];
    for seed in 0..2000u64 {
        let answers = World::new(seed).run([5; 32], |session| {
            let me = session.me();
            let p = Malicious3::begin(session, &mut entropy(seed * 3 + me.index() as u64))?;
            let x = given(me, 8, &[77; 4]);
            p.finish((&x).into(), 8)
        });
        for (all, answer) in components.iter_mut().zip(answers) {
            all.extend_from_slice(&answer.unwrap().packed()[..4]);
        }
    }
    for bytes in &components {
        assert!(is_even(bytes.iter().map(|&b| b.into()), 256));
    }
}

/// The same request again, with the same keys: nothing that was said before is said again.
#[test]
fn a_request_that_comes_again_is_masked_anew() {
    let heard = |drawn: u64| {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heard);
        let world = World::new(1).adversary(move |m| {
            // Challenges mask nothing: those of two parties who draw what they drew are the same.
            if !m.path.contains("prove") || m.to == m.from.previous() {
                seen.lock().unwrap().push(m.bytes.clone());
            }
            Some(m.bytes)
        });
        let results = world.run([5; 32], |session| {
            let me = session.me();
            // Two parties draw what they drew before; one of them suffices for its pairs.
            let source = if me.index() == 0 { drawn } else { 9 };
            let mut p = Malicious3::begin(session, &mut entropy(source))?;
            product(me, &mut p, &[1, 2, 3])?;
            let x = given(me, K, &[1, 2, 3]);
            p.finish((&x).into(), K)
        });
        assert!(results.iter().all(Result::is_ok));
        let mut heard = std::mem::take(&mut *heard.lock().unwrap());
        heard.retain(|message| ![1, 32].contains(&message.len())); // what was drawn, and verdicts
        heard
    };
    let (first, second) = (heard(1), heard(2));
    assert_eq!(first.len(), second.len());
    assert!(!first.iter().any(|message| second.contains(message)));
}
