//! The plan's promise: no score of an accepted row is wrong by more than the bound, and no sum wraps.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::similar_names)]

mod common;

use common::models::{FLOATS, GAPS, LEVELS, Model, Row, WHOLES, WIDTH, models, tensors};
use privet_deploy::check::{Planned, planned};
use privet_model::graph::Missing;
use privet_model::head::{Column, Feature};
use privet_ring::fixed::power_of_two;
use privet_ring::{reduce, signed};
use proptest::prelude::*;

fn missing_value(model: &Model) -> f64 {
    match model.missing {
        Missing::Nan => f64::NAN,
        Missing::Value(v) => v,
    }
}

/// Where column `column` takes its value from: input and element.
fn place(planned: &Planned, column: usize) -> Option<(usize, usize)> {
    let head = &planned.cut.head;
    match (&head.columns[column], &head.features[head.columns[column].feature()]) {
        (Column::Value { .. }, Feature::Raw { input, element }) => Some((*input, *element)),
        _ => None,
    }
}

fn limit_of(planned: &Planned, input: usize, element: usize) -> f64 {
    let at = (0..planned.cut.core.columns).find(|&c| place(planned, c) == Some((input, element)));
    planned.plan.limits()[at.unwrap()]
}

/// The row whose values are `of(input, element, limit)`; a whole number is cut off.
fn row(planned: &Planned, level: i64, of: &dyn Fn(usize, usize, f64) -> f64) -> Row {
    let value = |input: usize, element: usize| {
        let limit = limit_of(planned, input, element);
        of(input, element, limit).clamp(-limit, limit)
    };
    let gap = |element| match of(2, element, limit_of(planned, 2, element)) {
        missing if missing.is_nan() => missing,
        _ => value(2, element),
    };
    Row {
        floats: (0..FLOATS).map(|e| value(0, e)).collect(),
        wholes: (0..WHOLES).map(|e| value(1, e) as i64).collect(),
        gaps: (0..GAPS).map(gap).collect(),
        level,
    }
}

/// The sign of the weight by which a value enters a score.
fn sign(planned: &Planned, score: usize, input: usize, element: usize) -> f64 {
    let core = &planned.cut.core;
    let at = (0..core.columns).find(|&c| place(planned, c) == Some((input, element))).unwrap();
    1f64.copysign(core.row(score)[at])
}

/// The ends of the ranges, towards the largest and the least score, with every level and every gap; and rows whose
/// encoding rounds by almost half a unit, all in the direction that hurts.
fn worst_rows(planned: &Planned, model: &Model) -> Vec<Row> {
    let mut rows = Vec::new();
    for (score, level) in (0..model.scores()).flat_map(|s| (0..LEVELS).map(move |l| (s, l))) {
        for way in [1.0, -1.0] {
            let towards = |i: usize, e: usize| way * sign(planned, score, i, e);
            rows.push(row(planned, level, &|i, e, limit| limit * towards(i, e)));
            let all_missing = Row { gaps: vec![missing_value(model); GAPS], ..rows[rows.len() - 1].clone() };
            rows.push(all_missing);
            for whole in [0.0, 1.0, 37.0, 1000.0] {
                let unit = |limit: f64| limit * power_of_two(-i64::from(planned.plan.input_bits));
                let half = |i, e| whole + 0.5 - 0.015_625 * towards(i, e);
                rows.push(row(planned, level, &|i, e, limit| half(i, e) * unit(limit)));
            }
        }
    }
    rows
}

/// Integers as a protocol computes them, against exact integers and against the model on the reals.
fn hold(planned: &Planned, model: &Model, rows: &[Row]) -> Result<f64, TestCaseError> {
    let Planned { cut, plan, integers } = planned;
    let tensors = tensors(rows);
    let bound = cut.head.bind(&tensors).unwrap();
    let n = cut.core.columns;
    let (mut values, mut encoded) = (vec![0.0; rows.len() * n], vec![0; rows.len() * n]);
    plan.encoder().encode(&cut.head, &bound, 0, &mut values, &mut encoded).unwrap();
    let scores = integers.scores(&encoded);
    let mut worst = 0.0f64;
    for (at, element) in scores.iter().map(|&s| reduce(s, plan.k)).enumerate() {
        let (r, s) = (at / model.scores(), at % model.scores());
        let weights = integers.weights[s * n..(s + 1) * n].iter();
        let products = encoded[r * n..(r + 1) * n].iter().zip(weights);
        let exact: i128 =
            products.map(|(x, w)| i128::from(x.cast_signed()) * i128::from(w.cast_signed())).sum();
        let exact = exact + i128::from(integers.bias[s].cast_signed());
        prop_assert_eq!(i128::from(signed(element, plan.k)), exact, "wrapped at k = {}", plan.k);
        prop_assert!(plan.decode(element).abs() <= 2f64.powi(plan.score_exponent));
        worst = worst.max(model.score(&rows[r], s).distance(plan.decode(element)));
    }
    prop_assert!(worst <= plan.bound, "an error of {worst:e} where {:e} was promised: {plan:?}", plan.bound);
    Ok(worst)
}

