//! The cost tables in the headers of `replicated3-malicious`: rounds, and bytes between the parties, for several sizes.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{bits, share};
use common::party::Party;
use common::words;
use privet_model::series::{Series, Term};
use privet_mpc::Abort;
use privet_mpc::protocols::protocol::{Protocol, SeriesBits};
use privet_mpc::protocols::replicated3_malicious::{Bit, Malicious3, SECURITY, Share};
use privet_mpc::role::Role;
use privet_mpc::world::World;

const SIZES: [usize; 3] = [1, 64, 77];

/// Bytes of so many tensors of `n` elements of the ring 2^k, as each is sent.
fn sent(tensors: usize, k: u32, n: usize) -> usize {
    let bits = (k + SECURITY) as usize;
    let high = bits.saturating_sub(64);
    tensors * ((n * (bits - high)).div_ceil(8) + (n * high).div_ceil(8))
}

/// What a gate costs besides the beginning: the same rounds for every party, the bytes of all.
fn cost<T: Send>(gate: impl Fn(Role, &mut Malicious3) -> Result<T, Abort> + Sync) -> (u32, usize) {
    let ledgers = World::new(1).run([5; 32], |session| {
        let mut p = <Malicious3 as Party>::begin(session)?;
        let (rounds, bytes) = (p.ledger().rounds, p.ledger().bytes_between());
        assert_eq!((rounds, bytes), (1, 64), "to begin");
        let me = p.me();
        gate(me, &mut p)?;
        Ok((p.ledger().rounds - rounds, p.ledger().bytes_between() - bytes))
    });
    let ledgers = ledgers.map(Result::unwrap);
    assert!(ledgers.iter().all(|l| l.0 == ledgers[0].0), "all have the same rounds");
    (ledgers[0].0, ledgers.iter().map(|l| l.1).sum())
}

fn given(me: Role, k: u32, x: &[u64]) -> Share {
    Malicious3::share(&share(me, k, 1, x))
}

fn given_bits(me: Role, x: &[u64]) -> Bit {
    Malicious3::bits(&bits(me, 3, &x.iter().map(|x| x & 1 == 1).collect::<Vec<_>>()))
}

/// From shares, and from summands: one round and 6(k+s) bits more.
#[track_caller]
fn expect<T: Send>(
    k: u32,
    n: usize,
    expected: (u32, usize),
    gate: impl Fn(&mut Malicious3, <Malicious3 as Protocol>::Sum) -> Result<T, Abort> + Sync,
) {
    let x = words(1, n);
    let what = format!("{n} of the ring 2^{k}");
    assert_eq!(cost(|me, p| gate(p, (&given(me, k, &x)).into())), expected, "shares, {what}");
    let from_summands = cost(|me, p| {
        let ones = p.public(&vec![1; n], k);
        let sum = p.multiply(&ones, &given(me, k, &x));
        gate(p, sum)
    });
    assert_eq!(from_summands, (expected.0 + 1, expected.1 + sent(6, k, n)), "summands, {what}");
}

#[test]
fn truncation() {
    for n in SIZES {
        for (k, drop, to) in [(32, 13, 32), (50, 20, 50), (64, 30, 40)] {
            let t = to + drop - k;
            expect(k, n, (4, sent(36, t, n) + sent(18, to, n)), |p, x| p.truncate(x, drop, to));
        }
        expect(20, n, (4, sent(36, 13, n) + sent(6, 33, n)), |p, x| p.truncate(x, 0, 33));
        for (k, drop, to) in [(32, 13, 19), (50, 20, 8)] {
            expect(k, n, (3, sent(18, to, n)), |p, x| p.truncate(x, drop, to));
        }
        expect(50, n, (0, 0), |p, x| p.truncate(x, 0, 8));
    }
}

/// Rounds and elements of 1+s bits of a sign in the ring 2^k, as its table says.
fn sign(k: u32) -> (u32, u32) {
    match k {
        1 => (0, 0),
        2 => (2, 9),
        _ => {
            let m = k - 2;
            let levels = m.next_power_of_two().ilog2();
            (3 + levels, 9 * (k - 1) + 9 * m + 6 * (2 * (m - 1) - levels))
        }
    }
}

#[test]
fn signs() {
    for n in SIZES {
        for k in [1, 2, 3, 4, 7, 16, 20, 32, 64] {
            let (rounds, elements) = sign(k);
            expect(k, n, (rounds, sent(elements as usize, 1, n)), |p, x| p.is_negative(x, 0));
        }
        let (rounds, elements) = sign(20);
        expect(29, n, (rounds, sent(elements as usize, 1, n)), |p, x| p.is_negative(x, 9));
    }
    let (rounds, bytes) = cost(|me, p| p.is_negative(given(me, 32, &[5; 8]), 0));
    assert!(rounds == 8 && bytes / 8 == 5202, "{rounds} {bytes}");
}

