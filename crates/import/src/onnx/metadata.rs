//! What exporters say beside the graph.

use crate::onnx_proto::ModelProto;

/// The key under which exporters name the columns of a model's one input, as a JSON array of strings in their order.
const FEATURE_NAMES: &str = "feature_names";

/// The names of the columns of the model's one input, where the file gives them: each once, none empty.
pub(super) fn feature_names(model: &ModelProto) -> Vec<String> {
    let entry = model.metadata_props.iter().find(|entry| entry.key == FEATURE_NAMES);
    let names: Vec<String> =
        entry.and_then(|entry| serde_json::from_str(&entry.value).ok()).unwrap_or_default();
    let distinct: std::collections::HashSet<_> = names.iter().collect();
    if distinct.len() == names.len() && !names.iter().any(String::is_empty) { names } else { Vec::new() }
}
