//! From a graph to private steps: the client's columns in front, the client's tail behind, and actions of the parties between.

mod absorb;
mod decision;
mod operations;
mod units;

use std::collections::BTreeSet;

use self::decision::{is_difference, more_than_a_label};
use super::action::{Action, StepId};
use super::draft::{Draft, Secret};
use super::front::{self, Columns};
use super::functions;
use super::outputs::{Shown, is_bit, shown, shown_labels};
use super::reveal::{Reveal, tail_nodes};
use super::trees::{self, Compared};
use crate::fold::{Folder, Form, Statistics, problem};
use crate::graph::{Comparison, Function, Graph, Node, NodeId, Op, Reduce, Windows};
use crate::head::Head;
use crate::tail::Tail;
use crate::{Problem, Problems};

/// A model in its three parts, before numbers are chosen.
pub(crate) struct Lowered {
    pub(crate) head: Head,
    pub(crate) draft: Draft,
    /// What is revealed, in order.
    pub(crate) shown: Vec<Shown>,
    pub(crate) tail: Tail,
    pub(crate) statistics: Vec<Option<Statistics>>,
}

/// Lowers a graph of which no node is superfluous. Lists every node that stands in the way.
pub(crate) fn lower(graph: &Graph, reveal: Reveal) -> Result<Lowered, Problems> {
    let mut folder = Folder::default();
    let tail = tail_nodes(graph, reveal);
    let mut forms = folder.forms(graph);
    // What is left to the client is not folded, even if it could be.
    forms.iter_mut().zip(&tail).filter(|(_, tail)| **tail).for_each(|(form, _)| *form = Form::Beyond);
    let mut lowering = Lowering::new(graph, folder, forms, tail, reveal);
    lowering.reserve();
    lowering.inside();
    lowering.finish()
}

struct Lowering<'g> {
    graph: &'g Graph,
    folder: Folder,
    forms: Vec<Form>,
    tail: Vec<bool>,
    reveal: Reveal,
    draft: Draft,
    columns: Columns,
    /// By node, its step.
    steps: Vec<Option<StepId>>,
    /// By node of trees, what they compare.
    compared: Vec<Option<Vec<Compared>>>,
    problems: Vec<Problem>,
}

impl<'g> Lowering<'g> {
    fn new(graph: &'g Graph, mut folder: Folder, forms: Vec<Form>, tail: Vec<bool>, reveal: Reveal) -> Self {
        let problems = std::mem::take(&mut folder.problems);
        let columns = Columns::of(&folder.head, &BTreeSet::new(), &BTreeSet::new());
        let n = graph.nodes.len();
        Self {
            graph,
            folder,
            forms,
            tail,
            reveal,
            draft: Draft::default(),
            columns,
            steps: vec![None; n],
            compared: vec![None; n],
            problems,
        }
    }

    fn is_front(&self, id: NodeId) -> bool {
        matches!(self.forms[id.0], Form::Raw(_) | Form::Affine(_))
    }

    fn is_inside(&self, at: usize) -> bool {
        matches!(self.forms[at], Form::Beyond) && !self.tail[at]
    }

    /// Front values that something behind the front needs.
    fn boundary(&self) -> BTreeSet<NodeId> {
        let behind = |at: &usize| self.tail[*at] || self.is_inside(*at);
        let used = (0..self.graph.nodes.len()).filter(behind).flat_map(|at| {
            let trees = matches!(self.graph.nodes[at].op, Op::Trees(_));
            self.graph.nodes[at].inputs.iter().filter(move |_| !trees)
        });
        let shown = self.graph.outputs.iter().map(|(_, id)| id);
        used.chain(shown).copied().filter(|&id| self.is_front(id)).collect()
    }

    /// Finds out which columns are needed, before the first step is written with them.
    fn reserve(&mut self) {
        let (mut numbers, mut compared) = (BTreeSet::new(), BTreeSet::new());
        for id in self.boundary() {
            let form = self.forms[id.0].clone();
            numbers.extend(front::used(&mut self.folder, &form));
        }
        for (at, node) in self.graph.nodes.iter().enumerate() {
            let (Op::Trees(_), Some(input)) = (&node.op, node.inputs.first()) else { continue };
            let form = self.forms[input.0].clone();
            let found = trees::compared(&mut self.folder, &form);
            compared.extend(found.iter().flatten().flat_map(|c| c.columns()));
            self.compared[at] = found;
        }
        self.columns = Columns::of(&self.folder.head, &numbers, &compared);
    }

