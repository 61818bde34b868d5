//! Whether a program that came from outside can be run: every index points at something before it, shapes fit, and sizes are ones
//! that a machine can hold.

use super::action::{Action, Step};
use super::numbers::Numbers;
use super::plans::Plan;
use super::program::Program;
use crate::approx::normal::{Normal, Positive};
use crate::approx::smooth::Approximation;
use crate::graph::{MatMul, Windows};
use privet_ring::fixed::power_of_two;

/// Most values of one row that all steps may have together.
const MAX_VALUES: usize = 1 << 26;
/// Most places that selections and windows may have together.
const MAX_PLACES: usize = 1 << 26;
/// Longest path of a tree, as an exponent: what is compared with zero fits a ring of 8 bits.
const MAX_SMALL: i32 = 7;

impl Program {
    /// Checks what came from outside before it is used, for this many columns. (A column may be finer than anything that is sent of it.)
    pub fn is_sound(&self, columns: usize) -> bool {
        let values = self.steps.iter().map(|s| s.width).fold(0, usize::saturating_add);
        let places = self.steps.iter().map(|s| places(&s.action)).fold(0, usize::saturating_add);
        values <= MAX_VALUES
            && places <= MAX_PLACES
            && self.columns.len() == columns
            && self.columns.iter().all(|c| {
                (-500..=500).contains(&c.exponent)
                    && (-600..=52).contains(&c.bits())
                    && c.floor.is_sound(c.exponent)
            })
            && self.numbers.len() == self.steps.len()
            && self.plans.len() == self.steps.len()
            && (0..self.steps.len()).all(|at| self.step_is_sound(at))
            && self.columns_are_covered()
            && self.shown_is_sound()
            && self.accuracy.is_finite()
            && self.bound > 0.0
            && self.bound <= self.accuracy
    }

    /// Each column is brought in once, in order.
    fn columns_are_covered(&self) -> bool {
        let mut next = 0;
        let in_order = self.steps.iter().all(|step| match step.action {
            Action::Columns { first } => {
                let fits = first == next;
                next += step.width;
                fits
            }
            _ => true,
        });
        in_order && next == self.columns.len()
    }

    fn shown_is_sound(&self) -> bool {
        let one = |s: &super::Shown| {
            s.step < self.steps.len()
                && !s.indices.is_empty()
                && s.indices.iter().all(|&i| i < self.steps[s.step].width)
        };
        !self.shown.is_empty() && self.shown.iter().all(one)
    }

    fn step_is_sound(&self, at: usize) -> bool {
        let step = &self.steps[at];
        step.width > 0
            && step.inputs.iter().all(|&i| i < at)
            && (1..=64).contains(&self.numbers[at].ring)
            && self.numbers[at].fraction < 64
            && (-100..=100).contains(&self.numbers[at].exponent)
            && step.action.secrets().iter().all(|&id| id < self.secrets.len())
            && self.shape_fits(step)
            && self.numbers_fit(at, step)
    }

    /// Values have as many fraction bits as what they are made from, or fewer where they are cut; wide ones are only used where
    /// that is meant.
    fn numbers_fit(&self, at: usize, step: &Step) -> bool {
        let own: &Numbers = &self.numbers[at];
        let of = |i: &usize| &self.numbers[*i];
        let wide = |i: &usize| self.steps[*i].action.is_wide();
        let kept = !step.inputs.iter().any(wide) || step.action.takes_wide();
        kept && match &step.action {
            Action::Cut | Action::Relu => step.inputs.iter().all(|i| own.fraction <= of(i).fraction),
            Action::Add | Action::Subtract | Action::Concat => {
                step.inputs.iter().all(|i| of(i).fraction <= own.fraction && own.ring <= of(i).ring)
            }
            Action::Zero => step.inputs.iter().all(|i| of(i).exponent <= MAX_SMALL),
            Action::Smooth(_) | Action::Unit(_) | Action::Softmax { .. } => self.plan_fits(at, step),
            Action::Negative | Action::Below | Action::Hottest { .. } => true,
            Action::Choose => {
                let [bit, a, b] = [0, 1, 2].map(|i| of(&step.inputs[i]));
                bit.fraction == 0
                    && own.fraction == a.fraction.max(b.fraction)
                    && [bit, a, b].iter().all(|x| own.ring <= x.ring)
            }
            Action::Max(_) => {
                step.inputs.iter().all(|i| own.ring <= of(i).ring && own.fraction == of(i).fraction)
            }
            _ => step.inputs.iter().all(|i| own.ring <= of(i).ring),
        }
    }

