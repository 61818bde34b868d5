//! What functions inside programs cost, and what is refused.

#![allow(clippy::unwrap_used)]

mod common;

use common::programs::{HOW, Ran, add, exact, graph_of, rows};
use privet_model::graph::{Comparison, Function, Graph, NodeId, Op};
use privet_model::private::{Private, Reveal};
use privet_model::range::Ranges;

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
        let ranges = Ranges::of_rows(private.head(), &[rows(vec![0.5, -0.5], 1)]).unwrap();
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
