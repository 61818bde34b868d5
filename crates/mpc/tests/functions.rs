//! Functions over the gates: right on every case of a small world, within their stated error on a wide one, for the stated rounds.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{costs, done, done_as, extremes, given, opened, opened_signed, share, unsigned};
use common::party::Party;
use common::words;
use privet_mpc::functions::Format;
use privet_mpc::functions::extremes::{abs, argmax, clip, max, min};
use privet_mpc::functions::normal::{Inverse, Normal, invert, quotient};
use privet_mpc::functions::softmax::{Softmax, softmax};
use privet_mpc::protocols::protocol::Protocol;
use proptest::prelude::*;

const K: u32 = 40;

under_both!(
    greatest_and_least_of_windows,
    the_first_of_the_greatest,
    absolute_values_and_clips,
    inverses_of_every_magnitude_keep_their_error,
    softmax_keeps_its_error,
);

/// Small integers with many ties.
fn small(seed: u8, n: usize) -> Vec<i64> {
    words(seed, n).into_iter().map(|w| (w % 7).cast_signed() - 3).collect()
}

fn greatest_and_least_of_windows<P: Party>() {
    for length in 1..=9usize {
        let x = [small(1, 20), extremes(2, (1 << (K - 2)) - 1, 20)].concat();
        let windows: Vec<usize> = words(3, 15 * length).iter().map(|w| *w as usize % x.len()).collect();
        let most = done_as::<P>(|me, p| max(p, &given::<P>(me, K, 1, &unsigned(&x)), &windows, length));
        let least = done_as::<P>(|me, p| min(p, &given::<P>(me, K, 1, &unsigned(&x)), &windows, length));
        let rows = || windows.chunks(length).map(|w| w.iter().map(|&i| x[i]));
        assert_eq!(opened_signed(&most), rows().map(|r| r.max().unwrap()).collect::<Vec<_>>());
        assert_eq!(opened_signed(&least), rows().map(|r| r.min().unwrap()).collect::<Vec<_>>());
    }
}

/// Every row of three values for each length, so that ties stand everywhere.
fn the_first_of_the_greatest<P: Party>() {
    for length in 1..=6u32 {
        let rows = 3u32.pow(length);
        let x: Vec<i64> = (0..rows)
            .flat_map(|r| (0..length).map(move |i| (r / 3u32.pow(i) % 3).cast_signed().into()))
            .collect();
        let length = length as usize;
        let marks = opened(&done_as::<P>(|me, p| {
            let marks = argmax(p, &given::<P>(me, K, 1, &unsigned(&x)), length)?;
            p.bit_to_arith(&marks, 1)
        }));
        for (row, marks) in x.chunks(length).zip(marks.chunks(length)) {
            let most = row.iter().max().unwrap();
            let first = row.iter().position(|x| x == most).unwrap();
            assert!(
                marks.iter().enumerate().all(|(i, &mark)| (mark == 1) == (i == first)),
                "{row:?} {marks:?}"
            );
        }
    }
}

fn absolute_values_and_clips<P: Party>() {
    let x = extremes(5, (1 << (K - 2)) - 1, 100);
    let got = done_as::<P>(|me, p| abs(p, &given::<P>(me, K, 1, &unsigned(&x))));
    assert_eq!(opened_signed(&got), x.iter().map(|x| x.abs()).collect::<Vec<_>>());
    for (lo, hi) in [(-5, 5), (0, 0), (-1_000_000, -3), (7, 1 << 30)] {
        let both = done_as::<P>(|me, p| {
            let (inside, above) = clip(p, &given::<P>(me, K, 1, &unsigned(&x)), lo, hi)?;
            Ok(P::concat(&[&inside, &above]))
        });
        let expected = x.iter().map(|&x| x.clamp(lo, hi)).chain(x.iter().map(|&x| (x - hi).max(0)));
        assert_eq!(opened_signed(&both), expected.collect::<Vec<_>>());
    }
}

