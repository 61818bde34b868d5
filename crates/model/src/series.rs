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
