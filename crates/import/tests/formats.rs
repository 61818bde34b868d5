//! The other files of each fixture give the answers of its ONNX file, within the tolerance of `models/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::npz::{Array, arrays};
use common::{bytes, folder, index, text};
use privet_import::{ImportError, open};
use privet_model::eval::evaluate;
use privet_model::graph::{Graph, Port};
use privet_model::tensor::{Data, DataType, Tensor};
use serde_json::Value;

/// Formats of the index that are read besides ONNX.
const READ: [&str; 3] = ["tensorflow-graphdef", "tensorflow-savedmodel", "tflite"];

fn load(folder_name: &str, path: &str) -> Result<Graph, ImportError> {
    open(&folder(folder_name).join(path)).map(|exported| exported.graph)
}

#[allow(clippy::cast_possible_truncation)] // the arrays hold what the port's type can
fn tensor(port: &Port, array: &Array) -> Tensor {
    let values = || array.values.iter();
    let data = match port.dtype {
        DataType::Fp32 => Data::F32(values().map(|&x| x as f32).collect()),
        DataType::Fp64 => Data::F64(values().copied().collect()),
        _ => Data::I64(values().map(|&x| x as i64).collect()),
    };
    Tensor::new(array.dims[0], port.width, data).unwrap()
}

fn names(entry: &Value, field: &str) -> Vec<String> {
    entry[field].as_array().unwrap().iter().map(|port| text(port, "name").to_owned()).collect()
}

/// The largest difference of a fixture's file from what is expected, or what is wrong with it.
fn compare(folder_name: &str, entry: &Value, file: &Value) -> Result<f64, String> {
    let (name, path) = (text(entry, "name"), text(file, "path"));
    let graph = load(folder_name, &format!("{name}/{path}")).map_err(|e| format!("{name}/{path}: {e}"))?;
    let rows = arrays(&bytes(folder_name, &format!("{name}/rows.npz")));
    let expected = arrays(&bytes(folder_name, &format!("{name}/expected.npz")));
    let inputs: Vec<Tensor> = names(entry, "inputs")
        .iter()
        .zip(&graph.inputs)
        .map(|(name, port)| tensor(port, &rows[name]))
        .collect();
    let answers = evaluate(&graph, &inputs).unwrap();
    let keys = names(entry, "outputs");
    assert_eq!(answers.len(), keys.len(), "{name}/{path}");
    let mut worst = 0.0f64;
    for (answer, key) in answers.iter().zip(&keys) {
        let expected = &expected[key].values;
        let got = answer.to_f64().unwrap();
        assert_eq!(got.len(), expected.len(), "{name}/{path}: {key}");
        for (i, (g, e)) in got.iter().zip(expected).enumerate() {
            worst = worst.max((g - e).abs());
            let limit = 1e-5 + 1e-4 * e.abs();
            if (g - e).abs() > limit || g.is_nan() {
                return Err(format!("{name}/{path}: value {i} of {key} is {g}, expected {e}"));
            }
        }
    }
    Ok(worst)
}

#[test]
fn every_operator_of_tensorflow_gives_its_answers() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for entry in index("models-tensorflow") {
        for file in entry["files"].as_array().unwrap() {
            compared += 1;
            wrong.extend(compare("models-tensorflow", &entry, file).err());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 150, "{compared}");
}

#[test]
fn other_formats_give_the_answers_of_onnx() {
    let mut compared = 0;
    for entry in index("models") {
        if text(&entry, "expect") != "match" {
            continue;
        }
        for file in entry["files"].as_array().unwrap() {
            if READ.contains(&text(file, "format")) {
                let worst = compare("models", &entry, file).unwrap();
                println!("{}/{}: largest difference {worst:.1e}", text(&entry, "name"), text(file, "path"));
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 10);
}
