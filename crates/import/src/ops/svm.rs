//! Support vector machines of ONNX-ML, as ONNX Runtime computes them.

use privet_model::graph::{Comparison, Function, Labels, NodeId, Op, Reduce, Windows};
use privet_model::tensor::DataType;

use super::linear_ml::{label, labels, pair};
use super::post::{POSTS, transformed};
use crate::onnx::value::{Rows, Value};
use crate::onnx::{Call, Lowered, Stop, one};

pub(super) fn regressor(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    call.word("post_transform", "NONE", &["NONE"])?;
    let (coefficients, rho) = (call.floats("coefficients")?, call.floats("rho")?);
    let count = usize::try_from(call.int("n_supports", 0)).unwrap_or(0);
    let (Some(&rho), true) = (rho.first(), count == 0 || coefficients.len() == count) else {
        return Err(misfit());
    };
    let score = if count == 0 {
        linear(call, &x, coefficients, vec![rho])?
    } else {
        let vectors = call.floats("support_vectors")?;
        combined(call, &x, &vectors, &coefficients, vec![rho])?
    };
    let id = if call.int("one_class", 0) == 0 { score } else { side(call, score)? };
    one(Rows { id, dtype: DataType::Fp32, ..x.shaped(vec![1, 1], x.batch) })
}

/// 1 above 0, else -1.
fn side(call: &mut Call<'_, '_>, score: NodeId) -> Result<NodeId, Stop> {
    let zero = call.fixed(vec![0.0])?;
    let above = call.emit_many(Op::Compare(Comparison::Less), vec![zero, score])?;
    call.emit(Op::Affine { scale: vec![2.0], shift: vec![-1.0] }, above)
}

pub(super) fn classifier(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    let post = call.word("post_transform", "NONE", POSTS)?;
    let labels = labels(call)?;
    if call.attribute("prob_a").is_some_and(|a| !a.floats.is_empty()) {
        return Err(Stop::problem(
            "Its probabilities come from an iteration that ends early.",
            "Train without probabilities (`probability=False`), or calibrate the scores by a logistic model.",
        ));
    }
    if labels.len() < 2 || labels.len() > 1 << 12 {
        return Err(misfit());
    }
    let counts = call.ints("vectors_per_class");
    if counts.iter().all(|&n| n == 0) {
        return by_class(call, &x, post, labels);
    }
    let pairs = Pairs::read(call, &counts, labels.len())?;
    let vectors = call.floats("support_vectors")?;
    let scores = combined(call, &x, &vectors, &pairs.matrix, pairs.rho)?;
    if labels.len() == 2 {
        one_pair(call, &x, scores, post, labels)
    } else {
        votes(call, &x, scores, post, labels)
    }
}

/// One score for each class; of two, the second also wins where the greater score is high.
fn by_class(call: &mut Call<'_, '_>, x: &Rows, post: &str, labels: Labels) -> Lowered {
    let (coefficients, rho) = (call.floats("coefficients")?, call.floats("rho")?);
    let (classes, Some(&rho)) = (labels.len(), rho.first()) else { return Err(misfit()) };
    let positive = coefficients.iter().all(|&c| c >= 0.0);
    let raw = linear(call, x, coefficients, vec![rho; classes])?;
    let scores = Rows { id: raw, dtype: DataType::Fp32, ..x.shaped(vec![1, classes], x.batch) };
    let chosen =
        if classes == 2 { scores.with(high_or_second(call, raw, positive)?) } else { scores.clone() };
    let label = if call.wants(0) { label(call, &chosen, labels)? } else { Value::Unknown };
    let id = transformed(call, raw, post, classes)?;
    Ok(vec![label, Value::Rows(scores.with(id))])
}

