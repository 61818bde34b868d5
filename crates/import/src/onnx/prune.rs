//! A graph without what no output needs.

use privet_model::graph::{Graph, NodeId, Op};

/// Drops nodes that are not needed; inputs stay, also those that nobody uses.
pub(super) fn prune(mut graph: Graph) -> Graph {
    let mut needed: Vec<bool> = graph.nodes.iter().map(|node| matches!(node.op, Op::Input(_))).collect();
    graph.outputs.iter().for_each(|(_, id)| needed[id.0] = true);
    for at in (0..graph.nodes.len()).rev() {
        if needed[at] {
            graph.nodes[at].inputs.iter().for_each(|id| needed[id.0] = true);
        }
    }
    let mut moved = vec![NodeId(0); graph.nodes.len()];
    let mut kept = Vec::new();
    for (at, mut node) in graph.nodes.into_iter().enumerate().filter(|(at, _)| needed[*at]) {
        node.inputs.iter_mut().for_each(|id| *id = moved[id.0]);
        moved[at] = NodeId(kept.len());
        kept.push(node);
    }
    graph.outputs.iter_mut().for_each(|(_, id)| *id = moved[id.0]);
    Graph { nodes: kept, ..graph }
}
