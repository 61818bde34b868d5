//! The client tail: what the client computes on its own answer. It has no secret numbers: activations, labels, and
//! which score goes where.

use serde::{Deserialize, Serialize};

use crate::Refusal;
use crate::eval::evaluate;
use crate::graph::{Graph, Labels, Node, NodeId, Op, Port};
use crate::tensor::{Data, DataType, Tensor};

/// One value of the tail's input, in terms of the scores that the core gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spread {
    /// A score.
    Score(usize),
    /// A score with its sign changed: the other class of a binary model.
    Minus(usize),
    /// One less a score: the other class's probability.
    OneMinus(usize),
    /// Zero: the class whose score was subtracted from the others.
    Zero,
}

/// Most values per row that all nodes of a tail from outside may have together.
const MAX_VALUES: usize = 1 << 20;

/// From scores to the model's own outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// For each input of the tail's graph, its values.
    pub spread: Vec<Vec<Spread>>,
    /// The graph's nodes; its inputs come first, as [`Op::Input`].
    pub nodes: Vec<Node>,
    /// The model's outputs.
    pub outputs: Vec<(Port, NodeId)>,
}

impl Tail {
    /// The outputs for rows of `width` scores each; there is at least one score.
    pub fn finish(&self, scores: &[f64], width: usize) -> Result<Vec<Tensor>, Refusal> {
        let rows = scores.len() / width.max(1);
        let inputs: Vec<Tensor> = self.spread.iter().map(|s| spread(s, scores, width, rows)).collect();
        evaluate(&self.graph(), &inputs)
    }

    /// Checks what came from outside before it is used: every index points at something before it, widths fit and are of
    /// a size that a client can hold, and every score is one that the tail can speak of.
    pub fn is_sound(&self, scores: usize) -> bool {
        let spread_ok = |s: &Spread| match s {
            Spread::Score(i) | Spread::Minus(i) | Spread::OneMinus(i) => *i < scores,
            Spread::Zero => true,
        };
        let places: usize = self.spread.iter().map(Vec::len).sum();
        let mut room = MAX_VALUES;
        let mut fits = |width: usize| {
            room = room.saturating_sub(width);
            width > 0 && room > 0
        };
        let mut rebuilt = Graph::new(self.inputs());
        let nodes_ok = self.nodes.iter().enumerate().all(|(at, node)| match node.op {
            _ if !fits(node.width) => false,
            Op::Input(i) => {
                i == at
                    && node.inputs.is_empty()
                    && rebuilt.nodes.get(at).is_some_and(|n| n.width == node.width)
            }
            Op::Affine { .. }
            | Op::Linear { .. }
            | Op::Conv { .. }
            | Op::Constant(_)
            | Op::Impute { .. }
            | Op::OneHot { .. }
            | Op::Trees(_) => false,
            _ => {
                rebuilt.add(node.op.clone(), node.inputs.clone(), node.origin.clone()) == Ok(NodeId(at))
                    && rebuilt.width(NodeId(at)) == node.width
            }
        });
        let texts = self.texts();
        nodes_ok
            && scores <= places
            && self.spread.iter().flatten().all(spread_ok)
            && self.outputs.iter().all(|(p, id)| self.nodes.get(id.0).is_some_and(|n| n.width == p.width))
            && self.outputs.iter().all(|(p, id)| texts.get(id.0) == Some(&(p.dtype == DataType::Bytes)))
    }

    /// By node, whether its value is text: the labels of some classifiers, as they are or selected.
    fn texts(&self) -> Vec<bool> {
        let mut texts: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            texts.push(match &node.op {
                Op::Label(labels) => matches!(labels, Labels::Text(_)),
                Op::Select(_) | Op::Concat => node.inputs.iter().any(|id| texts.get(id.0) == Some(&true)),
                _ => false,
            });
        }
        texts
    }

    fn inputs(&self) -> Vec<Port> {
        let port = |(i, s): (usize, &Vec<Spread>)| Port {
            name: format!("score {i}"),
            dtype: DataType::Fp64,
            width: s.len(),
            flat: false,
            dims: Vec::new(),
            columns: Vec::new(),
        };
        self.spread.iter().enumerate().map(port).collect()
    }

    fn graph(&self) -> Graph {
        Graph { inputs: self.inputs(), nodes: self.nodes.clone(), outputs: self.outputs.clone() }
    }
}

fn spread(places: &[Spread], scores: &[f64], width: usize, rows: usize) -> Tensor {
    let value = |row: &[f64], place: Spread| match place {
        Spread::Score(i) => row[i],
        Spread::Minus(i) => -row[i],
        Spread::OneMinus(i) => 1.0 - row[i],
        Spread::Zero => 0.0,
    };
    let values = scores.chunks_exact(width.max(1)).flat_map(|row| places.iter().map(move |&p| value(row, p)));
    Tensor { rows, width: places.len(), data: Data::F64(values.collect()) }
}
