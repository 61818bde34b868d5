//! Every gate of `replicated3-malicious` against the clear: all components of small rings, extremes of wide ones.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{bits, done_as, extremes, given, opened, opened_bits, opened_signed, part, unsigned};
use common::party::Party;
use common::words;
use privet_mpc::Abort;
use privet_mpc::protocols::protocol::{Matrices, Operand, Protocol};
use privet_mpc::protocols::replicated3::Bits;
use privet_mpc::protocols::replicated3_malicious::{Malicious3, Share};
use privet_mpc::role::Role;
use privet_mpc::world::World;
use privet_ring::conv::Conv2d;
use privet_ring::{reduce, signed};
use proptest::prelude::*;

fn done_bits(gate: impl Fn(Role, &mut Malicious3) -> Result<Bits, Abort> + Sync) -> [Bits; 3] {
    let results = World::new(1).run([5; 32], |session| {
        let me = session.me();
        let mut p = <Malicious3 as Party>::begin(session)?;
        let bit = gate(me, &mut p)?;
        let one = p.bit_to_arith(&bit, 3)?;
        p.finish((&one).into(), 3)?;
        Ok(Malicious3::shown_bits(&bit))
    });
    results.map(Result::unwrap)
}

/// Every three components of the ring 2^k, and their sum.
fn all_components(k: u32) -> ([Vec<u64>; 3], Vec<i64>) {
    let all = || 0..1u64 << (3 * k);
    let of = |i: u32| all().map(|x| reduce(x >> (i * k), k)).collect::<Vec<_>>();
    let components = [of(0), of(1), of(2)];
    let sum = |i: usize| components.iter().fold(0u64, |sum, c| sum.wrapping_add(c[i]));
    let x = all().map(|i| signed(sum(i as usize), k)).collect();
    (components, x)
}

fn of_components(me: Role, k: u32, components: &[Vec<u64>; 3]) -> Share {
    Malicious3::share(&part(me, k, components))
}

fn given_bits(me: Role, seed: u8, x: &[bool]) -> Bits {
    Malicious3::bits(&bits(me, seed, x))
}

/// -1 < y - x/2^drop ≤ 1, or y = x.
fn is_truncated(x: i64, y: i64, drop: u32) -> bool {
    let error = (i128::from(y) << drop) - i128::from(x);
    if drop == 0 { error == 0 } else { -(1 << drop) < error && error <= 1 << drop }
}

/// |y - max(x/2^drop, 0)| of at most a unit, or equal.
fn is_rectified(x: i64, y: i64, drop: u32) -> bool {
    let error = (i128::from(y) << drop) - i128::from(x.max(0));
    if drop == 0 { error == 0 } else { error.abs() <= 1 << drop }
}

#[test]
fn truncation_of_all_components() {
    for k in 2..=4u32 {
        let (components, x) = all_components(k);
        for drop in 0..=k - 2 {
            for ring in 2..=k + 3 {
                let y = opened_signed(&done_as::<Malicious3>(|me, p| {
                    p.truncate(of_components(me, k, &components), drop, ring)
                }));
                let wraps = ring + drop > k;
                let limit = if wraps { 1 << (k - 2) } else { (1i64 << (k - 1)) - (1 << drop) };
                let fits = |x: i64| (x.abs() >> drop) + 1 < 1 << (ring - 1);
                for (&x, &y) in x.iter().zip(&y).filter(|(x, _)| **x >= -limit && **x < limit && fits(**x)) {
                    assert!(is_truncated(x, y, drop), "{x} / 2^{drop} is not {y}, {k} to {ring}");
                }
            }
        }
    }
}

#[test]
fn rectifiers_of_all_components() {
    for k in 2..=4u32 {
        let (components, x) = all_components(k);
        for drop in 0..k - 1 {
            for ring in 2..=k + 3 {
                let y = opened_signed(&done_as::<Malicious3>(|me, p| {
                    p.relu(of_components(me, k, &components), drop, ring)
                }));
                for (&x, &y) in x.iter().zip(&y) {
                    let inside = drop == 0 || x.abs() < (1 << (k - 1)) - (1 << drop);
                    let fits = (x.max(0) >> drop) + 1 < 1 << (ring - 1);
                    assert!(!inside || !fits || is_rectified(x, y, drop), "{k} {drop} {ring}: {x} gives {y}");
                }
            }
        }
    }
}

