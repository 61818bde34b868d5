//! Operators that the file defines by itself: each call is replaced by the nodes of the function's body.

use std::borrow::Cow;
use std::collections::HashMap;

use privet_model::Refusal;
use prost::Message;

use super::names::node_name;
use super::opset::domain_of;
use crate::onnx_proto::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto};

/// Functions may call functions, but no exporter nests them deeper.
const MAX_DEPTH: usize = 32;
/// Bytes of nodes that may be made for each byte of the file: a body is repeated for each layer.
const BYTES_PER_BYTE: usize = 16;
/// The same that every file may have.
const FREE_BYTES: usize = 1 << 20;

type Key<'m> = (&'m str, &'m str, &'m str);

/// The graph without calls of local functions.
pub(super) fn inline(model: &ModelProto, file_len: usize) -> Result<Option<Cow<'_, GraphProto>>, Refusal> {
    let Some(graph) = &model.graph else { return Ok(None) };
    if model.functions.is_empty() {
        return Ok(Some(Cow::Borrowed(graph)));
    }
    let functions = model.functions.iter();
    let functions = functions.map(|f| ((domain_of(&f.domain), &*f.name, &*f.overload), f)).collect();
    let left = file_len.saturating_mul(BYTES_PER_BYTE).max(FREE_BYTES);
    let mut inliner = Inliner { functions, open: Vec::new(), calls: 0, left };
    let node = inliner.nodes(&graph.node)?;
    let rest = GraphProto { node: Vec::new(), ..graph.clone() };
    Ok(Some(Cow::Owned(GraphProto { node, ..rest })))
}

struct Inliner<'m> {
    functions: HashMap<Key<'m>, &'m FunctionProto>,
    /// The functions that are being replaced, outermost first.
    open: Vec<&'m str>,
    calls: usize,
    left: usize,
}

/// What the names in a function's body mean where it is called.
struct Binding<'c> {
    names: HashMap<&'c str, String>,
    attributes: HashMap<&'c str, &'c AttributeProto>,
    /// Makes the names inside distinct from those of other calls.
    suffix: String,
}

impl<'m> Inliner<'m> {
    fn nodes(&mut self, nodes: &[NodeProto]) -> Result<Vec<NodeProto>, Refusal> {
        let mut out = Vec::with_capacity(nodes.len());
        for node in nodes {
            self.node(node.clone(), &mut out)?;
        }
        Ok(out)
    }

    fn node(&mut self, mut node: NodeProto, out: &mut Vec<NodeProto>) -> Result<(), Refusal> {
        let key = (domain_of(&node.domain), &*node.op_type, &*node.overload);
        if let Some(&function) = self.functions.get(&key) {
            return self.call(function, &node, out);
        }
        self.left = self.left.checked_sub(node.encoded_len() + 64).ok_or_else(too_large)?;
        for graph in node.attribute.iter_mut().filter_map(|a| a.g.as_mut()) {
            graph.node = self.nodes(&graph.node)?;
        }
        out.push(node);
        Ok(())
    }

    fn call(
        &mut self,
        function: &'m FunctionProto,
        call: &NodeProto,
        out: &mut Vec<NodeProto>,
    ) -> Result<(), Refusal> {
        if self.open.len() >= MAX_DEPTH || self.open.contains(&function.name.as_str()) {
            let message = format!("The file's function `{}` calls itself; export it again.", function.name);
            return Err(Refusal::new("E204", message));
        }
        self.calls += 1;
        let binding = Binding::new(function, call, self.calls);
        self.open.push(&function.name);
        for node in &function.node {
            self.left = self.left.checked_sub(node.encoded_len() + 64).ok_or_else(too_large)?;
            let inner = binding.node(node, node_name(call));
            self.node(inner, out)?;
        }
        self.open.pop();
        // An output that is an input as it came.
        for (formal, actual) in function.output.iter().zip(&call.output) {
            if function.input.contains(formal) && !actual.is_empty() {
                let (input, output) = (vec![binding.name(formal)], vec![actual.clone()]);
                out.push(NodeProto { input, output, op_type: "Identity".into(), ..NodeProto::default() });
            }
        }
        Ok(())
    }
}

impl<'c> Binding<'c> {
    fn new(function: &'c FunctionProto, call: &'c NodeProto, number: usize) -> Self {
        let outputs = function.output.iter().zip(&call.output).filter(|(_, actual)| !actual.is_empty());
        let mut names: HashMap<&str, String> =
            outputs.map(|(formal, actual)| (formal.as_str(), actual.clone())).collect();
        for (at, formal) in function.input.iter().enumerate() {
            names.insert(formal, call.input.get(at).cloned().unwrap_or_default());
        }
        let given = function.attribute_proto.iter().chain(&call.attribute);
        let attributes = given.map(|a| (a.name.as_str(), a)).collect();
        Self { names, attributes, suffix: format!("@{number}") }
    }

    /// The caller's name of a value.
    fn name(&self, inside: &str) -> String {
        match self.names.get(inside) {
            Some(outside) => outside.clone(),
            None if inside.is_empty() => String::new(),
            None => format!("{inside}{}", self.suffix),
        }
    }

    fn node(&self, node: &NodeProto, caller: &str) -> NodeProto {
        let renamed = |names: &[String]| names.iter().map(|name| self.name(name)).collect();
        NodeProto {
            input: renamed(&node.input),
            output: renamed(&node.output),
            name: format!("{caller}/{}", node_name(node)),
            op_type: node.op_type.clone(),
            domain: node.domain.clone(),
            overload: node.overload.clone(),
            attribute: node.attribute.iter().filter_map(|a| self.attribute(a, caller)).collect(),
        }
    }

    /// An attribute by reference is the caller's, or left out as there.
    fn attribute(&self, attribute: &AttributeProto, caller: &str) -> Option<AttributeProto> {
        if !attribute.ref_attr_name.is_empty() {
            let given = self.attributes.get(attribute.ref_attr_name.as_str())?;
            return Some(AttributeProto { name: attribute.name.clone(), ..(*given).clone() });
        }
        let mut attribute = attribute.clone();
        if let Some(graph) = &mut attribute.g {
            self.graph(graph, caller);
        }
        Some(attribute)
    }

    fn graph(&self, graph: &mut GraphProto, caller: &str) {
        graph.node = graph.node.iter().map(|node| self.node(node, caller)).collect();
        graph.initializer.iter_mut().for_each(|t| t.name = self.name(&t.name));
        graph.input.iter_mut().chain(&mut graph.output).for_each(|info| info.name = self.name(&info.name));
    }
}

fn too_large() -> Refusal {
    let message = "The file's functions call each other so often that the model would be far larger than the file; \
                   export it without functions.";
    Refusal::new("E208", message)
}
