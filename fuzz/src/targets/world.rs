//! Models, rows and roles that targets talk to.

use bytes::Bytes;
use privet_deploy::bundle::{Choices, PartyFile, PublicBundle, for_parties};
use privet_deploy::kind::Reveal;
use privet_deploy::oip::{InferRequest, RawTensor};
use privet_deploy::prepared::prepare;
use privet_model::graph::{Function, Graph, NodeId, Op, Origin, Port};
use privet_model::tensor::{Data, DataType, Tensor};
use privet_mpc::protect::Protect;
use privet_mpc::protocols::Header;
use privet_mpc::world::DangerousSeededEntropy;
use prost::Message as _;

pub(super) fn entropy(seed: u64) -> DangerousSeededEntropy {
    DangerousSeededEntropy::new(seed)
}

/// Unwraps what a target makes for itself, and no outside byte decides.
pub(super) fn made<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|e| panic!("a target cannot be set up: {e}"))
}

pub(super) fn port(name: &str, dtype: DataType, width: usize) -> Port {
    Port { name: name.into(), dtype, width, flat: false, dims: Vec::new(), columns: Vec::new() }
}

fn weights(n: usize) -> Vec<f64> {
    (0..n).map(|i| f64::from(u8::try_from(i * 37 % 101).unwrap_or(0)) / 50.0 - 1.0).collect()
}

/// `x`, of so many columns, to scores through a sigmoid each, with a rectifier between for a network.
fn model(columns: usize, scores: usize, is_network: bool) -> Graph {
    let mut graph = Graph::new(vec![port("x", DataType::Fp32, columns)]);
    let mut at = NodeId(0);
    let mut add = |op: Op| {
        let origin = Origin { node: "layer".into(), op: "Fuzz".into() };
        at = graph.add(op, vec![at], origin).unwrap_or_else(|e| panic!("{e:?}"));
    };
    if is_network {
        add(Op::Linear { weights: weights(columns * columns), bias: weights(columns) });
        add(Op::Map(Function::Relu));
    }
    add(Op::Linear { weights: weights(columns * scores), bias: weights(scores) });
    add(Op::Map(Function::Sigmoid));
    graph.outputs = vec![(port("p", DataType::Fp64, scores), at)];
    graph
}

pub(super) fn linear(columns: usize, scores: usize) -> Graph {
    model(columns, scores, false)
}

pub(super) fn network(columns: usize) -> Graph {
    model(columns, 2, true)
}

pub(super) fn rows(columns: usize, n: usize) -> Vec<Tensor> {
    let values = (0..columns * n).map(|i| f32::from(u8::try_from(i % 7).unwrap_or(0)) / 2.0).collect();
    vec![Tensor { rows: n, width: columns, data: Data::F32(values) }]
}

/// A bundle for this protocol.
pub(super) fn bundle(
    graph: &Graph,
    protocol: &'static Header,
    protect: Protect,
) -> (PublicBundle, Vec<PartyFile>) {
    let columns = graph.inputs[0].width;
    let sample = [Tensor { rows: 1, width: columns, data: Data::F32(vec![3.5; columns]) }];
    let prepared = prepare(graph, Reveal::Score, 1e-3, Some(&sample)).map_err(privet_deploy::Error::from);
    let parties = ["key of P0", "key of P1", "key of P2"].map(str::to_owned).to_vec();
    let choices = Choices { name: "m".into(), protocol, protect, reveal: Reveal::Score, parties };
    made(for_parties(&made(prepared), choices, &mut entropy(1)))
}

/// So many rows of three columns, as a client of the plain server sends them.
pub(super) fn plain_request(n: usize) -> InferRequest {
    let data = Bytes::from(vec![0; 12 * n]);
    let shape = vec![i64::try_from(n).unwrap_or(0), 3];
    let x = RawTensor { name: "x".into(), datatype: "FP32".into(), shape, data };
    InferRequest { model: "m".into(), id: "1".into(), inputs: vec![x], ..InferRequest::default() }
}

pub(super) fn grpc_of(request: &InferRequest) -> Vec<u8> {
    privet_serve::grpc_message::message_from_request(request.clone()).encode_to_vec()
}
