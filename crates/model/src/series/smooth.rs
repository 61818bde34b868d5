//! The smooth functions that a series may stand for, in float64, each with a bound of its second derivative.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::graph::Function;

/// A smooth function of one variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Smooth {
    /// `1/(1 + e^(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `e^x`.
    Exp,
    /// `1/x`, for positive `x`.
    Reciprocal,
    /// `√x`, for positive `x`.
    SquareRoot,
    /// `1/√x`, for positive `x`.
    InverseSquareRoot,
    /// Natural logarithm, for positive `x`.
    Log,
    /// The error function.
    Erf,
    /// `x·Φ(x)`, Φ being the normal distribution function.
    Gelu,
    /// `x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`.
    GeluTanh,
    /// `ln(1 + e^x)`.
    Softplus,
    /// Sine.
    Sine,
    /// Cosine.
    Cosine,
}

impl Smooth {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::Sigmoid,
        Self::Tanh,
        Self::Exp,
        Self::Reciprocal,
        Self::SquareRoot,
        Self::InverseSquareRoot,
        Self::Log,
        Self::Erf,
        Self::Gelu,
        Self::GeluTanh,
        Self::Softplus,
        Self::Sine,
        Self::Cosine,
    ];

    /// Whether it is defined from `lo` on.
    pub fn is_defined(self, lo: f64) -> bool {
        match self {
            Self::Reciprocal | Self::SquareRoot | Self::InverseSquareRoot | Self::Log => lo > 0.0,
            _ => true,
        }
    }

    /// f(x); relative error at most 1e-14.
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Tanh => x.tanh(),
            Self::Exp => x.exp(),
            Self::Reciprocal => 1.0 / x,
            Self::SquareRoot => x.sqrt(),
            Self::InverseSquareRoot => 1.0 / x.sqrt(),
            Self::Log => x.ln(),
            Self::Erf => erf(x),
            Self::Gelu => 0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2)),
            Self::GeluTanh => Function::GeluTanh.at(x),
            Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Sine => x.sin(),
            Self::Cosine => x.cos(),
        }
    }

    /// At least `|f''|` anywhere in `lo..=hi`.
    pub fn curvature(self, lo: f64, hi: f64) -> f64 {
        match self {
            Self::Sigmoid => 0.0963,               // 1/(6√3)
            Self::Tanh => 0.7699,                  // 4/(3√3)
            Self::Erf => 0.9679,                   // √(8/(π·e))
            Self::Gelu | Self::GeluTanh => 0.7979, // √(2/π), at 0
            Self::Softplus => 0.25,                // at 0
            Self::Sine | Self::Cosine => 1.0,
            Self::Exp => hi.exp(),
            Self::Reciprocal => 2.0 / lo.powi(3),
            Self::SquareRoot => 0.25 / lo.powf(1.5),
            Self::InverseSquareRoot => 0.75 / lo.powf(2.5),
            Self::Log => 1.0 / (lo * lo),
        }
    }
}

/// `2/√π·e^(-x²)·Σ 2^n·x^(2n+1)/(2n+1)!!`, whose terms have one sign; from 6 on, 1 to within 2^-54.
fn erf(x: f64) -> f64 {
    if x.abs() >= 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while term.abs() > sum.abs() * 1e-17 {
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From tables of 15 digits (Abramowitz, Stegun: table 7.1).
    #[test]
    fn erf_is_that_of_the_tables() {
        for (x, expected) in [
            (0.0, 0.0),
            (0.1, 0.112_462_916_018_285),
            (0.5, 0.520_499_877_813_047),
            (1.0, 0.842_700_792_949_715),
            (2.0, 0.995_322_265_018_953),
            (3.5, 0.999_999_256_901_628),
            (7.0, 1.0),
        ] {
            assert!((erf(x) - expected).abs() < 2e-15, "{x}");
            assert!((erf(-x) + expected).abs() < 2e-15, "-{x}");
        }
        assert!((erf(5.999_999) - 1.0).abs() < 1e-15);
    }

    /// Second differences over the whole range, near where it bends most and elsewhere.
    #[test]
    fn no_function_bends_more_than_it_says() {
        for f in Smooth::ALL {
            let (lo, hi) = if f.is_defined(-1.0) { (-9.0, 3.0) } else { (0.5, 9.0) };
            let bound = f.curvature(lo, hi);
            let step = (hi - lo) / 10_000.0;
            let mut most = 0f64;
            for i in 1..10_000 {
                let x = lo + f64::from(i) * step;
                let bend = (f.value(x - step) - 2.0 * f.value(x) + f.value(x + step)) / (step * step);
                most = most.max(bend.abs());
            }
            assert!(most <= bound * (1.0 + 1e-6), "{f:?}: {most} > {bound}");
            assert!(most > bound * 0.98, "{f:?}: a bound of {bound} is far from {most}");
        }
    }

    #[test]
    fn values_are_what_the_names_say() {
        assert_eq!(Smooth::Sigmoid.value(0.0).to_bits(), 0.5f64.to_bits());
        assert!((Smooth::Gelu.value(1.0) - 0.841_344_746_068_543).abs() < 1e-14);
        assert!((Smooth::Softplus.value(-40.0) - (-40f64).exp()).abs() < 1e-30);
        assert!((Smooth::Softplus.value(800.0) - 800.0).abs() < 1e-9);
        assert!(
            !Smooth::Log.is_defined(0.0) && Smooth::Log.is_defined(1e-9) && Smooth::Tanh.is_defined(-1e9)
        );
    }
}
