//! Finds values that are divided by the root of their mean square, however an exporter wrote it.

use super::Lowering;
use crate::graph::{Function, Node, NodeId, Op, Reduce, Windows};
use crate::private::action::{Action, StepId};
use crate::private::unit::Unit;

impl Lowering<'_> {
    /// `x·(s·Σx² + ε)^-0.5`, or `x/√(s·Σx² + ε)`, as one action.
    pub(super) fn unit(&mut self, node: &Node) -> Option<StepId> {
        let [a, b] = node.inputs[..] else { return None };
        let (x, unit) = match node.op {
            Op::Divide => (a, self.unit_of(a, b, Function::Sqrt)?),
            Op::Multiply => {
                let of = |x: NodeId, root: NodeId| Some((x, self.unit_of(x, root, Function::Power(-0.5))?));
                of(a, b).or_else(|| of(b, a))?
            }
            _ => return None,
        };
        let x = self.narrow(x);
        Some(self.draft.push(Action::Unit(Box::new(unit)), vec![x], node.width, &node.origin))
    }

    fn unit_of(&self, x: NodeId, root: NodeId, function: Function) -> Option<Unit> {
        let graph = self.graph;
        let n = graph.width(x);
        let (of, root) = match &graph.nodes[root.0] {
            Node { op: Op::Select(of), inputs, .. } => (of.clone(), inputs[0]),
            _ => ((0..n).collect(), root),
        };
        let Node { op: Op::Map(f), inputs, .. } = &graph.nodes[root.0] else { return None };
        if *f != function {
            return None;
        }
        let (sum, share, epsilon) = self.affine_of(inputs[0])?;
        let Node { op: Op::Reduce { reduce: Reduce::Sum, windows }, inputs, .. } = &graph.nodes[sum.0] else {
            return None;
        };
        let fits = share > 0.0 && epsilon > 0.0 && self.is_square(inputs[0], x) && covers(windows, &of, n);
        fits.then(|| Unit {
            windows: windows.clone(),
            of,
            gain: 1.0 / share.sqrt(),
            epsilon: epsilon / share,
        })
    }

    /// What a chain of affine nodes starts from, the factor and the summand of all its values.
    fn affine_of(&self, mut id: NodeId) -> Option<(NodeId, f64, f64)> {
        let (mut share, mut shift) = (1.0, 0.0);
        while let Node { op: Op::Affine { scale, shift: summand }, inputs, .. } = &self.graph.nodes[id.0] {
            let (s, t) = (same(scale)?, same(summand)?);
            (share, shift, id) = (share * s, shift + share * t, inputs[0]);
        }
        Some((id, share, shift))
    }

    fn is_square(&self, id: NodeId, of: NodeId) -> bool {
        let node = &self.graph.nodes[id.0];
        match node.op {
            Op::Map(Function::Square) => node.inputs == [of],
            Op::Multiply => node.inputs == [of, of],
            _ => false,
        }
    }
}

/// Whether each value is in the window that it is divided by.
fn covers(windows: &Windows, of: &[usize], n: usize) -> bool {
    of.len() == n && of.iter().enumerate().all(|(i, &w)| windows.0.get(w).is_some_and(|w| w.contains(&i)))
}

#[allow(clippy::float_cmp)] // one number for all
fn same(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    values.iter().all(|v| *v == first).then_some(first)
}
