//! Smooth functions as trigonometric polynomials, for parties that hold an argument as a sum of two integers: sine and cosine
//! of a sum are sums of products of sines and cosines.
//!
//! Lu, Huang, Zhang, Wang, Hong: Squirrel, USENIX Security 2023, evaluates the sigmoid so; here the polynomial is fitted to the
//! interval that is needed, inside a longer period (a Fourier extension: Huybrechs, SIAM J. Numer. Anal. 2010), which takes
//! fewer terms, and its error is proven.
//!
//! | module | what it holds |
//! |---|---|
//! | [`smooth`] | the functions, and how much each may bend |
//! | [`fit`] | the fewest terms that keep a bound |

pub mod fit;
mod known;
pub(crate) mod least_squares;
pub mod smooth;

use privet_ring::fixed::power_of_two;
use privet_ring::turn::sine_cosine;
use serde::{Deserialize, Serialize};

/// `f(x) ≈ constant + Σ_t sine_t·sin(2π·h_t·x / 2^period_bits) + cosine_t·cos(2π·h_t·x / 2^period_bits)` for an integer `x`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Units in a period, as the exponent of 2; at most 48.
    pub period_bits: u32,
    /// Added to all.
    pub constant: f64,
    /// By harmonic.
    pub terms: Vec<Term>,
}

/// One harmonic of a [`Series`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Times that it swings in a period.
    pub harmonic: u32,
    /// Factor of the sine.
    pub sine: f64,
    /// Factor of the cosine.
    pub cosine: f64,
}

/// Bits of the fixed-point evaluation of a [`Series`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesBits {
    /// Bits that the argument loses first, at no cost: it is then off by less than one unit of what is left.
    pub drop: u32,
    /// Fraction bits of sines and cosines of the first half of the argument, at most 50.
    pub sines: u32,
    /// Fraction bits of those of the second half, times their coefficient, at most 50; `|coefficient|·2^bits < 2^50`.
    pub coefficients: u32,
    /// Ring of the result, which has `sines + coefficients` fraction bits.
    pub ring: u32,
}

impl Series {
    /// The value at an integer, in float64.
    pub fn value(&self, x: u64) -> f64 {
        let term = |t: &Term| {
            let (sine, cosine) = sine_cosine(x.wrapping_mul(t.harmonic.into()), self.period_bits);
            t.sine * sine + t.cosine * cosine
        };
        self.constant + self.terms.iter().map(term).sum::<f64>()
    }

    /// The greatest factor of a term: with `b` fraction bits of coefficients, `largest·2^b` must be below 2^50.
    pub fn largest(&self) -> f64 {
        self.terms.iter().map(|t| t.sine.hypot(t.cosine)).fold(0.0, f64::max)
    }

    /// The most by which evaluation with so many fraction bits of sines and of coefficients errs, besides the series itself.
    ///
    /// Of each harmonic with factor c = |(sine, cosine)| two products of a sine (rounded by half a unit of the first) and of a
    /// factor of at most c (rounded by half a unit of the second, and up to 4·2^-50 c off as its sines are) are added up.
    pub fn rounding(&self, sines: u32, coefficients: u32) -> f64 {
        let unit = |bits: u32| power_of_two(-1 - i64::from(bits));
        let (u, v) = (unit(sines) + 1e-15, unit(coefficients));
        let each = |t: &Term| 2.0 * (t.sine.hypot(t.cosine) * (u + 4e-15) + v * (1.0 + u));
        self.terms.iter().map(each).sum::<f64>() + unit(sines + coefficients)
    }
}
