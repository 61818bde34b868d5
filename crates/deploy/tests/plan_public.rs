//! The plan is public, so it may follow from a model's weights only through the sizes that `plan` names; and what it
//! refuses, it refuses with a way out.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::float_cmp)]

mod common;

use common::models::models;
use common::{numbers, origin, port};
use privet_deploy::check::planned;
use privet_model::cut::{Cut, cut};
use privet_model::graph::{Graph, NodeId, Op};
use privet_model::plan::{Plan, Ranges, plan};
use privet_model::tensor::{Data, DataType, Tensor};
use privet_ring::fixed::outward_exponent;
use proptest::prelude::*;

/// What the actual roundings of the weights may save, and how far they may move bits between inputs and weights.
const SAVED: u32 = 4;
const SHIFT: u32 = 3;

fn linear(columns: usize, weights: &[f64], bias: &[f64]) -> Graph {
    let mut graph = Graph::new(vec![port("x", DataType::Fp64, columns)]);
    let op = Op::Linear { weights: weights.to_vec(), bias: bias.to_vec() };
    let linear = graph.add(op, vec![NodeId(0)], origin("linear")).unwrap();
    graph.outputs = vec![(port("scores", DataType::Fp64, bias.len()), linear)];
    graph
}

/// The three sums, rounded outward: what a plan may depend on.
fn sizes(cut: &Cut, limits: &[f64], accuracy: f64) -> [i64; 3] {
    let core = &cut.core;
    let sum = |s: usize| core.row(s).iter().zip(limits).map(|(w, x)| (w * x).abs()).sum::<f64>();
    let greatest = |of: &dyn Fn(usize) -> f64| (0..core.scores()).map(of).fold(0.0, f64::max);
    let score = |s: usize| sum(s) + core.bias[s].abs();
    let fold = |s: usize| {
        let errors = core.weight_errors[s * core.columns..(s + 1) * core.columns].iter();
        errors.zip(limits).map(|(e, x)| e * x).sum::<f64>() + core.bias_errors[s]
    };
    [greatest(&sum), greatest(&score) + accuracy, greatest(&fold)].map(outward_exponent)
}

fn in_public(plan: &Plan) -> (&[i32], i32, f64, String) {
    (&plan.range_exponents, plan.score_exponent, plan.accuracy, format!("{:?}", plan.range_source))
}

/// Everything but the saved bits is the same.
fn agree(a: &Plan, b: &Plan) -> Result<(), TestCaseError> {
    prop_assert_eq!(in_public(a), in_public(b));
    prop_assert!(a.k.abs_diff(b.k) <= SAVED, "{a:?} {b:?}");
    prop_assert!(a.score_bits().abs_diff(b.score_bits()) <= SAVED, "{a:?} {b:?}");
    prop_assert!(a.input_bits.abs_diff(b.input_bits) <= 2 * SHIFT, "{a:?} {b:?}");
    for plan in [a, b] {
        let k = i64::from(plan.score_bits()) + i64::from(plan.score_exponent) + 1;
        prop_assert_eq!(i64::from(plan.k), k.max(i64::from(plan.encoded_bits())));
        prop_assert!(plan.bound == plan.accuracy || plan.bound.log2().fract() == 0.0, "{:e}", plan.bound);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn weights_of_the_same_sizes_have_the_same_plan_up_to_the_saved_bits(
        (columns, scores) in (1usize..30, 1usize..4),
        seeds: [u64; 2],
        accuracy in (-16i32..0).prop_map(|e| 1.3 * 2f64.powi(e)),
        largest in -3i32..6,
    ) {
        let sample = vec![Tensor::new(1, columns, Data::F64(vec![2f64.powi(largest); columns])).unwrap()];
        let of = |seed: u64| {
            let graph = linear(columns, &numbers(seed, columns * scores), &numbers(!seed, scores));
            let cut = cut(&graph).unwrap();
            let ranges = Ranges::of_rows(&cut.head, &sample).unwrap();
            let plan = plan(&cut, accuracy, &ranges).unwrap().0;
            (sizes(&cut, &plan.limits(), accuracy), plan)
        };
        let [(sizes_a, a), (sizes_b, b)] = seeds.map(of);
        prop_assume!(sizes_a == sizes_b);
        agree(&a, &b)?;
    }

    #[test]
    fn ranges_that_are_the_widest_that_fit_differ_by_no_more_than_the_saved_bits(
        columns in 1usize..30,
        seeds: [u64; 2],
        accuracy in (-20i32..0).prop_map(|e| 1.3 * 2f64.powi(e)),
    ) {
        let of = |seed: u64| {
            let cut = cut(&linear(columns, &numbers(seed, columns), &numbers(!seed, 1))).unwrap();
            let plan = plan(&cut, accuracy, &Ranges::of_model()).unwrap().0;
            (sizes(&cut, &vec![1.0; columns], accuracy), plan)
        };
        let [(sizes_a, a), (sizes_b, b)] = seeds.map(of);
        prop_assume!(sizes_a == sizes_b);
        for (a, b) in a.range_exponents.iter().zip(&b.range_exponents) {
            prop_assert!(a.abs_diff(*b) <= SAVED, "{a} {b}");
        }
    }

    #[test]
    fn an_accuracy_that_cannot_be_reached_names_one_that_can(model in models(), far in 40i32..200) {
        let graph = model.graph();
        let Err(error) = planned(&graph, 2f64.powi(-far), None) else { return Ok(()) };
        prop_assert_eq!(error.code, "E211");
        let named: f64 = error.message.split("ranges; ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let planned = planned(&graph, named, None);
        prop_assert!(planned.is_ok_and(|p| p.plan.bound <= named), "{} is refused too", named);
    }
}

/// A zero weight is as secret as any other.
#[test]
fn no_column_is_left_out_for_a_zero_weight() {
    let weights = [0.5, -0.25, 0.75, 0.125];
    let of = |weights: &[f64]| planned(&linear(4, weights, &[0.1]), 1e-4, None).unwrap();
    let (whole, zero) = (of(&weights), of(&[0.5, 0.0, 0.75, 0.375]));
    assert_eq!(whole.cut.head, zero.cut.head);
    assert_eq!(zero.plan.range_exponents.len(), 4);
    agree(&whole.plan, &zero.plan).unwrap();
}

#[test]
fn an_accuracy_that_is_no_positive_number_is_refused() {
    for accuracy in [0.0, -0.0, -1e-3, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = planned(&linear(2, &[0.5, 0.5], &[0.0]), accuracy, None).map(|_| ()).unwrap_err();
        assert_eq!((error.code, error.blame.exit_code()), ("E210", 3), "{accuracy}");
    }
}

#[test]
fn absurd_weights_are_refused_and_absurdly_small_ones_planned() {
    for weight in [1e300, f64::MAX, f64::INFINITY, f64::NAN] {
        let error = planned(&linear(2, &[weight, 0.5], &[0.0]), 1e-3, None).map(|_| ()).unwrap_err();
        assert_eq!(error.code, "E211", "{weight}");
        assert!(error.message.ends_with('.') && !error.message.contains("inf does"), "{error}");
    }
    for weight in [0.0, 5e-324, 1e-300, -1e-20] {
        let planned = planned(&linear(2, &[weight, weight], &[weight]), 1e-3, None).unwrap();
        assert!(planned.plan.bound <= 1e-3 && planned.plan.is_sound(2));
    }
    let careless = planned(&linear(2, &[0.5, 0.5], &[0.0]), 1e300, None).map(|_| ()).unwrap_err();
    assert!(careless.message.contains("e-"), "{careless}");
}
