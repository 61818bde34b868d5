//! The cut: client head, private core, client tail.

use crate::fold::{Combination, Folder, Form, Statistics, obstacle, problem};
use crate::graph::{Graph, Node, NodeId, Op, Port};
use crate::head::{Column, Head};
use crate::tail::{Spread, Tail};
use crate::tensor::DataType;
use crate::{Problem, Problems};

/// The private part of a linear model: `scores = weights · columns + bias`. The owner's secret.
#[derive(Clone)]
pub struct Core {
    /// Number of columns.
    pub columns: usize,
    /// Row-major, one row of `columns` per score.
    pub weights: Vec<f64>,
    /// One per score.
    pub bias: Vec<f64>,
    /// By weight, how far folding in float64 may have moved it.
    pub weight_errors: Vec<f64>,
    /// The same of each bias.
    pub bias_errors: Vec<f64>,
}

privet_ring::not_shown!(Core);

impl Core {
    /// Number of scores.
    pub fn scores(&self) -> usize {
        self.bias.len()
    }

    /// Whether folding moved nothing that matters: else the model is better evaluated as it stands.
    pub fn is_accurate(&self) -> bool {
        const NEGLIGIBLE: f64 = 1e-9;
        (0..self.scores()).all(|score| {
            let from = score * self.columns;
            let errors = &self.weight_errors[from..from + self.columns];
            let size = self.row(score).iter().fold(self.bias[score].abs(), |m, w| m.max(w.abs()));
            errors.iter().chain([&self.bias_errors[score]]).all(|&e| e <= NEGLIGIBLE * size)
        })
    }

    /// The weights of one score.
    pub fn row(&self, score: usize) -> &[f64] {
        &self.weights[score * self.columns..(score + 1) * self.columns]
    }
}

/// A linear model in its three parts. `head` and `tail` are public, `core` is the owner's.
#[derive(Clone)]
pub struct Cut {
    /// What the client does first.
    pub head: Head,
    /// What is computed privately.
    pub core: Core,
    /// What the client does with the scores.
    pub tail: Tail,
    /// What the model's own scalers tell about each feature's range.
    pub statistics: Vec<Option<Statistics>>,
}

/// Cuts a linear model. Lists every node that stands in the way.
pub fn cut(graph: &Graph) -> Result<Cut, Problems> {
    let graph = reachable(graph);
    let mut folder = Folder::default();
    let forms = folder.forms(&graph);
    let behind = graph.nodes.iter().zip(&forms).filter(|(_, form)| matches!(form, Form::Beyond));
    folder.problems.extend(behind.filter_map(|(node, _)| obstacle(&graph, node)));
    let boundary = Boundary::find(&graph, &forms);
    folder.problems.extend(boundary.problems(&graph, &forms));
    if !folder.problems.is_empty() {
        return Err(Problems(folder.problems));
    }
    let sums: Vec<Vec<Combination>> = boundary.nodes.iter().map(|id| folder.sums(&forms[id.0])).collect();
    let (scores, spread) = scores(&boundary, &sums);
    let tail = tail(&graph, &forms, &boundary, spread);
    let statistics = (0..folder.head.features.len()).map(|f| folder.statistics.get(&f).copied()).collect();
    let (head, core) = keep_used_columns(folder.head, &scores);
    Ok(Cut { head, core, tail, statistics })
}

/// The graph without nodes that no output needs. Inputs stay: they are the model's interface.
pub(crate) fn reachable(graph: &Graph) -> Graph {
    let mut needed: Vec<bool> = graph.nodes.iter().map(|n| matches!(n.op, Op::Input(_))).collect();
    graph.outputs.iter().for_each(|(_, id)| needed[id.0] = true);
    for at in (0..graph.nodes.len()).rev() {
        if needed[at] {
            graph.nodes[at].inputs.iter().for_each(|id| needed[id.0] = true);
        }
    }
    let mut renumbered = vec![NodeId(0); needed.len()];
    let mut nodes = Vec::new();
    for (at, node) in graph.nodes.iter().enumerate().filter(|&(at, _)| needed[at]) {
        renumbered[at] = NodeId(nodes.len());
        let inputs = node.inputs.iter().map(|id| renumbered[id.0]).collect();
        nodes.push(Node { inputs, ..node.clone() });
    }
    let outputs = graph.outputs.iter().map(|(port, id)| (port.clone(), renumbered[id.0])).collect();
    Graph { inputs: graph.inputs.clone(), nodes, outputs }
}

/// The affine nodes whose values leave the core: operands of the tail, and outputs.
struct Boundary {
    nodes: Vec<NodeId>,
    /// Whether adding the same number to all values of a row changes nothing that the model shows.
    shift_free: Vec<bool>,
}

impl Boundary {
    fn find(graph: &Graph, forms: &[Form]) -> Self {
        let inside = |id: &NodeId| !matches!(forms[id.0], Form::Beyond);
        let beyond = graph.nodes.iter().zip(forms).filter(|(_, form)| matches!(form, Form::Beyond));
        let operands: Vec<(NodeId, bool)> = beyond
            .flat_map(|(node, _)| {
                node.inputs.iter().map(|&id| {
                    (id, matches!(node.op, Op::Softmax { .. } | Op::LogSoftmax { .. } | Op::Label(_)))
                })
            })
            .filter(|(id, _)| inside(id))
            .collect();
        let shown = graph.outputs.iter().map(|&(_, id)| (id, false)).filter(|(id, _)| inside(id));
        let uses: Vec<(NodeId, bool)> = operands.into_iter().chain(shown).collect();
        let mut nodes: Vec<NodeId> = uses.iter().map(|&(id, _)| id).collect();
        nodes.sort();
        nodes.dedup();
        let shift_free = nodes.iter().map(|n| uses.iter().all(|(id, free)| id != n || *free)).collect();
        Self { nodes, shift_free }
    }

