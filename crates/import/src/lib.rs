//! Reads exported models (ONNX with ONNX-ML, `TensorFlow` graphs and `SavedModel`s, `TensorFlow` Lite) into the typed graph.
//!
//! Nothing here trusts the file: a length or a shape that it declares is compared with the data that is there, and
//! never decides an allocation. [`read`] takes any bytes, so it is also the entry point for fuzzing; [`open`] takes a path.
//!
//! To add an operator, write one function from a `Call` to values in `ops`, and one line in its table.

// Axis and axes, and the letters that the formats give to sizes, are the words of their definitions.
#![allow(clippy::similar_names, clippy::many_single_char_names)]

mod error;
mod exported;
mod linear;
mod onnx;
mod onnx_proto;
mod ops;
mod read;
mod sniff;
mod source;
mod tensorflow;
mod tflite;
mod translate;

pub use error::ImportError;
pub use exported::{Exported, open};
pub use linear::{Linear, Scaling};
pub use onnx::{Load, ReadOptions};
pub use read::read;
pub use sniff::{Format, sniff};