    /// Steps for every node between front and tail.
    fn inside(&mut self) {
        for at in 0..self.graph.nodes.len() {
            if !self.is_inside(at) {
                continue;
            }
            let node = &self.graph.nodes[at];
            let known = |id: &NodeId| self.is_front(*id) || self.steps[id.0].is_some();
            if !node.inputs.iter().all(known) {
                continue;
            }
            match self.step_of(at, node) {
                Ok(step) => self.steps[at] = Some(step),
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    /// The step that gives a node's value.
    fn value(&mut self, id: NodeId) -> StepId {
        if let Some(step) = self.steps[id.0] {
            return step;
        }
        let form = self.forms[id.0].clone();
        let sums = self.folder.sums(&form);
        let step = front::emit(&mut self.draft, &mut self.columns, &sums, &self.graph.nodes[id.0].origin);
        self.steps[id.0] = Some(step);
        step
    }

    /// The same at the scale of values.
    fn narrow(&mut self, id: NodeId) -> StepId {
        let step = self.value(id);
        self.draft.narrow(step)
    }

    fn step_of(&mut self, at: usize, node: &Node) -> Result<StepId, Problem> {
        if self.reveal == Reveal::Label && node.width == 1 && node.op == Op::Compare(Comparison::Less) {
            return Ok(self.decision(node));
        }
        if let Some(step) = self.operation(node)? {
            return Ok(step);
        }
        match &node.op {
            Op::Trees(trees) => return self.trees(at, node, trees),
            Op::Map(function) => return self.function(node, *function),
            Op::Reduce { reduce: Reduce::Min, windows } => return Ok(self.least(node, windows)),
            _ => {}
        }
        if let Op::Affine { scale, shift } = &node.op
            && let Some(step) = self.absorbed(node, scale, shift)
        {
            return Ok(step);
        }
        let inputs: Vec<StepId> = node.inputs.iter().map(|&id| self.narrow(id)).collect();
        if let (Some(one), &[x]) = (both_classes(&node.op), &inputs[..]) {
            return Ok(self.both(node, x, one));
        }
        if let (true, &[x]) = (is_difference(&node.op), &inputs[..]) {
            return Ok(self.difference(node, x));
        }
        if let (Op::Affine { scale, shift }, &[x]) = (&node.op, &inputs[..])
            && let Some((negate, shift)) = flip(scale, shift)
        {
            return Ok(self.draft.push(Action::Flip { negate, shift }, vec![x], node.width, &node.origin));
        }
        let action = self.action_of(node)?;
        Ok(self.draft.push(action, inputs, node.width, &node.origin))
    }

    fn trees(&mut self, at: usize, node: &Node, trees: &crate::graph::Trees) -> Result<StepId, Problem> {
        if let Some(reason) = trees::obstacle(trees) {
            return Err(problem(node, reason, "Serve it in the kinds plain or tee."));
        }
        let Some(features) = self.compared[at].take() else {
            let reason = "It compares values that are no longer single input features.";
            return Err(problem(
                node,
                reason,
                "Trees need no scaling: leave it out, or put only an imputer before them.",
            ));
        };
        Ok(trees::emit(&mut self.draft, &mut self.columns, trees, &features, &node.origin))
    }

    /// `(one - x, x)`.
    fn both(&mut self, node: &Node, x: StepId, one: i32) -> StepId {
        let d = &mut self.draft;
        let other = d.push(Action::Flip { negate: true, shift: one }, vec![x], 1, &node.origin);
        d.push(Action::Concat, vec![other, x], 2, &node.origin)
    }

    /// The least is the greatest of what is negated.
    fn least(&mut self, node: &Node, windows: &Windows) -> StepId {
        let x = self.narrow(node.inputs[0]);
        let (d, flip) = (&mut self.draft, Action::Flip { negate: true, shift: 0 });
        let negated = d.push(flip.clone(), vec![x], d.width(x), &node.origin);
        let greatest = d.push(Action::Max(windows.clone()), vec![negated], node.width, &node.origin);
        d.push(flip, vec![greatest], node.width, &node.origin)
    }

    fn secret(&mut self, values: &[f64]) -> usize {
        self.draft.secret(Secret::of(values.to_vec()))
    }

    /// The action of a node that is one.
    fn action_of(&mut self, node: &Node) -> Result<Action, Problem> {
        Ok(match &node.op {
            Op::Linear { weights, bias } => {
                Action::Linear { weights: self.secret(weights), bias: self.secret(bias) }
            }
            Op::Conv { conv, weights, bias } => {
                Action::Conv { conv: *conv, weights: self.secret(weights), bias: self.secret(bias) }
            }
            Op::Affine { scale, shift } => {
                Action::Scale { factors: self.secret(scale), shift: self.secret(shift) }
            }
            Op::Constant(values) => Action::Constant(self.secret(values)),
            Op::Add => Action::Add,
            Op::Multiply => Action::Multiply,
            Op::MatMul(shape) => Action::MatMul(*shape),
            Op::Select(indices) => Action::Select(indices.clone()),
            Op::Concat => Action::Concat,
            Op::Reduce { reduce: Reduce::Sum, windows } => Action::Sum(windows.clone()),
            Op::Reduce { reduce: Reduce::Max, windows } => Action::Max(windows.clone()),
            Op::Softmax { group } => Action::Softmax { group: *group },
            _ => {
                return Err(problem(
                    node,
                    "No private action for it yet.",
                    "Serve it in the kinds plain or tee.",
                ));
            }
        })
    }

    fn function(&mut self, node: &Node, function: Function) -> Result<StepId, Problem> {
        let input = node.inputs.first().copied().ok_or_else(|| problem(node, "It has no input.", ""))?;
        let x = self.value(input);
        functions::emit(&mut self.draft, function, x, &node.origin).ok_or_else(|| {
            let reason = format!("{function:?} cannot be computed between parties in this version.");
            problem(node, &reason, "Serve it in the kinds plain or tee.")
        })
    }

    fn finish(mut self) -> Result<Lowered, Problems> {
        let outputs: Vec<NodeId> = super::outputs::boundary(self.graph, &self.tail);
        let mut steps = Vec::new();
        for &id in &outputs {
            let known = self.is_front(id) || self.steps[id.0].is_some();
            steps.push(if known { Some(self.value(id)) } else { None });
        }
        let steps: Option<Vec<StepId>> = steps.into_iter().collect();
        let (true, Some(steps)) = (self.problems.is_empty(), steps) else {
            return Err(Problems(self.problems));
        };
        let show = if self.reveal == Reveal::Label { shown_labels } else { shown };
        let (mut shown, tail) = show(self.graph, &self.tail, &outputs, &steps, &mut self.draft);
        if self.reveal == Reveal::Label
            && let Some(s) = shown.iter().find(|s| !is_bit(&self.draft, s.step))
        {
            return Err(more_than_a_label(&self.draft.steps[s.step]));
        }
        self.draft.prune(&mut shown);
        let features = 0..self.folder.head.features.len();
        let statistics = features.map(|f| self.folder.statistics.get(&f).copied()).collect();
        let head = self.columns.head(self.folder.head);
        Ok(Lowered { head, draft: self.draft, shown, tail, statistics })
    }
}

/// Whether these are the numbers of both classes from that of the second, `(-x, x)` or `(1 - x, x)`: nobody's secret, as every
/// binary model ends so. Gives what is subtracted from.
#[allow(clippy::float_cmp)] // exactly these numbers are structure
fn both_classes(op: &Op) -> Option<i32> {
    match op {
        Op::Linear { weights, bias } if weights[..] == [-1.0, 1.0] && bias[..] == [0.0, 0.0] => Some(0),
        Op::Linear { weights, bias } if weights[..] == [-1.0, 1.0] && bias[..] == [1.0, 0.0] => Some(1),
        _ => None,
    }
}

/// Whether this is `-x` or `1 - x`, or changes nothing: arithmetic that exporters write around activations, and no secret.
#[allow(clippy::float_cmp)]
fn flip(scale: &[f64], shift: &[f64]) -> Option<(bool, i32)> {
    let all = |values: &[f64], x: f64| values.iter().all(|v| *v == x);
    match (all(scale, -1.0), all(scale, 1.0)) {
        (true, _) if all(shift, 0.0) => Some((true, 0)),
        (true, _) if all(shift, 1.0) => Some((true, 1)),
        (_, true) if all(shift, 0.0) => Some((false, 0)),
        _ => None,
    }
}
