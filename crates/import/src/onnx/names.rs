//! Whether every name of a file is defined once, and before it is used.

use std::collections::HashSet;

use privet_model::Refusal;

use crate::onnx_proto::{GraphProto, NodeProto};

/// Checks all names; returns those that somebody uses.
pub(crate) fn check(graph: &GraphProto) -> Result<HashSet<&str>, Refusal> {
    let mut defined = HashSet::new();
    for tensor in &graph.initializer {
        define(&mut defined, &tensor.name)?;
    }
    let weights = defined.clone();
    // Older files list their weights among the inputs as well: such an input has a value and is not asked for.
    for input in graph.input.iter().filter(|input| !weights.contains(input.name.as_str())) {
        define(&mut defined, &input.name)?;
    }
    let used = in_order(graph, &mut defined)?;
    outputs(graph, &defined, used)
}

fn in_order<'a>(graph: &'a GraphProto, defined: &mut HashSet<&'a str>) -> Result<HashSet<&'a str>, Refusal> {
    let mut used = HashSet::new();
    for node in &graph.node {
        for input in node.input.iter().filter(|name| !name.is_empty()) {
            if !defined.contains(input.as_str()) {
                return Err(undefined(graph, node, input));
            }
            used.insert(input.as_str());
        }
        for output in node.output.iter().filter(|name| !name.is_empty()) {
            define(defined, output)?;
        }
    }
    Ok(used)
}

fn outputs<'a>(
    graph: &'a GraphProto,
    defined: &HashSet<&str>,
    mut used: HashSet<&'a str>,
) -> Result<HashSet<&'a str>, Refusal> {
    let mut seen = HashSet::new();
    for output in &graph.output {
        let name = output.name.as_str();
        if !defined.contains(name) {
            return Err(broken(format!(
                "The model's output `{name}` is computed by no node; export it again."
            )));
        }
        if !seen.insert(name) {
            return Err(broken(format!("The model has two outputs named `{name}`; export it with one.")));
        }
        used.insert(name);
    }
    if seen.is_empty() {
        return Err(broken("The model has no output; export it with one.".into()));
    }
    Ok(used)
}

fn define<'a>(defined: &mut HashSet<&'a str>, name: &'a str) -> Result<(), Refusal> {
    if defined.insert(name) {
        return Ok(());
    }
    Err(broken(format!(
        "The name `{name}` stands for two values; each value needs its own. Export the model again."
    )))
}

fn undefined(graph: &GraphProto, node: &NodeProto, name: &str) -> Refusal {
    let later = graph.node.iter().any(|node| node.output.iter().any(|output| output == name));
    let user = node_name(node);
    broken(if later {
        format!(
            "Node `{user}` uses `{name}`, which is computed at or after it: the nodes form a cycle or are not in \
             order. Export the model again."
        )
    } else {
        format!("Node `{user}` uses `{name}`, which nothing in the file defines; export the model again.")
    })
}

/// The exporter's name of a node, or that of its first output.
pub(crate) fn node_name(node: &NodeProto) -> &str {
    if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name }
}

fn broken(message: String) -> Refusal {
    Refusal::new("E204", message)
}
