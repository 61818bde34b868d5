//! Smooth functions of one value: where they lead, how steep they are, and the plan of the series that stands for them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use privet_ring::fixed::power_of_two;
use serde::{Deserialize, Serialize};

use super::numbers::Numbers;
use crate::approx::Format;
use crate::approx::smooth::{Approximation, Saturated};
use crate::approx::softmax::Softmax;
use crate::graph::Function;
use crate::series::fit::Domain;
use crate::series::smooth::Smooth;

/// How a step that parties approximate is evaluated. Public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Plan {
    /// A smooth function; its result is wide.
    Smooth(Saturated),
    /// Normalised exponentials.
    Softmax(Softmax),
}

impl Plan {
    /// At least |result - f|.
    pub(crate) fn error(&self) -> f64 {
        match self {
            Self::Smooth(plan) => plan.error,
            Self::Softmax(plan) => plan.error,
        }
    }
}

/// The function of that name that has a series.
pub(crate) fn smooth_of(f: Function) -> Option<Smooth> {
    Some(match f {
        Function::Sigmoid => Smooth::Sigmoid,
        Function::Tanh => Smooth::Tanh,
        Function::Erf => Smooth::Erf,
        Function::Gelu => Smooth::Gelu,
        Function::Softplus => Smooth::Softplus,
        _ => return None,
    })
}

/// The values of a function between two arguments.
pub(crate) fn range_of(f: Function, low: f64, high: f64) -> (f64, f64) {
    match f {
        // It falls to -0.17 and rises again.
        Function::Gelu => (f.at(low).min(-0.17), f.at(low).max(f.at(high))),
        _ => (f.at(low), f.at(high)),
    }
}

/// The steepest slope of a function.
pub(crate) fn slope_of(f: Function) -> f64 {
    match f {
        Function::Sigmoid => 0.25,
        Function::Tanh | Function::Softplus => 1.0,
        Function::Erf => 1.129, // 2/√π
        Function::Gelu => 1.13,
        _ => f64::INFINITY,
    }
}

/// A softmax moves by at most half of what its arguments move: `|∂p_i| ≤ p_i Σ_j p_j |δ_i - δ_j| ≤ 2δ·p_i(1 - p_i)`.
pub(crate) const SLOPE_OF_SOFTMAX: f64 = 0.5;

/// A softmax compares differences with where it clips, which is below 2^this.
pub(crate) const SOFTMAX_CLIP: i32 = 6;

/// What is left to approximation: units of the result's last place.
const UNITS: f64 = 4.0;

/// Bits by which an argument is finer than the result at least: what lies below is dropped, as that is free. No slope here is
/// above 1.2.
const FINER: u32 = 4;

/// The function, fraction bits and exponent of its argument, fraction bits of its result, and the size of a group.
type Asked = (String, u32, i32, u32, u32);

/// Makes plans, and keeps those that were made already: a fit takes long, and many choices of bits ask for the same.
#[derive(Default)]
pub(crate) struct Plans {
    known: RefCell<HashMap<Asked, Option<Plan>>>,
    /// Whether plans are only wished for: without error, and without a fit.
    pub(crate) wished: Cell<bool>,
}

impl Plans {
    /// For an argument with these numbers, and a result with so many fraction bits.
    pub(crate) fn smooth(&self, f: Smooth, x: &Numbers, value: u32) -> Option<Plan> {
        let key = (format!("{f:?}"), x.fraction, x.exponent, value, 0);
        if self.wished.get() {
            return Some(Plan::Smooth(wish(value)));
        }
        self.known(key, || {
            let far = power_of_two(i64::from(x.exponent));
            // One that grows adds what lies above its clip, in the same bits.
            let finer = if matches!(f, Smooth::Gelu | Smooth::Softplus) { 0 } else { FINER };
            let drop = x.fraction.saturating_sub(value + finer);
            let fraction_bits = x.fraction - drop;
            let ring = fraction_bits + u32::try_from((x.exponent + 2).max(2)).ok()?;
            let domain = Domain { lo: -far, hi: far, fraction_bits, ring };
            let output = Format { ring: 64, fraction_bits: value };
            let mut plan = Saturated::plan(f, &domain, UNITS * output.unit(), output)?;
            plan.inside.bits.drop = drop;
            if drop > 0 {
                plan.error += 1.2 * power_of_two(-i64::from(fraction_bits));
            }
            Some(Plan::Smooth(plan))
        })
    }

    /// For groups of so many values.
    pub(crate) fn softmax(&self, group: usize, x: &Numbers, value: u32) -> Option<Plan> {
        let groups = u32::try_from(group).ok()?;
        if self.wished.get() {
            let output = Format { ring: value + 3, fraction_bits: value };
            return Some(Plan::Softmax(Softmax::wish(group, output)));
        }
        self.known(("softmax".into(), x.fraction, x.exponent, value, groups), || {
            let ring = x.fraction + u32::try_from(x.exponent.max(SOFTMAX_CLIP) + 3).ok()?;
            let input = Format { ring, fraction_bits: x.fraction };
            let output = Format { ring: value + 3, fraction_bits: value };
            let accuracy = UNITS * (group as f64 + 1.0) * output.unit();
            Softmax::plan(group, input, accuracy, output).map(Plan::Softmax)
        })
    }

    fn known(&self, key: Asked, plan: impl FnOnce() -> Option<Plan>) -> Option<Plan> {
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let plan = plan();
        self.known.borrow_mut().insert(key, plan.clone());
        plan
    }
}

/// A plan without error: if even that is not enough, no fit is tried.
fn wish(value: u32) -> Saturated {
    let inside = Approximation::wish(Format { ring: 64, fraction_bits: value });
    Saturated { inside, clip: None, grows: false, error: 0.0 }
}
