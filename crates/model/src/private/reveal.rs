//! What of its answer the client is shown, and so which of the last nodes are its own to compute.

use serde::{Deserialize, Serialize};

use crate::graph::{Function, Graph, Node, NodeId, Op};

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reveal {
    /// The last linear output, before the activation, which the client applies.
    Score,
    /// The probability only.
    Probability,
    /// The class only.
    Label,
}

impl Reveal {
    /// As it is written in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Probability => "probability",
            Self::Label => "label",
        }
    }

    /// What it tells the client, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Score => "the client learns the exact score, from which it computes probability and label",
            Self::Probability => "the client learns the probability",
            Self::Label => "the client learns the class and nothing else",
        }
    }

    /// Whether the client may compute this itself from what it is shown. With `score` that is an activation which can be undone
    /// anyway; a `ReLU` cannot, and is computed inside.
    fn leaves(self, op: &Op) -> bool {
        match op {
            Op::Select(_) | Op::Concat | Op::Label(_) | Op::ArgMax { .. } => true,
            Op::Map(Function::Sigmoid | Function::Tanh) | Op::Softmax { .. } | Op::LogSoftmax { .. } => {
                self == Self::Score
            }
            _ => false,
        }
    }
}

/// By node, whether it belongs to the client's tail: it may, and nothing inside needs it.
pub(crate) fn tail_nodes(graph: &Graph, reveal: Reveal) -> Vec<bool> {
    let mut inside = vec![false; graph.nodes.len()];
    let mut tail = vec![false; graph.nodes.len()];
    let labels = labels(graph);
    for (at, node) in graph.nodes.iter().enumerate().rev() {
        let leaves = match reveal {
            Reveal::Label => labels[at],
            _ => reveal.leaves(&node.op) || is_log_softmax(graph, node, reveal),
        };
        tail[at] = !inside[at] && leaves;
        if !tail[at] {
            node.inputs.iter().for_each(|id| inside[id.0] = true);
        }
    }
    tail
}

/// By node, whether it is a label, or moves labels only.
fn labels(graph: &Graph) -> Vec<bool> {
    let mut labels: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        labels.push(match node.op {
            Op::Label(_) | Op::ArgMax { .. } => true,
            Op::Select(_) | Op::Concat => node.inputs.iter().all(|id| labels[id.0]),
            _ => false,
        });
    }
    labels
}

/// The logarithm of a softmax is as good as the softmax.
fn is_log_softmax(graph: &Graph, node: &Node, reveal: Reveal) -> bool {
    let of_softmax = || node.inputs.iter().all(|id| matches!(graph.nodes[id.0].op, Op::Softmax { .. }));
    node.op == Op::Map(Function::Log) && reveal == Reveal::Score && of_softmax()
}

/// The graph with each label chosen by probabilities instead of scores, where both are made from the same values: sigmoid and
/// softmax keep the order, and what is not revealed cannot be asked for.
pub(crate) fn labels_by_probability(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    // From the last: a node that is moved only shifts what was looked at.
    for at in (0..graph.nodes.len()).rev() {
        if !matches!(graph.nodes[at].op, Op::Label(_) | Op::ArgMax { .. }) {
            continue;
        }
        let input = graph.nodes[at].inputs[0];
        let activated = graph.nodes.iter().position(|node| {
            let keeps_order = match node.op {
                Op::Map(Function::Sigmoid) => true,
                Op::Softmax { group } | Op::LogSoftmax { group } => group == graph.width(input),
                _ => false,
            };
            keeps_order && node.inputs == [input]
        });
        if let Some(probabilities) = activated {
            graph = moved_behind(graph, at, probabilities);
        }
    }
    graph
}

/// Node `at`, on the value of node `other`, which takes what `at` took so far, and so may stand right before it.
fn moved_behind(mut graph: Graph, at: usize, other: usize) -> Graph {
    if other < at {
        graph.nodes[at].inputs = vec![NodeId(other)];
        return graph;
    }
    let node = graph.nodes.remove(other);
    graph.nodes.insert(at, node);
    let renumber = |id: &mut NodeId| {
        id.0 = match id.0 {
            i if i == other => at,
            i if i >= at && i < other => i + 1,
            i => i,
        };
    };
    graph.nodes.iter_mut().flat_map(|n| &mut n.inputs).for_each(renumber);
    graph.outputs.iter_mut().map(|(_, id)| id).for_each(renumber);
    graph.nodes[at + 1].inputs = vec![NodeId(at)];
    graph
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::eval::evaluate;
    use crate::graph::{Labels, Origin, Port};
    use crate::tensor::{Data, DataType, Tensor};

    #[test]
    fn a_label_is_chosen_by_its_probability_and_stays_the_same() {
        let port = |name: &str, dtype, width| Port {
            name: name.into(),
            dtype,
            width,
            flat: false,
            dims: Vec::new(),
            columns: Vec::new(),
        };
        let origin = || Origin { node: "n".into(), op: "op".into() };
        let mut graph = Graph::new(vec![port("x", DataType::Fp64, 2)]);
        let label = graph.add(Op::Label(Labels::Int(vec![7, 9])), vec![NodeId(0)], origin()).unwrap();
        let first = graph.add(Op::Select(vec![0]), vec![label], origin()).unwrap();
        let p = graph.add(Op::Map(Function::Sigmoid), vec![NodeId(0)], origin()).unwrap();
        graph.outputs = vec![(port("l", DataType::Int64, 1), first), (port("p", DataType::Fp64, 2), p)];
        let rows = [Tensor { rows: 2, width: 2, data: Data::F64(vec![0.5, -1.0, -2.0, 3.0]) }];
        // A selection of the label stands between them.
        let moved = labels_by_probability(&graph);
        assert_eq!(evaluate(&moved, &rows).unwrap(), evaluate(&graph, &rows).unwrap());
        let label = moved.nodes.iter().find(|n| matches!(n.op, Op::Label(_))).unwrap();
        assert_eq!(moved.nodes[label.inputs[0].0].op, Op::Map(Function::Sigmoid));
        let before = |(at, node): (usize, &Node)| node.inputs.iter().all(|id| id.0 < at);
        assert!(moved.nodes.iter().enumerate().all(before));
    }
}
