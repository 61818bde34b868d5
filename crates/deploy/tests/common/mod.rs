//! What the tests of this crate share: a model, served by three parties in this process.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::cast_possible_truncation)]

pub mod enclave;
pub mod models;
pub mod training;

use std::sync::Arc;

use privet_deploy::Error;
use privet_deploy::bundle::{Choices, PartyFile, PublicBundle, for_linear};
use privet_deploy::caller::{Answer, Asked, Caller};
use privet_deploy::check::{Planned, planned};
use privet_deploy::kind::Reveal;
use privet_deploy::mpc::{MpcCaller, PartyHost};
use privet_deploy::oip::{Host, InferReply, InferRequest};
use privet_model::graph::{Function, Graph, NodeId, Op, Origin, Port};
use privet_model::tensor::{Data, DataType, Tensor};
use privet_mpc::protect::Protect;
use privet_mpc::protocols::PROTOCOLS;
use privet_mpc::role::Role;
use privet_mpc::world::{DangerousSeededEntropy, World};

pub fn entropy(seed: u64) -> DangerousSeededEntropy {
    DangerousSeededEntropy::new(seed)
}

/// Numbers in ±1 that anyone can repeat.
pub fn numbers(seed: u64, n: usize) -> Vec<f64> {
    let mut bytes = vec![0; 4 * n];
    privet_ring::entropy::Entropy::fill(&mut entropy(seed), &mut bytes).unwrap();
    let word = |b: &[u8; 4]| f64::from(i32::from_le_bytes(*b)) / f64::from(i32::MAX);
    bytes.as_chunks::<4>().0.iter().map(word).collect()
}

pub fn port(name: &str, dtype: DataType, width: usize) -> Port {
    Port { name: name.into(), dtype, width, flat: false, dims: Vec::new(), columns: Vec::new() }
}

pub fn origin(node: &str) -> Origin {
    Origin { node: node.into(), op: "Test".into() }
}

/// `x`, of so many columns, to so many scores through a sigmoid each.
pub fn linear_model(columns: usize, scores: usize) -> Graph {
    let mut graph = Graph::new(vec![port("x", DataType::Fp32, columns)]);
    let op = Op::Linear { weights: numbers(1, columns * scores), bias: numbers(2, scores) };
    let linear = graph.add(op, vec![NodeId(0)], origin("linear")).unwrap();
    let sigmoid = graph.add(Op::Map(Function::Sigmoid), vec![linear], origin("sigmoid")).unwrap();
    graph.outputs = vec![(port("p", DataType::Fp64, scores), sigmoid)];
    graph
}

/// `x`, of so many columns, through two layers with a rectifier between to two outputs, and those through `last`.
pub fn network(columns: usize, hidden: usize, last: Option<Function>) -> Graph {
    let mut graph = Graph::new(vec![port("x", DataType::Fp32, columns)]);
    let dense = |n: usize, m: usize| Op::Linear { weights: numbers(1, n * m), bias: numbers(2, m) };
    let mut add = |op: Op, at: NodeId| graph.add(op, vec![at], origin("layer")).unwrap();
    let first = add(dense(columns, hidden), NodeId(0));
    let first = add(Op::Map(Function::Relu), first);
    let second = add(dense(hidden, 2), first);
    let out = last.map_or(second, |function| add(Op::Map(function), second));
    graph.outputs = vec![(port("y", DataType::Fp64, 2), out)];
    graph
}

/// Rows of `x` in ±3.
pub fn rows(seed: u64, rows: usize, columns: usize) -> Vec<Tensor> {
    let values = numbers(seed, rows * columns).iter().map(|x| (3.0 * x) as f32).collect();
    vec![Tensor::new(rows, columns, Data::F32(values)).unwrap()]
}

/// A model, its bundle, and all roles.
pub struct World3 {
    pub planned: Planned,
    pub public: PublicBundle,
    pub files: Vec<PartyFile>,
    pub hosts: Vec<PartyHost>,
    pub caller: Arc<MpcCaller>,
    pub columns: usize,
}