fn random_rows() -> impl Strategy<Value = Vec<Row>> {
    let unit = -1.0f64..=1.0;
    let row = (
        proptest::collection::vec(unit.clone(), FLOATS),
        proptest::collection::vec(-1.0f64..=1.0, WHOLES),
        proptest::collection::vec(prop_oneof![3 => unit.prop_map(Some), 1 => Just(None)], GAPS),
        0..LEVELS,
    );
    let row = row.prop_map(|(floats, wholes, gaps, level)| Row {
        floats,
        wholes: wholes.iter().map(|x| (x * 1e6) as i64).collect(),
        gaps: gaps.iter().map(|g| g.unwrap_or(f64::NAN)).collect(),
        level,
    });
    proptest::collection::vec(row, 1..20)
}

/// Rows in ±1, and whole numbers in ±10^6, brought to the plan's own ranges.
fn stretched(planned: &Planned, model: &Model, unit: &[Row]) -> Vec<Row> {
    let one = |r: &Row| {
        let of = |input: usize, element: usize, limit: f64| match input {
            0 => r.floats[element] * limit,
            1 => r.wholes[element] as f64 / 1e6 * limit,
            _ => r.gaps[element] * limit,
        };
        let mut out = row(planned, r.level, &of);
        out.gaps.iter_mut().filter(|g| g.is_nan()).for_each(|g| *g = missing_value(model));
        out
    };
    unit.iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_score_is_wrong_by_more_than_the_bound(
        model in models(),
        unit in random_rows(),
        accuracy in (-30i32..0, 1.0f64..2.0).prop_map(|(e, m)| m * 2f64.powi(e)),
        sampled: bool,
        width in -6i32..12,
    ) {
        let graph = model.graph();
        let sample: Vec<Row> = unit.iter().map(|r| Row {
            floats: r.floats.iter().map(|x| x * 2f64.powi(width)).collect(),
            gaps: r.gaps.iter().map(|x| if x.is_nan() { missing_value(&model) } else { x * 2f64.powi(width) }).collect(),
            ..r.clone()
        }).collect();
        let sample = tensors(&sample);
        let planned = match planned(&graph, accuracy, sampled.then_some(&sample[..])) {
            Ok(planned) => planned,
            Err(error) => {
                prop_assert_eq!(error.code, "E211");
                return Ok(());
            }
        };
        prop_assert!(planned.plan.is_sound(planned.cut.core.columns));
        prop_assert!(planned.plan.k <= 64 && planned.plan.bound <= accuracy);
        hold(&planned, &model, &stretched(&planned, &model, &unit))?;
        hold(&planned, &model, &worst_rows(&planned, &model))?;
    }
}

/// The search for bad rows is worth something: it comes near the bound, which is rounded up by less than twofold.
#[test]
fn the_bound_is_not_idle() {
    let mut model = Model {
        scale: vec![1.0; FLOATS + GAPS],
        shift: vec![0.0; FLOATS + GAPS],
        fill: vec![0.25; GAPS],
        weights: vec![0.0; WIDTH],
        bias: vec![0.0],
        missing: Missing::Nan,
    };
    model.weights[..FLOATS].fill(1.0);
    let sample = tensors(&[Row { floats: vec![0.5; 3], wholes: vec![1; 2], gaps: vec![0.5; 2], level: 0 }]);
    let planned = planned(&model.graph(), 2f64.powi(-10), Some(&sample)).unwrap();
    let worst = hold(&planned, &model, &worst_rows(&planned, &model)).unwrap();
    assert!(worst > planned.plan.bound / 4.0, "{worst:e} of {:e}", planned.plan.bound);
}

#[test]
fn a_value_beyond_its_range_is_refused_and_one_at_its_end_is_not() {
    let model = Model {
        scale: vec![1.0; FLOATS + GAPS],
        shift: vec![0.0; FLOATS + GAPS],
        fill: vec![0.25; GAPS],
        weights: vec![0.5; WIDTH],
        bias: vec![0.0],
        missing: Missing::Nan,
    };
    let sample = tensors(&[Row { floats: vec![0.5; 3], wholes: vec![4; 2], gaps: vec![0.5; 2], level: 0 }]);
    let planned = planned(&model.graph(), 1e-3, Some(&sample)).unwrap();
    let scores = |floats: Vec<f64>| {
        let row = Row { floats, wholes: vec![-8, 8], gaps: vec![-1.0, f64::NAN], level: 2 };
        privet_deploy::check::planned_scores(&planned, &tensors(&[row]))
    };
    assert!(scores(vec![1.0, -1.0, 0.0]).is_ok());
    for beyond in [1.0f64.next_up(), -1.0f64.next_up(), f64::INFINITY, f64::NAN, 1e300] {
        assert!(scores(vec![0.0, beyond, 0.0]).is_err(), "{beyond}");
    }
}
