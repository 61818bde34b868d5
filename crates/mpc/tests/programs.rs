//! Whole programs between three parties: within the proven bound of the model in float64, and one unit a cut from the same
//! integers in the clear.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::entropy;
use privet_model::eval::evaluate;
use privet_model::graph::{
    Aggregate, Branch, Child, Conv, Function, Graph, Leaf, NodeId, Op, Origin, Port, Reduce, Test, Trees,
    Windows,
};
use privet_model::private::{Private, Program, Reveal};
use privet_model::range::Ranges;
use privet_model::tensor::{Data, DataType, Tensor};
use privet_mpc::protect::Protect;
use privet_mpc::protocols::replicated3::{Replicated, Replicated3};
use privet_mpc::run::{Inputs, run, share_constants};
use privet_mpc::world::World;
use privet_ring::entropy::draw;
use privet_ring::fixed::encode;
use privet_ring::pack::unpack;
use privet_ring::reduce;

struct Chance(privet_mpc::world::DangerousSeededEntropy);

impl Chance {
    fn of(seed: u64) -> Self {
        Self(entropy(seed))
    }

    /// Between -1 and 1.
    fn number(&mut self) -> f64 {
        f64::from(u32::from_le_bytes(draw(&mut self.0).unwrap())) / 2f64.powi(31) - 1.0
    }

    fn numbers(&mut self, n: usize, size: f64) -> Vec<f64> {
        (0..n).map(|_| f64::from((self.number() * size) as f32)).collect()
    }

    fn below(&mut self, n: usize) -> usize {
        u32::from_le_bytes(draw(&mut self.0).unwrap()) as usize % n
    }
}

fn port(name: &str, width: usize) -> Port {
    Port {
        name: name.into(),
        dtype: DataType::Fp32,
        width,
        flat: false,
        dims: Vec::new(),
        columns: Vec::new(),
    }
}

fn chain(width: usize, ops: Vec<Op>) -> Graph {
    let mut graph = Graph::new(vec![port("x", width)]);
    let mut at = NodeId(0);
    for (i, op) in ops.into_iter().enumerate() {
        at = graph.add(op, vec![at], Origin { node: format!("n{i}"), op: "op".into() }).unwrap();
    }
    let width = graph.width(at);
    graph.outputs = vec![(port("y", width), at)];
    graph
}

fn rows_of(chance: &mut Chance, rows: usize, width: usize, size: f64) -> Tensor {
    let data = chance.numbers(rows * width, size).iter().map(|&x| x as f32).collect();
    Tensor { rows, width, data: Data::F32(data) }
}

/// Summands of each party of a tensor that is `x` together.
fn shares(x: &[u64], k: u32) -> [Replicated; 3] {
    let [a, b] = [11, 12].map(|seed| common::words(seed, x.len()));
    let rest =
        x.iter().zip(a.iter().zip(&b)).map(|(x, (a, b))| x.wrapping_sub(*a).wrapping_sub(*b)).collect();
    let all: [Vec<u64>; 3] = [a, b, rest];
    [0, 1, 2].map(|at: usize| Replicated { k, own: all[at].clone(), next: all[(at + 1) % 3].clone() })
}

/// What the parties reveal.
fn between_parties(
    program: &Program,
    constants: &privet_model::private::Constants,
    columns: &[f64],
    protect: Protect,
) -> Vec<f64> {
    let scales = program.scales();
    let rows = columns.len() / scales.len();
    let encoded: Vec<u64> =
        columns.iter().enumerate().map(|(i, &x)| encode(x, scales[i % scales.len()])).collect();
    let x = shares(&encoded, program.input_ring());
    let held = share_constants(constants, protect, &mut entropy(5)).unwrap();
    let k = program.output_ring();
    let answers = World::new(1).run([9; 32], |mut session| {
        let me = session.me().index();
        let owned = held[me].owned(program);
        let inputs = Inputs { secrets: &owned, columns: &x[me], rows };
        let sum = run(&mut Replicated3 { session: &mut session }, program, &inputs)?;
        Ok(session.finish(sum.into_output(), k))
    });
    let n = rows * program.scores();
    let mut sums = vec![0u64; n];
    for answer in answers {
        let answer = answer.unwrap();
        let mut one = vec![0; n];
        unpack(k, answer.packed(), 0, &mut one);
        sums.iter_mut().zip(one).for_each(|(s, x)| *s = s.wrapping_add(x));
    }
    program.decode(&sums.iter().map(|&s| reduce(s, k)).collect::<Vec<_>>())
}