pub fn bundle(planned: &Planned, protect: Protect, seed: u64) -> (PublicBundle, Vec<PartyFile>) {
    let parties = ["key of P0", "key of P1", "key of P2"].map(str::to_owned).to_vec();
    let choices =
        Choices { name: "m".into(), protocol: PROTOCOLS[0], protect, reveal: Reveal::Score, parties };
    for_linear(planned, choices, &mut entropy(seed)).unwrap()
}

/// Ranges hold the rows of [`rows`].
pub fn plan_of(columns: usize, scores: usize) -> Planned {
    let sample = vec![Tensor::new(1, columns, Data::F32(vec![3.5; columns])).unwrap()];
    planned(&linear_model(columns, scores), 1e-4, Some(&sample)).unwrap()
}

impl World3 {
    pub fn new(protect: Protect, columns: usize, scores: usize) -> Self {
        let planned = plan_of(columns, scores);
        let (public, files) = bundle(&planned, protect, 1);
        let keys = World::new(4).keys();
        let open = |file: &PartyFile| {
            let (public, role, weights) = file.open().unwrap();
            PartyHost::new(
                &public,
                role,
                weights,
                keys[role.index()].clone(),
                None,
                Box::new(|| Box::new(entropy(5))),
            )
            .unwrap()
        };
        let hosts = files.iter().map(open).collect();
        let caller = MpcCaller::new(&public).unwrap();
        Self { planned, public, files, hosts, caller, columns }
    }

    pub fn rows(&self, seed: u64, n: usize) -> Vec<Tensor> {
        rows(seed, n, self.columns)
    }

    /// The messages of every chunk.
    pub fn ask(&self, rows: &[Tensor], seed: u64) -> Vec<Asked> {
        let jobs = self.caller.jobs(Arc::new(rows.to_vec()), &mut entropy(seed)).unwrap();
        jobs.into_iter().map(|job| job.ask(&mut entropy(9)).unwrap()).collect()
    }

    /// The messages of a request of one chunk.
    pub fn ask_once(&self, rows: &[Tensor], seed: u64) -> Asked {
        let mut asked = self.ask(rows, seed);
        assert_eq!(asked.len(), 1);
        asked.remove(0)
    }

    pub fn infer(&self, role: Role, message: &InferRequest) -> Result<InferReply, Error> {
        self.hosts[role.index()].infer(message.clone())
    }

    pub fn replies(&self, messages: &[InferRequest]) -> Vec<InferReply> {
        Role::ALL.iter().zip(messages).map(|(&role, m)| self.infer(role, m).unwrap()).collect()
    }

    pub fn predict(&self, rows: &[Tensor], seed: u64) -> Answer {
        let answer = |asked: Asked| asked.pending.answer(self.replies(&asked.messages)).unwrap();
        let parts = self.ask(rows, seed).into_iter().map(answer);
        parts
            .reduce(|mut all, part| {
                all.append(part);
                all
            })
            .unwrap()
    }
}

/// Whether `values` below `cells` are spread evenly: Pearson's chi-square against its quantile (Wilson and Hilferty's
/// approximation) at 6.8 standard deviations, which even values exceed with probability 5e-12.
pub fn is_even(values: impl Iterator<Item = usize>, cells: usize) -> bool {
    let mut counts = vec![0u64; cells];
    values.for_each(|v| counts[v] += 1);
    let expected = counts.iter().sum::<u64>() as f64 / cells as f64;
    assert!(expected >= 20.0, "too few samples to judge: {expected} in a cell");
    let distance: f64 = counts.iter().map(|&c| (c as f64 - expected).powi(2) / expected).sum();
    let freedom = (cells - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    distance < freedom * (1.0 - spread + 6.8 * spread.sqrt()).powi(3)
}
