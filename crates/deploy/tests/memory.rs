//! A party takes no more memory for a chunk of rows than its host says, whose server makes room for so much and no more.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use std::alloc::System;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use cap::Cap;
use common::entropy;
use privet_deploy::Error;
use privet_deploy::bundle::{Choices, for_parties};
use privet_deploy::caller::{Asked, Caller as _};
use privet_deploy::kind::Reveal;
use privet_deploy::mpc::{HEAD, MpcCaller, PartyHost};
use privet_deploy::oip::{Host as _, InferRequest};
use privet_deploy::prepared::prepare;
use privet_import::{ReadOptions, read};
use privet_model::graph::Graph;
use privet_model::tensor::{Data, Tensor};
use privet_mpc::meeting::meeting;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::{Header, replicated3, replicated3_malicious};
use privet_mpc::world::World;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// What a bundle aims at for a chunk, and what is kept for a proof.
const CHUNK: usize = (256 + 320) << 20;
/// Where a head says how many rows there are.
const ROWS: usize = 8;
/// What is taken for any number of rows.
const FIXED: usize = 8 << 20;

fn graph(name: &str) -> Graph {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(name).join("model.onnx");
    read(&std::fs::read(file).unwrap(), ReadOptions::default()).unwrap()
}

fn rows(graph: &Graph, n: usize) -> Vec<Tensor> {
    let values = |width: usize| (0..n * width).map(|i| ((i * 37 + i / 7) % 13) as f32 / 4.0).collect();
    let ports = graph.inputs.iter();
    ports.map(|port| Tensor::new(n, port.width, Data::F32(values(port.width))).unwrap()).collect()
}

/// The parties of a model, and a client's messages to them for as many rows as a chunk has, and at most so many.
fn parties(graph: &Graph, protocol: &'static Header, most: usize) -> (Vec<PartyHost>, Vec<InferRequest>) {
    let prepared = prepare(graph, Reveal::Score, 1e-2, Some(&rows(graph, 20))).map_err(Error::from).unwrap();
    let parties = ["key of P0", "key of P1", "key of P2"].map(str::to_owned).to_vec();
    let choices =
        Choices { name: "m".into(), protocol, protect: Protect::Both, reveal: Reveal::Score, parties };
    let (public, files) = for_parties(&prepared, choices, &mut entropy(1)).unwrap();
    let world = World::new(4).deadline(Duration::from_secs(300));
    let (keys, peers) = (world.keys(), meeting(world));
    let hosts = files.iter().zip(keys).zip(peers).map(|((file, keys), peers)| {
        let (public, role, secret) = file.open().unwrap();
        PartyHost::new(&public, role, secret, keys, Some(peers), Box::new(|| Box::new(entropy(5)))).unwrap()
    });
    let n = public.layout().unwrap().chunk_rows().min(most);
    let mut jobs = MpcCaller::new(&public).unwrap().jobs(Arc::new(rows(graph, n)), &mut entropy(3)).unwrap();
    assert_eq!(jobs.len(), 1);
    let Asked { messages, .. } = jobs.remove(0).ask(&mut entropy(4)).unwrap();
    (hosts.collect(), messages)
}

/// The most that is taken at a time by all of them, while they answer.
fn taken(hosts: &[PartyHost], messages: Vec<InferRequest>) -> usize {
    let (before, done) = (MEMORY.allocated(), AtomicBool::new(false));
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(MEMORY.allocated());
                thread::sleep(Duration::from_micros(200));
            }
            most
        });
        let answers: Vec<_> =
            hosts.iter().zip(messages).map(|(host, m)| scope.spawn(|| host.infer(m).map(drop))).collect();
        for answer in answers {
            answer.join().unwrap().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        watch.join().unwrap() - before
    })
}

/// One test, as the memory is this program's.
#[test]
fn parties_take_as_much_memory_as_they_say() {
    for name in ["mlp-torch", "mlp-sklearn", "gradient-boosting-regressor", "digits-b-torch"] {
        for protocol in [&replicated3::HEADER, &replicated3_malicious::HEADER] {
            let (hosts, messages) = parties(&graph(name), protocol, 600);
            let said = hosts[0].memory(&messages[0]);
            let each = taken(&hosts, messages) / hosts.len();
            let what = format!("{name}, {}: {each} bytes were taken, {said} were said", protocol.name);
            eprintln!("{what}");
            assert!(each < said + FIXED && said < CHUNK + FIXED && said < 8 * each + FIXED, "{what}");
        }
    }
    a_call_for_more_rows_than_a_chunk_has_takes_no_more_than_a_chunk();
}

fn a_call_for_more_rows_than_a_chunk_has_takes_no_more_than_a_chunk() {
    let (hosts, mut messages) = parties(&graph("mlp-sklearn"), &replicated3::HEADER, 1);
    let one = hosts[0].memory(&messages[0]);
    let head = messages[0].inputs.iter_mut().find(|input| input.name == HEAD).unwrap();
    let mut bytes = head.data.to_vec();
    bytes[ROWS..ROWS + 4].fill(0xff);
    head.data = bytes.into();
    let most = hosts[0].memory(&messages[0]);
    assert!(one < most && most < CHUNK, "{one} {most}");
    assert_eq!(hosts[0].infer(messages.remove(0)).err().unwrap().code, "E332");
}
