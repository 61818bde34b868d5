//! The fewest terms whose error is proven to stay below what is asked for.
//!
//! The interval lies inside a period that is longer, so that the function need not be periodic. About the middle of the interval the
//! function is an even and an odd part, which cosines and sines are fitted to apart, by least squares at Chebyshev's points.
//!
//! The bound: between two neighbours of a grid, h apart, the error e = f - series is within h²/8·max|e''| of the line that joins its
//! values there, so that |e| ≤ max of the grid + h²/8·(curvature of f + Σ w²·|c|). To that comes what float64 may be off.

use std::f64::consts::{PI, TAU};

use privet_ring::fixed::power_of_two;

use super::known::Asked;
use super::least_squares::Factored;
use super::smooth::Smooth;
use super::{Series, Term};

/// Most terms that are tried.
pub const MOST_TERMS: usize = 160;
/// Lengths of a period that are tried, in intervals; first what is mostly best.
const LENGTHS: [f64; 7] = [1.75, 1.5, 2.0, 1.25, 2.5, 1.1, 3.0];
/// Bits of a period beyond those of the interval: how finely its length can be chosen.
const FINER: u32 = 4;
/// Most points of the grid on which a bound is proven.
const MOST_POINTS: f64 = 5e6;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    /// The least argument.
    pub lo: f64,
    /// The greatest.
    pub hi: f64,
    /// Fraction bits of the argument: its unit is 2^-fraction_bits.
    pub fraction_bits: u32,
    /// The argument is known modulo 2^ring: no period is longer.
    pub ring: u32,
}

/// A series and what was proven of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The series.
    pub series: Series,
    /// At least |f - series| anywhere in the interval, rounding of fixed point left out ([`Series::rounding`]).
    pub error: f64,
}

/// The fewest terms of which `error ≤ accuracy` can be proven, or nothing: the function is not defined there, the ring is too
/// small for the interval, or more than [`MOST_TERMS`] would be needed.
pub fn fit(f: Smooth, domain: &Domain, accuracy: f64) -> Option<Fitted> {
    let units = (domain.hi - domain.lo) * power_of_two(domain.fraction_bits.into());
    if !(f.is_defined(domain.lo) && units >= 1.0 && accuracy > 0.0) {
        return None;
    }
    let bits = period_bits(units, domain);
    let asked = Asked::new(f, [domain.lo, domain.hi], i64::from(bits) - i64::from(domain.fraction_bits));
    let mut fitted = asked.fitted(accuracy, || fit_anew(f, domain, accuracy, bits))?;
    fitted.series.period_bits = bits;
    Some(fitted)
}

/// With periods of 2^bits units and parts of that.
fn fit_anew(f: Smooth, domain: &Domain, accuracy: f64, bits: u32) -> Option<Fitted> {
    let units = (domain.hi - domain.lo) * power_of_two(domain.fraction_bits.into());
    let attempt = Attempt { f, domain, accuracy };
    let mut candidates: Vec<(usize, Period)> = Vec::new();
    for period in periods(units, bits) {
        // What takes more terms than another is not looked for.
        let most = candidates.last().map_or(MOST_TERMS, |(terms, _)| *terms);
        candidates.extend(attempt.fewest(period, most).map(|terms| (terms, period)));
    }
    candidates.sort_by_key(|(terms, _)| *terms);
    // Mostly the first is proven at once; a term or two more give it room where the look was too kind.
    (0..3)
        .find_map(|more| candidates.iter().find_map(|(terms, period)| attempt.proven(*period, terms + more)))
}

/// A period of 2^bits/base units: its harmonics are multiples of the base.
#[derive(Clone, Copy, PartialEq)]
struct Period {
    bits: u32,
    base: u32,
}

impl Period {
    /// w of the first harmonic, for arguments that are no integers.
    fn frequency(self, domain: &Domain) -> f64 {
        let exponent = i64::from(domain.fraction_bits) - i64::from(self.bits);
        TAU * f64::from(self.base) * power_of_two(exponent)
    }
}

fn period_bits(units: f64, domain: &Domain) -> u32 {
    let whole = u32::try_from(privet_ring::fixed::outward_exponent(units)).unwrap_or(u32::MAX);
    whole.saturating_add(FINER).min(domain.ring).clamp(3, 48)
}

fn periods(units: f64, bits: u32) -> Vec<Period> {
    let mut periods: Vec<Period> = Vec::new();
    for length in LENGTHS {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 2^(FINER+1)
        let base = (power_of_two(bits.into()) / (length * units)).floor() as u32;
        let period = Period { bits, base };
        if base > 0 && !periods.contains(&period) {
            periods.push(period);
        }
    }
    periods
}

struct Attempt<'a> {
    f: Smooth,
    domain: &'a Domain,
    accuracy: f64,
}

