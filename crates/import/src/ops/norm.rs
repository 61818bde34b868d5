//! Normalisations: by statistics of training, which are affine, or of the values themselves.

use privet_model::graph::{Function, Op, Reduce, Windows};

use super::arithmetic::{affine, minus, scaled};
use super::frame::Image;
use super::layout::{Shape, axis_of, count, inner_axis, joint, spread, stretched, strides};
use super::reduce::{along, map, mean_along};
use crate::onnx::value::{Rows, Value};
use crate::onnx::{Call, Lowered, Stop, one};

/// `scale·(x - mean)/√(var + ε) + B`, by channel.
pub(super) fn batch_normalization(call: &mut Call<'_, '_>) -> Lowered {
    call.only("training_mode", 0, "Export the model for inference.")?;
    let x = call.numbers(0)?;
    let channels = x.dims.get(1).copied().unwrap_or(1);
    let mut given = Vec::new();
    for i in 1..5 {
        let (values, _) = call.weights(i)?;
        if values.len() != channels {
            let reason = format!(
                "Its input `{}` has {} values for {channels} channels.",
                call.name_of(i),
                values.len()
            );
            return Err(Stop::problem(reason, "Export the layer again."));
        }
        given.push(values);
    }
    let epsilon = call.finite_float("epsilon", 1e-5)?;
    let scale: Vec<f64> = (0..channels).map(|c| given[0][c] / (given[3][c] + epsilon).sqrt()).collect();
    let shift: Vec<f64> = (0..channels).map(|c| given[1][c] - given[2][c] * scale[c]).collect();
    let id = per_channel(call, &x, 1, &scale, &shift)?;
    one(x.with(id))
}

/// An affine function for each place of an axis.
fn per_channel(
    call: &mut Call<'_, '_>,
    x: &Rows,
    axis: usize,
    scale: &[f64],
    shift: &[f64],
) -> Result<privet_model::graph::NodeId, Stop> {
    let (n, step) =
        (x.dims.get(axis).copied().unwrap_or(1), strides(&x.dims).get(axis).copied().unwrap_or(1));
    call.builder.charge(count(&[2, x.width()])?)?;
    let by_value =
        |values: &[f64]| (0..x.width()).map(|at| values[at / step.max(1) % n.max(1)]).collect::<Vec<f64>>();
    affine(call, x, by_value(scale), by_value(shift))
}

/// What is divided by, as its inverse.
struct Standard {
    values: Rows,
    mean: Option<Rows>,
    inverse: Rows,
}

/// `(x - mean)/√(var + ε)` along axes; without the mean, by the root of the mean square.
fn standardized(
    call: &mut Call<'_, '_>,
    x: &Rows,
    axes: &[usize],
    epsilon: f64,
    centred: bool,
) -> Result<Standard, Stop> {
    let shape = Shape::of(x);
    let (centre, mean) = if centred {
        let mean = mean_along(call, x, axes)?;
        let wide = stretched(call, &mean, &shape)?;
        (x.with(minus(call, x, &wide)?), Some(mean))
    } else {
        (x.clone(), None)
    };
    let squares = map(call, &centre, Function::Square)?;
    let variance = mean_along(call, &squares, axes)?;
    let safe = scaled(call, &variance, 1.0, epsilon)?;
    let inverse = map(call, &safe, Function::Power(-0.5))?;
    let wide = stretched(call, &inverse, &shape)?;
    let id = call.emit_many(Op::Multiply, vec![centre.id, wide.id])?;
    Ok(Standard { values: x.with(id), mean, inverse })
}

/// Times input 1, plus input 2 where it is there, both constant or not.
fn scaled_by_inputs(call: &mut Call<'_, '_>, x: &Rows, lead: &[usize]) -> Result<Rows, Stop> {
    let mut y = x.clone();
    for (i, is_factor) in [(1, true), (2, false)] {
        if !call.has(i) {
            continue;
        }
        // A parameter by channel stands for all places of the channel.
        let trailing = |dims: &[usize]| [dims, lead].concat();
        if call.is_constant(i) {
            let (values, dims) = call.weights(i)?;
            let dims = trailing(&dims);
            let to = joint(&[&Shape::of(&y), &Shape::fixed(&dims)])?;
            let values = spread(call, &values, &dims, &to.dims)?;
            let n = values.len();
            let id = if is_factor {
                affine(call, &y, values, vec![0.0; n])?
            } else {
                affine(call, &y, vec![1.0; n], values)?
            };
            y = y.with(id);
        } else {
            let given = call.numbers(i)?;
            let given = given.shaped(trailing(&given.dims), given.batch);
            let to = joint(&[&Shape::of(&y), &Shape::of(&given)])?;
            let given = stretched(call, &given, &to)?;
            let op = if is_factor { Op::Multiply } else { Op::Add };
            y = y.with(call.emit_many(op, vec![y.id, given.id])?);
        }
    }
    Ok(y)
}

