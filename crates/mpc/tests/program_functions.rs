//! Functions inside programs: within the proven bound everywhere in their range, for the stated rounds and bytes.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod common;

use common::programs::{Chance, Ran};
use privet_model::graph::{Comparison, Function, Graph, NodeId, Norm, Op, Origin, Port, Reduce, Windows};
use privet_model::private::{Private, Reveal};
use privet_model::range::Ranges;
use privet_model::tensor::{Data, DataType, Tensor};
use privet_mpc::protect::Protect;

const HOW: (Reveal, Protect) = (Reveal::Probability, Protect::Both);

/// In float64, so that nothing but the program errs.
fn exact(width: usize, ops: Vec<Op>) -> Graph {
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

fn rows(data: Vec<f64>, width: usize) -> Tensor {
    Tensor { rows: data.len() / width, width, data: Data::F64(data) }
}

/// From -1 to 1, both ends included, closer to each other at the ends and about the middle.
fn grid(n: u32) -> Vec<f64> {
    let even = (0..=n).map(|i| 2.0 * f64::from(i) / f64::from(n) - 1.0);
    let knots = (1..=30).flat_map(|j| [1.0, -1.0].map(|s: f64| s * 0.5f64.powi(j)));
    let ends = (1..=30).flat_map(|j| [1.0, -1.0].map(|s: f64| s * (1.0 - 0.5f64.powi(j))));
    even.chain(knots).chain(ends).collect()
}

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

/// A model of several values a row, whose nodes `build` adds to the input.
fn graph_of(width: usize, build: impl FnOnce(&mut Graph) -> NodeId) -> Graph {
    let mut graph = exact(width, Vec::new());
    let y = build(&mut graph);
    let width = graph.width(y);
    graph.outputs = vec![(Port { name: "y".into(), width, ..graph.inputs[0].clone() }, y)];
    graph
}

fn add(graph: &mut Graph, op: Op, inputs: &[NodeId]) -> NodeId {
    let origin = Origin { node: format!("n{}", graph.nodes.len()), op: "op".into() };
    graph.add(op, inputs.to_vec(), origin).unwrap()
}

/// Rows within ±1, of which some are at the corners.
fn drawn(seed: u64, n: usize, width: usize) -> Tensor {
    let mut chance = Chance::of(seed);
    let corner = |x: f64| if x.abs() > 0.6 { x.signum() } else { x / 0.6 };
    rows(chance.numbers(n * width, 1.0).into_iter().map(corner).collect(), width)
}

fn within_bound(graph: &Graph, x: &Tensor, accuracy: f64, name: &str) -> Ran {
    let sample = rows(vec![0.5; x.width], x.width);
    let ran = Ran::of(graph, &sample, x, accuracy, HOW);
    assert!(ran.worst() <= ran.program.bound, "{name}: {} > {}", ran.worst(), ran.program.bound);
    ran
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
        assert_eq!(ran.program.decisions().count(), 1);
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

/// Of one row: rounds, and bytes of all parties.
#[test]
fn costs_are_the_stated_ones() {
    for (f, middle, half, accuracy, cost) in [
        (Function::Exp, 0.0, 2.0, 1e-2, (1, 55)),
        (Function::Exp, -40.0, 40.0, 1e-2, (4, 443)),
        (Function::Reciprocal, 2.0, 1.0, 1e-2, (1, 27)),
        (Function::Reciprocal, 50.0, 49.0, 1e-2, (8, 336)),
        (Function::Power(-0.5), 50.0, 49.0, 1e-2, (9, 310)),
        (Function::Sqrt, 50.0, 49.0, 1e-2, (9, 317)),
        (Function::Sqrt, 1.0, 1.0, 1e-2, (11, 1045)),
        (Function::Log, 50.0, 49.0, 1e-2, (8, 333)),
        (Function::Power(3.0), 1.5, 1.0, 1e-3, (4, 45)),
        (Function::Elu(1.0), 0.0, 3.0, 1e-3, (9, 237)),
        (Function::GeluTanh, 0.0, 3.0, 1e-3, (1, 73)),
        (Function::Sin, 0.0, 3.0, 1e-3, (1, 48)),
        (Function::Abs, 0.0, 3.0, 1e-3, (4, 104)),
    ] {
        let affine = Op::Affine { scale: vec![half], shift: vec![middle] };
        let graph = exact(1, vec![affine, Op::Map(f)]);
        let ran = Ran::of(&graph, &rows(vec![0.5], 1), &rows(vec![0.25], 1), accuracy, HOW);
        assert_eq!((ran.rounds(), ran.bytes()), cost, "{f:?} on {middle} ± {half}");
    }
}

/// What is not defined everywhere, or would be chance, is refused by name.
#[test]
fn what_cannot_be_planned_is_refused_by_name() {
    let refused = |graph: &Graph| {
        let private = Private::of(graph, Reveal::Probability).unwrap();
        let ranges = Ranges::of_rows(private.head(), &[rows(vec![0.5], 1)]).unwrap();
        private.plan(1e-3, &ranges).err().unwrap()
    };
    for f in [Function::Log, Function::Reciprocal, Function::Power(-0.5), Function::Power(0.3)] {
        let refusal = refused(&exact(1, vec![Op::Map(f)]));
        assert_eq!(refusal.code, "E212", "{refusal}");
        assert!(refusal.message.contains("`n0` (op)") && refusal.message.contains("0 or less"), "{refusal}");
    }
    assert!(refused(&exact(1, vec![Op::Map(Function::Sqrt)])).message.contains("below 0"));
    let equal = graph_of(1, |g| {
        let t = add(g, Op::Constant(vec![0.3]), &[]);
        add(g, Op::Compare(Comparison::Equal), &[NodeId(0), t])
    });
    let refusal = refused(&equal);
    assert!(refusal.code == "E211" && refusal.message.contains("choice"), "{refusal}");
}
