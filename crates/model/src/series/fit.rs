//! The fewest terms whose error is proven to stay below what is asked for.
//!
//! The interval lies inside a period that is longer, so that the function need not be periodic. About the middle of the interval the
//! function is an even and an odd part, which cosines and sines are fitted to apart, by least squares at Chebyshev's points.
//!
//! The bound: between two neighbours of a grid, h apart, the error e = f - series is within h²/8·max|e''| of the line that joins its
//! values there, so that |e| ≤ max of the grid + h²/8·(curvature of f + Σ w²·|c|). To that comes what float64 may be off.

use std::f64::consts::{PI, TAU};

use privet_ring::fixed::power_of_two;

use super::least_squares::solve;
use super::smooth::Smooth;
use super::{Series, Term};

/// Most terms that are tried.
pub const MOST_TERMS: usize = 160;
/// Lengths of a period that are tried, in intervals.
const LENGTHS: [f64; 7] = [1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0];
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
    let attempt = Attempt { f, domain, accuracy };
    let mut candidates: Vec<(usize, Period)> = periods(units, domain)
        .into_iter()
        .filter_map(|period| Some((attempt.fewest(period)?, period)))
        .collect();
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

fn periods(units: f64, domain: &Domain) -> Vec<Period> {
    let whole = u32::try_from(privet_ring::fixed::outward_exponent(units)).unwrap_or(u32::MAX);
    let bits = whole.saturating_add(FINER).min(domain.ring).clamp(3, 48);
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
    /// The fewest terms that look right: doubling, then bisection.
    fn fewest(&self, period: Period) -> Option<usize> {
        let looks_right = |terms: usize| self.looks_right(period, &self.fitted(period, terms));
        let mut enough = 1;
        while !looks_right(enough) {
            if enough == MOST_TERMS {
                return None;
            }
            enough = MOST_TERMS.min(2 * enough);
        }
        let mut too_few = enough / 2;
        while enough > too_few + 1 {
            let terms = usize::midpoint(too_few, enough);
            if looks_right(terms) { enough = terms } else { too_few = terms }
        }
        Some(enough)
    }

    /// So many harmonics.
    fn fitted(&self, period: Period, terms: usize) -> Series {
        let Self { f, domain, accuracy } = *self;
        let (middle, half) = (f64::midpoint(domain.lo, domain.hi), (domain.hi - domain.lo) / 2.0);
        let w = period.frequency(domain);
        let points: Vec<f64> = {
            let n = 4 * terms + 40;
            (0..n).map(|i| half * (PI * (i as f64 + 0.5) / (2 * n) as f64).cos()).collect()
        };
        let [even, odd] = [1.0, -1.0].map(|sign: f64| -> Vec<f64> {
            points.iter().map(|t| f64::midpoint(f.value(middle + t), sign * f.value(middle - t))).collect()
        });
        let column = |of: fn(f64) -> f64, j: usize| points.iter().map(|t| of(w * j as f64 * t)).collect();
        // Small factors cost little of the accuracy, and large ones many bits; a large function needs large ones.
        let large = (f.value(domain.lo).abs().max(f.value(domain.hi).abs()) / 16.0).max(1.0);
        let weight = accuracy / (100.0 * large) * (points.len() as f64).sqrt();
        let cosines = solve(&(0..=terms).map(|j| column(f64::cos, j)).collect::<Vec<_>>(), &even, weight);
        let sines = solve(&(1..=terms).map(|j| column(f64::sin, j)).collect::<Vec<_>>(), &odd, weight);
        let shifted = |j: usize| {
            // s·sin(w·(x - middle)) + c·cos(w·(x - middle)), as sines and cosines of w·x.
            let (s, c) = (sines[j - 1], cosines[j]);
            let (sine, cosine) = (w * j as f64 * middle).sin_cos();
            let harmonic = period.base * u32::try_from(j).unwrap_or(u32::MAX);
            Term { harmonic, sine: s * cosine + c * sine, cosine: c * cosine - s * sine }
        };
        Series { period_bits: period.bits, constant: cosines[0], terms: (1..=terms).map(shifted).collect() }
    }

    /// On a coarse grid, with some room.
    fn looks_right(&self, period: Period, series: &Series) -> bool {
        self.worst(period, series, 16.0 * (series.terms.len() as f64 + 4.0), 0.95 * self.accuracy).is_some()
    }

    /// The greatest error on a grid of n steps, if it is at most `most`.
    fn worst(&self, period: Period, series: &Series, n: f64, most: f64) -> Option<f64> {
        let Domain { lo, hi, .. } = *self.domain;
        let w = period.frequency(self.domain) / f64::from(period.base);
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
        let series = self.fitted(period, terms);
        let w = period.frequency(self.domain) / f64::from(period.base);
        let size = |t: &Term| t.sine.hypot(t.cosine);
        let bend: f64 = series.terms.iter().map(|t| (w * f64::from(t.harmonic)).powi(2) * size(t)).sum();
        let curvature = self.f.curvature(lo, hi) + bend;
        // 1e-14 of each value that was added up is more than float64 and its functions err, up to 160 terms.
        let largest = self.f.value(lo).abs().max(self.f.value(hi).abs());
        let slack = 1e-14 * (largest + series.constant.abs() + series.terms.iter().map(size).sum::<f64>());
        let n = ((hi - lo) * (curvature * 10.0 / (8.0 * self.accuracy)).sqrt()).ceil();
        if n > MOST_POINTS {
            return None;
        }
        let step = (hi - lo) / n;
        let error = self.worst(period, &series, n, self.accuracy)? + step * step / 8.0 * curvature + slack;
        (error <= self.accuracy).then_some(Fitted { series, error })
    }
}

/// At an angle that is no integer.
fn value(series: &Series, angle: f64) -> f64 {
    let term = |t: &Term| {
        let (sine, cosine) = (angle * f64::from(t.harmonic)).sin_cos();
        t.sine * sine + t.cosine * cosine
    };
    series.constant + series.terms.iter().map(term).sum::<f64>()
}
