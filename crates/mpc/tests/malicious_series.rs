//! Series of `replicated3-malicious`: the stated rounding, whatever the bits.

#![allow(clippy::unwrap_used, clippy::many_single_char_names)]

mod common;

use common::gates::{done_as, given, opened_signed};
use common::party::Party;
use common::words;
use privet_model::series::{Series, Term};
use privet_mpc::Abort;
use privet_mpc::protocols::protocol::{Protocol as _, SeriesBits};
use privet_mpc::protocols::replicated3_malicious::Malicious3;
use privet_mpc::world::World;
use privet_ring::fixed::power_of_two;
use privet_ring::reduce;

/// The stated rounding, in both ways to compute a series; and arguments that may lose bits.
#[test]
fn a_series_keeps_its_rounding() {
    let term = |(harmonic, size): (u32, f64)| Term { harmonic, sine: 0.7 * size, cosine: -0.6 * size };
    let terms: Vec<Term> = [(1, 1.0), (2, 0.5), (3, 0.25), (7, 1.0), (12, 0.01)].map(term).to_vec();
    for (sines, coefficients, ring) in [
        (2, 12, 20),
        (8, 8, 22),
        (14, 20, 40),
        (20, 14, 40),
        (22, 22, 57),
        (24, 20, 58),
        (29, 18, 56),
        (28, 24, 61),
        (29, 19, 62),
        (28, 30, 62),
        (20, 20, 64),
        (29, 24, 64),
        (30, 18, 56),
        (30, 29, 62),
        (37, 14, 60),
        (37, 22, 64),
    ] {
        for (drop, period_bits) in [(0, 20), (3, 20), (10, 44)] {
            let f = Series { period_bits, constant: 0.3, terms: terms.clone() };
            let period = period_bits + drop;
            let x: Vec<u64> = words(2, 200).into_iter().map(|x| reduce(x, period)).collect();
            let bits = SeriesBits { drop, sines, coefficients, ring };
            let got = opened_signed(&done_as::<Malicious3>(|me, p| {
                let sum = p.series(given::<Malicious3>(me, period, 1, &x), &f, bits)?;
                p.reshare(sum)
            }));
            let units = power_of_two(i64::from(sines + coefficients));
            let finer = Series { period_bits: period.min(53), ..f.clone() };
            for (x, got) in x.iter().zip(got) {
                let error = (got as f64 / units - finer.value(x >> (period - finer.period_bits))).abs();
                let bound = f.rounding(sines, coefficients) + 2e-15;
                assert!(error <= bound, "{bits:?}: {error:e} > {bound:e}");
            }
        }
    }
    let none = Series { period_bits: 10, constant: -0.25, terms: Vec::new() };
    let bits = SeriesBits { drop: 0, sines: 4, coefficients: 6, ring: 14 };
    let got = done_as::<Malicious3>(|me, p| {
        let sum = p.series(given::<Malicious3>(me, 10, 1, &[3, 900]), &none, bits)?;
        p.reshare(sum)
    });
    assert_eq!(opened_signed(&got), [-256, -256]);
}

/// What has no room is refused, by every party, and not computed wrongly.
#[test]
fn a_series_without_room_is_refused() {
    let f =
        Series { period_bits: 10, constant: 0.0, terms: vec![Term { harmonic: 1, sine: 0.5, cosine: 0.5 }] };
    let results = World::new(1).run([5; 32], |session| {
        let me = session.me();
        let mut p = <Malicious3 as Party>::begin(session)?;
        let bits = SeriesBits { drop: 0, sines: 38, coefficients: 20, ring: 64 };
        p.series(given::<Malicious3>(me, 10, 1, &[1]), &f, bits).map(drop)
    });
    assert!(
        results.iter().all(|r| matches!(r, Err(Abort::Client(text)) if text.contains("38 bits"))),
        "{results:?}"
    );
}

/// More than is worked on at a time.
#[test]
fn a_long_tensor_is_computed_in_parts() {
    let terms = (1..=8).map(|harmonic| Term { harmonic, sine: 0.25, cosine: -0.5 }).collect();
    let f = Series { period_bits: 18, constant: 1.5, terms };
    let bits = SeriesBits { drop: 0, sines: 14, coefficients: 14, ring: 36 };
    let x: Vec<u64> = words(3, 40_001).into_iter().map(|x| reduce(x, 18)).collect();
    let got = opened_signed(&done_as::<Malicious3>(|me, p| {
        let sum = p.series(given::<Malicious3>(me, 18, 1, &x), &f, bits)?;
        p.reshare(sum)
    }));
    for (x, got) in x.iter().zip(got) {
        assert!((got as f64 / power_of_two(28) - f.value(*x)).abs() <= f.rounding(14, 14));
    }
}
