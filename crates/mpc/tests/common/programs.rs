//! Whole programs between three parties: planned, run, and compared with the model in float64.

use privet_model::eval::evaluate;
use privet_model::graph::{Graph, NodeId, Op, Origin, Port};
use privet_model::private::{Constants, Private, Program, Reveal};
use privet_model::range::Ranges;
use privet_model::tensor::{Data, DataType, Tensor};
use privet_mpc::Abort;
use privet_mpc::ledger::Ledger;
use privet_mpc::protect::Protect;
use privet_mpc::protocols::dealer2::Dealer2;
use privet_mpc::protocols::replicated3::{Replicated, Replicated3};
use privet_mpc::protocols::replicated3_malicious::Malicious3;
use privet_mpc::run::{Columns, Inputs, Owned, run, share_constants};
use privet_mpc::session::OutputShare;
use privet_mpc::world::World;
use privet_ring::entropy::draw;
use privet_ring::fixed::encode;

use super::party::Party;
use super::{entropy, words};

pub struct Chance(privet_mpc::world::DangerousSeededEntropy);

impl Chance {
    pub fn of(seed: u64) -> Self {
        Self(entropy(seed))
    }

    /// Between -1 and 1.
    pub fn number(&mut self) -> f64 {
        f64::from(u32::from_le_bytes(draw(&mut self.0).unwrap())) / 2f64.powi(31) - 1.0
    }

    pub fn numbers(&mut self, n: usize, size: f64) -> Vec<f64> {
        (0..n).map(|_| f64::from((self.number() * size) as f32)).collect()
    }

    pub fn below(&mut self, n: usize) -> usize {
        u32::from_le_bytes(draw(&mut self.0).unwrap()) as usize % n
    }
}

pub fn port(name: &str, width: usize) -> Port {
    Port {
        name: name.into(),
        dtype: DataType::Fp32,
        width,
        flat: false,
        dims: Vec::new(),
        columns: Vec::new(),
    }
}

pub fn chain(width: usize, ops: Vec<Op>) -> Graph {
    let mut graph = Graph::new(vec![port("x", width)]);
    let mut at = NodeId(0);
    for (i, op) in ops.into_iter().enumerate() {
        at = graph.add(op, vec![at], Origin { node: format!("n{i}"), op: "op".into() }).unwrap();
    }
    let width = graph.width(at);
    graph.outputs = vec![(port("y", width), at)];
    graph
}

pub fn rows_of(chance: &mut Chance, rows: usize, width: usize, size: f64) -> Tensor {
    let data = chance.numbers(rows * width, size).iter().map(|&x| x as f32).collect();
    Tensor { rows, width, data: Data::F32(data) }
}

/// Summands of each party of a tensor that is `x` together.
pub fn shares(x: &[u64], k: u32) -> [Replicated; 3] {
    let [a, b] = [11, 12].map(|seed| words(seed, x.len()));
    let rest =
        x.iter().zip(a.iter().zip(&b)).map(|(x, (a, b))| x.wrapping_sub(*a).wrapping_sub(*b)).collect();
    let all: [Vec<u64>; 3] = [a, b, rest];
    [0, 1, 2].map(|at: usize| Replicated { k, own: all[at].clone(), next: all[(at + 1) % 3].clone() })
}

/// What the parties reveal, and what it cost each.
pub fn between_parties<P: Party>(
    program: &Program,
    constants: &Constants,
    columns: &[f64],
    protect: Protect,
) -> (Vec<f64>, [Ledger; 3]) {
    let rows = columns.len() / program.scales().len();
    let answers = answers::<P>(&World::new(1), program, constants, columns, protect).map(Result::unwrap);
    let sums = P::opened(answers.each_ref(), rows * program.scores(), program.output_ring()).unwrap();
    (program.decode(&sums), answers.map(|answer| answer.ledger().clone()))
}