#[test]
fn rounds_of_tournaments() {
    for (length, levels) in [(1, 0), (2, 1), (3, 2), (4, 2), (9, 4)] {
        let x = words(1, 2 * length);
        let all: Vec<usize> = (0..2 * length).collect();
        let of = |cost: [privet_mpc::ledger::Ledger; 3]| cost.map(|l| l.rounds);
        let most = of(costs(|me, p| max(p, &share(me, K, 1, &x), &all, length)));
        assert_eq!(most, [0, 3 * levels, 3 * levels]);
        let first = of(costs(|me, p| argmax(p, &share(me, K, 1, &x), length)));
        assert_eq!(first, [0, 4 * levels, 4 * levels]);
        assert_eq!(of(costs(|me, p| abs(p, &share(me, K, 1, &x)))), [0, 3, 3]);
        assert_eq!(of(costs(|me, p| clip(p, &share(me, K, 1, &x), -1, 1))), [0, 3, 3]);
    }
}

/// Every power of two of the range, its neighbours, and what lies between.
fn magnitudes(low: u32, high: u32) -> Vec<u64> {
    let drawn = words(6, 400).into_iter().enumerate().map(|(i, w)| {
        let bits = low + i as u32 % (high - low);
        (1 << bits) | (w & ((1 << bits) - 1))
    });
    let powers = (low..high).flat_map(|b| [(1u64 << b), (1 << b) + 1, (2u64 << b) - 1]);
    powers.chain(drawn).filter(|x| (1 << low..1u64 << high).contains(x)).collect()
}

fn inverses_of_every_magnitude_keep_their_error<P: Party>() {
    let functions =
        [Inverse::Reciprocal, Inverse::SquareRoot, Inverse::InverseSquareRoot, Inverse::Logarithm];
    for f in functions {
        for (fraction_bits, low, high) in [(12, 0, 24), (13, 5, 18), (12, 7, 8), (0, 0, 20), (9, 8, 9)] {
            for (relative, doublings) in [(1e-2, 0), (1e-5, 0), (1e-2, 1), (1e-4, 1)] {
                let input = Format { ring: 40, fraction_bits };
                let output = Format { ring: 44, fraction_bits: 20 };
                let plan = Normal::plan_by(f, doublings, input, [low, high], relative, output).unwrap();
                assert!(plan.relative <= relative);
                let x = magnitudes(low, high);
                let got = opened_signed(&done_as::<P>(|me, p| invert(p, &given::<P>(me, 40, 1, &x), &plan)));
                for (&x, y) in x.iter().zip(got) {
                    let real = x as f64 * input.unit();
                    let exact = match f {
                        Inverse::Reciprocal => 1.0 / real,
                        Inverse::SquareRoot => real.sqrt(),
                        Inverse::InverseSquareRoot => 1.0 / real.sqrt(),
                        Inverse::Logarithm => real.ln(),
                    };
                    let (error, bound) = (
                        (y as f64 * output.unit() - exact).abs(),
                        plan.relative * exact.abs() + plan.absolute,
                    );
                    assert!(error <= bound, "{f:?} of {x}/2^{fraction_bits}: {error} > {bound}");
                }
            }
        }
    }
}

#[test]
fn quotients_and_rounds() {
    let format = Format { ring: 42, fraction_bits: 14 };
    let plan = Normal::plan(Inverse::Reciprocal, format, [12, 20], 1e-3, format).unwrap();
    let y = magnitudes(12, 20);
    let x: Vec<i64> = small(1, y.len()).into_iter().map(|x| x << 13).collect();
    let part = |me| (share(me, 42, 1, &unsigned(&x)), share(me, 42, 2, &y));
    let got = opened_signed(&done(|me, p| quotient(p, &part(me).0, &part(me).1, &plan, 14)));
    for ((x, y), got) in x.iter().zip(&y).zip(got) {
        let exact = *x as f64 / *y as f64;
        let bound = exact.abs() * plan.relative + (x.abs() as f64 * format.unit() + 1.0) * format.unit();
        assert!((got as f64 * format.unit() - exact).abs() <= bound, "{x} / {y}");
    }
    let rounds = costs(|me, p| invert(p, &part(me).1, &plan)).map(|l| l.rounds);
    assert!(rounds[0] == 0 && rounds[1] <= 9 && rounds[1] == rounds[2], "{rounds:?}");
    let rounds = costs(|me, p| quotient(p, &part(me).0, &part(me).1, &plan, 14)).map(|l| l.rounds);
    assert!(rounds[1] <= 11, "{rounds:?}");
}