    /// A plan answers in the fraction bits of its step, with numbers that fixed point can hold.
    fn plan_fits(&self, at: usize, step: &Step) -> bool {
        let (own, x) = (&self.numbers[at], &self.numbers[step.inputs[0]]);
        match (&step.action, &self.plans[at]) {
            (Action::Smooth(_), Some(Plan::Smooth(plan))) => {
                let bits = plan.inside.bits;
                approximation_is_sound(&plan.inside)
                    && plan.inside.series.period_bits + bits.drop <= x.ring
                    && own.fraction == bits.sines + bits.coefficients
                    && own.ring <= bits.ring
                    && (!plan.grows || x.fraction <= own.fraction)
                    && plan.clip.is_none_or(|far| {
                        0 < far
                            && i64::from(64 - far.leading_zeros()) + i64::from(bits.drop) < i64::from(x.ring)
                    })
            }
            (Action::Unit(_), Some(Plan::Unit(plan))) => {
                let Positive { drop, normal, .. } = plan;
                normal_is_sound(normal)
                    && drop + normal.top() + 2 <= x.ring
                    && own.ring <= x.ring
                    && own.fraction == x.fraction + normal.output.fraction_bits
                    && normal.last_drop + 2 <= i64::from(normal.inner.output.ring)
            }
            (Action::Smooth(_), Some(Plan::Positive(plan))) => {
                let Positive { drop, normal, .. } = plan;
                normal_is_sound(normal)
                    && normal.wide_fraction() == i64::from(own.fraction)
                    && own.ring <= normal.inner.output.ring
                    && drop + 2 <= x.ring
            }
            (Action::Softmax { group }, Some(Plan::Softmax(plan))) => {
                plan.length == *group
                    && approximation_is_sound(&plan.power)
                    && approximation_is_sound(&plan.reciprocal.inner)
                    && plan.reciprocal.is_sound()
                    && plan.output.fraction_bits == own.fraction
                    && own.ring <= plan.output.ring
                    && plan.drop < 64
            }
            _ => false,
        }
    }

    fn shape_fits(&self, step: &Step) -> bool {
        let widths: Vec<usize> = step.inputs.iter().map(|&i| self.steps[i].width).collect();
        let secret = |id: usize| self.secrets[id];
        let m = step.width;
        match (&step.action, &widths[..]) {
            (Action::Columns { first }, []) => {
                first.checked_add(m).is_some_and(|end| end <= self.columns.len())
            }
            (Action::Constant(values), []) => secret(*values) == m,
            (Action::Linear { weights, bias }, &[n]) => {
                Some(secret(*weights)) == n.checked_mul(m) && secret(*bias) == m
            }
            (Action::Conv { conv, weights, bias }, &[n]) => {
                conv.is_sound()
                    && conv.width_in() == n
                    && conv.width_out() == m
                    && secret(*weights) == conv.weights()
                    && secret(*bias) == conv.filters
            }
            (Action::Scale { factors, shift }, &[n]) => {
                n == m && secret(*factors) == m && secret(*shift) == m
            }
            (Action::Unit(unit), &[n]) => n == m && unit.is_sound(n),
            (Action::Choose, &[c, a, b]) => c == m && a == m && b == m,
            (Action::Add | Action::Subtract | Action::Multiply, &[a, b]) => a == m && b == m,
            (Action::MatMul(shape), &[a, b]) => matmul_fits(shape, a, b, m),
            (Action::Sum(windows) | Action::Max(windows), &[n]) => windows_fit(windows, n, m),
            (Action::Select(indices), &[n]) => indices.len() == m && indices.iter().all(|&i| i < n),
            (Action::Concat, [_, ..]) => widths.iter().try_fold(0usize, |s, &w| s.checked_add(w)) == Some(m),
            (Action::Hottest { group } | Action::Softmax { group }, &[n]) => {
                n == m && *group > 0 && n.is_multiple_of(*group)
            }
            (
                Action::Flip { .. }
                | Action::Cut
                | Action::Relu
                | Action::Abs
                | Action::Smooth(_)
                | Action::Negative
                | Action::Below
                | Action::Within { .. }
                | Action::Zero,
                &[n],
            ) => n == m,
            _ => false,
        }
    }
}

fn normal_is_sound(normal: &Normal) -> bool {
    normal.is_sound()
        && approximation_is_sound(&normal.inner)
        && normal.inner.series.period_bits <= normal.held.ring
}

/// Most harmonics of a series.
const MAX_TERMS: usize = 1000;

fn approximation_is_sound(a: &Approximation) -> bool {
    let bits = a.bits;
    let factor = a.series.largest() * power_of_two(bits.coefficients.into());
    a.series.terms.len() <= MAX_TERMS
        && (1..=48).contains(&a.series.period_bits)
        && a.series.terms.iter().all(|t| t.sine.is_finite() && t.cosine.is_finite())
        && bits.sines <= 50
        && a.series.period_bits + bits.drop <= 64
        && bits.coefficients <= 50
        && factor < power_of_two(50)
        && a.series.constant.abs() * power_of_two((bits.sines + bits.coefficients).into()) < power_of_two(62)
        && (1..=64).contains(&bits.ring)
        && (1..=64).contains(&a.output.ring)
        && a.output.fraction_bits <= bits.sines + bits.coefficients
}

fn places(action: &Action) -> usize {
    match action {
        Action::Select(indices) => indices.len(),
        Action::Sum(windows) | Action::Max(windows) => {
            // Shorter windows are filled up.
            windows.0.len().saturating_mul(windows.0.iter().map(Vec::len).max().unwrap_or(0))
        }
        Action::Unit(unit) => unit.windows.places(),
        Action::MatMul(MatMul { stack, rows, inner, columns }) => {
            [*stack, *rows, *inner, *columns].iter().fold(1, |p, &f| p.saturating_mul(f))
        }
        _ => 0,
    }
}

fn windows_fit(Windows(windows): &Windows, n: usize, m: usize) -> bool {
    windows.len() == m && windows.iter().all(|w| !w.is_empty() && w.iter().all(|&i| i < n))
}

fn matmul_fits(shape: &MatMul, a: usize, b: usize, m: usize) -> bool {
    let size = |x: usize, y: usize| x.checked_mul(y).and_then(|xy| xy.checked_mul(shape.stack));
    size(shape.rows, shape.inner) == Some(a)
        && size(shape.inner, shape.columns) == Some(b)
        && size(shape.rows, shape.columns) == Some(m)
}
