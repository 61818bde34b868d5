//! The class and nothing else: a model that gives labels only, decided at the owner's threshold.
//!
//! What the threshold is compared with is traced back through everything that keeps the order of values, so that no
//! activation is computed for a label: `sigmoid(x) > t` where `x > ln(t / (1 - t))`, and of two classes with a softmax
//! where the difference of their scores is.

#[cfg(test)]
mod tests;

use crate::graph::{Comparison, Function, Graph, Labels, Node, NodeId, Op, Origin, Port};
use crate::tensor::DataType;
use crate::{Problem, Problems};

/// The model's labels, and no other output. Where it gives none, they are counted: 1 where its probability is above the threshold,
/// or the place of its greatest value.
///
/// `threshold` is in units of the model's own output: the probability of the second of two classes, or a score where the model gives
/// no probability. Without one, the model's own rule decides, or one half.
pub fn label_only(graph: &Graph, threshold: Option<f64>) -> Result<Graph, Problems> {
    if threshold.is_some_and(|t| !t.is_finite()) {
        return Err(problem("output", "The threshold is not a finite number.", "Give one like 0.08."));
    }
    let mut made = Graph { outputs: Vec::new(), ..graph.clone() };
    let given = graph.outputs.iter().filter_map(|(port, id)| Some((port, *id, decider(graph, *id)?)));
    let given: Vec<(&Port, NodeId, usize)> = given.collect();
    if given.is_empty() {
        let score = only_number(graph)?;
        let (op, scores) = match graph.width(score) {
            width @ (1 | 2) => {
                (Op::Label(Labels::Int(vec![0, 1])), decided(&mut made, score, width, threshold)?)
            }
            width => (Op::Label(Labels::Int((0..).take(width).collect())), many(&made, score, threshold)?),
        };
        let label = add(&mut made, op, vec![scores]);
        made.outputs.push((counted(), label));
        return Ok(made);
    }
    for (port, output, decider) in given {
        let input = graph.nodes[decider].inputs[0];
        let scores = match (&graph.nodes[decider].op, graph.width(input), threshold) {
            (Op::Label(_) | Op::ArgMax { group: 2 }, 2, None) => own_rule(&mut made, input),
            (Op::Label(_) | Op::ArgMax { group: 2 }, 2, Some(_)) => {
                let score = only_number(graph)?;
                decided(&mut made, score, graph.width(score), threshold)?
            }
            _ => many(&made, input, threshold)?,
        };
        let last = copied(&mut made, output, decider, scores);
        made.outputs.push((port.clone(), last));
    }
    Ok(made)
}

/// The output of a model that has none for labels.
fn counted() -> Port {
    let (dims, columns) = (Vec::new(), Vec::new());
    Port { name: "label".into(), dtype: DataType::Int64, width: 1, flat: true, dims, columns }
}

/// The node that chooses the label which this output gives, perhaps with other values around it that are labels too.
fn decider(graph: &Graph, output: NodeId) -> Option<usize> {
    let node = &graph.nodes[output.0];
    match node.op {
        Op::Label(_) | Op::ArgMax { .. } => Some(output.0),
        Op::Select(_) => decider(graph, node.inputs[0]),
        _ => None,
    }
}

/// The one output that is a number.
fn only_number(graph: &Graph) -> Result<NodeId, Problems> {
    let number = |port: &Port| matches!(port.dtype, DataType::Fp32 | DataType::Fp64);
    let all: Vec<_> = graph.outputs.iter().filter(|(port, _)| number(port)).collect();
    if let [(_, id)] = all[..] {
        return Ok(*id);
    }
    let reason = format!("It gives {} outputs that are numbers, and a label is decided by one.", all.len());
    let hint = "Export the model with one probability, or serve it with `--reveal score`.";
    Err(problem("output", &reason, hint))
}

