//! What a frozen graph takes and gives: it has no signature, so its placeholders are what it takes, and what no other node
//! uses is what it gives.

use std::collections::HashSet;

use privet_model::Refusal;

use super::nodes::{Edge, Nodes, broken};
use super::{Input, Question, order};

/// Operators whose results are not answers, though nobody uses them.
const NO_ANSWER: &[&str] = &[
    "Assert",
    "Assign",
    "AssignVariableOp",
    "Const",
    "NoOp",
    "Placeholder",
    "PlaceholderWithDefault",
    "Print",
    "PrintV2",
    "RestoreV2",
    "SaveV2",
    "ShardedFilename",
    "VarHandleOp",
    "VariableV2",
];

pub(super) fn question(nodes: &mut Nodes<'_>) -> Result<Question, Refusal> {
    let outputs = outputs(nodes)?;
    if outputs.is_empty() {
        return Err(broken("The graph has no output: no node is left unused. Export it again.".into()));
    }
    let wanted: Vec<Edge> = outputs.iter().map(|(_, edge)| *edge).collect();
    let needed: HashSet<usize> = order::order(nodes, &wanted, &[])?.iter().map(|step| step.node).collect();
    let inputs =
        (0..nodes.list.len()).filter(|node| needed.contains(node)).filter_map(|node| input(nodes, node));
    Ok(Question { inputs: inputs.collect(), outputs })
}

fn input(nodes: &Nodes<'_>, at: usize) -> Option<Input> {
    let node = &nodes.list[at];
    let (name, attrs) = (node.name().to_owned(), node.attrs());
    let edge = Edge { node: at, output: 0 };
    let shape = || attrs.shape("shape").cloned();
    (node.op() == "Placeholder").then(|| Input { name, edge, dtype: attrs.dtype("dtype", 0), shape: shape() })
}

fn outputs(nodes: &mut Nodes<'_>) -> Result<Vec<(String, Edge)>, Refusal> {
    let own = nodes.list.len();
    let mut used = HashSet::new();
    for node in 0..own {
        used.extend(nodes.inputs(node)?.iter().map(|edge| edge.node));
    }
    let unused = (0..own)
        .filter(|node| !used.contains(node))
        .filter(|&node| !NO_ANSWER.contains(&nodes.list[node].op()));
    let named = |node: usize| (nodes.list[node].name().to_owned(), node);
    let unused: Vec<(String, usize)> = unused.map(named).collect();
    // A call is what its function gives.
    unused.into_iter().map(|(name, _)| nodes.value(&name).map(|edge| (name, edge))).collect()
}
