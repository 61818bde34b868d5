//! Tables and equality with zero: every pair of halves of every ring that they take.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{all_pairs, done, opened, opened_bits, part, summed, viewed};
use common::words;
use privet_mpc::protocols::protocol::Protocol;
use privet_ring::reduce;

#[test]
fn any_table_at_every_pair_of_halves() {
    for s in 1..=5u32 {
        let (a, b) = all_pairs(s);
        let summands = viewed(3, &a, &b);
        for ring in [1, 13, 64] {
            let table = words(4, 1 << s);
            let got = opened(&done(|me, p| p.lookup(&part(me, s, &summands), &table, ring)));
            for i in 0..a.len() {
                let x = reduce(a[i].wrapping_add(b[i]), s) as usize;
                assert_eq!(got[i], reduce(table[x], ring), "{} + {} of 2^{s}", a[i], b[i]);
            }
        }
    }
}

#[test]
fn the_largest_table() {
    let x: Vec<u64> = (0..256).rev().collect();
    let table = words(4, 256);
    let got = opened(&done(|me, p| p.lookup(summed(me, 8, 5, &x), &table, 40)));
    assert_eq!(got, x.iter().map(|&x| reduce(table[x as usize], 40)).collect::<Vec<_>>());
}

/// More than is dealt at a time: the bytes are the same.
#[test]
fn a_long_tensor_is_dealt_in_parts() {
    let x: Vec<u64> = words(1, 10_007).iter().map(|x| x & 255).collect();
    let table = words(4, 256);
    let got = opened(&done(|me, p| p.lookup(summed(me, 8, 5, &x), &table, 16)));
    assert_eq!(got, x.iter().map(|&x| reduce(table[x as usize], 16)).collect::<Vec<_>>());
    let cost = common::gates::costs(|me, p| p.lookup(summed(me, 8, 5, &x), &table, 16));
    assert_eq!(cost[0].sent.len(), 3);
    assert_eq!(cost[0].bytes_between(), x.len() * 256 * 2);
    assert_eq!(cost[1].rounds, 2);
}

#[test]
fn zero_at_every_pair_of_halves() {
    for s in 1..=8u32 {
        let (a, b) = all_pairs(s);
        let summands = viewed(3, &a, &b);
        let got = opened_bits(&done(|me, p| p.is_zero(&part(me, s, &summands))));
        for i in 0..a.len() {
            assert_eq!(got[i], reduce(a[i].wrapping_add(b[i]), s) == 0, "{} + {} of 2^{s}", a[i], b[i]);
        }
    }
}
