//! Whole programs between three parties: within the proven bound of the model in float64, and one unit a cut from the same
//! integers in the clear.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::programs::{Chance, chain, check, check_revealed, dense, rows_of};
use privet_model::graph::{Aggregate, Branch, Child, Conv, Function, Leaf, Op, Reduce, Test, Trees, Windows};
use privet_model::private::Reveal;
use privet_model::tensor::{Data, Tensor};

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