/// Plans, runs and compares; the program, for more to be asked of it.
fn check(graph: &Graph, rows: &Tensor, accuracy: f64) -> Program {
    check_revealed(graph, rows, accuracy, Reveal::Score)
}

fn check_revealed(graph: &Graph, rows: &Tensor, accuracy: f64, reveal: Reveal) -> Program {
    let private = Private::of(graph, reveal).unwrap();
    let inputs = vec![rows.clone()];
    let ranges = Ranges::of_rows(private.head(), &inputs).unwrap();
    let (program, constants) = private.plan(accuracy, &ranges).unwrap();
    let bound = private.head().bind(&inputs).unwrap();
    let mut columns = vec![0.0; rows.rows * program.columns.len()];
    bound.fill(0, &mut columns);
    let clear = program.in_the_clear(&constants, &columns);
    let expected = evaluate(graph, &inputs).unwrap()[0].to_f64().unwrap();
    for protect in [Protect::Both, Protect::Input] {
        let got = between_parties(&program, &constants, &columns, protect);
        let finish =
            |scores: &[f64]| private.tail().finish(scores, program.scores()).unwrap()[0].to_f64().unwrap();
        let (got, clear) = (finish(&got), finish(&clear));
        let worst = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        // The expected outputs are rounded to float32.
        let float = expected.iter().map(|x| x.abs()).fold(0.0, f64::max) * 1.2e-7;

        assert!(worst(&got, &expected) <= program.bound + float, "parties");
        assert!(worst(&clear, &expected) <= program.bound + float, "clear");
    }
    program
}

fn dense(chance: &mut Chance, n: usize, m: usize) -> Op {
    Op::Linear { weights: chance.numbers(n * m, 1.5 / (n as f64).sqrt()), bias: chance.numbers(m, 0.5) }
}

#[test]
fn a_perceptron_is_within_its_bound() {
    for seed in 0..6 {
        let mut chance = Chance::of(seed);
        let ops = vec![
            dense(&mut chance, 9, 16),
            Op::Map(Function::Relu),
            dense(&mut chance, 16, 8),
            Op::Map(Function::Relu),
            dense(&mut chance, 8, 3),
        ];
        let rows = rows_of(&mut chance, 21, 9, 3.0);
        check(&chain(9, ops), &rows, [1e-2, 1e-3, 1e-4][seed as usize % 3]);
    }
}

#[test]
fn a_convolution_with_pools_is_within_its_bound() {
    let mut chance = Chance::of(7);
    let conv = Conv {
        channels: 2,
        image: [8, 8],
        filters: 4,
        kernel: [3, 3],
        groups: 2,
        strides: [1, 1],
        dilations: [1, 1],
        pads_before: [1, 1],
        out: [8, 8],
    };
    let pool = |channels: usize, side: usize| {
        let windows = (0..channels * side * side / 4).map(|at| {
            let half = side / 2;
            let (c, y, x) = (at / (half * half), at / half % half, at % half);
            [0, 1, side, side + 1].iter().map(|d| (c * side + 2 * y) * side + 2 * x + d).collect()
        });
        Windows(windows.collect())
    };
    let ops = vec![
        Op::Conv { conv, weights: chance.numbers(conv.weights(), 0.4), bias: chance.numbers(4, 0.3) },
        Op::Map(Function::Relu),
        Op::Reduce { reduce: Reduce::Max, windows: pool(4, 8) },
        Op::Reduce { reduce: Reduce::Sum, windows: pool(4, 4) },
        Op::Affine { scale: vec![0.25; 16], shift: vec![0.0; 16] },
        dense(&mut chance, 16, 3),
    ];
    let rows = rows_of(&mut chance, 5, 128, 1.0);
    check(&chain(128, ops), &rows, 1e-3);
}

