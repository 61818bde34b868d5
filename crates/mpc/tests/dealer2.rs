//! Comparisons by keys that a dealer gave out: every pair of halves in small rings, extremes in wide ones, rounds and bytes.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{
    all_pairs, extremes, opened, opened_bits, opened_signed, part, share, summed, unsigned, viewed,
};
use privet_mpc::Abort;
use privet_mpc::ledger::Ledger;
use privet_mpc::protocols::dealer2::Dealer2;
use privet_mpc::protocols::protocol::Protocol;
use privet_mpc::role::{PARTIES, Role};
use privet_mpc::world::World;
use privet_ring::signed;
use proptest::prelude::*;

fn run<T: Send>(gate: impl Fn(Role, &mut Dealer2) -> Result<T, Abort> + Sync) -> [(T, Ledger); PARTIES] {
    let results = World::new(1).run_dealt([5; 32], |session| {
        let mut protocol = Dealer2::new(session);
        let result = gate(protocol.session.me(), &mut protocol)?;
        Ok((result, protocol.session.ledger().clone()))
    });
    results.map(Result::unwrap)
}

fn done<T: Send>(gate: impl Fn(Role, &mut Dealer2) -> Result<T, Abort> + Sync) -> [T; PARTIES] {
    run(gate).map(|(result, _)| result)
}

#[test]
fn the_sign_of_every_pair_of_halves() {
    for k in 1..=9u32 {
        let (a, b) = all_pairs(k);
        let summands = viewed(3, &a, &b);
        let bits = opened_bits(&done(|me, p| p.is_negative(&part(me, k, &summands), 0)));
        let integers =
            [2, 9, 64].map(|ring| opened(&done(|me, p| p.negative(&part(me, k, &summands), ring))));
        for (i, (a, b)) in a.iter().zip(&b).enumerate() {
            let expected = signed(a.wrapping_add(*b), k) < 0;
            assert_eq!(bits[i], expected, "{a} + {b} in the ring 2^{k}");
            assert!(integers.iter().all(|x| x[i] == u64::from(expected)), "{a} + {b} in the ring 2^{k}");
        }
    }
}

#[test]
fn the_rectifier_at_every_pair_of_halves() {
    for k in 2..=7u32 {
        let (a, b) = all_pairs(k);
        let x: Vec<i64> = a.iter().zip(&b).map(|(a, b)| signed(a.wrapping_add(*b), k)).collect();
        let summands = viewed(3, &a, &b);
        for ring in 2..=k + 4 {
            let y = opened_signed(&done(|me, p| p.relu(&part(me, k, &summands), 0, ring)));
            for (&x, &y) in x.iter().zip(&y) {
                assert!(x.max(0) >= 1 << (ring - 1) || y == x.max(0), "{k} to {ring}: {x} gives {y}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn signs_in_wide_rings(k in 10u32..=64, seed: u8) {
        let limit = (u64::MAX >> (65 - k)).cast_signed();
        let mut x = extremes(seed, limit, 80);
        x.push(-limit - 1);
        let from_shares = done(|me, p| p.is_negative(&share(me, k, seed, &unsigned(&x)), 0));
        let from_summands = done(|me, p| p.negative(summed(me, k, seed, &unsigned(&x)), 20));
        let (bits, integers) = (opened_bits(&from_shares), opened(&from_summands));
        for (i, x) in x.iter().enumerate() {
            prop_assert_eq!((bits[i], integers[i]), (*x < 0, u64::from(*x < 0)), "{} in 2^{}", x, k);
        }
    }

    #[test]
    fn rectifiers_in_wide_rings(k in 8u32..=64, drop in 0u32..=40, ring in 8u32..=64, seed: u8) {
        let drop = drop.min(k - 4);
        let limit = ((u64::MAX >> (65 - k)) - (1 << drop)).cast_signed();
        let limit = limit.min((((1i128 << (ring - 1)) - 2) << drop).min(i128::from(i64::MAX)) as i64);
        let x = extremes(seed, limit, 60);
        let y = opened_signed(&done(|me, p| p.relu(summed(me, k, seed, &unsigned(&x)), drop, ring)));
        for (x, y) in x.iter().zip(&y) {
            let error = (i128::from(*y) << drop) - i128::from((*x).max(0));
            prop_assert!(error.abs() <= (1 << drop) - i128::from(drop == 0), "{} / 2^{} gives {}", x, drop, y);
        }
    }
}

/// What a gate costs: rounds of the servers, bytes between them, bytes dealt.
fn cost<T: Send>(gate: impl Fn(Role, &mut Dealer2) -> Result<T, Abort> + Sync) -> (u32, usize, usize) {
    let [dealer, p1, p2] = run(gate).map(|(_, ledger)| ledger);
    assert_eq!((p1.rounds, p1.bytes_between()), (p2.rounds, p2.bytes_between()), "both do the same");
    assert_eq!(dealer.rounds, 0, "the dealer waits for nobody");
    (p1.rounds, p1.bytes_between() + p2.bytes_between(), dealer.bytes_between())
}

#[test]
fn rounds_and_bytes_are_as_the_header_says() {
    // A multiple of eight, so that every tensor has whole bytes.
    let n = 8usize;
    for (k, r) in [(16usize, 20usize), (32, 32), (50, 13), (64, 64)] {
        let x = |me| share(me, k as u32, 3, &vec![5; n]);
        let sign = cost(|me, p| p.is_negative(&x(me), 0));
        assert_eq!(sign, (1, 2 * n / 8, n * (2 * 128 * (k - 7) + 1) / 8), "sign, {k}");
        let integer = cost(|me, p| p.negative(&x(me), r as u32));
        assert_eq!(
            integer,
            (1, 2 * r * n / 8, n * (2 * ((k - 1) * 129 + k * r) + r) / 8),
            "integer, {k} {r}"
        );
        for drop in [0, 5] {
            let kept = k - drop;
            let relu = cost(|me, p| p.relu(&x(me), drop as u32, r as u32));
            let dealt = n * (2 * (kept * 129 + 2 * (kept + 1) * r) + r) / 8;
            assert_eq!(relu, (1, 2 * r * n / 8, dealt), "rectifier, {k} {drop} {r}");
        }
    }
}