/// What each party gives the client.
pub fn answers<P: Party>(
    world: &World,
    program: &Program,
    constants: &Constants,
    columns: &[f64],
    protect: Protect,
) -> [Result<OutputShare, Abort>; 3] {
    let scales = program.scales();
    let rows = columns.len() / scales.len();
    let encoded: Vec<u64> =
        columns.iter().enumerate().map(|(i, &x)| encode(x, scales[i % scales.len()])).collect();
    let x = shares(&encoded, program.input_ring());
    let held = share_constants(constants, protect, &mut entropy(5)).unwrap();
    let k = program.output_ring();
    P::all(world, [9; 32], |session| {
        let me = session.me().index();
        let owned: Vec<Owned<P::Share>> = held[me].owned(program).into_iter().map(owned::<P>).collect();
        let inputs = Inputs { secrets: &owned, rows };
        let mut protocol = P::begin(session)?;
        let sum = run(&mut protocol, program, &inputs, Columns::Tensor(P::share(&x[me]).into()))?;
        protocol.answer(sum, k)
    })
}

fn owned<P: Party>(x: Owned<Replicated>) -> Owned<P::Share> {
    match x {
        Owned::Secret(x) => Owned::Secret(P::share(&x)),
        Owned::Public(x) => Owned::Public(x),
    }
}

/// A model that was planned and run.
pub struct Ran {
    pub program: Program,
    /// By the parties.
    pub got: Vec<f64>,
    /// By parties of whom one may do anything, and by two servers with a dealer.
    pub others: [Vec<f64>; 2],
    /// On integers in the clear.
    pub clear: Vec<f64>,
    /// In float64.
    pub expected: Vec<f64>,
    pub ledgers: [Ledger; 3],
}

impl Ran {
    /// Ranges come from `sample`, which they are twice as wide as.
    pub fn of(graph: &Graph, sample: &Tensor, rows: &Tensor, accuracy: f64, how: (Reveal, Protect)) -> Self {
        let private = Private::of(graph, how.0).unwrap();
        let ranges = Ranges::of_rows(private.head(), std::slice::from_ref(sample)).unwrap();
        let (program, constants) = private.plan(accuracy, &ranges).unwrap();
        assert!(program.is_sound(private.head().columns.len()), "refused when it is read: {program:?}");
        let inputs = vec![rows.clone()];
        let bound = private.head().bind(&inputs).unwrap();
        let mut columns = vec![0.0; rows.rows * program.columns.len()];
        bound.fill(0, &mut columns);
        let (got, ledgers) = between_parties::<Replicated3>(&program, &constants, &columns, how.1);
        let (malicious, _) = between_parties::<Malicious3>(&program, &constants, &columns, how.1);
        let (dealt, _) = between_parties::<Dealer2>(&program, &constants, &columns, how.1);
        let finish =
            |scores: &[f64]| private.tail().finish(scores, program.scores()).unwrap()[0].to_f64().unwrap();
        let clear = finish(&program.in_the_clear(&constants, &columns));
        let expected = evaluate(graph, &inputs).unwrap()[0].to_f64().unwrap();
        Self {
            got: finish(&got),
            others: [finish(&malicious), finish(&dealt)],
            clear,
            expected,
            ledgers,
            program,
        }
    }

