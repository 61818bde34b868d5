//! The rectifier with its truncation and its change of ring, as one gate.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{all_pairs, done, extremes, opened_signed, part, share, summed, unsigned, viewed};
use privet_mpc::protocols::protocol::Protocol;
use privet_ring::signed;
use proptest::prelude::*;

/// |y - max(x/2^drop, 0)| below a unit, or equal.
fn is_right(x: i64, y: i64, drop: u32) -> bool {
    let error = (i128::from(y) << drop) - i128::from(x.max(0));
    if drop == 0 { error == 0 } else { error.abs() <= 1 << drop }
}

#[test]
fn every_pair_of_halves_in_a_small_ring() {
    for k in 2..=7u32 {
        let (a, b) = all_pairs(k);
        let x: Vec<i64> = a.iter().zip(&b).map(|(a, b)| signed(a.wrapping_add(*b), k)).collect();
        let summands = viewed(3, &a, &b);
        for drop in 0..k - 1 {
            for ring in 2..=k + 4 {
                let y = opened_signed(&done(|me, p| p.relu(&part(me, k, &summands), drop, ring)));
                for (&x, &y) in x.iter().zip(&y) {
                    let inside = drop == 0 || x.abs() < (1 << (k - 1)) - (1 << drop);
                    let fits = (x.max(0) >> drop) + 1 < 1 << (ring - 1);
                    assert!(!inside || !fits || is_right(x, y, drop), "{k} {drop} {ring}: {x} gives {y}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn wide_rings_up_to_their_extremes(k in 8u32..=64, drop in 0u32..=40, ring in 8u32..=64, seed: u8) {
        let drop = drop.min(k - 4);
        let limit = ((u64::MAX >> (65 - k)) - (1 << drop)).cast_signed();
        let limit = limit.min((((1i128 << (ring - 1)) - 2) << drop).min(i128::from(i64::MAX)) as i64);
        let x = extremes(seed, limit, 80);
        let from_shares = done(|me, p| p.relu(&share(me, k, seed, &unsigned(&x)), drop, ring));
        let from_summands = done(|me, p| p.relu(summed(me, k, seed, &unsigned(&x)), drop, ring));
        for y in [opened_signed(&from_shares), opened_signed(&from_summands)] {
            for (x, y) in x.iter().zip(&y) {
                prop_assert!(is_right(*x, *y, drop), "{} / 2^{} gives {}", x, drop, y);
            }
        }
    }
}
