#![allow(clippy::unwrap_used)]

use super::*;
use crate::graph::{NodeId, Op, Origin, Port};
use crate::tensor::{Data, DataType, Tensor};

fn port(name: &str, width: usize) -> Port {
    Port {
        name: name.into(),
        dtype: DataType::Fp64,
        width,
        flat: false,
        dims: Vec::new(),
        columns: Vec::new(),
    }
}

/// Columns that are shown as they came, beside a matrix of the same ones: their ranges differ, and no weight takes that over.
#[test]
fn what_is_shown_as_it_came_keeps_its_scale() {
    for with_matrix in [false, true] {
        let mut graph = Graph::new(vec![port("x", 3)]);
        graph.outputs.push((port("y", 3), NodeId(0)));
        if with_matrix {
            let op = Op::Linear { weights: vec![1.0, -2.0, 0.5], bias: vec![0.25] };
            let sum = graph.add(op, vec![NodeId(0)], Origin { node: "n".into(), op: "op".into() }).unwrap();
            graph.outputs.push((port("s", 1), sum));
        }
        let rows = [Tensor { rows: 1, width: 3, data: Data::F64(vec![1.5, -40.0, 0.001]) }];
        let private = Private::of(&graph, Reveal::Score).unwrap();
        let ranges = Ranges::of_rows(private.head(), &rows).unwrap();
        let (program, constants) = private.plan(1e-3, &ranges).unwrap();
        let scores = program.in_the_clear(&constants, &[1.5, -40.0, 0.001]);
        let got = private.tail().finish(&scores, program.scores()).unwrap();
        for (got, exact) in got[0].to_f64().unwrap().iter().zip([1.5, -40.0, 0.001]) {
            assert!((got - exact).abs() <= program.bound, "{got} for {exact}");
        }
    }
}

/// One column is so small that nothing of it is sent: that is no reason to refuse the program.
#[test]
fn a_column_below_the_resolution_is_sound() {
    let mut graph = Graph::new(vec![port("x", 2)]);
    let op =
        Op::Reduce { reduce: crate::graph::Reduce::Sum, windows: crate::graph::Windows(vec![vec![0, 1]]) };
    let sum = graph.add(op, vec![NodeId(0)], Origin { node: "n".into(), op: "op".into() }).unwrap();
    graph.outputs.push((port("y", 1), sum));
    let rows = [Tensor { rows: 1, width: 2, data: Data::F64(vec![1.0, 1e-9]) }];
    let private = Private::of(&graph, Reveal::Score).unwrap();
    let ranges = Ranges::of_rows(private.head(), &rows).unwrap();
    let (program, _) = private.plan(1e-2, &ranges).unwrap();
    assert!(program.columns.iter().any(|c| c.bits() < 1) && program.is_sound(2));
}

/// A factor and a summand behind a matrix or a convolution are taken into it, and the answer stays within the bound; where something
/// else shows the matrix, or the places of a filter differ, they stay a step of their own.
#[test]
fn what_is_behind_a_matrix_is_taken_into_it() {
    let conv = crate::graph::Conv {
        channels: 1,
        image: [1, 4],
        filters: 2,
        kernel: [1, 2],
        groups: 1,
        strides: [1, 2],
        dilations: [1, 1],
        pads_before: [0, 0],
        out: [1, 2],
    };
    let weights = vec![0.7, -1.1, 0.3, 2.9];
    let convolution = Op::Conv { conv, weights, bias: vec![0.1, -0.2] };
    let rows = (0..16).map(|i| f64::from(i) / 7.0 - 1.0).collect();
    let matrix = Op::Linear { weights: rows, bias: vec![0.0, 0.5, -0.5, 1.0] };
    let alike = vec![1.3, 1.3, -0.9, -0.9];
    for (op, scale, is_shown, steps) in [
        (matrix.clone(), vec![1.0; 4], false, 0),
        (matrix.clone(), vec![1.3, 0.0, -2.0, 0.1], false, 0),
        (matrix, alike.clone(), true, 1),
        (convolution.clone(), alike, false, 0),
        (convolution, vec![1.3, 0.7, -0.9, -0.9], false, 1),
    ] {
        let mut graph = Graph::new(vec![port("x", 4)]);
        let mut add = |op, id| graph.add(op, vec![id], Origin { node: "n".into(), op: "op".into() }).unwrap();
        let first = add(Op::Map(crate::graph::Function::Relu), NodeId(0));
        let product = add(op, first);
        let shift = vec![0.25, 0.25, -3.0, -3.0];
        let sum = add(Op::Affine { scale, shift }, product);
        let last = add(Op::Map(crate::graph::Function::Relu), sum);
        graph.outputs.push((port("y", 4), last));
        if is_shown {
            graph.outputs.push((port("z", 4), product));
        }
        let x = vec![1.5, -4.0, 0.75, 3.0];
        let rows = [Tensor { rows: 1, width: 4, data: Data::F64(x.clone()) }];
        let private = Private::of(&graph, Reveal::Score).unwrap();
        let ranges = Ranges::of_rows(private.head(), &rows).unwrap();
        let (program, constants) = private.plan(1e-4, &ranges).unwrap();
        let scales = program.steps.iter().filter(|s| matches!(s.action, Action::Scale { .. })).count();
        assert_eq!(scales, steps);
        let got = private.tail().finish(&program.in_the_clear(&constants, &x), program.scores()).unwrap();
        let exact = crate::eval::evaluate(&graph, &rows).unwrap();
        for (got, exact) in got[0].to_f64().unwrap().iter().zip(exact[0].to_f64().unwrap()) {
            assert!((got - exact).abs() <= program.bound, "{got} for {exact}");
        }
    }
}
