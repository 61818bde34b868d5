//! Functions of one number, and comparisons of two.

use serde::{Deserialize, Serialize};

/// A function that is applied to each value by itself. Its parameters are the exporter's and public: everyone who runs the
/// model privately knows which function it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Function {
    /// `max(x, 0)`.
    Relu,
    /// `x` where `x ≥ 0`, else `slope·x`.
    LeakyRelu(f64),
    /// `x` where `x ≥ 0`, else `α(e^x - 1)`.
    Elu(f64),
    /// `min(max(x, low), high)`; an open end is infinite.
    Clip {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// `|x|`.
    Abs,
    /// -1, 0 or 1.
    Sign,
    /// The greatest whole number that is not above `x`.
    Floor,
    /// The least whole number that is not below `x`.
    Ceil,
    /// To the nearest whole number, halves to even.
    Round,
    /// The whole number next to `x` on the way to zero: what a cast to an integer does.
    Truncate,
    /// `1/(1+e^(-x))`.
    Sigmoid,
    /// `tanh x`.
    Tanh,
    /// `e^x`.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// `1/x`.
    Reciprocal,
    /// `x²`.
    Square,
    /// `x^p`.
    Power(f64),
    /// The error function.
    Erf,
    /// `x·Φ(x)` with the normal distribution's Φ.
    Gelu,
    /// `x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`.
    GeluTanh,
    /// `ln(1 + e^x)`.
    Softplus,
    /// The normal distribution's inverse: `Φ⁻¹(x)`.
    Probit,
    /// 1 where `x` is not a number, else 0.
    IsNan,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
}

impl Function {
    /// Its value at `x`, in float64.
    pub fn at(self, x: f64) -> f64 {
        match self {
            Self::Relu => positive_or(x, 0.0),
            Self::LeakyRelu(slope) => positive_or(x, slope * x),
            Self::Elu(alpha) => positive_or(x, alpha * x.exp_m1()),
            Self::Clip { low, high } => clip(x, low, high),
            Self::Abs => x.abs(),
            Self::Sign => sign(x),
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Round => x.round_ties_even(),
            Self::Truncate => x.trunc(),
            Self::Sigmoid => sigmoid(x),
            Self::Tanh => x.tanh(),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Reciprocal => 1.0 / x,
            Self::Square => x * x,
            Self::Power(p) => x.powf(p),
            Self::Erf => libm::erf(x),
            Self::Gelu => x * 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
            Self::GeluTanh => gelu_tanh(x),
            Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Probit => probit(x),
            Self::IsNan => f64::from(x.is_nan()),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
        }
    }
}

/// `x` where it is not negative (or not a number), else `otherwise`.
fn positive_or(x: f64, otherwise: f64) -> f64 {
    if x < 0.0 { otherwise } else { x }
}

fn clip(x: f64, low: f64, high: f64) -> f64 {
    if x < low {
        low
    } else if x > high {
        high
    } else {
        x
    }
}

fn sign(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() { x } else { x.signum() }
}

/// `1/(1+e^(-x))`, without overflow on either side.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

fn gelu_tanh(x: f64) -> f64 {
    let inner =
        std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2 * (x + 0.044_715 * x * x * x);
    0.5 * x * (1.0 + inner.tanh())
}

/// `√2·erf⁻¹(2x - 1)` by bisection: rare, and exact to the last bits.
fn probit(x: f64) -> f64 {
    if !(0.0..=1.0).contains(&x) {
        return f64::NAN;
    }
    let (mut low, mut high) = (-40.0, 40.0);
    if x == 0.0 || x >= 1.0 {
        return if x == 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        let below = 0.5 * libm::erfc(-middle * std::f64::consts::FRAC_1_SQRT_2) < x;
        (low, high) = if below { (middle, high) } else { (low, middle) };
    }
    0.5 * (low + high)
}

/// A comparison of two values: 1 where it holds, else 0. Never where one is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `a < b`.
    Less,
    /// `a ≤ b`.
    LessOrEqual,
    /// `a = b`.
    Equal,
}

impl Comparison {
    /// Whether it holds.
    #[allow(clippy::float_cmp)] // it is what the model asks
    pub fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            Self::Equal => a == b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let near =
            |f: Function, x: f64, y: f64| assert!((f.at(x) - y).abs() < 1e-12, "{f:?} {x}: {}", f.at(x));
        near(Function::Gelu, 1.0, 0.841_344_746_068_543);
        near(Function::GeluTanh, 1.0, 0.841_191_990_608_276_4);
        near(Function::Probit, 0.975, 1.959_963_984_540_054);
        near(Function::Softplus, 0.0, std::f64::consts::LN_2);
        near(Function::Softplus, 800.0, 800.0);
        near(Function::Elu(2.0), -1.0, 2.0 * ((-1f64).exp() - 1.0));
        near(Function::Round, 2.5, 2.0);
        near(Function::Truncate, -2.5, -2.0);
        near(Function::Clip { low: f64::NEG_INFINITY, high: 6.0 }, 7.0, 6.0);
        assert!(Function::Relu.at(f64::NAN).is_nan());
        assert!((Function::Probit.at(0.0) + f64::INFINITY).is_nan());
    }
}