impl Attempt<'_> {
    /// The fewest terms that look right, at most so many: doubling, then bisection.
    fn fewest(&self, period: Period, most: usize) -> Option<usize> {
        let mut enough = if most < MOST_TERMS { most } else { 1 };
        let harmonics = loop {
            let harmonics = self.harmonics(period, enough);
            if self.looks_right(period, &harmonics.first(enough)) {
                break harmonics;
            }
            if enough == most {
                return None;
            }
            enough = most.min(2 * enough);
        };
        let mut too_few = 0;
        while enough > too_few + 1 {
            let terms = usize::midpoint(too_few, enough);
            if self.looks_right(period, &harmonics.first(terms)) { enough = terms } else { too_few = terms }
        }
        Some(enough)
    }

    fn harmonics(&self, period: Period, most: usize) -> Harmonics {
        let Self { f, domain, accuracy } = *self;
        let (middle, half) = (f64::midpoint(domain.lo, domain.hi), (domain.hi - domain.lo) / 2.0);
        let w = period.frequency(domain);
        let points: Vec<f64> = {
            let n = 4 * most + 40;
            (0..n).map(|i| half * (PI * (i as f64 + 0.5) / (2 * n) as f64).cos()).collect()
        };
        let [even, odd] = [1.0, -1.0].map(|sign: f64| -> Vec<f64> {
            points.iter().map(|t| f64::midpoint(f.value(middle + t), sign * f.value(middle - t))).collect()
        });
        let column = |of: fn(f64) -> f64, j: usize| points.iter().map(|t| of(w * j as f64 * t)).collect();
        // Small factors cost little of the accuracy, and large ones many bits; a large function needs large ones.
        let large = (f.value(domain.lo).abs().max(f.value(domain.hi).abs()) / 16.0).max(1.0);
        let weight = accuracy / (100.0 * large) * (points.len() as f64).sqrt();
        let cosines = Factored::new((0..=most).map(|j| column(f64::cos, j)).collect(), even, weight);
        let sines = Factored::new((1..=most).map(|j| column(f64::sin, j)).collect(), odd, weight);
        Harmonics { period, turn: w * middle, cosines, sines }
    }

    /// On a coarse grid, with some room.
    fn looks_right(&self, period: Period, series: &Series) -> bool {
        self.worst(period, series, 16.0 * (series.terms.len() as f64 + 4.0), 0.95 * self.accuracy).is_some()
    }

    /// The greatest error on a grid of n steps, if it is at most `most`.
    fn worst(&self, period: Period, series: &Series, n: f64, most: f64) -> Option<f64> {
        let Domain { lo, hi, .. } = *self.domain;
        let w = period.frequency(self.domain);
        let (mut worst, mut i) = (0f64, 0.0);
        while i <= n {
            let x = lo + i * ((hi - lo) / n);
            worst = worst.max((self.f.value(x) - value(series, w * x)).abs());
            if worst > most {
                return None;
            }
            i += 1.0;
        }
        Some(worst)
    }

    /// So many terms with the bound of the header, if it is at most the accuracy.
    fn proven(&self, period: Period, terms: usize) -> Option<Fitted> {
        let Domain { lo, hi, .. } = *self.domain;
        let series = self.harmonics(period, terms).first(terms);
        let w = period.frequency(self.domain) / f64::from(period.base);
        let size = |t: &Term| t.sine.hypot(t.cosine);
        let bend: f64 = series.terms.iter().map(|t| (w * f64::from(t.harmonic)).powi(2) * size(t)).sum();
        let curvature = self.f.curvature(lo, hi) + bend;
        // 1e-13 of each value that was added up is more than float64 and its functions err, up to 160 terms: each of Horner's steps
        // rounds what it has so far four times.
        let largest = self.f.value(lo).abs().max(self.f.value(hi).abs());
        let slack = 1e-13 * (largest + series.constant.abs() + series.terms.iter().map(size).sum::<f64>());
        let n = ((hi - lo) * (curvature * 10.0 / (8.0 * self.accuracy)).sqrt()).ceil();
        if n > MOST_POINTS {
            return None;
        }
        let step = (hi - lo) / n;
        let error = self.worst(period, &series, n, self.accuracy)? + step * step / 8.0 * curvature + slack;
        (error <= self.accuracy).then_some(Fitted { series, error })
    }
}

/// Every number of harmonics up to some, from one factorisation.
struct Harmonics {
    period: Period,
    /// By how much the first has turned in the middle of the interval.
    turn: f64,
    cosines: Factored,
    sines: Factored,
}

impl Harmonics {
    fn first(&self, terms: usize) -> Series {
        let (cosines, sines) = (self.cosines.solve(terms + 1), self.sines.solve(terms));
        let shifted = |j: usize| {
            // s·sin(w·(x - middle)) + c·cos(w·(x - middle)), as sines and cosines of w·x.
            let (s, c) = (sines[j - 1], cosines[j]);
            let (sine, cosine) = (self.turn * j as f64).sin_cos();
            let harmonic = self.period.base * u32::try_from(j).unwrap_or(u32::MAX);
            Term { harmonic, sine: s * cosine + c * sine, cosine: c * cosine - s * sine }
        };
        let terms = (1..=terms).map(shifted).collect();
        Series { period_bits: self.period.bits, constant: cosines[0], terms }
    }
}

/// At an angle of the first harmonic, of which the others are the multiples: the real part of Σ (cosine - i·sine)·z^j, by Horner.
fn value(series: &Series, angle: f64) -> f64 {
    let (sine, cosine) = angle.sin_cos();
    let term = |(re, im): (f64, f64), t: &Term| {
        let (re, im) = (re + t.cosine, im - t.sine);
        (re * cosine - im * sine, re * sine + im * cosine)
    };
    series.constant + series.terms.iter().rev().fold((0.0, 0.0), term).0
}
