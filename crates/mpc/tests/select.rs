//! Bits: their algebra, as integers, and as choices; every case of shares for single bits.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{all_pairs, bits, done, extremes, opened, opened_bits, part, share, unsigned, viewed};
use common::words;
use privet_mpc::protocols::protocol::Protocol;
use privet_mpc::protocols::replicated3::Replicated3;
use privet_ring::reduce;
use proptest::prelude::*;

fn drawn(seed: u8, n: usize) -> Vec<bool> {
    words(seed, n).into_iter().map(|w| w >> 17 & 1 == 1).collect()
}

type P = Replicated3;

#[test]
fn the_algebra_of_bits() {
    for n in [1, 2, 63, 64, 65, 200] {
        let (x, y) = (drawn(1, n), drawn(2, n));
        let zip = |f: fn(bool, bool) -> bool| x.iter().zip(&y).map(|(&x, &y)| f(x, y)).collect::<Vec<_>>();
        let pair = |me| (bits(me, 3, &x), bits(me, 4, &y));
        let and = done(|me, p| p.and(&pair(me).0, &pair(me).1));
        assert_eq!(opened_bits(&and), zip(|x, y| x && y));
        let xor = done(|me, _| Ok(P::xor(&pair(me).0, &pair(me).1)));
        assert_eq!(opened_bits(&xor), zip(|x, y| x != y));
        let not = done(|me, p| Ok(p.not(&pair(me).0)));
        assert_eq!(opened_bits(&not), zip(|x, _| !x));
        assert_eq!(opened_bits(&done(|_, p| Ok(p.public_bits(&x)))), x);
        let both = done(|me, _| Ok(P::concat_bits(&[&pair(me).0, &pair(me).1, &pair(me).0])));
        assert_eq!(opened_bits(&both), [&x[..], &y, &x].concat());
        let indices: Vec<usize> = (0..n).rev().chain([0, 0, n / 2]).collect();
        let gathered = done(|me, _| Ok(P::gather_bits(&pair(me).0, &indices)));
        assert_eq!(opened_bits(&gathered), indices.iter().map(|&i| x[i]).collect::<Vec<_>>());
    }
}

/// Each of the eight sharings of a bit, in every ring.
#[test]
fn a_bit_as_an_integer_in_every_ring() {
    let summands = [0b1111_0000, 0b1100_1100, 0b1010_1010].map(|plane| vec![plane]);
    let expected: Vec<u64> = (0..8u32).map(|i| u64::from(i.count_ones() % 2)).collect();
    for ring in 1..=64 {
        let got = done(|me, p| p.bit_to_arith(&common::gates::bit_part(me, 8, &summands), ring));
        assert_eq!(opened(&got), expected, "ring {ring}");
    }
}

#[test]
fn a_choice_for_every_pair_of_halves() {
    for k in 1..=6u32 {
        let (a, b) = all_pairs(k);
        for seed in [1, 2] {
            let bit = drawn(seed, a.len());
            let summands = viewed(5, &a, &b);
            let got = opened(&done(|me, p| p.select(&bits(me, seed, &bit), &part(me, k, &summands))));
            for i in 0..a.len() {
                let x = reduce(a[i].wrapping_add(b[i]), k);
                assert_eq!(got[i], if bit[i] { x } else { 0 }, "{} + {}", a[i], b[i]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn choices_in_wide_rings(k in 7u32..=64, seed: u8) {
        let x = unsigned(&extremes(seed, (u64::MAX >> (65 - k)).cast_signed(), 100));
        let bit = drawn(seed, x.len());
        let got = done(|me, p| p.select(&bits(me, 9, &bit), &share(me, k, 8, &x)));
        let expected: Vec<u64> =
            x.iter().zip(&bit).map(|(&x, &bit)| if bit { reduce(x, k) } else { 0 }).collect();
        prop_assert_eq!(opened(&got), expected);
    }
}
