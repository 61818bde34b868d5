//! Training on data that nobody may see: what an owner of rows does with its own files.
//!
//! | module | what it holds |
//! |---|---|
//! | [`preparation`] | `preparation.json`: what is done to each column before training, and before each prediction after |
//! | [`fit`] | such a preparation from rows |
//! | [`data`] | an owner's rows from a file, prepared and checked, some at a time |
//! | [`tags`] | ids that owners compare without showing them |
//! | [`onnx`] | the trained model's file |

pub(crate) mod data;
pub(crate) mod fit;
pub(crate) mod onnx;
pub(crate) mod preparation;
pub(crate) mod tags;
mod whole;

use privet_model::graph::Port;
use privet_model::tensor::DataType;

/// Columns of numbers that a file must have under these names. A missing value comes as NaN.
fn numbers(columns: &[String]) -> Port {
    Port {
        name: "features".into(),
        dtype: DataType::Fp64,
        width: columns.len(),
        flat: false,
        dims: Vec::new(),
        columns: columns.to_vec(),
    }
}

/// One column of a file.
fn column(name: &str, dtype: DataType) -> Port {
    Port { name: name.into(), dtype, width: 1, flat: true, dims: Vec::new(), columns: vec![name.into()] }
}