    /// The worst error of all kinds.
    pub fn worst(&self) -> f64 {
        let off = |x: &[f64]| x.iter().zip(&self.expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        [&self.got, &self.clear, &self.others[0], &self.others[1]]
            .map(|x| off(x))
            .into_iter()
            .fold(0.0, f64::max)
    }

    pub fn rounds(&self) -> u32 {
        self.ledgers.iter().map(|l| l.rounds).max().unwrap()
    }

    /// Of all parties.
    pub fn bytes(&self) -> usize {
        self.ledgers.iter().map(Ledger::bytes_between).sum()
    }
}

/// Plans, runs and compares; the program, for more to be asked of it.
pub fn check(graph: &Graph, rows: &Tensor, accuracy: f64) -> Program {
    check_revealed(graph, rows, accuracy, Reveal::Score)
}

pub fn check_revealed(graph: &Graph, rows: &Tensor, accuracy: f64, reveal: Reveal) -> Program {
    let [_, ran] = [Protect::Both, Protect::Input].map(|protect| {
        let ran = Ran::of(graph, rows, rows, accuracy, (reveal, protect));
        // The expected outputs are rounded to float32.
        let float = ran.expected.iter().map(|x| x.abs()).fold(0.0, f64::max) * 1.2e-7;
        assert!(ran.worst() <= ran.program.bound + float, "{} > {}", ran.worst(), ran.program.bound);
        ran
    });
    ran.program
}

pub fn dense(chance: &mut Chance, n: usize, m: usize) -> Op {
    Op::Linear { weights: chance.numbers(n * m, 1.5 / (n as f64).sqrt()), bias: chance.numbers(m, 0.5) }
}

pub const HOW: (Reveal, Protect) = (Reveal::Probability, Protect::Both);

/// In float64, so that nothing but the program errs.
pub fn exact(width: usize, ops: Vec<Op>) -> Graph {
    let port = |name: &str, width| Port {
        name: name.into(),
        dtype: DataType::Fp64,
        width,
        flat: false,
        dims: Vec::new(),
        columns: Vec::new(),
    };
    let mut graph = Graph::new(vec![port("x", width)]);
    let mut at = NodeId(0);
    for (i, op) in ops.into_iter().enumerate() {
        at = graph.add(op, vec![at], Origin { node: format!("n{i}"), op: "op".into() }).unwrap();
    }
    let width = graph.width(at);
    graph.outputs = vec![(port("y", width), at)];
    graph
}

pub fn rows(data: Vec<f64>, width: usize) -> Tensor {
    Tensor { rows: data.len() / width, width, data: Data::F64(data) }
}

/// From -1 to 1, both ends included, closer to each other at the ends and about the middle.
pub fn grid(n: u32) -> Vec<f64> {
    let even = (0..=n).map(|i| 2.0 * f64::from(i) / f64::from(n) - 1.0);
    let knots = (1..=30).flat_map(|j| [1.0, -1.0].map(|s: f64| s * 0.5f64.powi(j)));
    let ends = (1..=30).flat_map(|j| [1.0, -1.0].map(|s: f64| s * (1.0 - 0.5f64.powi(j))));
    even.chain(knots).chain(ends).collect()
}

/// A model of several values a row, whose nodes `build` adds to the input.
pub fn graph_of(width: usize, build: impl FnOnce(&mut Graph) -> NodeId) -> Graph {
    let mut graph = exact(width, Vec::new());
    let y = build(&mut graph);
    let width = graph.width(y);
    graph.outputs = vec![(Port { name: "y".into(), width, ..graph.inputs[0].clone() }, y)];
    graph
}

pub fn add(graph: &mut Graph, op: Op, inputs: &[NodeId]) -> NodeId {
    let origin = Origin { node: format!("n{}", graph.nodes.len()), op: "op".into() };
    graph.add(op, inputs.to_vec(), origin).unwrap()
}

/// Rows within ±1, of which some are at the corners.
pub fn drawn(seed: u64, n: usize, width: usize) -> Tensor {
    let mut chance = Chance::of(seed);
    let corner = |x: f64| if x.abs() > 0.6 { x.signum() } else { x / 0.6 };
    rows(chance.numbers(n * width, 1.0).into_iter().map(corner).collect(), width)
}

pub fn within_bound(graph: &Graph, x: &Tensor, accuracy: f64, name: &str) -> Ran {
    let sample = rows(vec![0.5; x.width], x.width);
    let ran = Ran::of(graph, &sample, x, accuracy, HOW);
    assert!(ran.worst() <= ran.program.bound, "{name}: {} > {}", ran.worst(), ran.program.bound);
    ran
}
