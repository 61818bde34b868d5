//! The nodes that some values need, each after what it uses.

use std::collections::HashSet;

use privet_model::Refusal;

use super::nodes::{Edge, Nodes, broken};

/// A node and the values that it uses.
pub(super) struct Step {
    pub(super) node: usize,
    pub(super) inputs: Vec<Edge>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Done,
}

/// All that `wanted` need; the values of `inputs` are given and need nothing.
pub(super) fn order(nodes: &mut Nodes<'_>, wanted: &[Edge], inputs: &[Edge]) -> Result<Vec<Step>, Refusal> {
    let given: HashSet<usize> = inputs.iter().map(|edge| edge.node).collect();
    let mut states = Vec::new();
    let mut steps = Vec::new();
    for edge in wanted {
        visit(nodes, edge.node, &given, &mut states, &mut steps)?;
    }
    Ok(steps)
}

/// Without recursion: a file's chain of nodes may be longer than the stack.
fn visit(
    nodes: &mut Nodes<'_>,
    from: usize,
    given: &HashSet<usize>,
    states: &mut Vec<Option<State>>,
    steps: &mut Vec<Step>,
) -> Result<(), Refusal> {
    let mut open: Vec<(usize, Vec<Edge>, usize)> = Vec::new();
    let mut next = Some(from);
    loop {
        if let Some(node) = next.take() {
            states.resize(nodes.list.len().max(states.len()), None);
            match states[node] {
                Some(State::Done) => {}
                Some(State::Running) => {
                    let name = nodes.list[node].name();
                    return Err(broken(format!(
                        "Node `{name}` needs its own result: loops cannot be used. Export the model without them."
                    )));
                }
                None => {
                    states[node] = Some(State::Running);
                    let inputs = if given.contains(&node) { Vec::new() } else { nodes.inputs(node)? };
                    open.push((node, inputs, 0));
                }
            }
        }
        let Some((node, inputs, at)) = open.last_mut() else { return Ok(()) };
        if let Some(edge) = inputs.get(*at) {
            *at += 1;
            next = Some(edge.node);
            continue;
        }
        states[*node] = Some(State::Done);
        if let Some((node, inputs, _)) = open.pop() {
            steps.push(Step { node, inputs });
        }
    }
}
