//! Smooth functions of one value: where they are defined, where they lead, and what becomes of an error.

use crate::graph::Function;
use crate::series::smooth::Smooth;

use super::span::Span;

/// The function of that name that has a series.
pub(crate) fn smooth_of(f: Function) -> Option<Smooth> {
    Some(match f {
        Function::Sigmoid => Smooth::Sigmoid,
        Function::Tanh => Smooth::Tanh,
        Function::Erf => Smooth::Erf,
        Function::Gelu => Smooth::Gelu,
        Function::GeluTanh => Smooth::GeluTanh,
        Function::Softplus => Smooth::Softplus,
        Function::Sin => Smooth::Sine,
        Function::Cos => Smooth::Cosine,
        Function::Exp => Smooth::Exp,
        Function::Log => Smooth::Log,
        Function::Sqrt => Smooth::SquareRoot,
        Function::Reciprocal => Smooth::Reciprocal,
        Function::Power(p) if is_inverse_root(p) => Smooth::InverseSquareRoot,
        _ => return None,
    })
}

#[allow(clippy::float_cmp)] // exactly this power has a series
fn is_inverse_root(p: f64) -> bool {
    p == -0.5
}

/// The values of a function between two arguments.
pub(crate) fn range_of(f: Function, low: f64, high: f64) -> (f64, f64) {
    match f {
        // They fall to -0.1701 and rise again.
        Function::Gelu | Function::GeluTanh => (f.at(low).min(-0.1701), f.at(low).max(f.at(high))),
        Function::Sin | Function::Cos => (-1.0, 1.0),
        Function::Sqrt => (low.max(0.0).sqrt(), high.max(0.0).sqrt()),
        // They fall.
        Function::Reciprocal | Function::Power(_) => (f.at(high), f.at(low)),
        _ => (f.at(low), f.at(high)),
    }
}

/// At least `|f(x') - f(x)|` for x in `low..=high` and `|x' - x| ≤ e`: the steepest slope that lies between, times e. Nothing that
/// is a number where x' may be where f is not defined.
pub(crate) fn moved(f: Function, low: f64, high: f64, e: f64) -> f64 {
    let least = low - e;
    let of_positive = |slope: f64| if least > 0.0 { e * slope } else { f64::INFINITY };
    match f {
        Function::Sigmoid => e * 0.25,
        Function::Tanh | Function::Softplus | Function::Sin | Function::Cos => e,
        Function::Erf => e * 1.129, // 2/√π
        Function::Gelu | Function::GeluTanh => e * STEEPEST,
        Function::Exp => e * (high + e).exp(),
        Function::Log => of_positive(1.0 / least),
        Function::Reciprocal => of_positive(1.0 / (least * low)),
        Function::Power(_) => of_positive(0.5 / (least * least.sqrt())),
        // |√a - √b| ≤ √|a - b|, and flatter than at the least argument.
        Function::Sqrt if least > 0.0 => e.sqrt().min(0.5 * e / least.sqrt()),
        Function::Sqrt => e.sqrt(),
        _ => f64::INFINITY,
    }
}

/// No slope is above this of the functions that are planned on both sides of zero.
pub(crate) const STEEPEST: f64 = 1.13;

/// Where a function is planned: public, so that its ends have two bits more than the exponent of a range, which is public too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Domain {
    pub(crate) lo: f64,
    pub(crate) hi: f64,
}

/// The domain of a function that is not planned on both sides of zero alike. Wider than the span, so that a value that is a little
/// off its span's end is inside; `None` where the function is not defined on all of the span.
pub(crate) fn domain(f: Function, span: &Span) -> Option<Domain> {
    let lo = span.low.iter().copied().fold(f64::INFINITY, f64::min);
    let hi = span.high.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let room = lo.abs().max(hi.abs()).min(1.0) / 16.0;
    match f {
        Function::Exp => Some(Domain { lo: -coarse(room - lo), hi: coarse(hi + room) }),
        Function::Sqrt if lo == 0.0 => Some(Domain { lo, hi: coarse(hi * 1.0625) }),
        _ => Domain::of_positive(lo, hi),
    }
}

impl Domain {
    /// None where an end is not positive.
    pub(crate) fn of_positive(lo: f64, hi: f64) -> Option<Self> {
        // Downwards is upwards of the inverse.
        (lo > 0.0).then(|| Self { lo: 1.0 / coarse(1.0625 / lo), hi: coarse(hi * 1.0625) })
    }
}

/// Upwards to a number of three bits.
fn coarse(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let unit = 2f64.powf(x.abs().log2().floor() - 2.0);
    (x / unit).ceil() * unit
}

/// Whether a function is planned from its span, and not on both sides of zero alike.
pub(crate) fn has_domain(f: Function) -> bool {
    use Function::{Exp, Log, Power, Reciprocal, Sqrt};
    matches!(f, Exp | Log | Sqrt | Reciprocal | Power(_))
}

/// A softmax moves by at most half of what its arguments move: `|∂p_i| ≤ p_i Σ_j p_j |δ_i - δ_j| ≤ 2δ·p_i(1 - p_i)`.
pub(crate) const SLOPE_OF_SOFTMAX: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_holds_its_span_with_room_on_both_sides() {
        for (low, high) in [(0.001, 700.0), (0.3, 0.31), (1.0, 1.0), (2.0, 16.0), (1e-9, 1e9)] {
            let span: Span = [(low, high)].into_iter().collect();
            for f in [Function::Log, Function::Reciprocal, Function::Sqrt, Function::Power(-0.5)] {
                let Some(Domain { lo, hi }) = domain(f, &span) else { panic!("{low} is positive") };
                assert!(lo * 1.06 <= low && lo * 1.4 >= low, "{lo} of {low}");
                assert!(hi >= 1.06 * high && hi <= 1.4 * high, "{hi} of {high}");
            }
        }
        for (low, high) in [(-3.0, 2.0), (0.0, 1.0), (-1.0, -0.5), (-100.0, 0.0)] {
            let span: Span = [(low, high)].into_iter().collect();
            assert!(domain(Function::Log, &span).is_none());
            let Some(Domain { lo, hi }) = domain(Function::Exp, &span) else { panic!("it is defined") };
            let room = low.abs().max(high).min(1.0) / 16.0;
            assert!(lo <= low - room && hi >= high + room, "{lo}..{hi} of {low}..{high}");
        }
    }

    /// Against the function itself, at the ends of what an error can make of a value.
    #[test]
    fn an_error_moves_no_value_by_more() {
        let functions = [Function::Exp, Function::Log, Function::Sqrt, Function::Reciprocal];
        let others =
            [Function::Power(-0.5), Function::GeluTanh, Function::Sin, Function::Cos, Function::Gelu];
        for f in functions.into_iter().chain(others) {
            for (low, high) in [(0.1, 3.0), (0.5, 0.6), (1.0, 40.0)] {
                for e in [1e-6, 1e-3, 0.05] {
                    let most = moved(f, low, high, e);
                    for i in 0..=100 {
                        let x = low + (high - low) * f64::from(i) / 100.0;
                        let of = |d: f64| (f.at(x + d) - f.at(x)).abs();
                        assert!(of(e).max(of(-e)) <= most * (1.0 + 1e-9), "{f:?} {x} {e}");
                    }
                }
            }
        }
    }
}
