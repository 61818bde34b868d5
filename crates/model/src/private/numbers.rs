//! Fraction bits and rings of every step, from how fine values and weights are to be.

use serde::{Deserialize, Serialize};

use privet_ring::fixed::outward_exponent;

use super::action::{Action, Step, StepId};
use super::draft::Draft;
use super::plans::{Plan, Plans, SOFTMAX_CLIP};
use super::smooth::{domain, has_domain};
use super::span::Span;
use crate::graph::Function;

/// How one step's values are held. Public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// A value `x` is held as an integer near `x·2^fraction`.
    pub fraction: u32,
    /// In the ring 2^this.
    pub ring: u32,
    /// Every value lies within ±2^this.
    pub exponent: i32,
    /// Fraction bits of the secret factors, or of sines and of coefficients.
    pub weight: u32,
}

/// How fine things are to be: what the planner searches over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fineness {
    /// Fraction bits of values between products.
    pub(crate) value: u32,
    /// Fraction bits of secret factors, where there is room.
    pub(crate) weight: u32,
    /// Fraction bits of the columns, relative to their range where that is possible.
    pub(crate) column: u32,
}

/// Bits that a truncation needs above a value's own: the sign, and one to spare.
const ROOM: u32 = 2;
/// By how much more than the end of its range a value can be large, at least, as it errs.
const ERRING: f64 = 1.0 + 1.0 / 64.0;
/// Most bits by which an inverse is finer.
const SMALLEST: i32 = 20;
/// The widest ring.
const WIDEST: u32 = 64;
/// Most fraction bits of a secret factor.
const MAX_WEIGHT: u32 = 45;

/// The exponents of all spans: outward powers of two, since everyone sees them.
pub(crate) fn exponents(spans: &[Span]) -> Vec<i32> {
    // A value at the very end of its range is off by its error, which has to fit too.
    let of = |span: &Span| i32::try_from(outward_exponent(span.greatest() * ERRING)).unwrap_or(i32::MAX);
    spans.iter().map(|span| of(span).clamp(-60, 2000)).collect()
}

/// Numbers for every step, if they fit into 64 bits; else the step that does not.
pub(crate) fn numbers(
    draft: &Draft,
    spans: &[Span],
    exponents: &[i32],
    fine: Fineness,
    plans: &Plans,
) -> Result<(Vec<Numbers>, Vec<Option<Plan>>), StepId> {
    let mut planned = vec![None; draft.steps.len()];
    let mut all: Vec<Numbers> = Vec::with_capacity(draft.steps.len());
    for (at, step) in draft.steps.iter().enumerate() {
        let of = |i: usize| all[step.inputs[i]].fraction;
        let exponent = exponents[at];
        let room = |fraction: u32| {
            let left =
                i64::from(WIDEST) - i64::from(ROOM) - i64::from(exponent.max(-30)) - i64::from(fraction);
            u32::try_from(left).map_err(|_| at)
        };
        let (fraction, weight) = match &step.action {
            Action::Columns { first: _ } if is_compared(draft, at) => (0, 0),
            Action::Columns { .. } => (fine.column, 0),
            Action::Linear { weights, .. }
            | Action::Conv { weights, .. }
            | Action::Scale { factors: weights, .. } => {
                let whole = draft.secrets[*weights].whole;
                let wanted = if of(0) == 0 { MAX_WEIGHT.min(2 * fine.weight) } else { fine.weight };
                let weight = if whole { 0 } else { wanted.min(room(of(0))?) };
                (of(0) + weight, weight)
            }
            Action::Constant(_) => (fine.value, 0),
            Action::Multiply | Action::MatMul(_) => (of(0) + of(1), 0),
            Action::Smooth(f) => {
                let input = step.inputs[0];
                let domain = if has_domain(*f) { Some(domain(*f, &spans[input]).ok_or(at)?) } else { None };
                let plan =
                    plans.smooth(*f, &all[input], domain, fine.value + smaller(step, exponent)).ok_or(at)?;
                let fraction = plan.wide_fraction().ok_or(at)?;
                planned[at] = Some(plan);
                (fraction, 0)
            }
            Action::Cut | Action::Relu => {
                let input = step.inputs[0];
                (of(0).min(fine.value + smaller(&draft.steps[input], exponents[input])), 0)
            }
            Action::Unit(unit) => {
                let input = step.inputs[0];
                let domain = unit.domain(&spans[input]).ok_or(at)?;
                let plan = plans.unit(unit.gain, &all[input], domain, fine.value).ok_or(at)?;
                let fraction = of(0) + plan.normal.output.fraction_bits;
                planned[at] = Some(Plan::Unit(plan));
                (fraction, 0)
            }
            Action::Choose => (of(1).max(of(2)), 0),
            Action::Negative | Action::Below | Action::Zero | Action::Hottest { .. } => (0, 0),
            Action::Softmax { group } => {
                planned[at] = Some(plans.softmax(*group, &all[step.inputs[0]], fine.value).ok_or(at)?);
                (fine.value, 0)
            }
            _ => ((0..step.inputs.len()).map(of).max().unwrap_or(0), 0),
        };
        all.push(Numbers { fraction, ring: 0, exponent, weight });
    }
    rings(&draft.steps, &planned, &mut all);
    for (plan, n) in planned.iter_mut().zip(&all) {
        if let Some(plan) = plan {
            plan.widen(n.ring);
        }
    }
    match all.iter().position(|n| n.ring > WIDEST) {
        Some(at) => Err(at),
        None => Ok((all, planned)),
    }
}

