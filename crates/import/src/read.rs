//! Any model file, whatever its format.

use privet_model::graph::Graph;

use crate::error::ImportError;
use crate::onnx::{ReadOptions, read_onnx_with};
use crate::sniff::{Format, sniff};
use crate::tensorflow::{read_frozen, read_saved_model};
use crate::tflite::read_tflite;

/// Reads a model file. Of a `SavedModel`'s folder, the bytes are those of its `saved_model.pb`.
pub fn read(bytes: &[u8], options: ReadOptions<'_>) -> Result<Graph, ImportError> {
    match sniff(bytes) {
        Format::TensorFlowGraph => read_frozen(bytes, options),
        Format::SavedModel => read_saved_model(bytes, options),
        Format::TfLite => read_tflite(bytes, options),
        _ => read_onnx_with(bytes, options),
    }
}
