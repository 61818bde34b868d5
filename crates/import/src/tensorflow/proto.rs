//! The messages of `TensorFlow` that are read, under the field numbers that the format fixes. Fields that are not listed here
//! are skipped by the decoder.

use std::collections::BTreeMap;

use prost::{Message, Oneof};

/// The `saved_model.pb` of a folder.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SavedModel {
    #[prost(message, repeated, tag = "2")]
    pub(super) meta_graphs: Vec<MetaGraphDef>,
}

/// A graph and what is to be known of it.
#[allow(clippy::struct_field_names)] // the format's own names
#[derive(Clone, PartialEq, Message)]
pub(super) struct MetaGraphDef {
    #[prost(message, optional, tag = "1")]
    pub(super) meta_info_def: Option<MetaInfoDef>,
    #[prost(message, optional, tag = "2")]
    pub(super) graph_def: Option<GraphDef>,
    #[prost(message, optional, tag = "3")]
    pub(super) saver_def: Option<SaverDef>,
    #[prost(btree_map = "string, message", tag = "5")]
    pub(super) signature_def: BTreeMap<String, SignatureDef>,
}

/// What a graph is for.
#[derive(Clone, PartialEq, Message)]
pub(super) struct MetaInfoDef {
    #[prost(string, repeated, tag = "4")]
    pub(super) tags: Vec<String>,
}

/// How the variables get their values.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SaverDef {
    #[prost(string, tag = "3")]
    pub(super) restore_op_name: String,
}

/// One way to ask a model.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SignatureDef {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) inputs: BTreeMap<String, TensorInfo>,
    #[prost(btree_map = "string, message", tag = "2")]
    pub(super) outputs: BTreeMap<String, TensorInfo>,
}

/// Where a value of a signature stands in the graph.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorInfo {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(int32, tag = "2")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "3")]
    pub(super) tensor_shape: Option<Shape>,
}

/// Nodes, in any order, and the functions that they call.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphDef {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<NodeDef>,
    #[prost(message, optional, tag = "2")]
    pub(super) library: Option<FunctionLibrary>,
}

/// All functions.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FunctionLibrary {
    #[prost(message, repeated, tag = "1")]
    pub(super) function: Vec<FunctionDef>,
}

/// A graph with arguments.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FunctionDef {
    #[prost(message, optional, tag = "1")]
    pub(super) signature: Option<OpDef>,
    #[prost(message, repeated, tag = "3")]
    pub(super) node_def: Vec<NodeDef>,
    /// Which value each result is.
    #[prost(btree_map = "string, string", tag = "4")]
    pub(super) ret: BTreeMap<String, String>,
}

/// A function's name, arguments and results.
#[derive(Clone, PartialEq, Message)]
pub(super) struct OpDef {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) input_arg: Vec<ArgDef>,
    #[prost(message, repeated, tag = "3")]
    pub(super) output_arg: Vec<ArgDef>,
}

/// An argument's name.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ArgDef {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

/// One operation.
#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeDef {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) op: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) input: Vec<String>,
    #[prost(btree_map = "string, message", tag = "5")]
    pub(super) attr: BTreeMap<String, AttrValue>,
}

/// A named constant of a node.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AttrValue {
    #[prost(oneof = "Attr", tags = "1, 2, 3, 4, 5, 6, 7, 8, 10")]
    pub(super) value: Option<Attr>,
}

/// Its kinds.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Attr {
    #[prost(message, tag = "1")]
    List(AttrList),
    #[prost(bytes, tag = "2")]
    Text(Vec<u8>),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(float, tag = "4")]
    Float(f32),
    #[prost(bool, tag = "5")]
    Bool(bool),
    #[prost(int32, tag = "6")]
    Type(i32),
    #[prost(message, tag = "7")]
    Shape(Shape),
    #[prost(message, tag = "8")]
    Tensor(TensorProto),
    #[prost(message, tag = "10")]
    Function(NameAttrList),
}

/// Several values of one kind.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AttrList {
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(super) s: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "3")]
    pub(super) i: Vec<i64>,
}

/// A function that is called.
#[derive(Clone, PartialEq, Message)]
pub(super) struct NameAttrList {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

/// A shape; -1 stands for what is open.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<Dim>,
    #[prost(bool, tag = "3")]
    pub(super) unknown_rank: bool,
}

/// One dimension.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Dim {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

/// A constant array. Of the lists, the last value stands for all that are missing.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorProto {
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) tensor_shape: Option<Shape>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) tensor_content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    pub(super) float_val: Vec<f32>,
    #[prost(double, repeated, tag = "6")]
    pub(super) double_val: Vec<f64>,
    #[prost(int32, repeated, tag = "7")]
    pub(super) int_val: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(super) string_val: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "10")]
    pub(super) int64_val: Vec<i64>,
    #[prost(bool, repeated, tag = "11")]
    pub(super) bool_val: Vec<bool>,
    #[prost(int32, repeated, tag = "13")]
    pub(super) half_val: Vec<i32>,
}

/// The first entry of a bundle's index.
#[derive(Clone, PartialEq, Message)]
pub(super) struct BundleHeader {
    #[prost(int32, tag = "1")]
    pub(super) num_shards: i32,
    /// 0 is little endian.
    #[prost(int32, tag = "2")]
    pub(super) endianness: i32,
}

/// Where a tensor of a bundle lies.
#[derive(Clone, PartialEq, Message)]
pub(super) struct BundleEntry {
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<Shape>,
    #[prost(int32, tag = "3")]
    pub(super) shard_id: i32,
    #[prost(int64, tag = "4")]
    pub(super) offset: i64,
    #[prost(int64, tag = "5")]
    pub(super) size: i64,
    #[prost(fixed32, tag = "6")]
    pub(super) crc32c: u32,
    /// Pieces of a tensor that was cut, which is not read.
    #[prost(message, repeated, tag = "7")]
    pub(super) slices: Vec<Skipped>,
}

/// A message whose content does not matter, only that it is there.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Skipped {}
