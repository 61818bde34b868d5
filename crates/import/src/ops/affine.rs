//! Arithmetic with constants, where it stays affine.

use std::rc::Rc;

use privet_model::graph::Op;
use privet_model::tensor::DataType;

use super::broadcast::{affine, spread};
use crate::onnx::tensor::Constant;
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// The constant's side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

pub(super) fn add(call: &mut Call<'_, '_>) -> Lowered {
    if !call.is_constant(0) && !call.is_constant(1) {
        return two(call, Op::Add);
    }
    let (rows, constant, _) = operands(call)?;
    lower(call, &rows, &constant, |c| (1.0, c))
}

pub(super) fn sub(call: &mut Call<'_, '_>) -> Lowered {
    let (rows, constant, side) = operands(call)?;
    match side {
        Side::Right => lower(call, &rows, &constant, |c| (1.0, -c)),
        Side::Left => lower(call, &rows, &constant, |c| (-1.0, c)),
    }
}

pub(super) fn mul(call: &mut Call<'_, '_>) -> Lowered {
    if !call.is_constant(0) && !call.is_constant(1) {
        return two(call, Op::Multiply);
    }
    let (rows, constant, _) = operands(call)?;
    lower(call, &rows, &constant, |c| (c, 0.0))
}

pub(super) fn div(call: &mut Call<'_, '_>) -> Lowered {
    let (rows, constant, side) = operands(call)?;
    if side == Side::Left {
        return Err(Stop::problem(
            "It divides a constant by a value that depends on the rows.",
            "Divide by constants.",
        ));
    }
    if !matches!(rows.dtype, DataType::Fp32 | DataType::Fp64) {
        return Err(Stop::problem(
            "It divides whole numbers, which drops the remainder.",
            "Cast to float32 first.",
        ));
    }
    lower(call, &rows, &constant, |c| (1.0 / c, 0.0))
}

pub(super) fn neg(call: &mut Call<'_, '_>) -> Lowered {
    let rows = call.numbers(0)?;
    let n = rows.width();
    let id = affine(call, &rows, vec![-1.0; n], vec![0.0; n])?;
    one(Rows::new(id, rows.dims, rows.dtype))
}

/// Two values of the same shape.
fn two(call: &mut Call<'_, '_>, op: Op) -> Lowered {
    let (a, b) = (call.numbers(0)?, call.numbers(1)?);
    if a.dims != b.dims {
        let reason = format!("It joins {} with {}.", a.shape(), b.shape());
        return Err(Stop::problem(reason, "Use values of the same shape."));
    }
    let id = call.emit_many(op, vec![a.id, b.id])?;
    one(Rows::new(id, a.dims, a.dtype))
}

fn operands(call: &mut Call<'_, '_>) -> Result<(Rows, Rc<Constant>, Side), Stop> {
    match (call.is_constant(0), call.is_constant(1)) {
        (true, true) => {
            Err(Stop::problem("Both of its inputs are constants.", "Export the model with constants folded."))
        }
        (true, false) => Ok((call.numbers(1)?, call.constant(0)?, Side::Left)),
        (false, true) => Ok((call.numbers(0)?, call.constant(1)?, Side::Right)),
        (false, false) => Err(Stop::problem(
            "Both of its inputs depend on the rows.",
            "Use one dense layer over all columns instead.",
        )),
    }
}

fn lower(
    call: &mut Call<'_, '_>,
    rows: &Rows,
    constant: &Constant,
    of: impl Fn(f64) -> (f64, f64),
) -> Lowered {
    let spread = spread(constant, rows)?;
    let (scale, shift): (Vec<f64>, Vec<f64>) = spread.values.into_iter().map(of).unzip();
    let id = affine(call, rows, scale, shift)?;
    one(Rows::new(id, spread.dims, rows.dtype))
}
