//! The cost tables in the headers of `replicated3-malicious`: rounds, and bytes between the parties, for several sizes.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{bits, share};
use common::party::Party;
use common::words;
use privet_model::series::{Series, Term};
use privet_mpc::Abort;
use privet_mpc::protocols::protocol::{Matrices, Operand, Protocol, SeriesBits};
use privet_mpc::protocols::replicated3::Bits;
use privet_mpc::protocols::replicated3_malicious::{Malicious3, Share};
use privet_mpc::role::Role;
use privet_mpc::world::World;

const SIZES: [usize; 3] = [1, 64, 77];

/// Bytes of so many tensors of `n` elements of k bits, as each is sent.
fn sent(tensors: usize, k: u32, n: usize) -> usize {
    tensors * (n * k as usize).div_ceil(8)
}

/// Bytes of so many tensors of `n` bits, of which words are sent.
fn words_sent(tensors: usize, n: usize) -> usize {
    tensors * 8 * n.div_ceil(64)
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

fn given_bits(me: Role, x: &[u64]) -> Bits {
    Malicious3::bits(&bits(me, 3, &x.iter().map(|x| x & 1 == 1).collect::<Vec<_>>()))
}

/// From shares, and from summands: one round and 3k bits more.
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
        let x = given(me, k, &x);
        let sum = p.multiply(&x, &x);
        gate(p, sum)
    });
    assert_eq!(from_summands, (expected.0 + 1, expected.1 + sent(3, k, n)), "summands, {what}");
}

#[test]
fn truncation() {
    for n in SIZES {
        for (k, drop, to) in [(32, 13, 32), (50, 20, 50), (64, 30, 40)] {
            let t = to + drop - k;
            expect(k, n, (3, sent(6, t, n) + sent(4, to, n)), |p, x| p.truncate(x, drop, to));
        }
        expect(20, n, (3, sent(6, 13, n) + sent(3, 33, n)), |p, x| p.truncate(x, 0, 33));
        for (k, drop, to) in [(32, 13, 19), (50, 20, 8)] {
            expect(k, n, (2, sent(3, to, n)), |p, x| p.truncate(x, drop, to));
        }
        expect(50, n, (0, 0), |p, x| p.truncate(x, 0, 8));
    }
}

/// Rounds and bits of a sign in the ring 2^k, as its table says.
fn sign(k: u32) -> (u32, usize) {
    match k {
        1 => (0, 0),
        2 => (1, 3),
        _ => {
            let m = k - 2;
            let levels = m.next_power_of_two().ilog2();
            (2 + levels, (3 * (k - 1) + 3 * m + 3 * (2 * (m - 1) - levels)) as usize)
        }
    }
}

#[test]
fn signs() {
    for n in SIZES {
        for k in [1, 2, 3, 4, 7, 16, 20, 32, 64] {
            let (rounds, bits) = sign(k);
            expect(k, n, (rounds, words_sent(bits, n)), |p, x| p.is_negative(x, 0));
        }
        let (rounds, bits) = sign(20);
        expect(29, n, (rounds, words_sent(bits, n)), |p, x| p.is_negative(x, 9));
    }
    assert_eq!(sign(32), (7, 342));
}

#[test]
fn rectifiers() {
    for n in SIZES {
        for (k, drop, to) in [(32, 12, 20), (50, 30, 11)] {
            let (rounds, bits) = sign(k - drop);
            let bytes = words_sent(bits, n) + sent(9, to, n);
            expect(k, n, (rounds + 3, bytes), |p, x| p.relu(x, drop, to));
        }
        for (k, drop, to) in [(32, 16, 40), (50, 30, 25)] {
            let (rounds, bits) = sign(k - drop);
            let bytes = words_sent(bits, n) + sent(10, to, n) + sent(6, to + drop - k, n);
            expect(k, n, (rounds + 4, bytes), |p, x| p.relu(x, drop, to));
        }
        let (rounds, bits) = sign(20);
        let bytes = words_sent(bits, n) + sent(9, 31, n) + sent(6, 11, n);
        expect(20, n, (rounds + 4, bytes), |p, x| p.relu(x, 0, 31));
        expect(20, n, (rounds + 3, words_sent(bits, n) + sent(6, 20, n)), |p, x| p.relu(x, 0, 20));
    }
}

#[test]
fn bits_and_choices() {
    for n in SIZES {
        let x = words(1, n);
        let of_and = cost(|me, p| p.and(&given_bits(me, &x), &p.public_bits(&vec![true; n])));
        assert_eq!(of_and, (1, words_sent(3, n)), "and");
        for k in [1, 19, 64] {
            let of_bit = cost(|me, p| p.bit_to_arith(&given_bits(me, &x), k));
            assert_eq!(of_bit, (2, sent(3, k, n)), "bit to integer");
            let choice = cost(|me, p| p.select(&given_bits(me, &x), &given(me, k, &x)));
            assert_eq!(choice, (3, sent(6, k, n)), "choice");
        }
    }
}

/// Rounds and bits of equality with zero in the ring 2^k.
fn zero(k: u32) -> (u32, usize) {
    match k {
        1 => (0, 0),
        2 => (2, 6),
        _ => (2 + k.next_power_of_two().ilog2(), 9 * k as usize - 12),
    }
}

