//! Only what the outputs need is kept: translations write down values that nobody may ask for.

use std::collections::HashSet;

use super::{Draft, Name, OPSET};
use crate::onnx_proto::{ModelProto, OperatorSetIdProto};
use crate::source::Sources;

impl Draft {
    /// The model, and where its nodes came from.
    pub(crate) fn finish(self) -> (ModelProto, Sources) {
        let Self { mut graph, sources, .. } = self;
        let mut needed: HashSet<Name> = graph.output.iter().map(|info| info.name.clone()).collect();
        // Nodes stand after what they use, so one pass from the end finds all.
        let mut kept = Vec::new();
        while let Some(node) = graph.node.pop() {
            if node.output.iter().any(|name| needed.contains(name)) {
                needed.extend(node.input.iter().cloned());
                kept.push(node);
            }
        }
        kept.reverse();
        graph.node = kept;
        graph.initializer.retain(|tensor| needed.contains(&tensor.name));
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: OPSET }];
        (ModelProto { graph: Some(graph), opset_import, ..ModelProto::default() }, sources)
    }
}
