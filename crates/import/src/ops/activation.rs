//! Functions of several values along an axis.

use privet_model::graph::{Comparison, Op};

use super::layout::{Shape, across, axis_of, permuted, stretched};
use super::reduce::arg_max;
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// The input with the axes that are meant as the last one, what that order is, and the size of a group.
fn grouped(call: &mut Call<'_, '_>) -> Result<(Rows, Rows, Vec<usize>, usize), Stop> {
    let x = call.numbers(0)?;
    // Before version 13 the axis says where a group begins, after it along which axis it lies.
    let old = call.opset() < 13;
    let axis = axis_of(call.int("axis", if old { 1 } else { -1 }), x.rank())?;
    let axes: Vec<usize> = if old { (axis..x.rank()).collect() } else { vec![axis] };
    if x.batch.is_some_and(|batch| axes.contains(&batch)) {
        return Err(across(i64::try_from(axis).unwrap_or(i64::MAX)));
    }
    let order: Vec<usize> = (0..x.rank()).filter(|a| !axes.contains(a)).chain(axes.iter().copied()).collect();
    let group = axes.iter().map(|&axis| x.dims[axis]).product();
    let moved = permuted(call, &x, &order)?;
    Ok((x, moved, order, group))
}

/// Back to the order that it had.
fn restored(call: &mut Call<'_, '_>, x: &Rows, order: &[usize]) -> Result<Rows, Stop> {
    let back: Vec<usize> =
        (0..order.len()).filter_map(|axis| order.iter().position(|&o| o == axis)).collect();
    permuted(call, x, &back)
}

pub(super) fn softmax(call: &mut Call<'_, '_>) -> Lowered {
    let (_, moved, order, group) = grouped(call)?;
    let id = call.emit(Op::Softmax { group }, moved.id)?;
    one(restored(call, &moved.with(id), &order)?)
}

pub(super) fn log_softmax(call: &mut Call<'_, '_>) -> Lowered {
    let (_, moved, order, group) = grouped(call)?;
    let id = call.emit(Op::LogSoftmax { group }, moved.id)?;
    one(restored(call, &moved.with(id), &order)?)
}

/// 1 at the greatest, 0 elsewhere.
pub(super) fn hardmax(call: &mut Call<'_, '_>) -> Lowered {
    let (_, moved, order, group) = grouped(call)?;
    let flat = moved.shaped(vec![moved.width() / group.max(1), group], None);
    let best = arg_max(call, &flat, 1, false)?;
    let best = stretched(call, &best, &Shape::of(&flat))?;
    let numbers = (0..moved.width()).map(|at| (at % group.max(1)) as f64).collect();
    let numbers = call.fixed(numbers)?;
    let id = call.emit_many(Op::Compare(Comparison::Equal), vec![best.id, numbers])?;
    one(restored(call, &moved.with(id), &order)?)
}
