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