#[test]
fn signs_of_all_components() {
    for k in 1..=5u32 {
        let (components, x) = all_components(k);
        for drop in 0..k {
            let got = opened_bits(&done_bits(|me, p| p.is_negative(of_components(me, k, &components), drop)));
            for (&x, negative) in x.iter().zip(got) {
                let near = x.abs() <= 1 << drop || x.abs() >= (1 << (k - 1)) - (1 << drop);
                assert!(negative == (x < 0) || drop > 0 && near, "{x} of {k} bits less {drop}");
            }
        }
    }
}

/// More than is worked on at a time.
#[test]
fn signs_of_a_long_tensor() {
    let x: Vec<u64> = words(3, 70_001);
    let got = opened_bits(&done_bits(|me, p| p.is_negative(given::<Malicious3>(me, 9, 1, &x), 0)));
    assert!(x.iter().zip(got).all(|(&x, negative)| negative == (signed(x, 9) < 0)));
}

#[test]
fn tables_and_zeros_of_all_components() {
    for k in 1..=4u32 {
        let (components, x) = all_components(k);
        let table = words(4, 1 << k);
        for ring in [1, 13, 64] {
            let got = opened(&done_as::<Malicious3>(|me, p| {
                p.lookup(of_components(me, k, &components), &table, ring)
            }));
            let at = |x: &i64| reduce(table[reduce(x.cast_unsigned(), k) as usize], ring);
            assert_eq!(got, x.iter().map(at).collect::<Vec<_>>());
        }
        let got = opened_bits(&done_bits(|me, p| p.is_zero(of_components(me, k, &components))));
        assert_eq!(got, x.iter().map(|&x| x == 0).collect::<Vec<_>>());
    }
    let x: Vec<u64> = (0..256).rev().collect();
    let got = opened_bits(&done_bits(|me, p| p.is_zero(given::<Malicious3>(me, 8, 1, &x))));
    assert_eq!(got, x.iter().map(|&x| x == 0).collect::<Vec<_>>());
    let table = words(4, 256);
    let long: Vec<u64> = words(1, 2500).iter().map(|x| x & 255).collect();
    let got =
        opened(&done_as::<Malicious3>(|me, p| p.lookup(given::<Malicious3>(me, 8, 1, &long), &table, 40)));
    assert_eq!(got, long.iter().map(|&x| reduce(table[x as usize], 40)).collect::<Vec<_>>());
}

fn drawn(seed: u8, n: usize) -> Vec<bool> {
    words(seed, n).into_iter().map(|w| w >> 17 & 1 == 1).collect()
}

#[test]
fn the_algebra_of_bits() {
    for n in [1, 63, 64, 65, 200] {
        let (x, y) = (drawn(1, n), drawn(2, n));
        let zip = |f: fn(bool, bool) -> bool| x.iter().zip(&y).map(|(&x, &y)| f(x, y)).collect::<Vec<_>>();
        let pair = |me| (given_bits(me, 3, &x), given_bits(me, 4, &y));
        assert_eq!(opened_bits(&done_bits(|me, p| p.and(&pair(me).0, &pair(me).1))), zip(|x, y| x && y));
        let xor = done_bits(|me, _| Ok(Malicious3::xor(&pair(me).0, &pair(me).1)));
        assert_eq!(opened_bits(&xor), zip(|x, y| x != y));
        assert_eq!(opened_bits(&done_bits(|me, p| Ok(p.not(&pair(me).0)))), zip(|x, _| !x));
        assert_eq!(opened_bits(&done_bits(|_, p| Ok(p.public_bits(&x)))), x);
        let both = done_bits(|me, _| Ok(Malicious3::concat_bits(&[&pair(me).0, &pair(me).1])));
        assert_eq!(opened_bits(&both), [&x[..], &y].concat());
        let indices: Vec<usize> = (0..n).rev().chain([0, n / 2]).collect();
        let gathered = done_bits(|me, _| Ok(Malicious3::gather_bits(&pair(me).0, &indices)));
        assert_eq!(opened_bits(&gathered), indices.iter().map(|&i| x[i]).collect::<Vec<_>>());
    }
}

