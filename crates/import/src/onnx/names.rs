//! Whether every name of a file is defined once, and before it is used.

use std::collections::HashSet;

use privet_model::Refusal;

use crate::onnx_proto::{GraphProto, NodeProto, TensorProto};

/// Checks all names; returns those that somebody uses.
pub(crate) fn check(graph: &GraphProto) -> Result<HashSet<&str>, Refusal> {
    let mut names = Names { defined: HashSet::new(), used: HashSet::new() };
    names.weights(&graph.initializer)?;
    // Older files list their weights among the inputs as well: such an input has a value and is not asked for.
    let weights = names.defined.clone();
    for input in graph.input.iter().filter(|input| !weights.contains(input.name.as_str())) {
        names.define(&input.name)?;
    }
    names.nodes(&graph.node)?;
    outputs(graph, &names.defined, names.used)
}

struct Names<'a> {
    defined: HashSet<&'a str>,
    used: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn weights(&mut self, weights: &'a [TensorProto]) -> Result<(), Refusal> {
        weights.iter().try_for_each(|tensor| self.define(&tensor.name))
    }

    fn nodes(&mut self, nodes: &'a [NodeProto]) -> Result<(), Refusal> {
        for node in nodes {
            for input in node.input.iter().filter(|name| !name.is_empty()) {
                self.need(input, node, nodes)?;
            }
            for graph in node.attribute.iter().filter_map(|a| a.g.as_deref()) {
                self.inside(graph, node)?;
            }
            for output in node.output.iter().filter(|name| !name.is_empty()) {
                self.define(output)?;
            }
        }
        Ok(())
    }

    /// The names of a node's own graph end with it.
    fn inside(&mut self, graph: &'a GraphProto, node: &'a NodeProto) -> Result<(), Refusal> {
        self.weights(&graph.initializer)?;
        graph.input.iter().try_for_each(|input| self.define(&input.name))?;
        self.nodes(&graph.node)?;
        graph.output.iter().try_for_each(|output| self.need(&output.name, node, &graph.node))?;
        for name in own_names(graph) {
            self.defined.remove(name);
        }
        Ok(())
    }

    fn need(&mut self, name: &'a str, node: &NodeProto, nodes: &[NodeProto]) -> Result<(), Refusal> {
        if !self.defined.contains(name) {
            return Err(undefined(nodes, node, name));
        }
        self.used.insert(name);
        Ok(())
    }

    fn define(&mut self, name: &'a str) -> Result<(), Refusal> {
        if self.defined.insert(name) {
            return Ok(());
        }
        Err(broken(format!(
            "The name `{name}` stands for two values; each value needs its own. Export the model again."
        )))
    }
}

/// What a graph of a node defines for itself.
pub(super) fn own_names(graph: &GraphProto) -> impl Iterator<Item = &str> {
    let outputs = graph.node.iter().flat_map(|node| &node.output).map(String::as_str);
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    graph.initializer.iter().map(|tensor| tensor.name.as_str()).chain(inputs).chain(outputs)
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

fn undefined(nodes: &[NodeProto], node: &NodeProto, name: &str) -> Refusal {
    let later = nodes.iter().any(|node| node.output.iter().any(|output| output == name));
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