    /// Text that would have to be computed privately to be given back.
    fn problems(&self, graph: &Graph, forms: &[Form]) -> Vec<Problem> {
        let is_text = |id: &&NodeId| match (&graph.nodes[id.0].op, &forms[id.0]) {
            (Op::Input(i), Form::Raw(_)) => graph.inputs[*i].dtype == DataType::Bytes,
            _ => false,
        };
        let text = self.nodes.iter().filter(is_text);
        text.map(|id| problem(&graph.nodes[id.0], "Text cannot pass through a private model.", "")).collect()
    }
}

/// The least scores from which every boundary value follows: a row that is another one, or its negation, is not
/// computed twice; where only differences matter, the last class is subtracted from the others.
fn scores(boundary: &Boundary, sums: &[Vec<Combination>]) -> (Vec<Combination>, Vec<Vec<Spread>>) {
    let mut scores = Vec::new();
    let mut spread: Vec<Vec<Spread>> = vec![Vec::new(); sums.len()];
    let by_need = |free: bool| (0..sums.len()).filter(move |&b| boundary.shift_free[b] == free);
    for b in by_need(false) {
        spread[b] = sums[b].iter().map(|sum| place(&mut scores, sum)).collect();
    }
    for b in by_need(true) {
        let known: Option<Vec<Spread>> = sums[b].iter().map(|sum| find(&scores, sum)).collect();
        spread[b] = known.unwrap_or_else(|| {
            let Some((last, others)) = sums[b].split_last() else { return Vec::new() };
            if others.is_empty() {
                // The only class: nothing to compare it with, but its rows must be counted.
                return vec![place(&mut scores, last)];
            }
            let differences = others.iter().map(|sum| place(&mut scores, &sum.minus(last)));
            differences.chain([Spread::Zero]).collect()
        });
    }
    (scores, spread)
}

pub(crate) fn place(scores: &mut Vec<Combination>, sum: &Combination) -> Spread {
    find(scores, sum).unwrap_or_else(|| {
        scores.push(sum.clone());
        Spread::Score(scores.len() - 1)
    })
}

#[allow(clippy::float_cmp)] // only the very same row may be left out
fn find(scores: &[Combination], sum: &Combination) -> Option<Spread> {
    let same = |a: &Combination, sign: f64| {
        a.constant.value == sign * sum.constant.value
            && a.terms.len() == sum.terms.len()
            && a.terms.iter().zip(&sum.terms).all(|((i, x), (j, y))| i == j && x.value == sign * y.value)
    };
    let position = |sign: f64| scores.iter().position(|a| same(a, sign));
    position(1.0).map(Spread::Score).or_else(|| position(-1.0).map(Spread::Minus))
}

fn tail(graph: &Graph, forms: &[Form], boundary: &Boundary, spread: Vec<Vec<Spread>>) -> Tail {
    let mut renumbered: Vec<Option<NodeId>> = vec![None; graph.nodes.len()];
    let mut nodes = Vec::new();
    for (input, id) in boundary.nodes.iter().enumerate() {
        renumbered[id.0] = Some(NodeId(input));
        nodes.push(Node { op: Op::Input(input), inputs: Vec::new(), ..graph.nodes[id.0].clone() });
    }
    for (at, node) in graph.nodes.iter().enumerate().filter(|&(at, _)| matches!(forms[at], Form::Beyond)) {
        renumbered[at] = Some(NodeId(nodes.len()));
        let inputs = node.inputs.iter().filter_map(|id| renumbered[id.0]).collect();
        nodes.push(Node { inputs, ..node.clone() });
    }
    let outputs = graph.outputs.iter().filter_map(|(port, id)| Some((port.clone(), renumbered[id.0]?)));
    Tail { spread, outputs: outputs.collect::<Vec<(Port, NodeId)>>(), nodes }
}

/// Drops columns that no score is *written* with (an imputed feature's plain value, say), never one for a zero weight.
fn keep_used_columns(mut head: Head, scores: &[Combination]) -> (Head, Core) {
    let mut used: Vec<usize> = scores.iter().flat_map(|s| s.terms.keys().copied()).collect();
    used.sort_unstable();
    used.dedup();
    // By feature and not by the order of folding, so that plain columns stand in the input's own order.
    used.sort_by_key(|&c| (head.columns[c].feature(), c));
    let weight = |s: &Combination, c: &usize| s.terms.get(c).copied().unwrap_or_default();
    let weights = || scores.iter().flat_map(|s| used.iter().map(move |c| weight(s, c)));
    let core = Core {
        columns: used.len(),
        weights: weights().map(|w| w.value).collect(),
        bias: scores.iter().map(|s| s.constant.value).collect(),
        weight_errors: weights().map(|w| w.error).collect(),
        bias_errors: scores.iter().map(|s| s.constant.error).collect(),
    };
    let columns: Vec<Column> = used.iter().map(|&c| head.columns[c].clone()).collect();
    head.columns = columns;
    (head, core)
}
