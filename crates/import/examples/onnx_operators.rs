//! For the tests only: evaluates models whose whole tensors are one row, so that ONNX's own operator tests can judge the importer.
//!
//! Reads one JSON object a line, `{"model": "FILE", "whole": true, "inputs": {"NAME": [BITS, …]}}`, and answers each with one line:
//! the outputs in the same form, or what stands in the way. Numbers are the bits of a float64, so that NaN and infinity pass; text is
//! text.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::BufRead;

use privet_import::{ImportError, ReadOptions, read_onnx_with};
use privet_model::eval::evaluate;
use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType, Tensor};
use serde_json::{Value, json};

fn main() {
    for line in std::io::stdin().lock().lines() {
        let answer = line.map_err(|e| e.to_string()).and_then(|line| answer(&line));
        println!("{}", answer.unwrap_or_else(|error| json!({ "error": error })));
    }
}

fn answer(line: &str) -> Result<Value, String> {
    let asked: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let file = std::fs::read(asked["model"].as_str().unwrap_or_default()).map_err(|e| e.to_string())?;
    let options = ReadOptions { whole: asked["whole"].as_bool().unwrap_or(true), load: None };
    let graph = match read_onnx_with(&file, options) {
        Ok(graph) => graph,
        Err(ImportError::Broken(refusal)) => return Err(refusal.to_string()),
        Err(ImportError::Problems(problems)) => {
            let each = problems.0.iter().map(|p| format!("{}: {}", p.op, p.reason));
            return Err(each.collect::<Vec<_>>().join(" | "));
        }
    };
    let tensor = |port: &Port| {
        let given = asked["inputs"][&port.name].as_array().map_or(&[][..], Vec::as_slice);
        tensor(port, given).ok_or_else(|| format!("input `{}` does not fit", port.name))
    };
    let inputs = graph.inputs.iter().map(tensor).collect::<Result<Vec<_>, _>>()?;
    let outputs = evaluate(&graph, &inputs).map_err(|e| e.to_string())?;
    let bits = |t: &Tensor| t.to_f64().map(|v| v.into_iter().map(f64::to_bits).collect::<Vec<_>>());
    let text = |t: &Tensor| if let Data::Text(v) = &t.data { Some(v.clone()) } else { None };
    let named = graph.outputs.iter().zip(&outputs).map(|((port, _), t)| {
        (port.name.clone(), json!({ "dims": port.row_shape(), "bits": bits(t), "text": text(t) }))
    });
    let rows = outputs.first().map(|t| t.rows);
    Ok(json!({ "rows": rows, "outputs": named.collect::<BTreeMap<_, _>>() }))
}

#[allow(clippy::cast_possible_truncation)] // the tests' own numbers
fn tensor(port: &Port, given: &[Value]) -> Option<Tensor> {
    let rows = given.len().checked_div(port.width)?;
    let values = || given.iter().filter_map(Value::as_u64).map(f64::from_bits);
    let data = match port.dtype {
        DataType::Bytes => Data::Text(given.iter().filter_map(Value::as_str).map(Into::into).collect()),
        DataType::Fp32 => Data::F32(values().map(|x| x as f32).collect()),
        DataType::Fp64 => Data::F64(values().collect()),
        _ => Data::I64(values().map(|x| x as i64).collect()),
    };
    Tensor::new(rows, port.width, data)
}