/// Bits by which an inverse is finer than other values, as what it multiplies may be as large as the inverse is small: the result
/// fits the same ring.
fn smaller(step: &Step, exponent: i32) -> u32 {
    match step.action {
        Action::Smooth(Function::Reciprocal | Function::Power(_)) => {
            exponent.clamp(-SMALLEST, 0).unsigned_abs()
        }
        _ => 0,
    }
}

/// Whether these columns are what trees compare.
pub(crate) fn is_compared(draft: &Draft, at: StepId) -> bool {
    draft.steps.iter().any(|s| {
        s.inputs.contains(&at)
            && matches!(s.action, Action::Linear { weights, .. } if draft.secrets[weights].whole)
    })
}

/// From the last to the first: a ring holds the step's own values, and what is made of them without a change of ring.
fn rings(steps: &[Step], planned: &[Option<Plan>], all: &mut [Numbers]) {
    for (n, plan) in all.iter_mut().zip(planned) {
        let own = i64::from(n.fraction) + i64::from(n.exponent) + i64::from(ROOM);
        // What values are multiplied by has to fit too.
        let factor = if let Some(Plan::Unit(plan)) = plan { plan.normal.output.ring } else { 2 };
        n.ring = u32::try_from(own.max(factor.into())).unwrap_or(u32::MAX);
    }
    for (at, step) in steps.iter().enumerate().rev() {
        let ring = match step.action {
            // These give a result in whatever ring is asked for.
            Action::Cut
            | Action::Relu
            | Action::Smooth(_)
            | Action::Negative
            | Action::Below
            | Action::Zero
            | Action::Hottest { .. }
            | Action::Softmax { .. } => 0,
            _ => all[at].ring,
        };
        for &input in &step.inputs {
            let x = all[input];
            // Differences of two values are compared.
            let exponent = match step.action {
                Action::Max(_) | Action::Hottest { .. } => Some(x.exponent),
                Action::Softmax { .. } => Some(x.exponent.max(SOFTMAX_CLIP)),
                _ => None,
            };
            let needed = exponent.map_or(0, |e| i64::from(x.fraction) + i64::from(e) + i64::from(ROOM) + 1);
            let needed = match &planned[at] {
                Some(Plan::Unit(plan)) => (plan.drop + plan.normal.top() + ROOM).into(),
                _ => needed,
            };
            let needed = u32::try_from(needed.max(0)).unwrap_or(u32::MAX);
            all[input].ring = x.ring.max(ring).max(needed);
        }
    }
}
