//! One value of many along axes.

use privet_model::graph::{Function, Op, Reduce, Windows};
use privet_model::tensor::DataType;

use super::arithmetic::{minus, scaled};
use super::layout::{
    Shape, across, all_of, axis_of, count, gridded, inner_axis, permuted, places, stretched, strides,
};
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// `x` reduced along `axes`, which stay as dimensions of 1.
pub(super) fn along(call: &mut Call<'_, '_>, x: &Rows, axes: &[usize], reduce: Reduce) -> Result<Rows, Stop> {
    if let Some(batch) = x.batch.filter(|batch| axes.contains(batch)) {
        return Err(across(i64::try_from(batch).unwrap_or(i64::MAX)));
    }
    let kept: Vec<usize> =
        (0..x.rank()).map(|axis| if axes.contains(&axis) { 1 } else { x.dims[axis] }).collect();
    let inside: Vec<usize> =
        (0..x.rank()).map(|axis| if axes.contains(&axis) { x.dims[axis] } else { 1 }).collect();
    if count(&kept)? == x.width() && !inside.contains(&0) {
        return Ok(x.shaped(kept, x.batch));
    }
    if x.width() == 0 {
        let empty = if reduce == Reduce::Sum {
            0.0
        } else if reduce == Reduce::Max {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
        let id = call.fixed(vec![empty; count(&kept)?])?;
        return Ok(Rows { id, ..x.shaped(kept, x.batch) });
    }
    call.builder.charge(x.width())?;
    let steps = strides(&x.dims);
    let (starts, offsets) = (places(&kept, &steps), places(&inside, &steps));
    let windows = starts.iter().map(|start| offsets.iter().map(|offset| start + offset).collect()).collect();
    let id = call.emit(Op::Reduce { reduce, windows: Windows(windows) }, x.id)?;
    Ok(Rows { id, ..x.shaped(kept, x.batch) })
}

/// The mean along axes.
pub(super) fn mean_along(call: &mut Call<'_, '_>, x: &Rows, axes: &[usize]) -> Result<Rows, Stop> {
    let n: usize = axes.iter().map(|&axis| x.dims[axis]).product();
    let sum = along(call, x, axes, Reduce::Sum)?;
    scaled(call, &sum, 1.0 / n as f64, 0.0)
}

pub(super) fn map(call: &mut Call<'_, '_>, x: &Rows, function: Function) -> Result<Rows, Stop> {
    let id = call.emit(Op::Map(function), x.id)?;
    Ok(x.with(id))
}

/// All operators of this family, told apart by name.
pub(super) fn reduce(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let given = if call.has(1) { Some(call.whole_numbers(1)?) } else { call.optional_ints("axes") };
    let axes = match given {
        Some(axes) if !axes.is_empty() => {
            axes.iter().map(|&axis| axis_of(axis, x.rank())).collect::<Result<Vec<_>, _>>()?
        }
        _ if call.int("noop_with_empty_axes", 0) != 0 => Vec::new(),
        _ => (0..x.rank()).collect(),
    };
    let kept = reduced(call, &x, &axes)?;
    if call.int("keepdims", 1) != 0 {
        return one(kept);
    }
    one(without(&kept, &axes))
}

fn reduced(call: &mut Call<'_, '_>, x: &Rows, axes: &[usize]) -> Result<Rows, Stop> {
    let kind = call.node.op_type.clone();
    match kind.as_str() {
        "ReduceMax" => along(call, x, axes, Reduce::Max),
        "ReduceMin" => along(call, x, axes, Reduce::Min),
        "ReduceMean" => mean_along(call, x, axes),
        "ReduceProd" => product(call, x, axes),
        "ReduceLogSumExp" => log_sum_exp(call, x, axes),
        "ReduceL1" => {
            let absolute = map(call, x, Function::Abs)?;
            along(call, &absolute, axes, Reduce::Sum)
        }
        "ReduceSumSquare" | "ReduceL2" => {
            let squares = map(call, x, Function::Square)?;
            let sum = along(call, &squares, axes, Reduce::Sum)?;
            if kind == "ReduceL2" { map(call, &sum, Function::Sqrt) } else { Ok(sum) }
        }
        "ReduceLogSum" => {
            let sum = along(call, x, axes, Reduce::Sum)?;
            map(call, &sum, Function::Log)
        }
        _ => along(call, x, axes, Reduce::Sum),
    }
}

/// `ln Σ e^x`, from the greatest, so that nothing overflows.
pub(super) fn log_sum_exp(call: &mut Call<'_, '_>, x: &Rows, axes: &[usize]) -> Result<Rows, Stop> {
    if x.width() == 0 {
        return along(call, x, axes, Reduce::Max);
    }
    let greatest = along(call, x, axes, Reduce::Max)?;
    let spread = stretched(call, &greatest, &Shape::of(x))?;
    let below = minus(call, x, &spread)?;
    let exp = map(call, &x.with(below), Function::Exp)?;
    let sum = along(call, &exp, axes, Reduce::Sum)?;
    let log = map(call, &sum, Function::Log)?;
    let id = call.emit_many(Op::Add, vec![log.id, greatest.id])?;
    Ok(greatest.with(id))
}

/// By halves: the first times the second, until one value is left.
fn product(call: &mut Call<'_, '_>, x: &Rows, axes: &[usize]) -> Result<Rows, Stop> {
    let mut x = x.clone();
    for &axis in axes {
        if x.batch == Some(axis) {
            return Err(across(i64::try_from(axis).unwrap_or(i64::MAX)));
        }
        if x.dims[axis] == 0 {
            x.dims[axis] = 1;
            let id = call.fixed(vec![1.0; x.width()])?;
            x = x.with(id);
        }
        while x.dims[axis] > 1 {
            let n = x.dims[axis];
            let part = |call: &mut Call<'_, '_>, from: usize, to: usize| {
                let mut lists = all_of(&x.dims);
                lists[axis] = (from..to).collect();
                gridded(call, &x, &lists)
            };
            let (a, b) = (part(call, 0, n / 2)?, part(call, n / 2, n / 2 * 2)?);
            let half = a.with(call.emit_many(Op::Multiply, vec![a.id, b.id])?);
            x = if n.is_multiple_of(2) {
                half
            } else {
                let last = part(call, n - 1, n)?;
                super::moves::joined(call, &[half, last], axis)?
            };
        }
    }
    Ok(x)
}

/// Without axes that were reduced to 1.
pub(super) fn without(x: &Rows, axes: &[usize]) -> Rows {
    let left: Vec<usize> = (0..x.rank()).filter(|axis| !axes.contains(axis)).collect();
    let batch = x.batch.and_then(|batch| left.iter().position(|&axis| axis == batch));
    x.shaped(left.iter().map(|&axis| x.dims[axis]).collect(), batch)
}

/// The place of the greatest or least along an axis.
pub(super) fn arg_extreme(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let axis = inner_axis(&x, call.int("axis", 0))?;
    let last = call.int("select_last_index", 0) != 0;
    let least = call.node.op_type == "ArgMin";
    let x = if least { scaled(call, &x, -1.0, 0.0)? } else { x };
    let placed = arg_max(call, &x, axis, last)?;
    one(if call.int("keepdims", 1) != 0 { placed } else { without(&placed, &[axis]) })
}

/// The place of the greatest along an axis: the first or the last of equals.
pub(super) fn arg_max(call: &mut Call<'_, '_>, x: &Rows, axis: usize, last: bool) -> Result<Rows, Stop> {
    let n = x.dims[axis];
    if n == 0 {
        return Err(Stop::problem("It chooses among no values.", "Export the model again."));
    }
    let mut lists = all_of(&x.dims);
    if last {
        lists[axis].reverse();
    }
    let ordered = gridded(call, x, &lists)?;
    let order: Vec<usize> = (0..x.rank()).filter(|&a| a != axis).chain([axis]).collect();
    let moved = permuted(call, &ordered, &order)?;
    // One choice per row is a label, which clients know how to make.
    let op = if x.width() == n && !last {
        Op::Label(privet_model::graph::Labels::Int((0..).take(n).collect()))
    } else {
        Op::ArgMax { group: n }
    };
    let id = call.emit(op, moved.id)?;
    let mut dims = x.dims.clone();
    dims[axis] = 1;
    let placed = Rows { dtype: DataType::Int64, id, ..x.shaped(dims, x.batch) };
    if last { scaled(call, &placed, -1.0, (n - 1) as f64) } else { Ok(placed) }
}

/// Sums up to each place of an axis.
pub(super) fn cum_sum(call: &mut Call<'_, '_>) -> Lowered {
    let axis = call.whole_numbers(1)?.first().copied().unwrap_or(0);
    let x = call.numbers(0)?;
    let axis = inner_axis(&x, axis)?;
    let (exclusive, reverse) = (call.int("exclusive", 0) != 0, call.int("reverse", 0) != 0);
    let (n, step) = (x.dims[axis], strides(&x.dims)[axis]);
    call.builder.charge(count(&[x.width(), n])?)?;
    let window = |at: usize| {
        let i = at / step % n.max(1);
        let first = at - i * step;
        let range = if reverse { i..n } else { 0..i + 1 };
        range.map(move |j| first + j * step).collect::<Vec<_>>()
    };
    let windows = Windows((0..x.width()).map(window).collect());
    let sums = x.with(call.emit(Op::Reduce { reduce: Reduce::Sum, windows }, x.id)?);
    if !exclusive {
        return one(sums);
    }
    let id = minus(call, &sums, &x)?;
    one(x.with(id))
}
