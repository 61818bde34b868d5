//! What of its answer the client is shown, and so which of the last nodes are its own to compute.

use serde::{Deserialize, Serialize};

use crate::graph::{Function, Graph, Node, Op};

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
            Op::Map(Function::Sigmoid | Function::Tanh) | Op::Softmax { .. } => self == Self::Score,
            _ => false,
        }
    }
}

/// By node, whether it belongs to the client's tail: it may, and nothing inside needs it.
pub(crate) fn tail_nodes(graph: &Graph, reveal: Reveal) -> Vec<bool> {
    let mut inside = vec![false; graph.nodes.len()];
    let mut tail = vec![false; graph.nodes.len()];
    for (at, node) in graph.nodes.iter().enumerate().rev() {
        tail[at] = !inside[at] && (reveal.leaves(&node.op) || is_log_softmax(graph, node, reveal));
        if !tail[at] {
            node.inputs.iter().for_each(|id| inside[id.0] = true);
        }
    }
    tail
}

/// The logarithm of a softmax is as good as the softmax.
fn is_log_softmax(graph: &Graph, node: &Node, reveal: Reveal) -> bool {
    let of_softmax = || node.inputs.iter().all(|id| matches!(graph.nodes[id.0].op, Op::Softmax { .. }));
    node.op == Op::Map(Function::Log) && reveal == Reveal::Score && of_softmax()
}
