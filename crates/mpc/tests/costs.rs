//! The cost tables in the headers of the gates: rounds, and bytes between the parties, for several sizes.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{bits, costs, share, summed};
use common::words;
use privet_model::series::{Series, Term};
use privet_mpc::Abort;
use privet_mpc::ledger::Ledger;
use privet_mpc::protocols::protocol::{Protocol, SeriesBits};
use privet_mpc::protocols::replicated3::{Replicated3, blocks};
use privet_mpc::role::{PARTIES, Role};

const SIZES: [usize; 4] = [1, 64, 77, 200];

/// Bytes of `n` elements of so many bits.
fn ring(bits: u32, n: usize) -> usize {
    (n * bits as usize).div_ceil(8)
}

/// Bytes of so many planes of bits.
fn planes(planes: u64, n: usize) -> usize {
    planes as usize * n.div_ceil(8)
}

/// All parties' bytes; the rounds are those of P1 and P2, and P0 waits for nobody.
#[track_caller]
fn expect(ledgers: &[Ledger; PARTIES], rounds: u32, bytes: usize, what: &str) {
    assert_eq!(ledgers.each_ref().map(|l| l.rounds), [0, rounds, rounds], "rounds of {what}");
    let sent: usize = ledgers.iter().map(Ledger::bytes_between).sum();
    assert_eq!(sent, bytes, "bytes of {what}");
}

/// From shares and from summands, which take one round and 2k bits more.
#[track_caller]
fn expect_both<T: Send>(
    k: u32,
    n: usize,
    (rounds, bytes): (u32, usize),
    gate: impl Fn(&mut Replicated3, privet_mpc::protocols::replicated3::Sum) -> Result<T, Abort> + Sync,
) {
    let x = words(1, n);
    let from_shares = costs(|me: Role, p| gate(p, (&share(me, k, 1, &x)).into()));
    expect(&from_shares, rounds, bytes, &format!("{n} shares of the ring 2^{k}"));
    let from_summands = costs(|me: Role, p| gate(p, summed(me, k, 1, &x)));
    expect(&from_summands, rounds + 1, bytes + 2 * ring(k, n), &format!("{n} summands of the ring 2^{k}"));
}

#[test]
fn truncation() {
    for n in SIZES {
        for (k, drop, to) in [(32, 13, 32), (50, 20, 50), (64, 30, 40), (20, 0, 33)] {
            let t = to + drop - k;
            expect_both(k, n, (1, ring(to, n) + 3 * ring(t, n)), |p, x| p.truncate(x, drop, to));
        }
        for (k, drop, to) in [(32, 13, 19), (50, 20, 8)] {
            expect_both(k, n, (0, ring(to, n)), |p, x| p.truncate(x, drop, to));
        }
    }
}

/// Planes of a comparison in the ring 2^k, and its rounds from shares.
fn sign(k: u32) -> (u32, u64) {
    match k {
        1 => (0, 1),
        16 => (2, 84),
        20 => (2, 125),
        32 => (2, 326),
        64 => (3, 407),
        _ => unreachable!(),
    }
}

#[test]
fn signs() {
    for n in SIZES {
        for k in [1, 16, 20, 32, 64] {
            let (rounds, bits) = sign(k);
            expect_both(k, n, (rounds, planes(bits, n)), |p, x| p.is_negative(x, 0));
        }
        let (rounds, bits) = sign(20);
        expect_both(29, n, (rounds, planes(bits, n)), |p, x| p.is_negative(x, 9));
    }
    assert_eq!(blocks(15), [4, 4, 4, 3]);
    assert_eq!(blocks(19), [4, 4, 4, 4, 3]);
}

#[test]
fn no_sign_takes_more_than_a_hundred_bytes() {
    for k in 1..=64 {
        let x = words(1, 8);
        let ledgers = costs(|me, p| p.is_negative(&share(me, k, 1, &x), 0));
        let bits: usize = ledgers.iter().map(Ledger::bytes_between).sum();
        assert!(bits <= 8 * 100, "{bits} bits in the ring 2^{k}");
        assert!(ledgers[1].rounds <= if k > 42 { 3 } else { 2 });
    }
}

#[test]
fn rectifiers() {
    for n in SIZES {
        for (k, drop, to) in [(32, 12, 32), (32, 16, 40), (50, 30, 20)] {
            let (rounds, bits) = sign(k - drop);
            let t = (to + drop).saturating_sub(k);
            let bytes = planes(bits, n) + 5 * ring(to, n) + 2 * ring(t, n);
            expect_both(k, n, (rounds + 1, bytes), |p, x| p.relu(x, drop, to));
        }
    }
}

#[test]
fn bits_and_choices() {
    for n in SIZES {
        let x = words(1, n);
        let bit: Vec<bool> = x.iter().map(|x| x & 1 == 1).collect();
        let of_and = costs(|me, p| p.and(&bits(me, 1, &bit), &bits(me, 2, &bit)));
        assert!(of_and.iter().all(|l| l.bytes_between() == n.div_ceil(8)), "one bit from each");
        expect(&of_and, 1, planes(3, n), "and");
        for k in [1, 19, 64] {
            let cost = costs(|me, p| p.bit_to_arith(&bits(me, 1, &bit), k));
            expect(&cost, 1, 3 * ring(k, n), "bit to integer");
            let cost = costs(|me, p| p.select(&bits(me, 1, &bit), &share(me, k, 1, &x)));
            expect(&cost, 1, 4 * ring(k, n), "choice");
        }
    }
}

#[test]
fn tables() {
    for n in SIZES {
        for (s, k) in [(1, 8), (4, 13), (8, 32)] {
            let table = words(2, 1 << s);
            expect_both(s, n, (1, ring(k, n << s) + 2 * ring(k, n)), |p, x| p.lookup(x, &table, k));
            expect_both(s, n, (1, planes((1 << s) + 2, n)), Protocol::is_zero);
        }
    }
}

#[test]
fn smooth_functions() {
    for n in SIZES {
        for harmonics in [0, 1, 10] {
            let terms = (1..=harmonics).map(|harmonic| Term { harmonic, sine: 0.5, cosine: 0.25 }).collect();
            let f = Series { period_bits: 22, constant: 0.5, terms };
            let bits = SeriesBits { drop: 0, sines: 20, coefficients: 20, ring: 44 };
            expect_both(22, n, (0, ring(44, 2 * harmonics as usize * n)), |p, x| p.series(x, &f, bits));
        }
    }
}

#[test]
fn products_are_local_and_a_share_of_one_costs_its_ring_three_times() {
    for n in SIZES {
        for k in [7, 32, 64] {
            let x = words(1, n);
            let product = costs(|me, p| Ok(p.multiply(&share(me, k, 1, &x), &share(me, k, 2, &x))));
            expect(&product, 0, 0, "a product");
            let shared = costs(|me, p| {
                let z = p.multiply(&share(me, k, 1, &x), &share(me, k, 2, &x));
                p.reshare(z)
            });
            expect(&shared, 1, 3 * ring(k, n), "a share of a product");
        }
    }
}
