//! Functions of each value, made of what parties can do.

use super::action::{Action, StepId};
use super::draft::{Draft, Secret};
use super::smooth::smooth_of;
use crate::graph::{Function, Origin};

/// Steps for a function of `x`, which may be wide; nothing where there are none.
pub(crate) fn emit(draft: &mut Draft, f: Function, x: StepId, origin: &Origin) -> Option<StepId> {
    let width = draft.width(x);
    if smooth_of(f).is_some() {
        return Some(draft.push(Action::Smooth(f), vec![x], width, origin));
    }
    if f == Function::Relu {
        return Some(draft.push(Action::Relu, vec![x], width, origin));
    }
    let x = draft.narrow(x);
    let mut on = On { draft, width, origin };
    match f {
        Function::Abs => Some(on.push(Action::Abs, vec![x])),
        Function::LeakyRelu(slope) => {
            let (positive, negative) = on.parts(x);
            let scaled = on.scaled(negative, slope);
            Some(on.push(Action::Add, vec![positive, scaled]))
        }
        Function::Elu(alpha) => Some(on.elu(x, alpha)),
        Function::Clip { low, high } => {
            let x = if low.is_finite() { on.at_least(x, low) } else { x };
            Some(if high.is_finite() { on.at_most(x, high) } else { x })
        }
        Function::Sign => Some(on.sign(x)),
        Function::Square => Some(on.push(Action::Multiply, vec![x, x])),
        Function::Power(p) => on.power(x, p),
        _ => None,
    }
}

/// A higher power has no bits left.
const MOST_POWER: f64 = 32.0;

/// Where steps are added: values of so many places, from one node.
pub(super) struct On<'a> {
    pub(super) draft: &'a mut Draft,
    pub(super) width: usize,
    pub(super) origin: &'a Origin,
}

impl On<'_> {
    pub(super) fn push(&mut self, action: Action, inputs: Vec<StepId>) -> StepId {
        self.draft.push(action, inputs, self.width, self.origin)
    }

    fn relu(&mut self, x: StepId) -> StepId {
        self.push(Action::Relu, vec![x])
    }

    /// What is above zero, and what is below, which is never above.
    fn parts(&mut self, x: StepId) -> (StepId, StepId) {
        let positive = self.relu(x);
        let negative = self.push(Action::Subtract, vec![x, positive]);
        (positive, self.push(Action::Within { low: None, high: Some(0) }, vec![negative]))
    }

    /// `max(x, 0) + α·(e^min(x, 0) - 1)`.
    fn elu(&mut self, x: StepId, alpha: f64) -> StepId {
        let (positive, negative) = self.parts(x);
        let power = self.smooth(Function::Exp, negative);
        let less = self.push(Action::Flip { negate: false, shift: -1 }, vec![power]);
        let scaled = self.scaled(less, alpha);
        self.push(Action::Add, vec![positive, scaled])
    }

    /// `[-x < 0] - [x < 0]`: both comparisons at once.
    fn sign(&mut self, x: StepId) -> StepId {
        let [positive, negative] = self.sides(x, Action::Below);
        self.push(Action::Subtract, vec![positive, negative])
    }

    /// At the scale of values.
    pub(super) fn smooth(&mut self, f: Function, x: StepId) -> StepId {
        let wide = self.push(Action::Smooth(f), vec![x]);
        self.draft.narrow(wide)
    }

    /// 0 or 1, of exact values.
    pub(super) fn is_not_zero(&mut self, x: StepId) -> StepId {
        let [positive, negative] = self.sides(x, Action::Negative);
        self.push(Action::Add, vec![positive, negative])
    }

    /// Whether each value is above zero, and whether it is below.
    fn sides(&mut self, x: StepId, compare: Action) -> [StepId; 2] {
        let n = self.width;
        let minus = self.push(Action::Flip { negate: true, shift: 0 }, vec![x]);
        let both = self.draft.push(Action::Concat, vec![minus, x], 2 * n, self.origin);
        let bits = self.draft.push(compare, vec![both], 2 * n, self.origin);
        [0, n].map(|from| self.push(Action::Select((from..from + n).collect()), vec![bits]))
    }

    /// Whole powers by products, halves by a root, and others by the logarithm.
    fn power(&mut self, x: StepId, p: f64) -> Option<StepId> {
        let whole = p.abs().trunc();
        let is_whole = (p.abs() - whole) <= 0.0;
        if !(1.0..=MOST_POWER).contains(&p.abs()) || !is_whole {
            return (p != 0.0 && p.is_finite()).then(|| self.any_power(x, p));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most MOST_POWER
        let power = self.whole_power(x, whole as u32);
        Some(if p < 0.0 { self.push(Action::Smooth(Function::Reciprocal), vec![power]) } else { power })
    }

    fn whole_power(&mut self, x: StepId, p: u32) -> StepId {
        if p == 1 {
            return x;
        }
        let half = self.whole_power(x, p / 2);
        let half = self.draft.narrow(half);
        let square = self.push(Action::Multiply, vec![half, half]);
        if p.is_multiple_of(2) {
            return square;
        }
        let square = self.draft.narrow(square);
        self.push(Action::Multiply, vec![square, x])
    }

    /// `e^(p·ln x)`.
    fn any_power(&mut self, x: StepId, p: f64) -> StepId {
        let log = self.smooth(Function::Log, x);
        let scaled = self.scaled(log, p);
        self.push(Action::Smooth(Function::Exp), vec![scaled])
    }

    fn constant(&mut self, value: f64) -> StepId {
        let secret = self.draft.secret(Secret::of(vec![value; self.width]));
        self.push(Action::Constant(secret), Vec::new())
    }

    fn scaled(&mut self, x: StepId, factor: f64) -> StepId {
        let factors = self.draft.secret(Secret::of(vec![factor; self.width]));
        let shift = self.draft.secret(Secret::of(vec![0.0; self.width]));
        let wide = self.push(Action::Scale { factors, shift }, vec![x]);
        self.draft.narrow(wide)
    }

    /// `max(x, low) = low + max(x - low, 0)`.
    fn at_least(&mut self, x: StepId, low: f64) -> StepId {
        let low = self.constant(low);
        let above = self.push(Action::Subtract, vec![x, low]);
        let kept = self.relu(above);
        self.push(Action::Add, vec![kept, low])
    }

    /// `min(x, high) = high - max(high - x, 0)`.
    fn at_most(&mut self, x: StepId, high: f64) -> StepId {
        let high = self.constant(high);
        let below = self.push(Action::Subtract, vec![high, x]);
        let kept = self.relu(below);
        self.push(Action::Subtract, vec![high, kept])
    }
}
