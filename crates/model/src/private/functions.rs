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
    Some(match f {
        Function::Abs => {
            let positive = on.relu(x);
            let twice = on.push(Action::Add, vec![positive, positive]);
            on.push(Action::Subtract, vec![twice, x])
        }
        Function::LeakyRelu(slope) => {
            let positive = on.relu(x);
            let negative = on.push(Action::Subtract, vec![x, positive]);
            let scaled = on.scaled(negative, slope);
            on.push(Action::Add, vec![positive, scaled])
        }
        Function::Clip { low, high } => {
            let x = if low.is_finite() { on.at_least(x, low) } else { x };
            if high.is_finite() { on.at_most(x, high) } else { x }
        }
        Function::Square => on.push(Action::Multiply, vec![x, x]),
        _ => return None,
    })
}

struct On<'a> {
    draft: &'a mut Draft,
    width: usize,
    origin: &'a Origin,
}

impl On<'_> {
    fn push(&mut self, action: Action, inputs: Vec<StepId>) -> StepId {
        self.draft.push(action, inputs, self.width, self.origin)
    }

    fn relu(&mut self, x: StepId) -> StepId {
        self.push(Action::Relu, vec![x])
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
