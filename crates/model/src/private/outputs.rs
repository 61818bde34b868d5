//! What leaves the parties: the least values from which everything that the client is meant to see follows.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::action::{Action, StepId};
use super::draft::{Draft, Secret};
use crate::graph::{Graph, Node, NodeId, Op, Port};
use crate::tail::{Spread, Tail};

/// Some values of one step, shown to the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Which step.
    pub step: StepId,
    /// Which of its values.
    pub indices: Vec<usize>,
}

/// The nodes outside the tail that the tail, or the caller, uses.
pub(crate) fn boundary(graph: &Graph, tail: &[bool]) -> Vec<NodeId> {
    let of_tail = graph.nodes.iter().zip(tail).filter(|(_, tail)| **tail).flat_map(|(node, _)| &node.inputs);
    let shown = graph.outputs.iter().map(|(_, id)| id);
    let mut nodes: Vec<NodeId> = of_tail.chain(shown).copied().filter(|id| !tail[id.0]).collect();
    nodes.sort();
    nodes.dedup();
    nodes
}

/// Whether adding the same number to all values of this node changes nothing that the tail shows.
fn is_shift_free(graph: &Graph, tail: &[bool], id: NodeId) -> bool {
    let width = graph.width(id);
    let free = |op: &Op| match op {
        Op::Label(_) => true,
        Op::Softmax { group } | Op::LogSoftmax { group } | Op::ArgMax { group } => *group == width,
        _ => false,
    };
    let uses = graph.nodes.iter().zip(tail).filter(|(node, tail)| **tail && node.inputs.contains(&id));
    width > 1 && !graph.outputs.iter().any(|(_, o)| *o == id) && uses.map(|(node, _)| &node.op).all(free)
}

/// What is shown of each boundary node, and the tail that makes the model's outputs from it.
pub(crate) fn shown(
    graph: &Graph,
    in_tail: &[bool],
    boundary: &[NodeId],
    steps: &[StepId],
    draft: &mut Draft,
) -> (Vec<Shown>, Tail) {
    let mut choice = Choice::default();
    let mut spread: Vec<Vec<Spread>> = vec![Vec::new(); boundary.len()];
    // What is needed as it is comes first: it may be all that differences need.
    for free in [false, true] {
        for (at, (&id, &step)) in boundary.iter().zip(steps).enumerate() {
            if is_shift_free(graph, in_tail, id) == free {
                spread[at] = if free { choice.differences(draft, step) } else { choice.all(draft, step) };
            }
        }
    }
    let tail = Tail { spread, ..tail(graph, in_tail, boundary) };
    (choice.shown, tail)
}

/// What is shown where only labels may be: of each boundary node, which of its values is the greatest. A boundary node of which two
/// values are a bit and its opposite shows that bit.
pub(crate) fn shown_labels(
    graph: &Graph,
    in_tail: &[bool],
    boundary: &[NodeId],
    steps: &[StepId],
    draft: &mut Draft,
) -> (Vec<Shown>, Tail) {
    let mut choice = Choice::default();
    let mut spread = Vec::new();
    for (&id, &step) in boundary.iter().zip(steps) {
        let bits = (0..draft.width(step)).all(|i| is_bit(draft, trace(draft, step, i).step));
        let hot = if bits { step } else { hottest(draft, step, group(graph, in_tail, id)) };
        spread.push(choice.all(draft, hot));
    }
    let tail = Tail { spread, ..tail(graph, in_tail, boundary) };
    (choice.shown, tail)
}

/// Whether a step's values are what a label is made of, and tell nothing else.
pub(crate) fn is_bit(draft: &Draft, step: StepId) -> bool {
    matches!(draft.steps[step].action, Action::Below | Action::Hottest { .. })
}

/// Of how many values the label behind a boundary node names the greatest.
fn group(graph: &Graph, in_tail: &[bool], id: NodeId) -> usize {
    let uses = graph.nodes.iter().zip(in_tail).filter(|(node, tail)| **tail && node.inputs.contains(&id));
    let group = |node: &Node| match node.op {
        Op::ArgMax { group } => group,
        _ => graph.width(id),
    };
    uses.map(|(node, _)| group(node)).min().unwrap_or(graph.width(id))
}

fn hottest(draft: &mut Draft, step: StepId, group: usize) -> StepId {
    let x = draft.narrow(step);
    let (width, origin) = (draft.width(step), draft.steps[step].origin.clone());
    draft.push(Action::Hottest { group }, vec![x], width, &origin)
}

/// Values chosen so far.
#[derive(Default)]
struct Choice {
    shown: Vec<Shown>,
    known: HashMap<(StepId, usize), usize>,
    count: usize,
}

impl Choice {
    /// Every value of a step.
    fn all(&mut self, draft: &Draft, step: StepId) -> Vec<Spread> {
        (0..draft.width(step)).map(|i| self.place(trace(draft, step, i))).collect()
    }