#[test]
fn tables() {
    for n in SIZES {
        for (r, k) in [(1, 8), (2, 9), (4, 13), (8, 32)] {
            let (rounds, bits) = zero(r);
            expect(r, n, (rounds, words_sent(bits, n)), Protocol::is_zero);
            let table = words(2, 1 << r);
            let bytes = words_sent(bits, n << r) + sent(3, k, n << r);
            expect(r, n, (rounds + 2, bytes), |p, x| p.lookup(x, &table, k));
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
            let bytes = sent(2, 60, pairs / 2) + sent(2, 60, n) + sent(1, 44, n);
            expect(22, n, (3, bytes), |p, x| p.series(x, &f, bits));
            let bits = SeriesBits { drop: 0, sines: 28, coefficients: 20, ring: 60 };
            // The pairs of both are one tensor, of 61 bits, cut by 27 to 63.
            let (a, b) = (61, 63);
            let t = b + 27 - a;
            let bytes = sent(2, a, pairs / 2)
                + sent(6, t, pairs)
                + sent(4, b, pairs)
                + sent(2, b, n)
                + sent(1, 60, n);
            expect(22, n, (6, bytes), |p, x| p.series(x, &f, bits));
        }
    }
}

#[test]
fn products_and_what_makes_shares_of_them() {
    for n in SIZES {
        for k in [7, 32, 64] {
            let x = words(1, n);
            let product = cost(|me, p| Ok(p.multiply(&given(me, k, &x), &given(me, k, &x))));
            assert_eq!(product, (0, 0), "a product");
            let share = cost(|me, p| p.reshare(given(me, k, &x)));
            assert_eq!(share, (0, 0), "a share");
            let two = cost(|me, p| {
                let x = given(me, k, &x);
                let product = p.multiply(&x, &x);
                let product = p.reshare(product)?;
                let sum = p.dot(&product, &x, n);
                p.reshare(sum)
            });
            assert_eq!(two, (2, sent(3, k, n) + sent(3, k, 1)), "shares of products");
        }
    }
}

/// Rounds and bytes of a party's proof of so many words of bits, besides the verdict.
fn proof_of_words(words: usize) -> (u32, usize) {
    let (mut rounds, mut bytes) = (4, 16 + 8 * 212 + 8 * 6);
    let mut length = 64 * words.div_ceil(32) + 1;
    while length > 1 {
        let v = if length > 1 << 14 { 4 } else { length.next_power_of_two().ilog2().min(6) };
        rounds += 2;
        bytes += 8 * (3usize.pow(v) - 1) + 8 * v as usize;
        length = length.div_ceil(1 << v);
    }
    (rounds, bytes + 24)
}

/// Likewise of integers: v variables to begin with, which leave so many elements.
fn proof_of_integers(v: u32, elements: usize) -> (u32, usize) {
    let (mut rounds, first) = (4, 3usize.pow(v) - (1 << v) + 1);
    let mut bytes = 16 + 384 * first + 8 * (v as usize + 1);
    let mut length = elements + 1;
    while length > 1 {
        let v = length.next_power_of_two().ilog2().min(if length > 1 << 12 { 3 } else { 2 });
        rounds += 2;
        bytes += 384 * (3usize.pow(v) - 1) + 8 * v as usize;
        length = length.div_ceil(1 << v);
    }
    (rounds, bytes + 1152)
}

/// A whole run: the beginning, gates of so many rounds and bytes, the exchange of n elements of the answer, proofs and verdict.
#[track_caller]
fn expect_end(
    n: usize,
    gates: (u32, usize),
    proof: (u32, usize),
    gate: impl Fn(Role, &mut Malicious3) -> Result<Share, Abort> + Sync,
) {
    let answers = World::new(1).run([5; 32], |session| {
        let mut p = <Malicious3 as Party>::begin(session)?;
        let x = gate(p.me(), &mut p)?;
        p.finish((&x).into(), 40)
    });
    for answer in answers.map(Result::unwrap) {
        let rounds = 1 + gates.0 + 1 + proof.0 + 1;
        let bytes = 64 + gates.1 + sent(1, 40, n) + proof.1 + 32 + 2;
        assert_eq!((answer.ledger().rounds, answer.ledger().bytes_between()), (rounds, bytes));
        assert_eq!(answer.packed().len(), 2 * sent(1, 40, n));
    }
}

/// The answer's own exchange is proven too, which has no product.
#[test]
fn the_end_is_an_exchange_and_the_proof() {
    for (n, v) in [(1, 0), (9, 2), (100, 2)] {
        expect_end(n, (0, 0), proof_of_integers(v, 0), |_, p| Ok(p.public(&words(1, n), 40)));
    }
    for (n, v) in [(1, 0), (100, 2), (300, 3), (3000, 4)] {
        let x = words(2, n);
        expect_end(n, (1, sent(1, 40, n)), proof_of_integers(v, n.div_ceil(1 << v)), |me, p| {
            let x = given(me, 40, &x);
            let product = p.multiply(&x, &x);
            p.reshare(product)
        });
    }
}

/// As many elements as the matrices have in common, whatever their product has.
#[test]
fn matrices_are_proven_by_what_they_share() {
    let shape = Matrices { rows: 5, inner: 30, columns: 4 };
    expect_end(20, (1, sent(1, 40, 20)), proof_of_integers(2, 30), |me, p| {
        let (x, w) = (given(me, 40, &words(1, 150)), given(me, 40, &words(2, 120)));
        let product = p.matmul(Operand::Secret(&x), Operand::Secret(&w), 40, shape);
        p.reshare(product)
    });
}

#[test]
fn bits_are_proven_word_by_word() {
    for words in [1, 33, 5000] {
        let n = 64 * words;
        let (of_bits, of_answer) = (proof_of_words(words), proof_of_integers(0, 0));
        // Both proofs go side by side.
        let proof = (of_bits.0.max(of_answer.0), of_bits.1 + of_answer.1);
        expect_end(1, (1, 8 * words), proof, |me, p| {
            let x = common::words(1, n);
            p.and(&given_bits(me, &x), &given_bits(me, &x))?;
            Ok(p.public(&[1], 40))
        });
    }
}