/// Each of the eight sharings of a bit, in every ring.
#[test]
fn a_bit_as_an_integer_in_every_ring() {
    let summands = [0b1111_0000, 0b1100_1100, 0b1010_1010].map(|plane| vec![plane]);
    let expected: Vec<u64> = (0..8u32).map(|i| u64::from(i.count_ones() % 2)).collect();
    for ring in 1..=64 {
        let bit = |me| Malicious3::bits(&common::gates::bit_part(me, 8, &summands));
        assert_eq!(
            opened(&done_as::<Malicious3>(|me, p| p.bit_to_arith(&bit(me), ring))),
            expected,
            "ring {ring}"
        );
    }
}

#[test]
fn products_of_every_kind() {
    let k = 37;
    let shape = Matrices { rows: 18, inner: 5, columns: 4 };
    let (x, w) = (words(1, 90), words(2, 20));
    let at = |r: usize, c: usize| {
        (0..5).fold(0u64, |sum, i| sum.wrapping_add(x[r * 5 + i].wrapping_mul(w[c * 5 + i])))
    };
    let expected: Vec<u64> = (0..72).map(|i| reduce(at(i / 4, i % 4), k)).collect();
    for (secret_x, secret_w) in [(true, true), (true, false), (false, true), (false, false)] {
        let got = done_as::<Malicious3>(|me, p| {
            let (a, b) = (given::<Malicious3>(me, k, 3, &x), given::<Malicious3>(me, k, 4, &w));
            let x = if secret_x { Operand::Secret(&a) } else { Operand::Public(&x) };
            let w = if secret_w { Operand::Secret(&b) } else { Operand::Public(&w) };
            let product = p.matmul(x, w, k, shape);
            p.reshare(product)
        });
        assert_eq!(opened(&got), expected, "{secret_x} {secret_w}");
    }
    let conv = Conv2d {
        batch: 2,
        channels: 1,
        size: [5, 9],
        filters: 2,
        kernel: [2, 2],
        strides: [1, 2],
        dilations: [1, 1],
        pads_before: [1, 0],
        pads_after: [0, 1],
        groups: 1,
    };
    let (x, w) = (words(5, conv.input_len()), words(6, conv.weights_len()));
    let mut expected = vec![0; conv.output_len()];
    privet_ring::kernels::add_convolution(&conv, &x, &w, &mut expected);
    let got = done_as::<Malicious3>(|me, p| {
        let (a, b) = (given::<Malicious3>(me, 64, 3, &x), given::<Malicious3>(me, 64, 4, &w));
        let product = p.convolve(Operand::Secret(&a), Operand::Secret(&b), 64, &conv);
        p.reshare(product)
    });
    assert_eq!(opened(&got), expected);
}

