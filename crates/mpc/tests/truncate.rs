//! Truncation and change of ring: every pair of halves in small rings, extremes in wide ones.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{all_pairs, done, extremes, opened_signed, part, share, summed, unsigned, viewed};
use privet_mpc::protocols::protocol::Protocol;
use privet_mpc::protocols::replicated3::Sum;
use privet_ring::signed;
use proptest::prelude::*;

/// -1 < y - x/2^drop ≤ 1, or y = x.
fn is_right(x: i64, y: i64, drop: u32) -> bool {
    let error = (i128::from(y) << drop) - i128::from(x);
    if drop == 0 { error == 0 } else { -(1 << drop) < error && error <= 1 << drop }
}

fn check(x: &[i64], y: &[i64], what: &str, drop: u32, within: impl Fn(i64) -> bool) {
    assert_eq!(x.len(), y.len());
    for (&x, &y) in x.iter().zip(y) {
        assert!(!within(x) || is_right(x, y, drop), "{what}: {x} / 2^{drop} is not {y}");
    }
}

#[test]
fn every_pair_of_halves_in_a_small_ring() {
    for k in 3..=7u32 {
        let (a, b) = all_pairs(k);
        let x: Vec<i64> = a.iter().zip(&b).map(|(a, b)| signed(a.wrapping_add(*b), k)).collect();
        let summands = viewed(3, &a, &b);
        for drop in 0..=k - 2 {
            for ring in 2..=k + 4 {
                let y = opened_signed(&done(|me, p| p.truncate(&part(me, k, &summands), drop, ring)));
                let carried = ring + drop > k;
                let limit = if carried { 1 << (k - 2) } else { (1i64 << (k - 1)) - (1 << drop) };
                // What has more bits than the ring comes modulo the ring; here it is left out.
                let fits = |x: i64| (x.abs() >> drop) + 1 < 1 << (ring - 1);
                let what = format!("ring {k} to {ring}");
                check(&x, &y, &what, drop, |x| x >= -limit && x < limit && fits(x));
            }
        }
    }
}

/// With summands, a is z0 and b the sum of the two others.
#[test]
fn from_summands_it_is_the_same() {
    let k = 6;
    let (a, b) = all_pairs(k);
    let x: Vec<i64> = a.iter().zip(&b).map(|(a, b)| signed(a.wrapping_add(*b), k)).collect();
    let z1 = common::words(7, a.len());
    let z = [a, z1.clone(), b.iter().zip(&z1).map(|(b, z)| b.wrapping_sub(*z)).collect()];
    let y = done(|me, p| p.truncate(Sum::Summed { k, z: z[me.index()].clone() }, 3, 9));
    check(&x, &opened_signed(&y), "summands", 3, |x| (-16..16).contains(&x));
}

#[test]
fn the_error_is_centred() {
    let x: Vec<i64> = (0..40_000).map(|i| i * 7919 - 100_000_000).collect();
    let y = opened_signed(&done(|me, p| p.truncate(summed(me, 32, 1, &unsigned(&x)), 12, 32)));
    let error = |(x, y): (&i64, &i64)| *y as f64 - *x as f64 / 4096.0;
    let mean: f64 = x.iter().zip(&y).map(error).sum::<f64>() / x.len() as f64;
    assert!(mean.abs() < 0.01, "{mean}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn wide_rings_up_to_their_extremes(k in 8u32..=64, drop in 0u32..=40, ring in 8u32..=64, seed: u8) {
        let drop = drop.min(k - 4);
        let carried = ring + drop > k;
        let limit = if carried { (1i64 << (k - 2)) - 1 } else { ((1u64 << (k - 1)) - (1 << drop) - 1).cast_signed() };
        let limit = limit.min((((1i128 << (ring - 1)) - 2) << drop).min(i128::from(i64::MAX)) as i64);
        let mut x = extremes(seed, limit, 60);
        if carried && ring + drop >= k + 2 {
            x.push(-(1i64 << (k - 2)));
        }
        let from_shares = done(|me, p| p.truncate(&share(me, k, seed, &unsigned(&x)), drop, ring));
        let from_summands = done(|me, p| p.truncate(summed(me, k, seed, &unsigned(&x)), drop, ring));
        for y in [opened_signed(&from_shares), opened_signed(&from_summands)] {
            for (x, y) in x.iter().zip(&y) {
                prop_assert!(is_right(*x, *y, drop), "{} / 2^{} is not {}", x, drop, y);
            }
        }
    }
}