    fn place(&mut self, from: Traced) -> Spread {
        let Traced { step, index, negate, shift } = from;
        let next = self.count;
        let score = *self.known.entry((step, index)).or_insert(next);
        if score == next {
            self.count += 1;
            match self.shown.last_mut() {
                Some(last) if last.step == step => last.indices.push(index),
                _ => self.shown.push(Shown { step, indices: vec![index] }),
            }
        }
        match (negate, shift) {
            (false, _) => Spread::Score(score),
            (true, 0) => Spread::Minus(score),
            (true, _) => Spread::OneMinus(score),
        }
    }

    /// Where only differences matter: all that is known already, or each value but the last, less the last.
    fn differences(&mut self, draft: &mut Draft, step: StepId) -> Vec<Spread> {
        let width = draft.width(step);
        let is_known = |i: usize| {
            let from = trace(draft, step, i);
            self.known.contains_key(&(from.step, from.index))
        };
        let pair = width == 2 && {
            let (a, b) = (trace(draft, step, 0), trace(draft, step, 1));
            (a.step, a.index) == (b.step, b.index)
        };
        if pair || (0..width).all(is_known) {
            return self.all(draft, step);
        }
        let less = less_last(draft, step);
        let mut spread = self.all(draft, less);
        spread.push(Spread::Zero);
        spread
    }
}

/// Where a value comes from, once selections, signs and cuts are seen through.
#[derive(Clone, Copy)]
struct Traced {
    step: StepId,
    index: usize,
    negate: bool,
    shift: i32,
}

fn trace(draft: &Draft, step: StepId, index: usize) -> Traced {
    let here = Traced { step, index, negate: false, shift: 0 };
    let s = &draft.steps[step];
    match &s.action {
        Action::Select(indices) => trace(draft, s.inputs[0], indices[index]),
        Action::Concat => {
            let mut index = index;
            for &input in &s.inputs {
                if index < draft.width(input) {
                    return trace(draft, input, index);
                }
                index -= draft.width(input);
            }
            here
        }
        Action::Cut | Action::Flip { negate: false, shift: 0 } => trace(draft, s.inputs[0], index),
        // Only what a `Spread` can say is seen through.
        Action::Flip { negate: true, shift: shift @ (0 | 1) } => match trace(draft, s.inputs[0], index) {
            Traced { negate: false, step, index, .. } => Traced { step, index, negate: true, shift: *shift },
            _ => here,
        },
        _ => here,
    }
}

/// Each value but the last, less the last: a matrix computes that at once.
fn less_last(draft: &mut Draft, step: StepId) -> StepId {
    let width = draft.width(step);
    let origin = draft.steps[step].origin.clone();
    if let Action::Linear { weights, bias } = draft.steps[step].action {
        let rows = |id: usize| rows_less_last(&draft.secrets[id], width);
        let (weights, bias) = (rows(weights), rows(bias));
        let (weights, bias) = (draft.secret(weights), draft.secret(bias));
        let inputs = draft.steps[step].inputs.clone();
        return draft.push(Action::Linear { weights, bias }, inputs, width - 1, &origin);
    }
    let x = draft.narrow(step);
    let others = draft.push(Action::Select((0..width - 1).collect()), vec![x], width - 1, &origin);
    let last = draft.push(Action::Select(vec![width - 1; width - 1]), vec![x], width - 1, &origin);
    draft.push(Action::Subtract, vec![others, last], width - 1, &origin)
}

fn rows_less_last(secret: &Secret, rows: usize) -> Secret {
    let n = secret.values.len() / rows.max(1);
    let last = (rows - 1) * n;
    let place = |at: usize| (at, last + at % n.max(1));
    let values = (0..last).map(place).map(|(a, b)| secret.values[a] - secret.values[b]).collect();
    // A difference of two float64 numbers is off by half a unit in its last place.
    let error = |(a, b): (usize, usize)| {
        secret.error(a) + secret.error(b) + (secret.values[a] - secret.values[b]).abs() * f64::EPSILON
    };
    Secret { values, errors: (0..last).map(place).map(error).collect(), whole: secret.whole }
}

/// The tail's nodes, its inputs first.
fn tail(graph: &Graph, in_tail: &[bool], boundary: &[NodeId]) -> Tail {
    let mut renumbered: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    let mut nodes = Vec::new();
    for (input, id) in boundary.iter().enumerate() {
        renumbered[id.0] = Some(NodeId(input));
        nodes.push(Node { op: Op::Input(input), inputs: Vec::new(), ..graph.nodes[id.0].clone() });
    }
    for (at, node) in graph.nodes.iter().enumerate().filter(|&(at, _)| in_tail[at]) {
        renumbered[at] = Some(NodeId(nodes.len()));
        let inputs = node.inputs.iter().filter_map(|id| renumbered[id.0]).collect();
        nodes.push(Node { inputs, ..node.clone() });
    }
    let outputs = graph.outputs.iter().filter_map(|(port, id)| Some((port.clone(), renumbered[id.0]?)));
    Tail { spread: Vec::new(), outputs: outputs.collect::<Vec<(Port, NodeId)>>(), nodes }
}
