//! Any model file, whatever its format.

use privet_model::graph::Graph;

use crate::error::ImportError;
use crate::onnx::{ReadOptions, read_onnx};
use crate::sniff::{Format, sniff};
use crate::tensorflow::{read_frozen, read_saved_model};
use crate::tflite::read_tflite;

/// Reads a model file. Any bytes may be given; memory stays proportional to their number. Of a `SavedModel`'s folder, the bytes are those of its `saved_model.pb`.
pub fn read(bytes: &[u8], options: ReadOptions<'_>) -> Result<Graph, ImportError> {
    match sniff(bytes) {
        Format::TensorFlowGraph => read_frozen(bytes, options),
        Format::SavedModel => read_saved_model(bytes, options),
        Format::TfLite => read_tflite(bytes, options),
        Format::Onnx => read_onnx(bytes, options),
        other => Err(other.refusal().into()),
    }
}