/// Along the last axes; also gives the mean and the inverse deviation.
pub(super) fn layer_normalization(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let axis = inner_axis(&x, call.int("axis", -1))?;
    let axes: Vec<usize> = (axis..x.rank()).collect();
    let epsilon = call.finite_float("epsilon", 1e-5)?;
    let standard = standardized(call, &x, &axes, epsilon, true)?;
    let y = scaled_by_inputs(call, &standard.values, &[])?;
    let mean = standard.mean.map_or(Value::Unknown, Value::Rows);
    Ok(vec![Value::Rows(y), mean, Value::Rows(standard.inverse)])
}

pub(super) fn rms_normalization(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let axis = inner_axis(&x, call.int("axis", -1))?;
    let axes: Vec<usize> = (axis..x.rank()).collect();
    let epsilon = call.finite_float("epsilon", 1e-5)?;
    let standard = standardized(call, &x, &axes, epsilon, false)?;
    one(scaled_by_inputs(call, &standard.values, &[])?)
}

/// Each channel of each row by itself.
pub(super) fn instance_normalization(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let image = Image::of(&x)?;
    let axes: Vec<usize> = (2..x.rank()).collect();
    let epsilon = call.finite_float("epsilon", 1e-5)?;
    let standard = standardized(call, &x, &axes, epsilon, true)?;
    one(scaled_by_inputs(call, &standard.values, &vec![1; image.rank()])?)
}

/// Groups of channels; before version 21 the parameters are by group.
pub(super) fn group_normalization(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let image = Image::of(&x)?;
    let groups =
        usize::try_from(call.int("num_groups", 0)).ok().filter(|&g| g > 0 && image.channels % g == 0);
    let groups =
        groups.ok_or_else(|| Stop::problem("Its channels do not make its groups.", "Export it again."))?;
    let grouped = x.shaped(vec![image.images, groups, x.width() / image.images / groups], x.batch);
    let epsilon = call.finite_float("epsilon", 1e-5)?;
    let standard = standardized(call, &grouped, &[2], epsilon, true)?;
    if call.opset() < 21 {
        let y = scaled_by_inputs(call, &standard.values, &[1])?;
        return one(y.shaped(x.dims.clone(), x.batch));
    }
    let y = standard.values.shaped(x.dims.clone(), x.batch);
    one(scaled_by_inputs(call, &y, &vec![1; image.rank()])?)
}

pub(super) fn mean_variance_normalization(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let axes = call.optional_ints("axes").unwrap_or_else(|| vec![0, 2, 3]);
    let axes = axes.iter().map(|&axis| axis_of(axis, x.rank())).collect::<Result<Vec<_>, _>>()?;
    one(standardized(call, &x, &axes, 1e-18, true)?.values)
}

/// To unit length along an axis; nothing but zeros stays so.
pub(super) fn lp_normalization(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let axis = inner_axis(&x, call.int("axis", -1))?;
    let length = if call.int("p", 2) == 1 {
        let size = map(call, &x, Function::Abs)?;
        along(call, &size, &[axis], Reduce::Sum)?
    } else {
        let squares = map(call, &x, Function::Square)?;
        let sum = along(call, &squares, &[axis], Reduce::Sum)?;
        map(call, &sum, Function::Sqrt)?
    };
    let tiny = f64::MIN_POSITIVE;
    let safe = map(call, &length, Function::Clip { low: tiny, high: f64::INFINITY })?;
    let wide = stretched(call, &safe, &Shape::of(&x))?;
    let id = call.emit_many(Op::Divide, vec![x.id, wide.id])?;
    one(x.with(id))
}

/// Each value by the squares of its neighbours among the channels.
pub(super) fn local_response(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let image = Image::of(&x)?;
    let size = usize::try_from(call.int("size", 1)).ok().filter(|n| (1..=1 << 12).contains(n));
    let size = size.ok_or_else(|| Stop::problem("Its size is not possible.", "Export it again."))?;
    let (alpha, beta) = (call.finite_float("alpha", 1e-4)?, call.finite_float("beta", 0.75)?);
    let bias = call.finite_float("bias", 1.0)?;
    call.builder.charge(count(&[x.width(), size])?)?;
    let (c, area) = (image.channels, image.area());
    let window = |at: usize| {
        let own = at / area % c;
        let (from, to) = (own.saturating_sub((size - 1) / 2), (own + size / 2).min(c - 1));
        (from..=to).map(|other| at + other * area - own * area).collect::<Vec<_>>()
    };
    let windows = Windows((0..x.width()).map(window).collect());
    let squares = map(call, &x, Function::Square)?;
    let sums = x.with(call.emit(Op::Reduce { reduce: Reduce::Sum, windows }, squares.id)?);
    let inside = scaled(call, &sums, alpha / size as f64, bias)?;
    let factor = map(call, &inside, Function::Power(-beta))?;
    let id = call.emit_many(Op::Multiply, vec![x.id, factor.id])?;
    one(x.with(id))
}