/// Sums of what has a MAC, what has none yet, and what everyone knows, shifted, cut to rings, gathered.
#[test]
fn sums_keep_what_they_stand_for() {
    let k = 40;
    let (x, y) = (words(1, 6), words(2, 6));
    let indices = [5, 0, 3, 3];
    let got = done_as::<Malicious3>(|me, p| {
        let (a, b) = (given::<Malicious3>(me, k, 3, &x), given::<Malicious3>(me, k, 4, &y));
        let with_mac = p.reshare(&a)?;
        let product = p.multiply(&with_mac, &b);
        let sum = Malicious3::add_sum(product, (&b).into());
        let sum = Malicious3::add_sum((&p.add_public(&with_mac, &y)).into(), sum);
        let sum = Malicious3::shift_sum(Malicious3::reduce_sum(sum, 30), 5, 33);
        let all = p.concat_sums(vec![sum, Malicious3::reduce_sum((&a).into(), 33)])?;
        p.reshare(Malicious3::gather_sum(all, &[&indices[..], &[6, 11]].concat()))
    });
    let one = |i: usize| {
        let product = x[i].wrapping_mul(y[i]).wrapping_add(y[i]).wrapping_add(x[i]).wrapping_add(y[i]);
        reduce(product << 5, 33)
    };
    let expected: Vec<u64> = indices.into_iter().map(one).chain([0, 5].map(|i| reduce(x[i], 33))).collect();
    assert_eq!(opened(&got), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]

    #[test]
    fn truncation_in_wide_rings(k in 8u32..=64, drop in 0u32..=40, ring in 8u32..=64, seed: u8) {
        let drop = drop.min(k - 4);
        let wraps = ring + drop > k;
        let limit = if wraps { (1i64 << (k - 2)) - 1 } else { ((1u64 << (k - 1)) - (1 << drop) - 1).cast_signed() };
        let limit = limit.min((((1i128 << (ring - 1)) - 2) << drop).min(i128::from(i64::MAX)) as i64);
        let mut x = extremes(seed, limit, 60);
        if wraps && ring + drop >= k + 2 {
            x.push(-(1i64 << (k - 2)));
        }
        let x_bits = unsigned(&x);
        let from_shares = done_as::<Malicious3>(|me, p| p.truncate(given::<Malicious3>(me, k, seed, &x_bits), drop, ring));
        let from_summands = done_as::<Malicious3>(|me, p| {
            let ones = p.public(&vec![1; x.len()], k);
            let sum = p.multiply(&given::<Malicious3>(me, k, seed, &x_bits), &ones);
            p.truncate(sum, drop, ring)
        });
        for y in [opened_signed(&from_shares), opened_signed(&from_summands)] {
            for (x, y) in x.iter().zip(&y) {
                prop_assert!(is_truncated(*x, *y, drop), "{} / 2^{} is not {}", x, drop, y);
            }
        }
    }

    #[test]
    fn rectifiers_in_wide_rings(k in 8u32..=64, drop in 0u32..=40, ring in 8u32..=64, seed: u8) {
        let drop = drop.min(k - 4);
        let limit = ((u64::MAX >> (65 - k)) - (1 << drop)).cast_signed();
        let limit = limit.min((((1i128 << (ring - 1)) - 2) << drop).min(i128::from(i64::MAX)) as i64);
        let x = extremes(seed, limit, 80);
        let got = done_as::<Malicious3>(|me, p| p.relu(given::<Malicious3>(me, k, seed, &unsigned(&x)), drop, ring));
        for (x, y) in x.iter().zip(opened_signed(&got)) {
            prop_assert!(is_rectified(*x, y, drop), "{} / 2^{} gives {}", x, drop, y);
        }
    }

    #[test]
    fn signs_in_wide_rings(k in 9u32..=64, seed: u8) {
        let limit = (u64::MAX >> (65 - k)).cast_signed();
        let mut x = extremes(seed, limit, 150);
        x.push(-limit - 1);
        let got = done_bits(|me, p| p.is_negative(given::<Malicious3>(me, k, seed, &unsigned(&x)), 0));
        prop_assert_eq!(opened_bits(&got), x.iter().map(|&x| x < 0).collect::<Vec<_>>());
    }

    #[test]
    fn choices_in_wide_rings(k in 1u32..=64, seed: u8) {
        let x = unsigned(&extremes(seed, (u64::MAX >> 1 >> (64 - k)).cast_signed(), 100));
        let bit = drawn(seed, x.len());
        let got = done_as::<Malicious3>(|me, p| p.select(&given_bits(me, 9, &bit), &given::<Malicious3>(me, k, 8, &x)));
        let expected: Vec<u64> =
            x.iter().zip(&bit).map(|(&x, &bit)| if bit { reduce(x, k) } else { 0 }).collect();
        prop_assert_eq!(opened(&got), expected);
    }
}