/// A random tree over float32 thresholds; some branches ask otherwise.
fn tree(chance: &mut Chance, trees: &mut Trees, depth: usize, exact: &[f64]) -> Child {
    if depth == 0 || chance.below(6) == 0 {
        trees.leaves.push(Leaf { votes: vec![(chance.below(trees.targets), chance.numbers(1, 1.0)[0])] });
        return Child::Leaf(trees.leaves.len() - 1);
    }
    let at = trees.branches.len();
    let test = [Test::AtMost, Test::Below, Test::AtLeast, Test::Above][chance.below(4)];
    let threshold = exact[chance.below(exact.len())];
    let missing_is_yes = chance.below(2) == 1;
    let feature = chance.below(trees.features);
    let nowhere = Child::Leaf(0);
    trees.branches.push(Branch { feature, test, threshold, missing_is_yes, yes: nowhere, no: nowhere });
    let yes = tree(chance, trees, depth - 1, exact);
    let no = tree(chance, trees, depth - 1, exact);
    (trees.branches[at].yes, trees.branches[at].no) = (yes, no);
    Child::Branch(at)
}

#[test]
fn trees_end_in_the_same_leaves_on_and_beside_their_thresholds() {
    for seed in 0..8 {
        let mut chance = Chance::of(100 + seed);
        let exact = [0.5, -0.25, 1e-30, -3e7, 0.0, 1.0, -1.0];
        let mut trees = Trees {
            features: 4,
            targets: 2,
            roots: Vec::new(),
            branches: Vec::new(),
            leaves: Vec::new(),
            aggregate: if seed % 2 == 0 { Aggregate::Sum } else { Aggregate::Average },
            base: vec![0.125, -1.0],
        };
        for _ in 0..5 {
            let root = tree(&mut chance, &mut trees, 4, &exact);
            trees.roots.push(root);
        }
        if trees.branches.is_empty() {
            continue;
        }
        let mut data = Vec::new();
        for _ in 0..40 * 4 {
            let x = exact[chance.below(exact.len())] as f32;
            data.push([x, x.next_up(), x.next_down(), f32::NAN, 2.0 * x, -x][chance.below(6)]);
        }
        let rows = Tensor { rows: 40, width: 4, data: Data::F32(data) };
        check(&chain(4, vec![Op::Trees(Box::new(trees))]), &rows, 1e-6);
    }
}

#[test]
fn probabilities_are_computed_inside_in_one_round() {
    for (seed, accuracy) in [(1, 1e-3), (2, 1e-4), (3, 1e-5)] {
        let mut chance = Chance::of(seed);
        let ops = vec![dense(&mut chance, 40, 1), Op::Map(Function::Sigmoid)];
        let rows = rows_of(&mut chance, 30, 40, 2.0);
        check_revealed(&chain(40, ops), &rows, accuracy, Reveal::Probability);
    }
}

#[test]
fn smooth_layers_and_softmax_are_within_their_bound() {
    for function in [Function::Tanh, Function::Sigmoid, Function::Erf, Function::Gelu, Function::Softplus] {
        let mut chance = Chance::of(5);
        let ops = vec![
            dense(&mut chance, 6, 5),
            Op::Map(function),
            dense(&mut chance, 5, 4),
            Op::Softmax { group: 4 },
        ];
        let rows = rows_of(&mut chance, 9, 6, 2.0);
        check_revealed(&chain(6, ops), &rows, 1e-2, Reveal::Probability);
    }
}

#[test]
fn functions_made_of_comparisons_are_within_their_bound() {
    let functions = [
        Function::Abs,
        Function::LeakyRelu(0.1),
        Function::Clip { low: -0.5, high: 0.75 },
        Function::Clip { low: f64::NEG_INFINITY, high: 1.0 },
        Function::Square,
    ];
    for function in functions {
        let mut chance = Chance::of(6);
        let ops = vec![dense(&mut chance, 4, 6), Op::Map(function), dense(&mut chance, 6, 2)];
        let rows = rows_of(&mut chance, 11, 4, 2.0);
        check(&chain(4, ops), &rows, 1e-3);
    }
}
