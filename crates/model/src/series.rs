//! Smooth functions as trigonometric polynomials, for parties that hold an argument as a sum of two integers: sine and cosine
//! of a sum are sums of products of sines and cosines.
//!
//! Li, Jiang, Qi, Wang, Chen, Qian, Fang: Squirrel, USENIX Security 2023, evaluates the sigmoid so.

/// `f(x) ≈ constant + Σ_t sine_t·sin(2π·h_t·x / 2^period_bits) + cosine_t·cos(2π·h_t·x / 2^period_bits)` for an integer `x`.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Units in a period, as the exponent of 2; at most 48.
    pub period_bits: u32,
    /// Added to all.
    pub constant: f64,
    /// By harmonic.
    pub terms: Vec<Term>,
}

/// One harmonic of a [`Series`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// Times that it swings in a period.
    pub harmonic: u32,
    /// Factor of the sine.
    pub sine: f64,
    /// Factor of the cosine.
    pub cosine: f64,
}

impl Series {
    /// The most by which evaluation with so many fraction bits of sines and of coefficients errs, besides the series itself.
    ///
    /// Of each harmonic with factor c = |(sine, cosine)| two products of a sine (rounded by half a unit of the first) and of a
    /// factor of at most c (rounded by half a unit of the second, and up to 4·2^-50 c off as its sines are) are added up.
    pub fn rounding(&self, sines: u32, coefficients: u32) -> f64 {
        let unit = |bits: u32| privet_ring::fixed::power_of_two(-1 - i64::from(bits));
        let (u, v) = (unit(sines) + 1e-15, unit(coefficients));
        let each = |t: &Term| 2.0 * (t.sine.hypot(t.cosine) * (u + 4e-15) + v * (1.0 + u));
        self.terms.iter().map(each).sum::<f64>() + unit(sines + coefficients)
    }
}
