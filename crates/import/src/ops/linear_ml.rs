//! The linear models of ONNX-ML, as ONNX Runtime computes them.

use privet_model::graph::{Function, Labels, Op};
use privet_model::tensor::DataType;

use super::post::{POSTS, transformed};
use crate::onnx::value::{Rows, Value};
use crate::onnx::{Call, Lowered, Stop, one};

pub(super) fn regressor(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let post = call.word("post_transform", "NONE", POSTS)?;
    let scores = scores(call, &x)?;
    let targets = call.int("targets", 1);
    if i64::try_from(scores.width()).ok() != Some(targets) {
        let reason = format!("It has {targets} targets, but coefficients for {}.", scores.width());
        return Err(Stop::problem(
            reason,
            "It needs one coefficient per target and column; export the model again.",
        ));
    }
    let id = transformed(call, scores.id, post, scores.width())?;
    one(scores.with(id))
}

/// Label and scores. The label is chosen by the raw scores, before they are transformed.
pub(super) fn classifier(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let post = call.word("post_transform", "NONE", POSTS)?;
    let labels = labels(call)?;
    let raw = scores(call, &x)?;
    if raw.width() == 1 && labels.len() == 2 {
        return one_score_for_two(call, &raw, post, labels);
    }
    if raw.width() != labels.len() || labels.len() < 2 {
        let reason = format!("It has {} class labels, but coefficients for {}.", labels.len(), raw.width());
        return Err(Stop::problem(
            reason,
            "It needs one row of coefficients per class; export the model again.",
        ));
    }
    let label = if call.wants(0) { label(call, &raw, labels)? } else { Value::Unknown };
    if !call.wants(1) {
        return Ok(vec![label]);
    }
    let id = transformed(call, raw.id, post, raw.width())?;
    Ok(vec![label, Value::Rows(raw.with(id))])
}

/// One score for two classes: the runtime adds the first class's. The second class wins only above 0, so `(-s, s)`
/// has the right order, also at 0; its logistic is `(1-p, p)`. Every other transform gives `(1-s, s)`, softmax too:
/// the runtime leaves a single score as it is.
fn one_score_for_two(call: &mut Call<'_, '_>, score: &Rows, post: &str, labels: Labels) -> Lowered {
    let signed = call.emit(pair(0.0), score.id)?;
    let both = score.shaped(vec![1, 2], score.batch);
    let label = if call.wants(0) { label(call, &both.with(signed), labels)? } else { Value::Unknown };
    let id = match post {
        _ if !call.wants(1) => return Ok(vec![label]),
        "PROBIT" => {
            return Err(Stop::problem(
                "Its one score for two classes is transformed by PROBIT.",
                "Export it with NONE.",
            ));
        }
        "LOGISTIC" => call.emit(Op::Map(Function::Sigmoid), signed)?,
        _ => call.emit(pair(1.0), score.id)?,
    };
    Ok(vec![label, Value::Rows(both.with(id))])
}

/// `(first - s, s)`.
pub(super) fn pair(first: f64) -> Op {
    Op::Linear { weights: vec![-1.0, 1.0], bias: vec![first, 0.0] }
}

pub(super) fn label(call: &mut Call<'_, '_>, scores: &Rows, labels: Labels) -> Result<Value, Stop> {
    let dtype = label_type(&labels);
    let id = call.emit(Op::Label(labels), scores.id)?;
    Ok(Value::Rows(Rows { id, dtype, ..scores.shaped(vec![1], scores.batch) }))
}

/// The element type of labels.
pub(super) fn label_type(labels: &Labels) -> DataType {
    match labels {
        Labels::Int(_) => DataType::Int64,
        Labels::Text(_) => DataType::Bytes,
    }
}

pub(super) fn labels(call: &Call<'_, '_>) -> Result<Labels, Stop> {
    // Linear models and trees have another word for whole numbers.
    let ints = [call.ints("classlabels_ints"), call.ints("classlabels_int64s")].concat();
    let texts = call.strings("classlabels_strings")?;
    match (ints.is_empty(), texts.is_empty()) {
        (false, true) => Ok(Labels::Int(ints)),
        (true, false) => Ok(Labels::Text(texts)),
        _ => Err(Stop::problem(
            "Its classes are named by no list of labels, or by two.",
            "Export it with either `classlabels_ints` or `classlabels_strings`.",
        )),
    }
}

/// `coefficients·x + intercepts`, one row of coefficients per score.
fn scores(call: &mut Call<'_, '_>, x: &Rows) -> Result<Rows, Stop> {
    let (weights, mut bias) = (call.floats("coefficients")?, call.floats("intercepts")?);
    let n = x.width();
    let rows = weights.len() / n.max(1);
    if rows == 0 || rows * n != weights.len() {
        let reason =
            format!("It has {} coefficients, which are no whole rows of {n} columns.", weights.len());
        return Err(Stop::problem(reason, "It needs one coefficient per class or target and column."));
    }
    if bias.is_empty() {
        bias = vec![0.0; rows];
    }
    if bias.len() != rows {
        let reason = format!("It has {} intercepts for {rows} rows of coefficients.", bias.len());
        return Err(Stop::problem(
            reason,
            "It needs one intercept per row, or none; export the model again.",
        ));
    }
    let id = call.emit(Op::Linear { weights, bias }, x.id)?;
    Ok(Rows { id, dtype: DataType::Fp32, ..x.shaped(vec![1, rows], x.batch) })
}
