//! For the tests only: evaluates models whose whole tensors are one row, so that ONNX's own operator tests can judge the importer
//! and the parties.
//!
//! Reads one JSON object a line, `{"model": "FILE", "whole": true, "inputs": {"NAME": [BITS, …]}, "accuracy": null}`, and answers each
//! with one line: the outputs in the same form, or what stands in the way. With an accuracy, three parties in this process answer, and
//! the line has the bound that their plan proved. Numbers are the bits of a float64, so that NaN and infinity pass; text is text.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use privet_deploy::Error;
use privet_deploy::bundle::{Choices, PartyFile, PublicBundle, for_parties};
use privet_deploy::caller::{Answer, Asked, Caller as _};
use privet_deploy::kind::Reveal;
use privet_deploy::mpc::{MpcCaller, PartyHost};
use privet_deploy::oip::Host as _;
use privet_deploy::prepared::prepare;

use privet_import::{ImportError, ReadOptions, read};
use privet_model::eval::evaluate;
use privet_model::graph::{Graph, Port};
use privet_model::tensor::{Data, DataType, Tensor};
use privet_mpc::meeting::meeting;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::PROTOCOLS;
use privet_mpc::world::{DangerousSeededEntropy, World};
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
    let graph = match read(&file, options) {
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
    let (outputs, bound) = match asked["accuracy"].as_f64() {
        None => (evaluate(&graph, &inputs).map_err(|e| e.to_string())?, 0.0),
        Some(accuracy) => between_parties(&graph, inputs, accuracy).map_err(|e| e.to_string())?,
    };
    let bits = |t: &Tensor| t.to_f64().map(|v| v.into_iter().map(f64::to_bits).collect::<Vec<_>>());
    let text = |t: &Tensor| if let Data::Text(v) = &t.data { Some(v.clone()) } else { None };
    let named = graph.outputs.iter().zip(&outputs).map(|((port, _), t)| {
        (port.name.clone(), json!({ "dims": port.row_shape(), "bits": bits(t), "text": text(t) }))
    });
    let rows = outputs.first().map(|t| t.rows);
    Ok(json!({ "rows": rows, "outputs": named.collect::<BTreeMap<_, _>>(), "bound": bound }))
}

/// What a client gets that asks three parties, and the bound that they proved.
fn between_parties(graph: &Graph, inputs: Vec<Tensor>, accuracy: f64) -> Result<(Vec<Tensor>, f64), Error> {
    let prepared = prepare(graph, Reveal::Score, accuracy, Some(&inputs))?;
    let choices = Choices {
        protocol: PROTOCOLS[0],
        name: "m".into(),
        protect: Protect::Both,
        reveal: Reveal::Score,
        parties: vec![String::new(); 3],
    };
    let (public, files) = for_parties(&prepared, choices, &mut DangerousSeededEntropy::new(1))?;
    let answer = ask(&public, &files, inputs)?;
    Ok((answer.outputs, public.mpc()?.numbers.bound()))
}

/// One request that fits one chunk.
fn ask(public: &PublicBundle, files: &[PartyFile], rows: Vec<Tensor>) -> Result<Answer, Error> {
    let mut entropy = DangerousSeededEntropy::new(2);
    let caller = MpcCaller::new(public)?;
    let mut jobs = caller.jobs(Arc::new(rows), &mut entropy)?;
    let Asked { messages, pending, .. } = jobs.remove(0).ask(&mut entropy)?;
    let peers = meeting(World::new(1).deadline(Duration::from_secs(60)));
    let mut hosts = Vec::new();
    for ((file, keys), peers) in files.iter().zip(World::new(1).keys()).zip(peers) {
        let (public, role, secret) = file.open()?;
        hosts.push(PartyHost::new(
            &public,
            role,
            secret,
            keys,
            Some(peers),
            Box::new(|| Box::new(DangerousSeededEntropy::new(5))),
        )?);
    }
    let replies = std::thread::scope(|scope| {
        let mut running = Vec::new();
        for (host, message) in hosts.iter().zip(messages) {
            running.push(scope.spawn(move || host.infer(message)));
        }
        let crashed = || Error::new(privet_deploy::Blame::Ours, "E902", "A party crashed.");
        running
            .into_iter()
            .map(|t| t.join().unwrap_or_else(|_| Err(crashed())))
            .collect::<Result<Vec<_>, _>>()
    })?;
    pending.answer(replies)
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