/// The scores of two classes of which the second is chosen where the number is above the threshold.
fn decided(
    graph: &mut Graph,
    score: NodeId,
    width: usize,
    threshold: Option<f64>,
) -> Result<NodeId, Problems> {
    let name = graph.nodes[score.0].origin.node.clone();
    match (width, threshold) {
        (2, None) => Ok(own_rule(graph, score)),
        (1 | 2, _) => {
            let value = Value { node: score, column: width - 1 };
            let threshold = match threshold {
                Some(threshold) => threshold,
                None if is_probability(graph, value) => 0.5,
                None => {
                    let reason =
                        "It gives one number that is no probability, so what a label is must be said.";
                    return Err(problem(&name, reason, "Give `--threshold`, in units of that number."));
                }
            };
            restated(graph, value, threshold, true)
                .map_err(|why| problem(&name, &why, "Give one between 0 and 1."))
        }
        _ => many(graph, score, threshold),
    }
}

/// The scores of more than two classes: any whose order is the same.
fn many(graph: &Graph, scores: NodeId, threshold: Option<f64>) -> Result<NodeId, Problems> {
    if threshold.is_some() {
        let (node, width) = (&graph.nodes[scores.0], graph.width(scores));
        let reason = format!("A threshold decides between two classes, and it has {width}.");
        return Err(problem(&node.origin.node, &reason, "Leave `--threshold` out: the greatest is chosen."));
    }
    Ok(unactivated(graph, scores))
}

/// Before activations that keep the order of all values.
fn unactivated(graph: &Graph, id: NodeId) -> NodeId {
    let node = &graph.nodes[id.0];
    match node.op {
        Op::Softmax { group } | Op::LogSoftmax { group } if group == node.width => {
            unactivated(graph, node.inputs[0])
        }
        Op::Map(Function::Sigmoid | Function::Tanh) => unactivated(graph, node.inputs[0]),
        _ => id,
    }
}

/// The second of two classes where its score is greater.
fn own_rule(graph: &mut Graph, pair: NodeId) -> NodeId {
    let pair = unactivated(graph, pair);
    difference(graph, pair, 0.0, true).unwrap_or(pair)
}

/// One value of a node.
#[derive(Clone, Copy)]
struct Value {
    node: NodeId,
    column: usize,
}

/// Whether a value is made by an activation, and so is a probability.
fn is_probability(graph: &Graph, value: Value) -> bool {
    let node = &graph.nodes[value.node.0];
    match &node.op {
        Op::Map(Function::Sigmoid) | Op::Softmax { .. } => true,
        Op::Select(_) | Op::Linear { .. } | Op::Concat => {
            through(graph, value).is_some_and(|(before, ..)| is_probability(graph, before))
        }
        _ => false,
    }
}

/// What a value was moved from: `value = sign·before + shift`.
#[allow(clippy::float_cmp)] // exactly these numbers move and change nothing
fn through(graph: &Graph, Value { node, column }: Value) -> Option<(Value, f64, f64)> {
    let Node { op, inputs, .. } = &graph.nodes[node.0];
    match op {
        Op::Select(indices) => Some((Value { node: inputs[0], column: indices[column] }, 1.0, 0.0)),
        Op::Concat => {
            let mut column = column;
            for &input in inputs {
                if column < graph.width(input) {
                    return Some((Value { node: input, column }, 1.0, 0.0));
                }
                column -= graph.width(input);
            }
            None
        }
        Op::Linear { weights, bias } if graph.width(inputs[0]) == 1 && weights[column].abs() == 1.0 => {
            Some((Value { node: inputs[0], column: 0 }, weights[column], bias[column]))
        }
        Op::Affine { scale, shift } if scale[column].abs() == 1.0 => {
            Some((Value { node: inputs[0], column }, scale[column], shift[column]))
        }
        _ => None,
    }
}

/// Scores of two classes, of which the second is chosen where the value is above the threshold (or, else, below it).
fn restated(graph: &mut Graph, value: Value, threshold: f64, above: bool) -> Result<NodeId, String> {
    if let Some((before, sign, shift)) = through(graph, value) {
        return restated(graph, before, (threshold - shift) * sign, above == (sign > 0.0));
    }
    let node = &graph.nodes[value.node.0];
    let input = node.inputs.first().copied();
    match (&node.op, input) {
        (Op::Map(Function::Sigmoid), Some(node)) => {
            restated(graph, Value { node, column: value.column }, logit(threshold)?, above)
        }
        (Op::Softmax { group: 2 }, Some(pair)) if graph.width(pair) == 2 => {
            let (threshold, second) = (logit(threshold)?, value.column == 1);
            // The first class is above it where the second is below the rest.
            let (threshold, above) = if second { (threshold, above) } else { (-threshold, !above) };
            difference(graph, pair, threshold, above).ok_or_else(|| "The scores are no pair.".into())
        }
        _ => Ok(compared(graph, value, threshold, above)),
    }
}

