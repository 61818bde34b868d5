//! Smooth functions of one value: where they lead, how steep they are, and the series that stands for them.

use crate::graph::Function;

/// A series with its proven error: of the fit, and of computing it in fixed point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fitted {
    pub(crate) error: f64,
}

/// The values of a rising function between two arguments.
pub(crate) fn range_of(f: Function, low: f64, high: f64) -> (f64, f64) {
    (f.at(low), f.at(high))
}

/// The steepest slope of a function.
pub(crate) fn slope_of(f: Function) -> f64 {
    match f {
        Function::Sigmoid => 0.25,
        Function::Tanh => 1.0,
        _ => f64::INFINITY,
    }
}