#[test]
fn rectifiers() {
    for n in SIZES {
        for (k, drop, to) in [(32, 12, 20), (50, 30, 11)] {
            let (rounds, elements) = sign(k - drop);
            let bytes = sent(elements as usize, 1, n) + sent(18 + 18 + 6, to, n);
            expect(k, n, (rounds + 4, bytes), |p, x| p.relu(x, drop, to));
        }
        for (k, drop, to) in [(32, 16, 40), (50, 30, 25)] {
            let (rounds, elements) = sign(k - drop);
            let t = to + drop - k;
            let bytes = sent(elements as usize, 1, n) + sent(18 + 18 + 6, to, n) + sent(36, t, n);
            expect(k, n, (rounds + 5, bytes), |p, x| p.relu(x, drop, to));
        }
        let (rounds, elements) = sign(20);
        let bytes = sent(elements as usize, 1, n) + sent(18 + 6 + 6, 31, n) + sent(36, 11, n);
        expect(20, n, (rounds + 5, bytes), |p, x| p.relu(x, 0, 31));
        let x = words(1, n);
        let without_mac = cost(|me, p| p.relu(given(me, 20, &x), 0, 20));
        let bytes = sent(elements as usize, 1, n) + sent(18 + 3 + 6, 20, n);
        assert_eq!(without_mac, (rounds + 4, bytes));
    }
}

#[test]
fn bits_and_choices() {
    for n in SIZES {
        let x = words(1, n);
        let of_and = cost(|me, p| p.and(&given_bits(me, &x), &p.public_bits(&vec![true; n])));
        assert_eq!(of_and, (1, sent(6, 1, n)), "and");
        for k in [1, 19, 64] {
            let of_bit = cost(|me, p| p.bit_to_arith(&given_bits(me, &x), k));
            assert_eq!(of_bit, (3, sent(18, k, n)), "bit to integer");
            let choice = cost(|me, p| p.select(&given_bits(me, &x), &given(me, k, &x)));
            assert_eq!(choice, (4, sent(24, k, n)), "choice");
        }
    }
}

#[test]
fn tables() {
    for n in SIZES {
        for (r, k) in [(1, 8), (4, 13), (8, 32)] {
            let table = words(2, 1 << r);
            let bytes = |k| sent(9, k, n << r) + sent(6, k, n);
            expect(r, n, (3, bytes(k)), |p, x| p.lookup(x, &table, k));
            expect(r, n, (3, bytes(1)), Protocol::is_zero);
        }
    }
}

#[test]
fn smooth_functions() {
    for n in SIZES {
        for harmonics in [1, 10] {
            let terms = (1..=harmonics).map(|harmonic| Term { harmonic, sine: 0.5, cosine: 0.25 }).collect();
            let f = Series { period_bits: 22, constant: 0.5, terms };
            let pairs = 2 * harmonics as usize * n;
            let bits = SeriesBits { drop: 0, sines: 14, coefficients: 20, ring: 44 };
            let bytes = sent(18, 60, pairs / 2) + sent(6, 60, n) + sent(12, 44, n);
            expect(22, n, (5, bytes), |p, x| p.series(x, &f, bits));
            let bits = SeriesBits { drop: 0, sines: 30, coefficients: 20, ring: 60 };
            // The pairs of both are one tensor, of 65 bits, cut by 29 to 63.
            let (a, b) = (65, 63);
            let t = b + 29 - a;
            let cut = sent(6, a, pairs) + sent(36, t, pairs) + sent(18, b, pairs);
            let bytes = sent(6, a, pairs / 2) + cut + sent(6, b, n) + sent(12, 60, n);
            expect(22, n, (9, bytes), |p, x| p.series(x, &f, bits));
        }
    }
}

#[test]
fn products_and_what_makes_shares_of_them() {
    for n in SIZES {
        for k in [7, 32, 64] {
            let x = words(1, n);
            let product = cost(|me, p| Ok(p.multiply(&given(me, k, &x), &given(me, k, &x))));
            assert_eq!(product, (1, sent(3, k, n)), "a product of two tensors without MAC");
            let shared = cost(|me, p| p.reshare(given(me, k, &x)));
            assert_eq!(shared, (1, sent(3, k, n)), "a MAC");
            let two = cost(|me, p| {
                let x = p.reshare(given(me, k, &x))?;
                let product = p.multiply(&x, &x);
                let product = p.reshare(product)?;
                Ok(p.multiply(&product, &x))
            });
            assert_eq!(two, (2, sent(9, k, n)), "a share of a product");
        }
    }
}

#[test]
fn the_end_is_an_exchange_and_the_check() {
    for n in SIZES {
        let answers = World::new(1).run([5; 32], |session| {
            let p = <Malicious3 as Party>::begin(session)?;
            let x = p.public(&words(1, n), 40);
            p.finish((&x).into(), 40)
        });
        for answer in answers.map(Result::unwrap) {
            let check = 32 + 16 + 2 * 32;
            let expected = (1 + 4, 64 + sent(2, 40, n) + check);
            assert_eq!((answer.ledger().rounds, answer.ledger().bytes_between()), expected);
            assert_eq!(answer.packed().len(), 2 * (n * 40).div_ceil(8));
        }
    }
}
