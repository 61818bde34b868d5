//! Signs and comparisons: every pair of halves in small rings, extremes in wide ones.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{all_pairs, done, extremes, opened_bits, part, share, summed, unsigned, viewed};
use privet_mpc::protocols::protocol::Protocol;
use privet_mpc::protocols::replicated3::blocks;
use privet_ring::signed;
use proptest::prelude::*;

#[test]
fn the_sign_of_every_pair_of_halves() {
    for k in 1..=8u32 {
        let (a, b) = all_pairs(k);
        let summands = viewed(3, &a, &b);
        let negative = opened_bits(&done(|me, p| p.is_negative(&part(me, k, &summands), 0)));
        for ((a, b), negative) in a.iter().zip(&b).zip(negative) {
            assert_eq!(negative, signed(a.wrapping_add(*b), k) < 0, "{a} + {b} in the ring 2^{k}");
        }
    }
}

/// With bits dropped, only what is within a unit of zero may be told either way.
#[test]
fn a_coarse_sign_is_wrong_only_near_zero() {
    let (k, drop) = (7, 2);
    let (a, b) = all_pairs(k);
    let summands = viewed(3, &a, &b);
    let negative = opened_bits(&done(|me, p| p.is_negative(&part(me, k, &summands), drop)));
    for ((a, b), negative) in a.iter().zip(&b).zip(negative) {
        let x = signed(a.wrapping_add(*b), k);
        if x.abs() > 1 << drop && x.abs() < (1 << (k - 1)) - (1 << drop) {
            assert_eq!(negative, x < 0, "{x}");
        }
    }
}

#[test]
fn blocks_cover_the_low_bits_and_keep_to_the_limit() {
    for low in 1..64 {
        let sizes = blocks(low);
        assert_eq!(sizes.iter().sum::<u32>(), low);
        assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        assert!(sizes.len() <= 16, "as many factors as a set of them holds");
    }
    assert_eq!(blocks(31), [6, 5, 5, 5, 5, 5]);
    assert_eq!(blocks(63).len(), 16);
    assert!(blocks(0).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn signs_in_wide_rings(k in 9u32..=64, seed: u8) {
        let limit = (u64::MAX >> (65 - k)).cast_signed();
        let mut x = extremes(seed, limit, 150);
        x.push(-limit - 1);
        let from_shares = done(|me, p| p.is_negative(&share(me, k, seed, &unsigned(&x)), 0));
        let from_summands = done(|me, p| p.is_negative(summed(me, k, seed, &unsigned(&x)), 0));
        let expected: Vec<bool> = x.iter().map(|&x| x < 0).collect();
        prop_assert_eq!(opened_bits(&from_shares), expected.clone());
        prop_assert_eq!(opened_bits(&from_summands), expected);
    }

    #[test]
    fn less_than_a_secret_threshold(k in 9u32..=64, seed: u8) {
        let limit = (u64::MAX >> (66 - k)).cast_signed();
        let (x, mut y) = (extremes(seed, limit, 70), extremes(seed ^ 1, limit, 70));
        y.rotate_right(3);
        let got = done(|me, p| p.less_than(&share(me, k, 1, &unsigned(&x)), &share(me, k, 2, &unsigned(&y))));
        let expected: Vec<bool> = x.iter().zip(&y).map(|(x, y)| x < y).collect();
        prop_assert_eq!(opened_bits(&got), expected);
    }
}
