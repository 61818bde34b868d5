//! Functions inside programs: within the proven bound everywhere in their range, for the stated rounds and bytes.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::programs::{HOW, Ran, add, drawn, exact, graph_of, grid, rows, within_bound};
use privet_model::graph::{Comparison, Function, NodeId, Norm, Op, Reduce, Windows};
use privet_model::private::Action;
use privet_model::tensor::Data;

/// A function on `middle ± half`, over the whole of it.
fn on(f: Function, middle: f64, half: f64, accuracy: f64) -> Ran {
    let affine = Op::Affine { scale: vec![half], shift: vec![middle] };
    let graph = exact(1, vec![affine, Op::Map(f)]);
    let ran = Ran::of(&graph, &rows(vec![0.5], 1), &rows(grid(400), 1), accuracy, HOW);
    assert!(ran.worst() <= ran.program.bound, "{f:?}: {} > {}", ran.worst(), ran.program.bound);
    assert!(ran.program.bound <= accuracy);
    ran
}

#[test]
fn exponentials() {
    for (middle, half) in [(0.0, 2.0), (-4.0, 4.0), (-40.0, 40.0), (-300.0, 300.0)] {
        for accuracy in [1e-2, 1e-4] {
            on(Function::Exp, middle, half, accuracy);
        }
    }
    on(Function::Exp, 2.0, 5.0, 1e-2);
    on(Function::Exp, 2.0, 5.0, 1e-3);
}

#[test]
fn inverses_and_roots_of_positive_values() {
    let functions = [Function::Reciprocal, Function::Power(-0.5), Function::Sqrt, Function::Log];
    for f in functions {
        for (middle, half) in [(2.0, 1.0), (1.0, 0.875), (50.0, 49.0), (3.0, 2.99)] {
            for accuracy in [1e-2, 1e-4] {
                on(f, middle, half, accuracy);
            }
        }
    }
}

#[test]
fn roots_down_to_zero() {
    for (half, accuracy) in [(1.0, 1e-2), (1.0, 1e-3), (40.0, 1e-2), (40.0, 2e-3)] {
        on(Function::Sqrt, half, half, accuracy);
    }
}

#[test]
fn powers() {
    for p in [3.0, 5.0, -2.0, 1.5, -0.75, 1.0 / 3.0] {
        on(Function::Power(p), 1.5, 1.0, 1e-3);
    }
    on(Function::Power(3.0), 0.0, 2.0, 1e-3);
    on(Function::Power(4.0), 0.0, 2.0, 1e-3);
}

#[test]
fn activations() {
    let functions = [
        Function::Elu(1.0),
        Function::Elu(0.3),
        Function::GeluTanh,
        Function::Gelu,
        Function::Softplus,
        Function::Sin,
        Function::Cos,
        Function::Abs,
        Function::LeakyRelu(0.1),
    ];
    for f in functions {
        for half in [0.25, 3.0, 30.0] {
            on(f, 0.0, half, 1e-3);
        }
    }
    on(Function::Elu(1.0), -10.0, 300.0, 1e-2);
    on(Function::Softplus, 10.0, 500.0, 1e-2);
}

#[test]
fn quotients_of_two_values() {
    for accuracy in [1e-2, 1e-4] {
        let graph = graph_of(2, |g| {
            let a = add(g, Op::Select(vec![0]), &[NodeId(0)]);
            let b = add(g, Op::Linear { weights: vec![0.4, 0.9], bias: vec![1.5] }, &[NodeId(0)]);
            add(g, Op::Divide, &[a, b])
        });
        within_bound(&graph, &drawn(1, 200, 2), accuracy, "a quotient");
        let softsign = graph_of(1, |g| {
            let x = add(g, Op::Affine { scale: vec![20.0], shift: vec![0.0] }, &[NodeId(0)]);
            let size = add(g, Op::Map(Function::Abs), &[x]);
            let below = add(g, Op::Affine { scale: vec![1.0], shift: vec![1.0] }, &[size]);
            add(g, Op::Divide, &[x, below])
        });
        within_bound(&softsign, &rows(grid(300), 1), accuracy, "softsign");
    }
}

#[test]
fn logarithms_of_a_softmax_inside() {
    for (scale, group, accuracy) in [(1.0, 3, 1e-3), (9.0, 5, 1e-3), (60.0, 4, 1e-2)] {
        let graph = graph_of(2 * group, |g| {
            let n = 2 * group;
            let x = add(g, Op::Affine { scale: vec![scale; n], shift: vec![0.0; n] }, &[NodeId(0)]);
            let softmax = add(g, Op::Softmax { group }, &[x]);
            add(g, Op::Map(Function::Log), &[softmax])
        });
        within_bound(&graph, &drawn(2, 100, 2 * group), accuracy, "log softmax");
    }
}

