//! Which tensor of the bundle each variable gets: what the file's own restore operation would assign.

use std::collections::HashMap;

use privet_model::Refusal;

use super::bundle::Bundle;
use super::nodes::{Edge, Nodes};
use super::proto::Attr;

/// Names of tensors in the bundle, by the node that stands for the variable.
#[derive(Default)]
pub(super) struct Variables(HashMap<usize, String>);

impl Variables {
    /// Follows every assignment, in the graph and in what `restore` calls, back to a restored tensor.
    pub(super) fn find(nodes: &mut Nodes<'_>, restore: &str) -> Result<Self, Refusal> {
        let restore = restore.split(':').next().unwrap_or_default();
        let mut candidates: Vec<usize> = (0..nodes.list.len()).collect();
        if let Some(node) = nodes.find(restore) {
            candidates.extend(nodes.everything_in(node)?);
        }
        let mut found = HashMap::new();
        for node in candidates {
            if !matches!(nodes.list[node].op(), "AssignVariableOp" | "Assign") {
                continue;
            }
            if let [variable, value] = nodes.inputs(node)?[..]
                && let Some(key) = restored(nodes, value)?
            {
                let variable = behind(nodes, variable)?;
                found.insert(variable.node, key);
            }
        }
        Ok(Self(found))
    }

    /// The tensor's name in the bundle: as it is restored, or else by the variable's own name.
    pub(super) fn key<'v>(
        &'v self,
        nodes: &'v Nodes<'_>,
        node: usize,
        bundle: &Bundle<'_>,
    ) -> Option<&'v str> {
        if let Some(key) = self.0.get(&node) {
            return Some(key);
        }
        let node = nodes.list.get(node)?;
        let shared = node.attrs().text("shared_name").filter(|name| !name.is_empty());
        let own = shared.unwrap_or(node.name());
        bundle.has(own).then_some(own)
    }
}

/// What a value is behind nodes that only pass it on.
fn behind(nodes: &mut Nodes<'_>, mut edge: Edge) -> Result<Edge, Refusal> {
    for _ in 0..64 {
        if nodes.list[edge.node].op() != "Identity" {
            break;
        }
        match nodes.inputs(edge.node)?.first() {
            Some(before) => edge = *before,
            None => break,
        }
    }
    Ok(edge)
}

/// The name under which a value is restored, if it is.
fn restored(nodes: &mut Nodes<'_>, value: Edge) -> Result<Option<String>, Refusal> {
    let value = behind(nodes, value)?;
    if nodes.list[value.node].op() != "RestoreV2" {
        return Ok(None);
    }
    let Some(&names) = nodes.inputs(value.node)?.get(1) else { return Ok(None) };
    let Some(Attr::Tensor(names)) =
        nodes.list[names.node].def.attr.get("value").and_then(|a| a.value.as_ref())
    else {
        return Ok(None);
    };
    Ok(names.string_val.get(value.output).and_then(|name| String::from_utf8(name.clone()).ok()))
}
