//! A series keeps the bound that was proven of it, in float64 and in fixed point, wherever one looks.

#![allow(missing_docs, clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
#![allow(clippy::many_single_char_names)]

use privet_model::series::Series;
use privet_model::series::fit::{Domain, Fitted, MOST_TERMS, fit};
use privet_model::series::smooth::Smooth;
use privet_ring::fixed::{decode, encode, power_of_two};
use privet_ring::turn::sine_cosine;

const FRACTION: u32 = 18;

fn domain(lo: f64, hi: f64) -> Domain {
    Domain { lo, hi, fraction_bits: FRACTION, ring: 40 }
}

/// Function, interval, and the most terms for 1e-3 and 1e-5: more would be a step back.
const CASES: [(Smooth, f64, f64, [usize; 2]); 13] = [
    (Smooth::Sigmoid, -8.0, 8.0, [7, 12]),
    (Smooth::Sigmoid, -10.0, 10.0, [9, 15]),
    (Smooth::Sigmoid, -30.0, 14.0, [20, 34]),
    (Smooth::Tanh, -6.0, 6.0, [11, 17]),
    (Smooth::Exp, -12.0, 0.0, [6, 9]),
    (Smooth::Exp, -20.0, 0.0, [7, 11]),
    (Smooth::Reciprocal, 1.0, 2.0, [3, 4]),
    (Smooth::Reciprocal, 1.0, 16.0, [9, 17]),
    (Smooth::SquareRoot, 0.5, 4.0, [3, 6]),
    (Smooth::InverseSquareRoot, 1.0, 4.0, [3, 5]),
    (Smooth::Log, 1.0, 8.0, [5, 8]),
    (Smooth::Gelu, -6.0, 6.0, [8, 11]),
    (Smooth::Softplus, -10.0, 10.0, [8, 13]),
];

fn element(x: f64) -> u64 {
    encode(x, power_of_two(FRACTION.into()))
}

fn real(x: u64) -> f64 {
    decode(x, 64, FRACTION)
}

fn error(f: Smooth, series: &Series, x: u64) -> f64 {
    (f.value(real(x)) - series.value(x)).abs()
}

/// The greatest error on a grid, and around its ten worst points, unit by unit uphill.
fn worst(f: Smooth, series: &Series, lo: f64, hi: f64) -> f64 {
    let (first, last) = (element(lo).cast_signed(), element(hi).cast_signed());
    let step = ((last - first) / 20_000).max(1);
    let at = |x: i64| error(f, series, x.cast_unsigned());
    let mut points: Vec<i64> = (first..=last).step_by(step as usize).chain([last]).collect();
    points.sort_by(|&a, &b| at(b).total_cmp(&at(a)));
    let climbed = points.iter().take(10).map(|&start| {
        let (mut x, mut reach) = (start, step);
        while reach > 0 {
            match [x - reach, x + reach].into_iter().find(|y| (first..=last).contains(y) && at(*y) > at(x)) {
                Some(better) => x = better,
                None => reach /= 2,
            }
        }
        at(x)
    });
    climbed.fold(0.0, f64::max)
}

#[test]
fn the_proven_bound_holds_and_the_terms_are_few() {
    for (f, lo, hi, most) in CASES {
        for (accuracy, most) in [1e-3, 1e-5].into_iter().zip(most) {
            let Fitted { series, error } = fit(f, &domain(lo, hi), accuracy).unwrap();
            let found = worst(f, &series, lo, hi);
            assert!(error <= accuracy && found <= error, "{f:?} on {lo}..{hi}: {found} > {error}");
            assert!(found > accuracy / 20.0, "{f:?} on {lo}..{hi}: {found} is needlessly little");
            assert!(series.terms.len() <= most, "{f:?} on {lo}..{hi}: {} terms", series.terms.len());
            assert!(series.largest() < 100.0, "{f:?}: {}", series.largest());
        }
    }
}

