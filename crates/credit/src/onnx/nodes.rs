//! Pieces of a graph.

use super::proto::{
    AttributeProto, Dimension, DimensionValue, NodeProto, TensorProto, TensorShapeProto, TensorType,
    TypeProto, ValueInfoProto,
};
use crate::train::to_f32;

/// The number of float32 among the element types.
const FLOAT: i32 = 1;

/// An operation with one output.
pub(super) fn node(name: &str, op_type: &str, input: &[&str], output: &str) -> NodeProto {
    NodeProto {
        input: input.iter().map(|&name| name.into()).collect(),
        output: vec![output.into()],
        name: name.into(),
        op_type: op_type.into(),
        attribute: Vec::new(),
        domain: String::new(),
    }
}

/// A constant of float32.
pub(super) fn constant(name: &str, dims: &[usize], values: &[f64]) -> TensorProto {
    let raw_data = values.iter().flat_map(|&value| to_f32(value).to_le_bytes()).collect();
    TensorProto {
        dims: dims.iter().map(|&dim| number(dim)).collect(),
        data_type: FLOAT,
        name: name.into(),
        raw_data,
    }
}

/// Several numbers of a node.
pub(super) fn floats(name: &str, values: &[f64]) -> AttributeProto {
    let floats = values.iter().map(|&value| to_f32(value)).collect();
    AttributeProto { name: name.into(), f: None, floats, r#type: 6 }
}

/// One number of a node.
pub(super) fn one_float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.into(), f: Some(value), floats: Vec::new(), r#type: 1 }
}

/// An input or output of any number of rows.
pub(super) fn port(name: &str, columns: usize) -> ValueInfoProto {
    let dimension = |value| Dimension { value: Some(value) };
    let rows = dimension(DimensionValue::Symbol("rows".into()));
    let shape = TensorShapeProto { dim: vec![rows, dimension(DimensionValue::Number(number(columns)))] };
    let tensor_type = Some(TensorType { elem_type: FLOAT, shape: Some(shape) });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