/// Two values of which the second is greater where the second class is chosen.
fn high_or_second(call: &mut Call<'_, '_>, scores: NodeId, positive: bool) -> Result<NodeId, Stop> {
    let greatest = Op::Reduce { reduce: Reduce::Max, windows: Windows(vec![vec![0, 1]]) };
    let greatest = call.emit(greatest, scores)?;
    let bound = call.fixed(vec![if positive { 0.5 } else { 0.0 }])?;
    let high = if positive { Comparison::LessOrEqual } else { Comparison::Less };
    let high = call.emit_many(Op::Compare(high), vec![bound, greatest])?;
    let (first, second) = (call.emit(Op::Select(vec![0]), scores)?, call.emit(Op::Select(vec![1]), scores)?);
    let second = call.emit_many(Op::Compare(Comparison::Less), vec![first, second])?;
    let either = call.emit_many(Op::Add, vec![high, second])?;
    call.emit(Op::Linear { weights: vec![0.0, 1.0], bias: vec![0.5, 0.0] }, either)
}

/// The score of the only pair: above 0, the first class wins.
fn one_pair(call: &mut Call<'_, '_>, x: &Rows, score: NodeId, post: &str, labels: Labels) -> Lowered {
    if post == "PROBIT" {
        return Err(Stop::problem("Its one score is transformed by PROBIT.", "Export it with NONE."));
    }
    let rows = |id: NodeId| Rows { id, dtype: DataType::Fp32, ..x.shaped(vec![1, 2], x.batch) };
    let label = if call.wants(0) {
        let zero = call.fixed(vec![0.0])?;
        let above = call.emit_many(Op::Compare(Comparison::Less), vec![zero, score])?;
        let chosen = call.emit(Op::Linear { weights: vec![1.0, -1.0], bias: vec![0.0, 1.0] }, above)?;
        label(call, &rows(chosen), labels)?
    } else {
        Value::Unknown
    };
    let raw = call.emit(pair(if matches!(post, "NONE" | "LOGISTIC") { 0.0 } else { 1.0 }), score)?;
    let id = if post == "LOGISTIC" { transformed(call, raw, post, 2)? } else { raw };
    Ok(vec![label, Value::Rows(rows(id))])
}

/// A score for each pair of classes, which is a vote for one of them.
fn votes(call: &mut Call<'_, '_>, x: &Rows, scores: NodeId, post: &str, labels: Labels) -> Lowered {
    let classes = labels.len();
    let pairs = classes * (classes - 1) / 2;
    let label = if call.wants(0) {
        call.builder.charge(pairs.saturating_mul(classes))?;
        let zero = call.fixed(vec![0.0; pairs])?;
        let above = call.emit_many(Op::Compare(Comparison::Less), vec![zero, scores])?;
        let (mut weights, mut bias) = (vec![0.0; classes * pairs], vec![0.0; classes]);
        for (at, (i, j)) in each_pair(classes).enumerate() {
            weights[i * pairs + at] = 1.0;
            weights[j * pairs + at] = -1.0;
            bias[j] += 1.0;
        }
        let votes = call.emit(Op::Linear { weights, bias }, above)?;
        label(
            call,
            &Rows { id: votes, dtype: DataType::Fp32, ..x.shaped(vec![1, classes], x.batch) },
            labels,
        )?
    } else {
        Value::Unknown
    };
    let id = transformed(call, scores, post, pairs)?;
    Ok(vec![label, Value::Rows(Rows { id, dtype: DataType::Fp32, ..x.shaped(vec![1, pairs], x.batch) })])
}

fn each_pair(classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..classes).flat_map(move |i| (i + 1..classes).map(move |j| (i, j)))
}

/// What is made of the support vectors for each pair of classes.
struct Pairs {
    /// A row for each pair, a column for each support vector.
    matrix: Vec<f64>,
    rho: Vec<f64>,
}

impl Pairs {
    fn read(call: &mut Call<'_, '_>, counts: &[i64], classes: usize) -> Result<Self, Stop> {
        let counts: Option<Vec<usize>> = counts.iter().map(|&n| usize::try_from(n).ok()).collect();
        let counts = counts.filter(|counts| counts.len() == classes).ok_or_else(misfit)?;
        let (coefficients, mut rho) = (call.floats("coefficients")?, call.floats("rho")?);
        let vectors = counts.iter().fold(0_usize, |n, &c| n.saturating_add(c));
        let pairs = classes * (classes - 1) / 2;
        if vectors.checked_mul(classes - 1) != Some(coefficients.len()) || rho.len() < pairs {
            return Err(misfit());
        }
        rho.truncate(pairs);
        call.builder.charge(pairs.saturating_mul(vectors))?;
        let starts: Vec<usize> = (0..classes).map(|i| counts[..i].iter().sum()).collect();
        let mut matrix = vec![0.0; pairs * vectors];
        // The coefficients of a class against the others leave out the class itself.
        for (at, (i, j)) in each_pair(classes).enumerate() {
            for (class, row) in [(i, j - 1), (j, i)] {
                let own = starts[class]..starts[class] + counts[class];
                let from = &coefficients[row * vectors..][own.clone()];
                matrix[at * vectors..][own].copy_from_slice(from);
            }
        }
        Ok(Self { matrix, rho })
    }
}

