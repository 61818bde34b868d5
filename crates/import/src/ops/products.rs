//! Dense layers and products of matrices.

use privet_model::graph::{MatMul, Op};

use super::arithmetic::{affine, scaled};
use super::layout::{Shape, count, joint, permuted, spread, stretched};
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// `alpha·A·B + beta·C`.
pub(super) fn gemm(call: &mut Call<'_, '_>) -> Lowered {
    let (alpha, beta) = (call.finite_float("alpha", 1.0)?, call.finite_float("beta", 1.0)?);
    let (trans_a, trans_b) = (call.int("transA", 0) != 0, call.int("transB", 0) != 0);
    if call.is_constant(1) && !call.is_constant(0) && !trans_a {
        let x = call.numbers(0)?;
        if x.rank() == 2 && x.dims[0] == 1 {
            return dense(call, &x, trans_b, alpha, beta);
        }
    }
    let (a, b) = (call.numbers(0)?, call.numbers(1)?);
    if a.rank() != 2 || b.rank() != 2 {
        return Err(Stop::problem("It multiplies other things than matrices.", "Export it as MatMul."));
    }
    let a = if trans_a { permuted(call, &a, &[1, 0])? } else { a };
    let b = if trans_b { permuted(call, &b, &[1, 0])? } else { b };
    let product = multiplied(call, &a, &b)?;
    let product = unless_one(call, &product, alpha)?;
    if !call.has(2) {
        return one(product);
    }
    if call.is_constant(2) {
        let (bias, dims) = call.weights(2)?;
        let bias = spread_over(call, &product, &bias, &dims)?;
        let shift = bias.iter().map(|b| beta * b).collect();
        let id = affine(call, &product, vec![1.0; product.width()], shift)?;
        return one(product.with(id));
    }
    let c = call.numbers(2)?;
    let c = unless_one(call, &c, beta)?;
    let to = joint(&[&Shape::of(&product), &Shape::of(&c)])?;
    let c = stretched(call, &c, &to)?;
    let id = call.emit_many(Op::Add, vec![product.id, c.id])?;
    one(product.with(id))
}

#[allow(clippy::float_cmp)] // the usual factor
fn unless_one(call: &mut Call<'_, '_>, x: &Rows, factor: f64) -> Result<Rows, Stop> {
    if factor == 1.0 { Ok(x.clone()) } else { scaled(call, x, factor, 0.0) }
}

/// A layer of one row of values, with constant weights and bias.
fn dense(call: &mut Call<'_, '_>, x: &Rows, transposed: bool, alpha: f64, beta: f64) -> Lowered {
    let matrix = Matrix::read(call, transposed, x.width())?;
    let weights = matrix.weights.iter().map(|w| alpha * w).collect();
    let result = x.shaped(vec![1, matrix.outputs], x.batch);
    let bias = if call.has(2) && call.is_constant(2) {
        let (bias, dims) = call.weights(2)?;
        spread_over(call, &result, &bias, &dims)?.iter().map(|b| beta * b).collect()
    } else {
        vec![0.0; matrix.outputs]
    };
    let id = call.emit(Op::Linear { weights, bias }, x.id)?;
    let result = result.with(id);
    if !call.has(2) || call.is_constant(2) {
        return one(result);
    }
    let c = call.numbers(2)?;
    let c = unless_one(call, &c, beta)?;
    let c = stretched(call, &c, &Shape::of(&result))?;
    let id = call.emit_many(Op::Add, vec![result.id, c.id])?;
    one(result.with(id))
}

/// A bias over all values of a result that it fits.
fn spread_over(call: &mut Call<'_, '_>, x: &Rows, bias: &[f64], dims: &[usize]) -> Result<Vec<f64>, Stop> {
    let to = joint(&[&Shape::of(x), &Shape::fixed(dims)])?;
    if to.dims != x.dims {
        let reason = format!("Its bias has {} values for {} outputs.", bias.len(), x.width());
        return Err(Stop::problem(reason, "Export the layer again."));
    }
    spread(call, bias, dims, &to.dims)
}

