//! Smooth functions between parties: the stated errors, everywhere in the interval and beyond it.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::many_single_char_names)]

mod common;

use common::gates::{costs, done, done_as, given, opened, opened_signed, share, summed};
use common::party::Party;
use privet_model::series::fit::{Domain, fit};
use privet_model::series::smooth::Smooth;
use privet_mpc::functions::Format;
use privet_mpc::functions::smooth::{Approximation, Saturated, saturated, smooth};
use privet_mpc::protocols::protocol::{Protocol, SeriesBits};
use privet_ring::fixed::{decode, encode, power_of_two};
use privet_ring::reduce;
use privet_ring::turn::sine_cosine;

under_both!(an_approximation_keeps_its_error, far_beyond_the_clip_the_error_still_holds);

const INPUT: Format = Format { ring: 40, fraction_bits: 16 };

fn domain(lo: f64, hi: f64) -> Domain {
    Domain { lo, hi, fraction_bits: INPUT.fraction_bits, ring: INPUT.ring }
}

/// From end to end, the ends and their neighbours included.
fn arguments(lo: f64, hi: f64, n: u32) -> Vec<u64> {
    let step = |i: u32| INPUT.element(lo + (hi - lo) * f64::from(i) / f64::from(n));
    let (lo, hi) = (INPUT.element(lo), INPUT.element(hi));
    (0..=n).map(step).chain([lo, lo.wrapping_add(1), hi, hi.wrapping_sub(1)]).collect()
}

/// The integers themselves: what P0 deals of a, times what the others make of b, added up.
#[test]
fn the_sum_is_that_of_the_integers() {
    let series = fit(Smooth::Softplus, &domain(-8.0, 8.0), 1e-4).unwrap().series;
    let bits = SeriesBits { drop: 0, sines: 18, coefficients: 17, ring: 45 };
    let x = arguments(-8.0, 8.0, 300);
    let summands = common::gates::summands(3, &x);
    let got = done(|me, p| {
        let sum = p.series(&share(me, INPUT.ring, 3, &x), &series, bits)?;
        p.reshare(sum)
    });
    for (i, got) in opened(&got).into_iter().enumerate() {
        let (a, b) = (summands[0][i].wrapping_add(summands[1][i]), summands[2][i]);
        let constant = (series.constant * power_of_two(35)).round() as i64;
        let sum = series.terms.iter().fold(constant.cast_unsigned(), |sum, t| {
            let of = |x: u64| sine_cosine(x.wrapping_mul(t.harmonic.into()), series.period_bits);
            let ((sine_a, cosine_a), (sine_b, cosine_b)) = (of(a), of(b));
            let (u, v) = (power_of_two(18), power_of_two(17));
            let by_sine = encode(t.sine * cosine_b - t.cosine * sine_b, v);
            let by_cosine = encode(t.sine * sine_b + t.cosine * cosine_b, v);
            sum.wrapping_add(encode(sine_a, u).wrapping_mul(by_sine))
                .wrapping_add(encode(cosine_a, u).wrapping_mul(by_cosine))
        });
        assert_eq!(got, reduce(sum, bits.ring), "{i}");
    }
}

fn an_approximation_keeps_its_error<P: Party>() {
    let output = Format { ring: 34, fraction_bits: 20 };
    for (f, lo, hi) in [
        (Smooth::Sigmoid, -9.0, 9.0),
        (Smooth::Tanh, -5.0, 5.0),
        (Smooth::Exp, -12.0, 0.0),
        (Smooth::Reciprocal, 1.0, 10.0),
        (Smooth::SquareRoot, 0.5, 4.0),
        (Smooth::Log, 0.5, 2.0),
        (Smooth::Erf, -3.0, 3.0),
        (Smooth::Gelu, -5.0, 5.0),
    ] {
        for accuracy in [1e-3, 2e-5] {
            let plan = Approximation::plan(f, &domain(lo, hi), accuracy, output).unwrap();
            let x = arguments(lo, hi, 2000);
            let from_shares = done_as::<P>(|me, p| smooth(p, &given::<P>(me, INPUT.ring, 3, &x), &plan));
            let from_sums = done_as::<P>(|me, p| {
                let ones = p.public(&vec![1; x.len()], INPUT.ring);
                let sum = p.multiply(&given::<P>(me, INPUT.ring, 3, &x), &ones);
                smooth(p, sum, &plan)
            });
            assert!(plan.error <= accuracy);
            for got in [from_shares, from_sums] {
                for (x, y) in x.iter().zip(opened(&got)) {
                    let x = decode(*x, 64, INPUT.fraction_bits);
                    let error = (decode(y, output.ring, output.fraction_bits) - f.value(x)).abs();
                    assert!(error <= plan.error, "{f:?}({x}): {error} > {}", plan.error);
                }
            }
        }
    }
}

