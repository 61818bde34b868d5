//! Every fixture is read as its index says, or refused by the names of what stands in the way.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;

use common::{bytes, expected_port, index, is_linear, port, read, read_bytes, text};
use privet_import::ImportError;
use privet_model::graph::{Graph, Op};
use serde_json::Value;

fn assert_ports(entry: &Value, graph: &Graph) {
    let name = text(entry, "name");
    let inputs: Vec<_> = entry["inputs"].as_array().unwrap().iter().map(expected_port).collect();
    assert_eq!(graph.inputs.iter().map(port).collect::<Vec<_>>(), inputs, "{name}");
    let outputs: Vec<_> = entry["outputs"].as_array().unwrap().iter().map(expected_port).collect();
    assert_eq!(graph.outputs.iter().map(|(p, _)| port(p)).collect::<Vec<_>>(), outputs, "{name}");
    for (port, id) in &graph.outputs {
        assert_eq!(graph.width(*id), port.width, "{name}");
    }
}

#[test]
fn linear_fixtures_have_the_ports_of_the_index() {
    let linear: Vec<_> = index("models").into_iter().filter(is_linear).collect();
    assert_eq!(linear.len(), 10);
    for entry in &linear {
        let graph = read("models", entry).unwrap_or_else(|e| panic!("{}: {e}", text(entry, "name")));
        assert_ports(entry, &graph);
    }
}

#[test]
fn extra_fixtures_have_the_ports_of_the_index() {
    let entries = index("models-extra");
    assert!(entries.len() >= 20);
    for entry in &entries {
        let result = read("models-extra", entry);
        match text(entry, "expect") {
            "match" => {
                assert_ports(entry, &result.unwrap_or_else(|e| panic!("{}: {e}", text(entry, "name"))));
            }
            _ => panic!("{} expects something that this test does not know", text(entry, "name")),
        }
    }
}

#[test]
fn columns_of_a_zip_map_are_its_labels() {
    let graph = read_bytes(&bytes("models", "lr528-sklearn-zipmap/model.onnx")).unwrap();
    assert_eq!(graph.outputs[1].0.columns, ["0", "1"]);
    let graph = read_bytes(&bytes("models-extra", "zipmap-strings/model.onnx")).unwrap();
    assert_eq!(graph.outputs[1].0.columns, ["bad", "fair", "good"]);
}

#[test]
fn weights_and_origins_are_those_of_the_file() {
    let graph = read_bytes(&bytes("models", "lr528-torch/model.onnx")).unwrap();
    let ops: Vec<_> = graph.nodes.iter().map(|n| (n.origin.node.as_str(), n.origin.op.as_str())).collect();
    assert_eq!(ops, [("features", "input"), ("/0/Gemm", "Gemm"), ("/1/Sigmoid", "Sigmoid")]);
    let Op::Linear { weights, bias } = &graph.nodes[1].op else { panic!("no linear node") };
    assert_eq!((weights.len(), bias.len()), (528, 1));
}

/// Fixtures that are not read yet, and the operators that stand in the way.
const NOT_READ: &[(&str, &[&str])] = &[("unsupported-lstm-torch", &["LSTM"])];

#[test]
fn every_other_fixture_has_the_ports_of_the_index_or_names_what_is_not_supported() {
    let all = index("models");
    let others: Vec<_> =
        all.iter().filter(|e| !is_linear(e) && !text(e, "name").starts_with("broken/")).collect();
    assert_eq!(others.len(), 25);
    for entry in others {
        let name = text(entry, "name");
        match (read("models", entry), NOT_READ.iter().find(|(known, _)| *known == name)) {
            (Ok(graph), None) => assert_ports(entry, &graph),
            (Err(ImportError::Problems(problems)), Some((_, ops))) => {
                let listed: BTreeSet<&str> = problems.0.iter().map(|p| p.op.as_str()).collect();
                assert_eq!(listed, ops.iter().copied().collect(), "{name}: {problems}");
                assert!(
                    problems.0.iter().all(|p| !p.node.is_empty() && p.reason.ends_with('.')),
                    "{name}: {problems}"
                );
                assert!(problems.to_string().starts_with("E201 "), "{name}");
            }
            (Ok(_), Some(_)) => panic!("{name} is read now: take it off the list"),
            (Err(e), _) => panic!("{name}: {e}"),
        }
    }
}

#[test]
fn lstm_is_named_with_its_node() {
    let Err(ImportError::Problems(problems)) =
        read_bytes(&bytes("models", "unsupported-lstm-torch/model.onnx"))
    else {
        panic!("it was not refused")
    };
    let lstm = problems.0.iter().find(|p| p.op == "LSTM").unwrap();
    assert_eq!(lstm.node, "/l/LSTM");
    assert!(lstm.hint.contains("Gemm"), "{}", lstm.hint);
}

#[test]
fn broken_files_are_refused_with_one_clear_sentence() {
    let cases = [
        ("truncated.onnx", "E203", "damaged or ends early"),
        ("nan-weights.onnx", "E206", "sequential_1/score_1/Cast/ReadVariableOp:0"),
        ("zero-byte.onnx", "E202", "is empty (0 bytes)"),
        ("random-bytes.onnx", "E202", "none of the known model formats"),
        ("huge-dims.onnx", "E205", "but the file holds 528 values"),
        ("truncated.tflite", "E203", "TensorFlow Lite model is damaged or ends early"),
        ("truncated.pb", "E203", "TensorFlow graph (GraphDef) is damaged or ends early"),
    ];
    for (file, code, words) in cases {
        let Err(ImportError::Broken(refusal)) = read_bytes(&bytes("models/broken", file)) else {
            panic!("{file}")
        };
        assert_eq!(refusal.code, code, "{file}: {refusal}");
        assert!(refusal.message.contains(words) && refusal.message.ends_with('.'), "{file}: {refusal}");
    }
    let Err(ImportError::Problems(problems)) = read_bytes(&bytes("models/broken", "wrong-shape.onnx")) else {
        panic!("wrong-shape.onnx")
    };
    assert_eq!(problems.0.len(), 1);
    assert_eq!(problems.0[0].node, "sequential_1/score_1/MatMul");
    assert!(problems.0[0].reason.contains("[527, 1]") && problems.0[0].reason.contains("528"), "{problems}");
}