pub(super) fn mat_mul(call: &mut Call<'_, '_>) -> Lowered {
    if call.is_constant(1) && !call.is_constant(0) {
        let x = call.numbers(0)?;
        let constant = call.constant(1)?;
        let is_vector = x.dims.last() == Some(&x.width());
        if is_vector && x.rank() > 1 && constant.dims.len() <= 2 {
            let Matrix { weights, outputs } = Matrix::read(call, false, x.width())?;
            let id = call.emit(Op::Linear { weights, bias: vec![0.0; outputs] }, x.id)?;
            // A vector on the right takes its dimension away.
            let mut dims = x.dims[..x.rank() - 1].to_vec();
            if constant.dims.len() == 2 {
                dims.push(outputs);
            }
            return one(Rows { id, ..x.shaped(dims, x.batch) });
        }
    }
    let (a, b) = (call.numbers(0)?, call.numbers(1)?);
    let (one_left, one_right) = (a.rank() == 1, b.rank() == 1);
    let a = if one_left { a.shaped([&[1], &a.dims[..]].concat(), a.batch.map(|axis| axis + 1)) } else { a };
    let b = if one_right { b.shaped([&b.dims[..], &[1]].concat(), b.batch) } else { b };
    let product = multiplied(call, &a, &b)?;
    let rank = product.rank();
    let gone: Vec<usize> = [(one_left, rank - 2), (one_right, rank - 1)]
        .iter()
        .filter(|(gone, _)| *gone)
        .map(|(_, a)| *a)
        .collect();
    one(super::reduce::without(&product, &gone))
}

/// A stack of matrix products, the leading axes stretched to each other.
pub(super) fn multiplied(call: &mut Call<'_, '_>, a: &Rows, b: &Rows) -> Result<Rows, Stop> {
    let misfit = || {
        let reason = format!("It multiplies {} by {}.", a.shape(), b.shape());
        Stop::problem(
            reason,
            "The columns of the left matrix are the rows of the right one; export it again.",
        )
    };
    if a.rank() < 2 || b.rank() < 2 {
        return Err(misfit());
    }
    let (left, right) = (Sides::of(a), Sides::of(b));
    if left.columns != right.rows || left.inside == Some(1) || right.inside == Some(0) {
        return Err(misfit());
    }
    let stack = joint(&[&left.stack, &right.stack])?;
    let dims = [&stack.dims[..], &[left.rows, right.columns]].concat();
    let batch = match (stack.batch, left.inside, right.inside) {
        (batch, None, None) => batch,
        (None, Some(_), None) => Some(dims.len() - 2),
        (None, None, Some(_)) => Some(dims.len() - 1),
        _ => return Err(misfit()),
    };
    let whole = |stack: &Shape, rows, columns| Shape {
        dims: [&stack.dims[..], &[rows, columns]].concat(),
        batch: None,
    };
    let stretch = |call: &mut Call<'_, '_>, x: &Rows, rows, columns| {
        let flat = x.shaped(x.dims.clone(), None);
        stretched(call, &flat, &whole(&stack, rows, columns))
    };
    let (l, r) = (stretch(call, a, left.rows, left.columns)?, stretch(call, b, right.rows, right.columns)?);
    let shape =
        MatMul { stack: count(&stack.dims)?, rows: left.rows, inner: left.columns, columns: right.columns };
    let id = call.emit_many(Op::MatMul(shape), vec![l.id, r.id])?;
    Ok(Rows { id, ..a.shaped(dims, batch) })
}

/// The leading axes and the matrix of a value.
struct Sides {
    stack: Shape,
    rows: usize,
    columns: usize,
    /// Whether the rows of the batch lie along the matrix' rows (0) or columns (1).
    inside: Option<usize>,
}

impl Sides {
    fn of(x: &Rows) -> Self {
        let lead = x.rank() - 2;
        Self {
            stack: Shape { dims: x.dims[..lead].to_vec(), batch: x.batch.filter(|&axis| axis < lead) },
            rows: x.dims[lead],
            columns: x.dims[lead + 1],
            inside: x.batch.and_then(|axis| axis.checked_sub(lead)),
        }
    }
}

/// Weights, one row for each output.
struct Matrix {
    weights: Vec<f64>,
    outputs: usize,
}

impl Matrix {
    /// Reads `inputs × outputs` values, or `outputs × inputs` where they are stored transposed.
    fn read(call: &mut Call<'_, '_>, transposed: bool, inputs: usize) -> Result<Self, Stop> {
        let name = call.name_of(1).to_owned();
        let (given, dims) = call.weights(1)?;
        let (rows, columns) = match dims[..] {
            [rows] if !transposed => (rows, 1),
            [rows, columns] => (rows, columns),
            _ => return Err(shape_problem(&name, &dims, inputs)),
        };
        let (takes, outputs) = if transposed { (columns, rows) } else { (rows, columns) };
        if takes != inputs || outputs == 0 {
            return Err(shape_problem(&name, &dims, inputs));
        }
        let weights = if transposed { given } else { transpose(&given, outputs) };
        Ok(Self { weights, outputs })
    }
}

fn shape_problem(name: &str, dims: &[usize], inputs: usize) -> Stop {
    let reason = format!("Its weight `{name}` has the shape {dims:?}, but {inputs} values per row come in.");
    Stop::problem(
        reason,
        "The weight must have one row for each column of the input; export the model again.",
    )
}

fn transpose(values: &[f64], columns: usize) -> Vec<f64> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposes_row_major_values() {
        assert_eq!(transpose(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