/// More than is dealt at a time.
#[test]
fn a_long_tensor_is_dealt_in_parts() {
    let output = Format { ring: 34, fraction_bits: 16 };
    let plan = Approximation::plan(Smooth::Sigmoid, &domain(-8.0, 8.0), 1e-3, output).unwrap();
    let x = arguments(-8.0, 8.0, 150_000);
    let got = done(|me, p| smooth(p, &share(me, INPUT.ring, 3, &x), &plan));
    for (x, y) in x.iter().zip(opened(&got)) {
        let exact = Smooth::Sigmoid.value(decode(*x, 64, INPUT.fraction_bits));
        assert!((decode(y, output.ring, output.fraction_bits) - exact).abs() <= plan.error);
    }
    let cost = costs(|me, p| smooth(p, &share(me, INPUT.ring, 3, &x), &plan));
    assert!(cost[0].sent.len() > 2 && cost[1].rounds == 2);
}

fn far_beyond_the_clip_the_error_still_holds<P: Party>() {
    let output = Format { ring: 36, fraction_bits: 16 };
    let functions = [Smooth::Sigmoid, Smooth::Tanh, Smooth::Erf, Smooth::Gelu, Smooth::Softplus];
    for f in functions.into_iter().chain([Smooth::GeluTanh, Smooth::Exp]) {
        // The exponential vanishes on one side only.
        let hi = if f == Smooth::Exp { 2.0 } else { 5000.0 };
        let plan = Saturated::plan(f, &domain(-5000.0, hi), 1e-3, output).unwrap();
        assert!(plan.clip.is_some() && plan.error <= 1e-3, "{f:?}");
        let x = [arguments(-5000.0, hi, 500), arguments(-12.0, hi.min(12.0), 1500)].concat();
        let got = done_as::<P>(|me, p| saturated(p, &given::<P>(me, INPUT.ring, 3, &x), &plan));
        for (x, y) in x.iter().zip(opened_signed(&got)) {
            let x = decode(*x, 64, INPUT.fraction_bits);
            let error = (y as f64 * output.unit() - f.value(x)).abs();
            assert!(error <= plan.error, "{f:?}({x}): {error} > {}", plan.error);
        }
    }
}

#[test]
fn a_short_interval_is_not_clipped_and_what_cannot_be_is_refused() {
    let output = Format { ring: 36, fraction_bits: 16 };
    let plan = Saturated::plan(Smooth::Sigmoid, &domain(-20.0, 20.0), 1e-3, output).unwrap();
    assert_eq!(plan.clip, None);
    assert_eq!(Saturated::plan(Smooth::Log, &domain(-1.0, 5000.0), 1e-3, output), None, "it is not defined");
    let coarse = Format { ring: 36, fraction_bits: 8 };
    assert_eq!(
        Approximation::plan(Smooth::Sigmoid, &domain(-8.0, 8.0), 1e-3, coarse),
        None,
        "a unit is more"
    );
    assert_eq!(Saturated::plan(Smooth::Gelu, &domain(-5000.0, 5000.0), 0.1, coarse), None, "another scale");
}

#[test]
fn rounds_are_the_stated_ones() {
    let output = Format { ring: 36, fraction_bits: 16 };
    let x = arguments(-8.0, 8.0, 10);
    let rounds = |gate: &(dyn Fn(usize) -> u32 + Sync)| [gate(1), gate(2)];
    let plan = Approximation::plan(Smooth::Sigmoid, &domain(-8.0, 8.0), 1e-3, output).unwrap();
    let inside = costs(|me, p| smooth(p, &share(me, INPUT.ring, 3, &x), &plan));
    assert_eq!(rounds(&|i| inside[i].rounds), [2, 2]);
    let from_sum = costs(|me, p| smooth(p, summed(me, INPUT.ring, 3, &x), &plan));
    assert_eq!(rounds(&|i| from_sum[i].rounds), [3, 3]);
    let plan = Saturated::plan(Smooth::Sigmoid, &domain(-5000.0, 5000.0), 1e-3, output).unwrap();
    let beyond = costs(|me, p| saturated(p, &share(me, INPUT.ring, 3, &x), &plan));
    assert_eq!(rounds(&|i| beyond[i].rounds), [5, 5]);
}