#[test]
fn rows_by_their_length() {
    for norm in [Norm::Max, Norm::L1, Norm::L2] {
        let graph = graph_of(4, |g| {
            // The last value keeps its distance from zero.
            let shift = vec![0.0, 0.0, 0.0, 3.0];
            let x = add(g, Op::Affine { scale: vec![1.0; 4], shift }, &[NodeId(0)]);
            add(g, Op::Normalize(norm), &[x])
        });
        within_bound(&graph, &drawn(3, 150, 4), 1e-3, &format!("{norm:?}"));
    }
}

/// Rows whose compared value is nearer to the threshold than the bound are left out: there nothing is promised.
#[test]
fn comparisons_are_right_beyond_their_margin() {
    let thresholds = [0.0, 0.3, -0.75];
    let choice = |comparison| {
        graph_of(3, |g| {
            let x = add(g, Op::Affine { scale: vec![1.0; 3], shift: vec![0.1; 3] }, &[NodeId(0)]);
            let t = add(g, Op::Constant(thresholds.to_vec()), &[]);
            let zero = add(g, Op::Constant(vec![0.0; 3]), &[]);
            let bit = add(g, Op::Compare(comparison), &[t, x]);
            add(g, Op::Choose, &[bit, x, zero])
        })
    };
    for comparison in [Comparison::Less, Comparison::LessOrEqual] {
        let graph = choice(comparison);
        let all = [grid(300), grid(200), grid(100)].concat();
        let bound = 1e-3;
        let far = |row: &[f64]| row.iter().zip(thresholds).all(|(x, t)| (x + 0.1 - t).abs() > bound);
        let kept: Vec<f64> = all.chunks_exact(3).filter(|row| far(row)).flatten().copied().collect();
        assert!(kept.len() > 300);
        let ran = within_bound(&graph, &rows(kept, 3), bound, "a choice");
        assert_eq!(ran.program.steps.iter().filter(|s| s.action == Action::Below).count(), 1);
    }
    let sign = graph_of(1, |g| add(g, Op::Map(Function::Sign), &[NodeId(0)]));
    let kept = grid(300).into_iter().filter(|x| x.abs() > 1e-3 || *x == 0.0).collect();
    within_bound(&sign, &rows(kept, 1), 1e-3, "sign");
}

#[test]
fn conditions_are_combined() {
    let graph = graph_of(2, |g| {
        let t = add(g, Op::Constant(vec![0.25, -0.5]), &[]);
        let bits = add(g, Op::Compare(Comparison::Less), &[t, NodeId(0)]);
        let [a, b] = [0, 1].map(|i| add(g, Op::Select(vec![i]), &[bits]));
        let both = add(g, Op::Multiply, &[a, b]);
        let joined = add(g, Op::Concat, &[a, b]);
        let reduce = Op::Reduce { reduce: Reduce::Max, windows: Windows(vec![vec![0, 1]]) };
        let either = add(g, reduce, &[joined]);
        let same = add(g, Op::Compare(Comparison::Equal), &[a, b]);
        let differ = add(g, Op::Affine { scale: vec![-1.0], shift: vec![1.0] }, &[same]);
        add(g, Op::Concat, &[a, b, both, either, differ])
    });
    let near = |x: f64| (x - 0.25).abs() < 2e-3 || (x + 0.5).abs() < 2e-3;
    let pairs = grid(40).into_iter().flat_map(|a| grid(10).into_iter().map(move |b| [a, b]));
    let kept: Vec<f64> = pairs.filter(|p| !p.iter().any(|&x| near(x))).flatten().collect();
    let ran = within_bound(&graph, &rows(kept, 2), 1e-3, "conditions");
    assert!(ran.worst() == 0.0, "bits are exact");
}

#[test]
fn places_of_the_greatest_inside() {
    let graph = graph_of(6, |g| {
        let place = add(g, Op::ArgMax { group: 3 }, &[NodeId(0)]);
        add(g, Op::Linear { weights: vec![0.5, -0.25], bias: vec![1.0] }, &[place])
    });
    let x = drawn(7, 300, 6);
    let Data::F64(data) = &x.data else { panic!("they are in float64") };
    let close =
        |row: &[f64]| row.chunks(3).any(|g| (0..3).any(|i| (0..i).any(|j| (g[i] - g[j]).abs() < 1e-3)));
    let kept = data.chunks(6).filter(|row| !close(row)).flatten().copied().collect();
    within_bound(&graph, &rows(kept, 6), 1e-3, "argmax inside");
}