fn logit(probability: f64) -> Result<f64, String> {
    if probability > 0.0 && probability < 1.0 {
        Ok((probability / (1.0 - probability)).ln())
    } else {
        Err(format!("The threshold {probability} is no probability that can be passed and missed."))
    }
}

/// The same for `second - first` of a pair.
fn difference(graph: &mut Graph, pair: NodeId, threshold: f64, above: bool) -> Option<NodeId> {
    let of = |column| through(graph, Value { node: pair, column });
    if let (Some((first, a, b)), Some((second, c, d))) = (of(0), of(1))
        && (first.node, first.column) == (second.node, second.column)
        && a < c
    {
        // `second - first = 2·value + (d - b)`.
        return restated(graph, second, (threshold - (d - b)) / 2.0, above).ok();
    }
    let Node { op, inputs, origin, .. } = graph.nodes[pair.0].clone();
    let (weights, bias, inputs) = match op {
        Op::Linear { weights, bias } => {
            let (first, second) = weights.split_at(weights.len() / 2);
            let row = second.iter().zip(first).map(|(s, f)| s - f).collect();
            (row, vec![bias[1] - bias[0]], inputs)
        }
        _ => (vec![-1.0, 1.0], vec![0.0], vec![pair]),
    };
    let node = graph.add(Op::Linear { weights, bias }, inputs, origin).ok()?;
    Some(compared(graph, Value { node, column: 0 }, threshold, above))
}

/// `(0, 1)` where the value is above the threshold (or, else, below it), and `(1, 0)` where it is not.
fn compared(graph: &mut Graph, value: Value, threshold: f64, above: bool) -> NodeId {
    let threshold = add(graph, Op::Constant(vec![threshold]), Vec::new());
    let value = column(graph, value);
    let sides = if above { vec![threshold, value] } else { vec![value, threshold] };
    let second = add(graph, Op::Compare(Comparison::Less), sides);
    add(graph, Op::Linear { weights: vec![-1.0, 1.0], bias: vec![1.0, 0.0] }, vec![second])
}

/// A node that is one value of another; of a matrix, that row.
fn column(graph: &mut Graph, Value { node, column }: Value) -> NodeId {
    let Node { op, inputs, width, origin } = graph.nodes[node.0].clone();
    if width == 1 {
        return node;
    }
    match op {
        Op::Linear { weights, bias } => {
            let n = weights.len() / width;
            let weights = weights[column * n..(column + 1) * n].to_vec();
            graph.nodes.push(Node {
                op: Op::Linear { weights, bias: vec![bias[column]] },
                inputs,
                width: 1,
                origin,
            });
            NodeId(graph.nodes.len() - 1)
        }
        _ => add(graph, Op::Select(vec![column]), vec![node]),
    }
}

/// The nodes from the one that decides to an output, on other scores.
fn copied(graph: &mut Graph, output: NodeId, decider: usize, scores: NodeId) -> NodeId {
    let Node { op, inputs, origin, .. } = graph.nodes[output.0].clone();
    let input = if output.0 == decider { scores } else { copied(graph, inputs[0], decider, scores) };
    let width = graph.nodes[output.0].width;
    graph.nodes.push(Node { op, inputs: vec![input], width, origin });
    NodeId(graph.nodes.len() - 1)
}

/// A node of which it is known that its widths fit.
fn add(graph: &mut Graph, op: Op, inputs: Vec<NodeId>) -> NodeId {
    let width = match &op {
        Op::Constant(values) => values.len(),
        Op::Select(indices) => indices.len(),
        Op::Linear { bias, .. } => bias.len(),
        _ => 1,
    };
    let origin = Origin { node: "label".into(), op: "threshold".into() };
    graph.nodes.push(Node { op, inputs, width, origin });
    NodeId(graph.nodes.len() - 1)
}

fn problem(node: &str, reason: &str, hint: &str) -> Problems {
    Problems(vec![Problem {
        node: node.into(),
        op: "label".into(),
        reason: reason.into(),
        hint: hint.into(),
    }])
}
