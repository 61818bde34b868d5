//! Normalisations inside programs: within their bound, however little the values of a group differ.

#![allow(clippy::unwrap_used)]

mod common;

use common::programs::{Chance, add, graph_of, rows, within_bound};
use privet_model::graph::{Function, Graph, NodeId, Op, Reduce, Windows};

/// `(x - mean)/√(variance + ε)` of groups, as exporters write it before and after there was an operator.
fn standardized(g: &mut Graph, x: NodeId, groups: usize, epsilon: f64, divides: bool) -> NodeId {
    let n = g.width(x);
    let size = n / groups;
    let windows = || Windows((0..groups).map(|at| (at * size..(at + 1) * size).collect()).collect());
    let of: Vec<usize> = (0..n).map(|i| i / size).collect();
    let affine = |scale: f64, shift: f64, n| Op::Affine { scale: vec![scale; n], shift: vec![shift; n] };
    let sum = || Op::Reduce { reduce: Reduce::Sum, windows: windows() };
    let total = add(g, sum(), &[x]);
    let mean = add(g, affine(-1.0 / size as f64, 0.0, groups), &[total]);
    let wide = add(g, Op::Select(of.clone()), &[mean]);
    let centre = add(g, Op::Add, &[x, wide]);
    let squares = add(g, Op::Map(Function::Square), &[centre]);
    let total = add(g, sum(), &[squares]);
    let variance = add(g, affine(1.0 / size as f64, 0.0, groups), &[total]);
    let safe = add(g, affine(1.0, epsilon, groups), &[variance]);
    let root = if divides { Function::Sqrt } else { Function::Power(-0.5) };
    let root = add(g, Op::Map(root), &[safe]);
    let wide = add(g, Op::Select(of), &[root]);
    if divides { add(g, Op::Divide, &[centre, wide]) } else { add(g, Op::Multiply, &[wide, centre]) }
}

#[test]
fn layers_and_groups_are_normalised() {
    let cases = [
        (8, 1, 1e-3, 1.0, 1e-2, false),
        (8, 1, 1e-5, 1.0, 1e-2, true),
        (12, 3, 1e-5, 4.0, 1e-2, false),
        (32, 1, 1e-5, 8.0, 2e-2, false),
        (32, 2, 1e-1, 2.0, 1e-4, false),
    ];
    for (n, groups, epsilon, scale, accuracy, divides) in cases {
        let graph = graph_of(n, |g| {
            let x = add(g, Op::Affine { scale: vec![scale; n], shift: vec![0.5; n] }, &[NodeId(0)]);
            standardized(g, x, groups, epsilon, divides)
        });
        let mut chance = Chance::of(11);
        // From nearly all the same, where the variance is that of the last bits, to the corners.
        let data: Vec<f64> = (0..120)
            .flat_map(|row| {
                let (size, middle) = (0.5f64.powi(row % 16), chance.numbers(1, 0.4)[0]);
                chance
                    .numbers(n, 1.0)
                    .into_iter()
                    .map(move |x| (middle + x * size).clamp(-1.0, 1.0))
                    .collect::<Vec<_>>()
            })
            .collect();
        within_bound(
            &graph,
            &rows(data, n),
            accuracy,
            &format!("normalisation of {groups} groups of {n}, ε {epsilon}"),
        );
    }
}
