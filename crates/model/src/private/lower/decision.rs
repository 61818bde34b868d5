//! A label's decision: what is compared with the owner's threshold, and the bit that comes of it.

use super::Lowering;
use crate::graph::{Node, NodeId, Op};
use crate::private::action::{Action, Step, StepId};
use crate::private::draft::{Draft, Secret};
use crate::{Problem, Problems};

impl Lowering<'_> {
    /// The second of two values less the first.
    pub(super) fn difference(&mut self, node: &Node, pair: StepId) -> StepId {
        let one = |draft: &mut Draft, i| draft.push(Action::Select(vec![i]), vec![pair], 1, &node.origin);
        let sides = vec![one(&mut self.draft, 1), one(&mut self.draft, 0)];
        self.draft.push(Action::Subtract, sides, 1, &node.origin)
    }

    /// 1 where the first value is less than the second, else 0. One of them is the owner's threshold, and becomes part of a matrix
    /// where the other is made by one.
    pub(super) fn decision(&mut self, node: &Node) -> StepId {
        let constant = |id: NodeId| match &self.graph.nodes[id.0].op {
            Op::Constant(values) => values.first().copied(),
            _ => None,
        };
        let (left, right) = (node.inputs[0], node.inputs[1]);
        let less = match (constant(left), constant(right)) {
            (Some(threshold), None) => self.beyond_threshold(right, -1.0, threshold),
            (None, Some(threshold)) => self.beyond_threshold(left, 1.0, -threshold),
            _ => {
                let sides = vec![self.narrow(left), self.narrow(right)];
                self.draft.push(Action::Subtract, sides, 1, &node.origin)
            }
        };
        self.draft.push(Action::Below, vec![less], 1, &node.origin)
    }

    /// `sign·x + shift`.
    fn beyond_threshold(&mut self, x: NodeId, sign: f64, shift: f64) -> StepId {
        let x = self.value(x);
        let origin = self.draft.steps[x].origin.clone();
        if let Action::Linear { weights, bias } = self.draft.steps[x].action {
            let (mut weights, mut bias) =
                (self.draft.secrets[weights].clone(), self.draft.secrets[bias].clone());
            weights.values.iter_mut().for_each(|w| *w *= sign);
            bias.errors = vec![bias.error(0) + f64::EPSILON * (bias.values[0].abs() + shift.abs())];
            bias.values.iter_mut().for_each(|b| *b = *b * sign + shift);
            let (weights, bias) = (self.draft.secret(weights), self.draft.secret(bias));
            let inputs = self.draft.steps[x].inputs.clone();
            return self.draft.push(Action::Linear { weights, bias }, inputs, 1, &origin);
        }
        let x = self.draft.narrow(x);
        let shift = self.draft.secret(Secret::of(vec![shift]));
        let shift = self.draft.push(Action::Constant(shift), Vec::new(), 1, &origin);
        let (action, sides) =
            if sign > 0.0 { (Action::Add, vec![x, shift]) } else { (Action::Subtract, vec![shift, x]) };
        self.draft.push(action, sides, 1, &origin)
    }
}

/// With `reveal = label`, nothing else leaves the parties.
pub(super) fn more_than_a_label(step: &Step) -> Problems {
    let (node, op) = (step.origin.node.clone(), step.origin.op.clone());
    let reason = "It would be revealed, and it is more than a label.".into();
    let hint = "Use `--reveal score` or `probability`, or export the model with its label alone.".into();
    Problems(vec![Problem { node, op, reason, hint }])
}

/// Whether this is the second of two values less the first, which hides no number.
#[allow(clippy::float_cmp)]
pub(super) fn is_difference(op: &Op) -> bool {
    matches!(op, Op::Linear { weights, bias } if weights[..] == [-1.0, 1.0] && bias[..] == [0.0])
}
