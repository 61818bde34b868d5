//! Numbers on a grid: as bytes in the file, as the whole numbers that they are here.

use privet_model::graph::{Function, Op};
use privet_model::tensor::DataType;

use super::arithmetic::affine;
use super::layout::{Shape, axis_of, count, inner_axis, joint, places, spread, strides};
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// Scale and zero point for each value of `x`.
fn grid(call: &mut Call<'_, '_>, x: &Rows) -> Result<(Vec<f64>, Vec<f64>), Stop> {
    let (scale, dims) = call.weights(1)?;
    let zero = if call.has(2) { call.weights(2)?.0 } else { vec![0.0; scale.len()] };
    if zero.len() != scale.len() {
        return Err(Stop::problem("Its scales and zero points differ in number.", "Export it again."));
    }
    if call.int("block_size", 0) != 0 {
        return by_blocks(call, x, &scale, &zero, &dims);
    }
    let dims = if dims.len() == 1 && dims[0] > 1 {
        let axis = axis_of(call.int("axis", 1), x.rank())?;
        (axis..x.rank()).map(|a| if a == axis { dims[0] } else { 1 }).collect()
    } else {
        vec![1; dims.len().min(1)]
    };
    let to = joint(&[&Shape::of(x), &Shape::fixed(&dims)])?;
    if to.dims != x.dims {
        return Err(misfit());
    }
    Ok((spread(call, &scale, &dims, &to.dims)?, spread(call, &zero, &dims, &to.dims)?))
}

/// Along one axis, a scale and a zero point for each so many values.
fn by_blocks(
    call: &mut Call<'_, '_>,
    x: &Rows,
    scale: &[f64],
    zero: &[f64],
    dims: &[usize],
) -> Result<(Vec<f64>, Vec<f64>), Stop> {
    let axis = inner_axis(x, call.int("axis", 1))?;
    let size = usize::try_from(call.int("block_size", 0)).ok().filter(|&n| n > 0).ok_or_else(misfit)?;
    let mut blocks = x.dims.clone();
    blocks[axis] = blocks[axis].div_ceil(size);
    if blocks != dims {
        return Err(misfit());
    }
    call.builder.charge(count(&[2, x.width()])?)?;
    let mut steps = strides(&blocks);
    let own = std::mem::take(&mut steps[axis]);
    let (behind, length) = (strides(&x.dims)[axis], x.dims[axis]);
    let block = |at: usize| at / behind % length / size * own;
    let from: Vec<usize> =
        places(&x.dims, &steps).into_iter().enumerate().map(|(at, base)| base + block(at)).collect();
    let picked = |values: &[f64]| from.iter().map(|&i| values[i]).collect();
    Ok((picked(scale), picked(zero)))
}

fn misfit() -> Stop {
    Stop::problem("Its scales do not fit its values.", "Export it again.")
}

/// `(x - zero)·scale`.
pub(super) fn dequantize(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let (scale, zero) = grid(call, &x)?;
    let shift = scale.iter().zip(&zero).map(|(s, z)| 0.0 - s * z).collect();
    let id = affine(call, &x, scale, shift)?;
    one(Rows { dtype: DataType::Fp32, ..x.with(id) })
}

/// `x/scale + zero`, rounded and cut to what the type holds.
pub(super) fn quantize(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let (scale, zero) = grid(call, &x)?;
    let (low, high) = limits(call)?;
    let factor: Vec<f64> = scale.iter().map(|s| 1.0 / s).collect();
    let n = factor.len();
    let scaled = affine(call, &x, factor, vec![0.0; n])?;
    let rounded = call.emit(Op::Map(Function::Round), scaled)?;
    let shifted = affine(call, &x.with(rounded), vec![1.0; n], zero)?;
    let id = call.emit(Op::Map(Function::Clip { low, high }), shifted)?;
    one(Rows { dtype: DataType::Int32, ..x.with(id) })
}

/// The least and the greatest number of the type of the zero point; of a byte where there is none.
fn limits(call: &mut Call<'_, '_>) -> Result<(f64, f64), Stop> {
    let of_zero = if call.has(2) { call.element_type(2) } else { 0 };
    let number =
        [of_zero, i32::try_from(call.int("output_dtype", 0)).unwrap_or(0)].into_iter().find(|n| *n != 0);
    match number.unwrap_or(2) {
        2 => Ok((0.0, 255.0)),
        3 => Ok((-128.0, 127.0)),
        4 => Ok((0.0, 65535.0)),
        5 => Ok((-32768.0, 32767.0)),
        _ => Err(Stop::problem(
            "It rounds to a type that is not read.",
            "Quantise to int8, uint8, int16 or uint16.",
        )),
    }
}
