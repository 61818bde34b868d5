//! Operations of several steps: quotients, comparisons, choices, places, lengths of rows, logarithms of a softmax.

use super::Lowering;
use crate::Problem;
use crate::fold::problem;
use crate::graph::{Comparison, Conv, Function, Node, NodeId, Norm, Op, Origin, Reduce, Windows};
use crate::private::action::{Action, StepId};
use crate::private::draft::Secret;
use crate::private::functions::On;

impl Lowering<'_> {
    /// The steps of a node that is none by itself; nothing for others.
    pub(super) fn operation(&mut self, node: &Node) -> Result<Option<StepId>, Problem> {
        if let Some(step) = self.unit(node) {
            return Ok(Some(step));
        }
        let step = match &node.op {
            Op::Divide => self.quotient(node),
            Op::Compare(comparison) => self.comparison(node, *comparison),
            Op::Choose => self.choice(node)?,
            Op::ArgMax { group } => self.place(node, *group),
            Op::Normalize(norm) => self.unit_rows(node, *norm),
            Op::LogSoftmax { group } => self.log_softmax(node, node.inputs[0], *group),
            Op::Map(Function::Log) => match self.graph.nodes[node.inputs[0].0].clone() {
                Node { op: Op::Softmax { group }, inputs, .. } => self.log_softmax(node, inputs[0], group),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(Some(step))
    }

    fn on<'a>(&'a mut self, node: &'a Node, width: usize) -> On<'a> {
        On { draft: &mut self.draft, width, origin: &node.origin }
    }

    /// `a·(1/b)`.
    fn quotient(&mut self, node: &Node) -> StepId {
        let (a, b) = (self.narrow(node.inputs[0]), self.value(node.inputs[1]));
        let mut on = self.on(node, node.width);
        let inverse = on.smooth(Function::Reciprocal, b);
        on.push(Action::Multiply, vec![a, inverse])
    }

    /// 0 or 1. That two are equal can be told of exact values only.
    fn comparison(&mut self, node: &Node, comparison: Comparison) -> StepId {
        let (a, b) = (self.narrow(node.inputs[0]), self.narrow(node.inputs[1]));
        let mut on = self.on(node, node.width);
        match comparison {
            Comparison::Less => {
                let difference = on.push(Action::Subtract, vec![a, b]);
                on.push(Action::Below, vec![difference])
            }
            Comparison::LessOrEqual => {
                let difference = on.push(Action::Subtract, vec![b, a]);
                let above = on.push(Action::Below, vec![difference]);
                on.push(Action::Flip { negate: true, shift: 1 }, vec![above])
            }
            Comparison::Equal => {
                let difference = on.push(Action::Subtract, vec![a, b]);
                let differs = on.is_not_zero(difference);
                on.push(Action::Flip { negate: true, shift: 1 }, vec![differs])
            }
        }
    }

    fn choice(&mut self, node: &Node) -> Result<StepId, Problem> {
        let [condition, a, b] = node.inputs[..] else {
            return Err(problem(node, "It has no condition.", ""));
        };
        let is_bit = self.is_bit(condition);
        let [condition, a, b] = [condition, a, b].map(|id| self.narrow(id));
        let mut on = self.on(node, node.width);
        let bit = if is_bit { condition } else { on.is_not_zero(condition) };
        Ok(on.push(Action::Choose, vec![bit, a, b]))
    }

    /// Whether a value is 0 or 1 by what it is made of.
    fn is_bit(&self, id: NodeId) -> bool {
        let node = &self.graph.nodes[id.0];
        let all = |ids: &[NodeId]| ids.iter().all(|&id| self.is_bit(id));
        match &node.op {
            Op::Compare(_) => true,
            Op::Multiply
            | Op::Concat
            | Op::Select(_)
            | Op::Reduce { reduce: Reduce::Max | Reduce::Min, .. } => all(&node.inputs),
            Op::Choose => all(&node.inputs[1..]),
            Op::Affine { scale, shift } => super::flip(scale, shift) == Some((true, 1)) && all(&node.inputs),
            _ => false,
        }
    }

    /// Ones at the first greatest of each group, times their places.
    fn place(&mut self, node: &Node, group: usize) -> StepId {
        let x = self.narrow(node.inputs[0]);
        let width = self.draft.width(x);
        let ones = self.on(node, width).push(Action::Hottest { group }, vec![x]);
        let conv = by_group(width, group);
        let places = (0..width).map(|i| (i % group) as f64).collect();
        let weights = self.draft.secret(Secret::whole(places));
        let bias = self.draft.secret(Secret::whole(vec![0.0; node.width]));
        self.draft.push(Action::Conv { conv, weights, bias }, vec![ones], node.width, &node.origin)
    }

    /// Each row by its length, which must not be zero.
    fn unit_rows(&mut self, node: &Node, norm: Norm) -> StepId {
        let x = self.narrow(node.inputs[0]);
        let (n, origin) = (node.width, &node.origin);
        let all = Windows(vec![(0..n).collect()]);
        let (length, inverse) = match norm {
            Norm::Max => (self.over(Action::Max(all), x, 1, origin), Function::Reciprocal),
            Norm::L1 => {
                let sizes = self.on(node, n).push(Action::Abs, vec![x]);
                (self.over(Action::Sum(all), sizes, 1, origin), Function::Reciprocal)
            }
            Norm::L2 => {
                let wide = self.on(node, n).push(Action::Multiply, vec![x, x]);
                let squares = self.draft.narrow(wide);
                (self.over(Action::Sum(all), squares, 1, origin), Function::Power(-0.5))
            }
        };
        let inverse = self.on(node, 1).smooth(inverse, length);
        let mut on = self.on(node, n);
        let inverse = on.push(Action::Select(vec![0; n]), vec![inverse]);
        on.push(Action::Multiply, vec![x, inverse])
    }

    fn over(&mut self, action: Action, x: StepId, width: usize, origin: &Origin) -> StepId {
        self.draft.push(action, vec![x], width, origin)
    }

    /// `d - ln Σ e^d`, where d is a value less the greatest: never above 0, and 0 once, so that the sum is at least 1.
    fn log_softmax(&mut self, node: &Node, x: NodeId, group: usize) -> StepId {
        let x = self.narrow(x);
        let (n, origin) = (node.width, &node.origin);
        let groups = n / group;
        let windows = || Windows((0..groups).map(|g| (g * group..(g + 1) * group).collect()).collect());
        let of_group: Vec<usize> = (0..n).map(|i| i / group).collect();
        let most = self.over(Action::Max(windows()), x, groups, origin);
        let mut on = self.on(node, n);
        let most = on.push(Action::Select(of_group.clone()), vec![most]);
        let less = on.push(Action::Subtract, vec![x, most]);
        let less = on.push(Action::Within { low: None, high: Some(0) }, vec![less]);
        let powers = on.smooth(Function::Exp, less);
        let sums = self.over(Action::Sum(windows()), powers, groups, origin);
        let high = i32::try_from(group).ok();
        let sums = self.over(Action::Within { low: Some(1), high }, sums, groups, origin);
        let logs = self.on(node, groups).smooth(Function::Log, sums);
        let mut on = self.on(node, n);
        let logs = on.push(Action::Select(of_group), vec![logs]);
        on.push(Action::Subtract, vec![less, logs])
    }
}

/// A matrix product of each group with a row of its own.
fn by_group(width: usize, group: usize) -> Conv {
    Conv {
        channels: width,
        image: [1, 1],
        filters: width / group,
        kernel: [1, 1],
        groups: width / group,
        strides: [1, 1],
        dilations: [1, 1],
        pads_before: [0, 0],
        out: [1, 1],
    }
}
