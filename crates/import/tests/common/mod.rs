//! The fixtures and their index.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

pub mod npz;

use std::path::PathBuf;

use privet_import::{ImportError, ReadOptions};
use privet_model::graph::{Graph, Port};
use serde_json::Value;

/// A folder beside the crates.
pub fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

/// A file of a folder of fixtures.
pub fn bytes(folder_name: &str, file: &str) -> Vec<u8> {
    let path = folder(folder_name).join(file);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The entries of a folder's index.
pub fn index(folder_name: &str) -> Vec<Value> {
    let text = bytes(folder_name, "index.json");
    let index: Value = serde_json::from_slice(&text).unwrap();
    index["fixtures"].as_array().unwrap().clone()
}

/// A text field.
pub fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry[field].as_str().unwrap_or_default()
}

/// Reads a model of one file.
pub fn read_bytes(file: &[u8]) -> Result<Graph, ImportError> {
    privet_import::read(file, ReadOptions::default())
}

/// Reads the model of an entry.
pub fn read(folder_name: &str, entry: &Value) -> Result<Graph, ImportError> {
    read_bytes(&bytes(folder_name, &format!("{}/model.onnx", text(entry, "name"))))
}

/// Whether only linear operators are in it.
pub fn is_linear(entry: &Value) -> bool {
    let prefixes = ["lr", "softmax-iris", "linear-", "ridge-"];
    prefixes.iter().any(|prefix| text(entry, "name").starts_with(prefix))
}

/// Name, type, width and flatness, as the index says them; of a map, it says no width (0 here).
pub fn expected_port(port: &Value) -> (String, &'static str, usize, bool) {
    let shape = port["shape"].as_array().unwrap();
    let columns = shape.iter().skip(1).filter_map(Value::as_u64).map(|w| usize::try_from(w).unwrap());
    let columns: usize = columns.product();
    let dtype = match text(port, "dtype") {
        "float32" => "FP32",
        "float64" => "FP64",
        "int64" => "INT64",
        "int32" => "INT32",
        "bool" => "BOOL",
        "string" => "BYTES",
        map if map.starts_with("seq(map(") => return (text(port, "name").into(), "FP32", 0, false),
        other => panic!("{other}"),
    };
    (text(port, "name").into(), dtype, columns, shape.len() == 1)
}

/// The same of a port that was read; of one whose columns are named, no width.
pub fn port(port: &Port) -> (String, &'static str, usize, bool) {
    let width = if port.columns.is_empty() { port.width } else { 0 };
    (port.name.clone(), port.dtype.name(), width, port.flat)
}