fn linear(call: &mut Call<'_, '_>, x: &Rows, weights: Vec<f64>, bias: Vec<f64>) -> Result<NodeId, Stop> {
    if x.width().checked_mul(bias.len()) != Some(weights.len()) {
        return Err(misfit());
    }
    call.emit(Op::Linear { weights, bias }, x.id)
}

/// Sums of the kernel over all support vectors, by `matrix`.
fn combined(
    call: &mut Call<'_, '_>,
    x: &Rows,
    vectors: &[f64],
    matrix: &[f64],
    bias: Vec<f64>,
) -> Result<NodeId, Stop> {
    let (n, count) = (x.width(), matrix.len() / bias.len().max(1));
    if n.checked_mul(count) != Some(vectors.len()) || count == 0 {
        return Err(misfit());
    }
    if call.word("kernel_type", "LINEAR", &["LINEAR", "POLY", "RBF", "SIGMOID"])? != "LINEAR" {
        let kernels = kernels(call, x, vectors, count)?;
        return call.emit(Op::Linear { weights: matrix.to_vec(), bias }, kernels);
    }
    // One matrix for both steps.
    call.builder.charge_work(matrix.len().saturating_mul(n))?;
    call.builder.charge(bias.len().saturating_mul(n))?;
    let weights = matrix.chunks_exact(count).flat_map(|row| product(row, vectors, n)).collect();
    linear(call, x, weights, bias)
}

fn product(row: &[f64], vectors: &[f64], n: usize) -> Vec<f64> {
    let mut sum = vec![0.0; n];
    for (c, vector) in row.iter().zip(vectors.chunks_exact(n)) {
        sum.iter_mut().zip(vector).for_each(|(s, v)| *s += c * v);
    }
    sum
}

/// The kernel of the row with each support vector.
fn kernels(call: &mut Call<'_, '_>, x: &Rows, vectors: &[f64], count: usize) -> Result<NodeId, Stop> {
    let kind = call.word("kernel_type", "LINEAR", &["LINEAR", "POLY", "RBF", "SIGMOID"])?;
    let given = call.floats("kernel_params")?;
    let parameter = |i: usize| given.get(i).copied().unwrap_or(0.0);
    let (gamma, coef0, degree) = (parameter(0), parameter(1), parameter(2));
    let scaled = |by: f64| vectors.iter().map(|v| v * by).collect::<Vec<f64>>();
    if kind != "RBF" {
        let inside = linear(call, x, scaled(gamma), vec![coef0; count])?;
        let function = if kind == "POLY" { Function::Power(degree) } else { Function::Tanh };
        return call.emit(Op::Map(function), inside);
    }
    // The square of the distance: |x|² - 2·v·x + |v|².
    let squares = call.emit(Op::Map(Function::Square), x.id)?;
    let size = vec![(0..x.width()).collect::<Vec<_>>()];
    let size = call.emit(Op::Reduce { reduce: Reduce::Sum, windows: Windows(size) }, squares)?;
    let size = call.emit(Op::Linear { weights: vec![-gamma; count], bias: vec![0.0; count] }, size)?;
    let lengths =
        vectors.chunks_exact(x.width()).map(|v| -gamma * v.iter().map(|v| v * v).sum::<f64>()).collect();
    let rest = linear(call, x, scaled(2.0 * gamma), lengths)?;
    let inside = call.emit_many(Op::Add, vec![size, rest])?;
    call.emit(Op::Map(Function::Exp), inside)
}

fn misfit() -> Stop {
    Stop::problem(
        "Its support vectors, coefficients, offsets and classes do not fit each other.",
        "Export the model again.",
    )
}