/// As the parties evaluate it: sines of a and of b as integers, their products added up modulo 2^k.
fn evaluated(f: &Series, a: u64, b: u64, [sines, coefficients, ring]: [u32; 3]) -> f64 {
    let (u, v) = (power_of_two(sines.into()), power_of_two(coefficients.into()));
    let mut sum = encode(f.constant, power_of_two(20)) << (sines + coefficients - 20);
    for term in &f.terms {
        let of = |x: u64| sine_cosine(x.wrapping_mul(term.harmonic.into()), f.period_bits);
        let ((sine_a, cosine_a), (sine_b, cosine_b)) = (of(a), of(b));
        let by_sine = encode(term.sine * cosine_b - term.cosine * sine_b, v);
        let by_cosine = encode(term.sine * sine_b + term.cosine * cosine_b, v);
        sum = sum
            .wrapping_add(encode(sine_a, u).wrapping_mul(by_sine))
            .wrapping_add(encode(cosine_a, u).wrapping_mul(by_cosine));
    }
    decode(sum, ring, sines + coefficients)
}

#[test]
fn fixed_point_adds_no_more_than_is_stated() {
    for (f, lo, hi, _) in CASES {
        let Fitted { series, .. } = fit(f, &domain(lo, hi), 1e-4).unwrap();
        let series = Series { constant: (series.constant * 1024.0).round() / 1024.0, ..series };
        for bits in [[12, 14, 40], [20, 20, 48], [24, 22, 64]] {
            let stated = series.rounding(bits[0], bits[1]);
            let mut most = 0f64;
            for i in 0..4000u64 {
                let a = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let x = element(lo + (hi - lo) * i as f64 / 3999.0);
                let got = evaluated(&series, a, x.wrapping_sub(a), bits);
                most = most.max((got - series.value(x)).abs());
            }
            assert!(most <= stated, "{f:?} {bits:?}: {most} > {stated}");
            assert!(most > stated / 30.0, "{f:?} {bits:?}: {stated} is far from {most}");
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let none = |f, domain: &Domain, accuracy| assert_eq!(fit(f, domain, accuracy), None);
    none(Smooth::Log, &domain(0.0, 1.0), 1e-3);
    none(Smooth::Reciprocal, &domain(-1.0, 1.0), 1e-3);
    none(Smooth::Exp, &domain(1.0, 1.0), 1e-3);
    none(Smooth::Exp, &domain(0.0, 1.0), 0.0);
    none(Smooth::Exp, &domain(0.0, f64::NAN), 1e-3);
    // More terms than are tried.
    none(Smooth::Sigmoid, &domain(-400.0, 400.0), 1e-6);
    // No period as long as the interval in so small a ring.
    none(Smooth::Tanh, &Domain { ring: 20, ..domain(-4.0, 4.0) }, 1e-3);
}

#[test]
fn a_period_fits_the_ring() {
    for ring in 22..40 {
        let domain = Domain { ring, ..domain(-7.0, 7.0) };
        let Fitted { series, .. } = fit(Smooth::Sigmoid, &domain, 1e-3).unwrap();
        assert!(series.period_bits <= ring && series.terms.len() <= MOST_TERMS);
        // A period later, the same value.
        let x = element(1.25);
        let later = series.value(x.wrapping_add(1 << series.period_bits));
        assert_eq!(series.value(x).to_bits(), later.to_bits());
    }
}

/// So a fit is made once, whatever bits a plan tries; and what was refused stays refused, for less and not for more.
#[test]
fn bits_of_the_argument_change_no_series() {
    let coarse = Domain { lo: -5.0, hi: 5.0, fraction_bits: 12, ring: 40 };
    let fine = Domain { fraction_bits: 20, ..coarse };
    for accuracy in [1e-2, 1e-4] {
        let [a, b, again] = [coarse, fine, coarse].map(|d| fit(Smooth::Tanh, &d, accuracy).unwrap());
        assert_eq!((a.error.to_bits(), &a.series.terms), (b.error.to_bits(), &b.series.terms));
        assert_eq!((a.series.period_bits + 8, &a), (b.series.period_bits, &again));
    }
    for (accuracy, is_there) in [(1e-15, false), (1e-16, false), (1e-4, true), (1e-15, false)] {
        assert_eq!(fit(Smooth::Tanh, &coarse, accuracy).is_some(), is_there, "{accuracy}");
    }
}
