//! Tree ensembles of ONNX-ML, as ONNX Runtime computes them.

mod building;
mod ensemble;

use privet_model::graph::{Aggregate, Labels, NodeId, Op};
use privet_model::tensor::DataType;

use self::ensemble::Ensemble;
use super::linear_ml::{label, labels, pair};
use super::post::{POSTS, transformed};
use crate::onnx::value::{Rows, Value};
use crate::onnx::{Call, Lowered, Stop, one};

pub(super) fn regressor(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let post = call.word("post_transform", "NONE", POSTS)?;
    let targets = usize::try_from(call.int("n_targets", 1)).unwrap_or(0);
    let aggregate = match call.word("aggregate_function", "SUM", &["SUM", "AVERAGE", "MIN", "MAX"])? {
        "AVERAGE" => Aggregate::Average,
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        _ => Aggregate::Sum,
    };
    let ensemble = Ensemble::read(call, "target")?;
    let bare = |target: usize| ensemble.base.get(target).is_some_and(|&b| b != 0.0);
    if targets > 1 && ensemble.uncertain(targets).into_iter().any(bare) {
        return Err(Stop::problem(
            "It has base values for outputs that some rows may have no vote for, which runtimes drop there.",
            "Export it with a weight for each output in every leaf, zero or not.",
        ));
    }
    let trees = ensemble.build(x.width(), targets, aggregate)?;
    let id = call.emit(Op::Trees(Box::new(trees)), x.id)?;
    let id = transformed(call, id, post, targets)?;
    one(Rows { id, dtype: DataType::Fp32, ..x.shaped(vec![1, targets], x.batch) })
}

/// Label and scores. The label is chosen by the raw scores, before they are transformed.
pub(super) fn classifier(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let post = call.word("post_transform", "NONE", POSTS)?;
    let labels = labels(call)?;
    let ensemble = Ensemble::read(call, "class")?;
    if labels.len() == 2 {
        return two_classes(call, &x, ensemble, post, labels);
    }
    let classes = labels.len();
    // The runtime chooses among the classes that have a vote only.
    let chosen_alike = ensemble.is_positive() || ensemble.base.len() == classes;
    if classes < 2 || (call.wants(0) && !chosen_alike && !ensemble.uncertain(classes).is_empty()) {
        return Err(Stop::problem(
            "It chooses among classes that some rows may have no vote for.",
            "Export it with a weight for each class in every leaf, zero or not.",
        ));
    }
    let trees = ensemble.build(x.width(), classes, Aggregate::Sum)?;
    let raw = call.emit(Op::Trees(Box::new(trees)), x.id)?;
    let scores = Rows { id: raw, dtype: DataType::Fp32, ..x.shaped(vec![1, classes], x.batch) };
    let label = if call.wants(0) { label(call, &scores, labels)? } else { Value::Unknown };
    let id = transformed(call, raw, post, classes)?;
    Ok(vec![label, Value::Rows(scores.with(id))])
}

/// Of two classes, runtimes mostly know one score. What they do beyond that differs between them, and is refused.
fn two_classes(call: &mut Call<'_, '_>, x: &Rows, ensemble: Ensemble, post: &str, labels: Labels) -> Lowered {
    let first = ensemble.votes.first().map_or(0, |v| v.target);
    let single = ensemble.votes.iter().all(|v| v.target == first).then_some(first);
    match (single, ensemble.base.len(), post) {
        (Some(0), 0 | 1, "NONE" | "LOGISTIC" | "SOFTMAX" | "SOFTMAX_ZERO") => {
            first_of_two(call, x, ensemble, post, labels)
        }
        (Some(1), 0, "NONE" | "LOGISTIC" | "SOFTMAX" | "SOFTMAX_ZERO") => {
            second_of_two(call, x, ensemble, post, labels)
        }
        (None, 0, _) if !call.wants(0) && ensemble.uncertain(2).is_empty() => {
            let trees = ensemble.build(x.width(), 2, Aggregate::Sum)?;
            let raw = call.emit(Op::Trees(Box::new(trees)), x.id)?;
            let id = transformed(call, raw, post, 2)?;
            Ok(vec![Value::Unknown, both(x, id)])
        }
        _ => Err(Stop::problem(
            format!("Runtimes do not agree on its two classes with these votes, base values and {post}."),
            "Export it with votes for the first class only and at most one base value, as scikit-learn's exporter does.",
        )),
    }
}

fn both(x: &Rows, id: NodeId) -> Value {
    Value::Rows(Rows { id, dtype: DataType::Fp32, ..x.shaped(vec![1, 2], x.batch) })
}

/// The one score, and the label of two: where votes are negative as well, the sum is a score and the second class wins above 0;
/// else it is a probability, and wins above one half.
fn score(
    call: &mut Call<'_, '_>,
    x: &Rows,
    mut ensemble: Ensemble,
    labels: Labels,
) -> Result<(NodeId, bool, Value), Stop> {
    ensemble.votes.iter_mut().for_each(|v| v.target = 0);
    let is_probability = ensemble.is_positive();
    let trees = ensemble.build(x.width(), 1, Aggregate::Sum)?;
    let score = call.emit(Op::Trees(Box::new(trees)), x.id)?;
    if !call.wants(0) {
        return Ok((score, is_probability, Value::Unknown));
    }
    let chosen = call.emit(pair(if is_probability { 1.0 } else { 0.0 }), score)?;
    let chosen = Rows { id: chosen, dtype: DataType::Fp32, ..x.shaped(vec![1, 2], x.batch) };
    Ok((score, is_probability, label(call, &chosen, labels)?))
}

/// Votes for the first class only: the runtime adds the other one.
fn first_of_two(
    call: &mut Call<'_, '_>,
    x: &Rows,
    ensemble: Ensemble,
    post: &str,
    labels: Labels,
) -> Lowered {
    let (score, is_probability, label) = score(call, x, ensemble, labels)?;
    let id = if post == "LOGISTIC" {
        let signed = call.emit(pair(0.0), score)?;
        transformed(call, signed, post, 2)?
    } else {
        call.emit(pair(if is_probability { 1.0 } else { 0.0 }), score)?
    };
    Ok(vec![label, both(x, id)])
}

/// Votes for the second class only: the first one has the score 0.
fn second_of_two(
    call: &mut Call<'_, '_>,
    x: &Rows,
    ensemble: Ensemble,
    post: &str,
    labels: Labels,
) -> Lowered {
    let (score, _, label) = score(call, x, ensemble, labels)?;
    let raw = call.emit(Op::Linear { weights: vec![0.0, 1.0], bias: vec![0.0; 2] }, score)?;
    let id = transformed(call, raw, post, 2)?;
    Ok(vec![label, both(x, id)])
}
