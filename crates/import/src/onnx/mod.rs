//! From an ONNX file to the graph: names are resolved in file order, each node is lowered by its operator's function,
//! and everything that stands in the way is collected before the model is refused.

mod attributes;
mod builder;
mod call;
mod external;
mod fold;
mod functions;
mod half;
mod metadata;
mod names;
mod opset;
mod ports;
mod prune;
pub(crate) mod sizes;
pub(crate) mod tensor;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use privet_model::Refusal;
use privet_model::graph::Graph;
use prost::Message;

use self::builder::Builder;
pub(crate) use self::call::{Call, Lowered, Stop, constant, numbers, one};
use self::external::Beside;
pub use self::external::Load;
pub(crate) use self::ports::data_type;
use crate::error::ImportError;
use crate::onnx_proto::{GraphProto, ModelProto};
use crate::source::Sources;

/// How a file is to be read.
#[derive(Clone, Copy, Default)]
pub struct ReadOptions<'l> {
    /// Whether no axis of the inputs is that of the rows, not even the first: a whole tensor is one row.
    pub whole: bool,
    /// Where weights come from that lie beside the file; without it such a file is refused.
    pub load: Option<Load<'l>>,
}

/// Reads an ONNX file.
pub(crate) fn read_onnx(bytes: &[u8], options: ReadOptions<'_>) -> Result<Graph, ImportError> {
    let model = ModelProto::decode(bytes).map_err(|error| damaged(&error))?;
    read_model(&model, bytes.len(), options, &Sources::default())
}

/// Reads a model that was decoded, or translated, from this many bytes.
pub(crate) fn read_model(
    model: &ModelProto,
    len: usize,
    options: ReadOptions<'_>,
    sources: &Sources,
) -> Result<Graph, ImportError> {
    let graph = functions::inline(model, len)?.ok_or_else(|| cut_off("graph"))?;
    if model.opset_import.is_empty() {
        return Err(cut_off("list of operator sets").into());
    }
    let opsets = opset::read(&model.opset_import, &graph.node)?;
    let wanted = names::check(&graph)?;
    let beside = Beside::new(options.load);
    let mut builder = Builder::new(opsets, wanted, len, &beside, sources);
    constants(&graph, &mut builder)?;
    builder.grow(beside.len());
    ports::inputs(&graph, &metadata::feature_names(model), options.whole, &mut builder);
    for node in &graph.node {
        builder.lower(node)?;
    }
    ports::outputs(&graph, &mut builder)?;
    builder.finish()
}

fn constants<'a>(graph: &'a GraphProto, builder: &mut Builder<'a>) -> Result<(), Refusal> {
    if !graph.sparse_initializer.is_empty() {
        let message = "The file has sparse weights, which are not read; export the model with dense weights.";
        return Err(Refusal::new("E207", message));
    }
    for tensor in &graph.initializer {
        builder.define_weight(tensor)?;
    }
    Ok(())
}

fn damaged(error: &prost::DecodeError) -> Refusal {
    // The decoder says at which field it stopped; its own introduction says nothing more.
    let text = error.to_string();
    let at = text.strip_prefix("failed to decode Protobuf message: ").unwrap_or(&text);
    let message = format!("The ONNX file is damaged or ends early ({at}); export or copy it again.");
    Refusal::new("E203", message)
}

fn cut_off(what: &str) -> Refusal {
    let message =
        format!("The ONNX file has no {what}: it is damaged or ends early; export or copy it again.");
    Refusal::new("E203", message)
}
