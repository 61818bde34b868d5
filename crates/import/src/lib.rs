//! Reads exported model files (ONNX with ONNX-ML) into the typed graph.
//!
//! Nothing here trusts the file: a length or a shape that it declares is compared with the data that is there, and
//! never decides an allocation. [`read_onnx`] takes any bytes, so it is also the entry point for fuzzing.
//!
//! To add an operator, write one function from a `Call` to values in `ops`, and one line in its table.

// Axis and axes, and the letters that the formats give to sizes, are the words of their definitions.
#![allow(clippy::similar_names, clippy::many_single_char_names)]

mod error;
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
pub use onnx::{Load, ReadOptions, read_onnx, read_onnx_with};
pub use read::read;
pub use sniff::{Format, sniff};
