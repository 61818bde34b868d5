//! Exported models: a file that is read is one that can be checked, planned and run.

use privet_deploy::kind::Reveal;
use privet_deploy::plain::Engine;
use privet_deploy::prepared::prepare;
use privet_import::{ReadOptions, read};
use privet_model::eval::evaluate;
use privet_model::graph::{Graph, Port};
use privet_model::tensor::{Data, DataType, Tensor};

use crate::seeds;
use crate::target::Target;

pub(super) const TARGETS: &[Target] = &[
    Target::new("onnx", model, || seeds::files(&["models", "models-extra"], ".onnx")).with_memory(64, 1024),
    Target::new("tensorflow", saved_model, tensorflow).with_memory(64, 1024),
    Target::new("tflite", model, || seeds::files(&["models", "models-tensorflow"], ".tflite"))
        .with_memory(64, 1024),
];

/// Values of a graph that is run, and of one that is planned, which takes longer.
const SMALL: usize = 4096;
const TINY: usize = 256;

fn model(bytes: &[u8]) {
    with_files(bytes, &[]);
}

/// A `SavedModel` with the files of its variables behind it, or a frozen graph with nothing.
fn saved_model(bytes: &[u8]) {
    let parts = crate::target::parts(bytes);
    match &parts[..] {
        [model, index, data, ..] => with_files(model, &[(".index", index), (".data-00000-of-00001", data)]),
        _ => with_files(bytes, &[]),
    }
}

fn tensorflow() -> Vec<Vec<u8>> {
    let folders = ["models", "models-tensorflow"];
    let mut all = seeds::files(&folders, "frozen.pb");
    all.extend(seeds::files(&folders, "saved_model.pb").into_iter().flat_map(|model| {
        let index = seeds::files(&folders, "variables.index");
        index.into_iter().take(1).map(move |index| crate::target::joined(&[&model, &index, &[0; 64]]))
    }));
    all
}

fn with_files(bytes: &[u8], beside: &[(&str, &[u8])]) {
    let load = |name: &str| {
        let found = beside.iter().find(|(ending, _)| name.ends_with(ending));
        found.map(|(_, bytes)| bytes.to_vec()).ok_or_else(|| "there is no such file".to_owned())
    };
    let options = ReadOptions { load: Some(&load), ..ReadOptions::default() };
    let Ok(graph) = read(bytes, options) else { return };
    assert_eq!(read(bytes, options).ok().as_ref(), Some(&graph), "the same file is another model");
    if values(&graph) <= SMALL {
        is_usable(graph);
    }
}

fn values(graph: &Graph) -> usize {
    let ports: usize = graph.inputs.iter().map(|port| port.width).sum();
    graph.nodes.iter().map(|node| node.width).sum::<usize>().saturating_add(ports)
}

/// Planning may refuse it, and so may running; neither may do worse.
fn is_usable(graph: Graph) {
    let inputs: Vec<Tensor> = graph.inputs.iter().map(zeros).collect();
    if values(&graph) <= TINY && graph.nodes.len() <= 16 {
        let _ = prepare(&graph, Reveal::Score, 1e-3, Some(&inputs));
    }
    let outputs = evaluate(&graph, &inputs);
    if let Ok(outputs) = &outputs {
        assert_eq!(outputs.len(), graph.outputs.len(), "an output is missing");
        for (tensor, (port, _)) in outputs.iter().zip(&graph.outputs) {
            assert_eq!((tensor.rows, tensor.width), (1, port.width), "`{}` has another shape", port.name);
        }
    }
    let _ = Engine::new(graph).run(&inputs);
}

/// One row of zeros, or of empty texts.
pub(super) fn zeros(port: &Port) -> Tensor {
    let data = match port.dtype {
        DataType::Fp32 => Data::F32(vec![0.0; port.width]),
        DataType::Fp64 => Data::F64(vec![0.0; port.width]),
        DataType::Int64 | DataType::Int32 | DataType::Bool => Data::I64(vec![0; port.width]),
        DataType::Bytes => Data::Text(vec![String::new(); port.width]),
    };
    Tensor { rows: 1, width: port.width, data }
}