#[test]
fn what_cannot_be_inverted_is_refused() {
    let format = Format { ring: 40, fraction_bits: 14 };
    let plan = |range, relative| Normal::plan(Inverse::SquareRoot, format, range, relative, format);
    assert_eq!(plan([10, 5], 1e-3), None);
    assert_eq!(plan([0, 39], 1e-3), None, "the ring has no room");
    assert_eq!(plan([0, 20], 0.0), None);
}

fn check_softmax<P: Party>(length: usize, x: &[i64], accuracy: f64) {
    let input = Format { ring: 38, fraction_bits: 14 };
    let output = Format { ring: 30, fraction_bits: 18 };
    let plan = Softmax::plan(length, input, accuracy, output).unwrap();
    assert!(plan.error <= accuracy);
    let got =
        opened_signed(&done_as::<P>(|me, p| softmax(p, &given::<P>(me, input.ring, 1, &unsigned(x)), &plan)));
    for (row, got) in x.chunks(length).zip(got.chunks(length)) {
        let most = *row.iter().max().unwrap();
        let powers: Vec<f64> = row.iter().map(|x| ((x - most) as f64 * input.unit()).exp()).collect();
        let sum: f64 = powers.iter().sum();
        for (power, got) in powers.iter().zip(got) {
            let error = (power / sum - *got as f64 * output.unit()).abs();
            assert!(error <= plan.error, "{row:?}: {error} > {}", plan.error);
        }
    }
}

fn softmax_keeps_its_error<P: Party>() {
    for (length, accuracy) in [(1, 1e-3), (2, 1e-4), (3, 1e-3), (10, 1e-3), (64, 1e-2)] {
        let drawn: Vec<i64> =
            words(length as u8, 40 * length).iter().map(|w| (w % (20 << 14)).cast_signed()).collect();
        // All the same, one far above, and two nearly so.
        let mut special = vec![0; 3 * length];
        special[length] = 200 << 14;
        special[2 * length] = -(200 << 14);
        special[3 * length - 1] += 1;
        check_softmax::<P>(length, &[drawn, special].concat(), accuracy);
    }
}

#[test]
fn softmax_takes_the_stated_rounds() {
    let input = Format { ring: 38, fraction_bits: 14 };
    let plan = Softmax::plan(10, input, 1e-3, Format { ring: 30, fraction_bits: 18 }).unwrap();
    let rounds = costs(|me, p| softmax(p, &share(me, 38, 1, &words(1, 30)), &plan)).map(|l| l.rounds);
    assert!(rounds[0] == 0 && rounds[1] <= 3 * 4 + 16, "{rounds:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn one_row_of_anything(x in proptest::collection::vec(-(1i64 << 20)..(1 << 20), 1..30)) {
        let n = x.len();
        let all: Vec<usize> = (0..n).collect();
        let most = done(|me, p| max(p, &share(me, K, 1, &unsigned(&x)), &all, n));
        let marks = done(|me, p| {
            let bits = argmax(p, &share(me, K, 1, &unsigned(&x)), n)?;
            p.bit_to_arith(&bits, K)
        });
        let marks = opened(&marks);
        let first = x.iter().position(|v| v == x.iter().max().unwrap()).unwrap();
        prop_assert_eq!(opened_signed(&most), vec![x[first]]);
        prop_assert!(marks.iter().enumerate().all(|(i, &m)| m == u64::from(i == first)));
    }
}
