//! Functions of each value.

use privet_model::graph::{Comparison, Function, Op};
use privet_model::tensor::DataType;

use super::arithmetic::{affine, minus, scaled};
use super::layout::{Shape, joint, spread, stretched};
use super::reduce::map as mapped;
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, numbers, one};

/// Operators that are one function without parameters, by their names.
const PLAIN: &[(&str, Function)] = &[
    ("Abs", Function::Abs),
    ("Ceil", Function::Ceil),
    ("Cos", Function::Cos),
    ("Erf", Function::Erf),
    ("Exp", Function::Exp),
    ("Floor", Function::Floor),
    ("Log", Function::Log),
    ("Reciprocal", Function::Reciprocal),
    ("Relu", Function::Relu),
    ("Round", Function::Round),
    ("Sigmoid", Function::Sigmoid),
    ("Sign", Function::Sign),
    ("Sin", Function::Sin),
    ("Softplus", Function::Softplus),
    ("Sqrt", Function::Sqrt),
    ("Tanh", Function::Tanh),
];

/// An operator of that table.
pub(super) fn plain(call: &mut Call<'_, '_>) -> Lowered {
    let function = PLAIN.iter().find(|(name, _)| *name == call.node.op_type).map(|(_, f)| *f);
    map(call, function.unwrap_or(Function::Relu))
}

fn map(call: &mut Call<'_, '_>, function: Function) -> Lowered {
    let x = call.numbers(0)?;
    one(mapped(call, &x, function)?)
}

pub(super) fn is_nan(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    one(Rows { dtype: DataType::Bool, ..mapped(call, &x, Function::IsNan)? })
}

pub(super) fn leaky_relu(call: &mut Call<'_, '_>) -> Lowered {
    let slope = call.finite_float("alpha", 0.01)?;
    map(call, Function::LeakyRelu(slope))
}

pub(super) fn elu(call: &mut Call<'_, '_>) -> Lowered {
    let alpha = call.finite_float("alpha", 1.0)?;
    map(call, Function::Elu(alpha))
}

/// `γ·elu(x)`.
pub(super) fn selu(call: &mut Call<'_, '_>) -> Lowered {
    let alpha = call.finite_float("alpha", 1.673_263_192_176_818_8)?;
    let gamma = call.finite_float("gamma", 1.050_700_979_042_053)?;
    let x = call.numbers(0)?;
    let y = mapped(call, &x, Function::Elu(alpha))?;
    one(scaled(call, &y, gamma, 0.0)?)
}

/// `max(x, 0) + min(α(e^(x/α) - 1), 0)`: an ELU of `x/α`, stretched.
pub(super) fn celu(call: &mut Call<'_, '_>) -> Lowered {
    let alpha = call.finite_float("alpha", 1.0)?;
    let x = call.numbers(0)?;
    let small = scaled(call, &x, 1.0 / alpha, 0.0)?;
    let y = mapped(call, &small, Function::Elu(1.0))?;
    one(scaled(call, &y, alpha, 0.0)?)
}

/// `min(max(alpha·x + beta, 0), 1)`.
fn hard(call: &mut Call<'_, '_>, x: &Rows, alpha: f64, beta: f64) -> Result<Rows, Stop> {
    let y = scaled(call, x, alpha, beta)?;
    mapped(call, &y, Function::Clip { low: 0.0, high: 1.0 })
}

pub(super) fn hard_sigmoid(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let (alpha, beta) = (call.finite_float("alpha", 0.2)?, call.finite_float("beta", 0.5)?);
    one(hard(call, &x, alpha, beta)?)
}

pub(super) fn hard_swish(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let gate = hard(call, &x, 1.0 / 6.0, 0.5)?;
    times(call, &x, &gate)
}

fn times(call: &mut Call<'_, '_>, x: &Rows, gate: &Rows) -> Lowered {
    let id = call.emit_many(Op::Multiply, vec![x.id, gate.id])?;
    one(x.with(id))
}

/// `x·sigmoid(αx)`.
pub(super) fn swish(call: &mut Call<'_, '_>) -> Lowered {
    let alpha = call.finite_float("alpha", 1.0)?;
    let x = call.numbers(0)?;
    #[allow(clippy::float_cmp)] // the usual one needs no factor
    let inside = if alpha == 1.0 { x.clone() } else { scaled(call, &x, alpha, 0.0)? };
    let gate = mapped(call, &inside, Function::Sigmoid)?;
    times(call, &x, &gate)
}

/// `x·tanh(softplus(x))`.
pub(super) fn mish(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let soft = mapped(call, &x, Function::Softplus)?;
    let gate = mapped(call, &soft, Function::Tanh)?;
    times(call, &x, &gate)
}

/// `x/(1 + |x|)`.
pub(super) fn softsign(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let size = mapped(call, &x, Function::Abs)?;
    let below = scaled(call, &size, 1.0, 1.0)?;
    let id = call.emit_many(Op::Divide, vec![x.id, below.id])?;
    one(x.with(id))
}

pub(super) fn gelu(call: &mut Call<'_, '_>) -> Lowered {
    match call.word("approximate", "none", &["none", "tanh"])? {
        "tanh" => map(call, Function::GeluTanh),
        _ => map(call, Function::Gelu),
    }
}

/// `x` where it is above `alpha`, else 0.
pub(super) fn thresholded_relu(call: &mut Call<'_, '_>) -> Lowered {
    let alpha = call.finite_float("alpha", 1.0)?;
    let x = call.numbers(0)?;
    let bound = call.fixed(vec![alpha; x.width()])?;
    let above = call.emit_many(Op::Compare(Comparison::Less), vec![bound, x.id])?;
    let zero = call.fixed(vec![0.0; x.width()])?;
    let id = call.emit_many(Op::Choose, vec![above, x.id, zero])?;
    one(x.with(id))
}

/// Towards 0 by `bias` where it is farther away than `lambd`, else 0.
pub(super) fn shrink(call: &mut Call<'_, '_>) -> Lowered {
    let (bias, lambd) = (call.finite_float("bias", 0.0)?, call.finite_float("lambd", 0.5)?);
    let x = call.numbers(0)?;
    let n = x.width();
    let (low, high, zero) =
        (call.fixed(vec![-lambd; n])?, call.fixed(vec![lambd; n])?, call.fixed(vec![0.0; n])?);
    let below = call.emit_many(Op::Compare(Comparison::Less), vec![x.id, low])?;
    let above = call.emit_many(Op::Compare(Comparison::Less), vec![high, x.id])?;
    let (up, down) = (scaled(call, &x, 1.0, bias)?, scaled(call, &x, 1.0, -bias)?);
    let rest = call.emit_many(Op::Choose, vec![above, down.id, zero])?;
    let id = call.emit_many(Op::Choose, vec![below, up.id, rest])?;
    one(x.with(id))
}

/// The ends are attributes up to version 10, inputs from 11 on.
pub(super) fn clip(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let low = if call.has(1) { call.scalar(1)? } else { call.float("min", f64::NEG_INFINITY) };
    let high = if call.has(2) { call.scalar(2)? } else { call.float("max", f64::INFINITY) };
    let id = call.emit(Op::Map(Function::Clip { low: low.min(high), high }), x.id)?;
    one(x.with(id))
}

/// `x` where it is not negative, else `slope·x`, with constant slopes.
pub(super) fn prelu(call: &mut Call<'_, '_>) -> Lowered {
    let (slopes, dims) = call.weights(1)?;
    let x = call.numbers(0)?;
    #[allow(clippy::float_cmp)] // one slope for all
    if let Some(&slope) = slopes.first().filter(|s| slopes.iter().all(|other| other == *s)) {
        return one(mapped(call, &x, Function::LeakyRelu(slope))?);
    }
    let to = joint(&[&Shape::of(&x), &Shape::fixed(&dims)])?;
    let slopes = spread(call, &slopes, &dims, &to.dims)?;
    let x = stretched(call, &x, &to)?;
    let positive = mapped(call, &x, Function::Relu)?;
    let negative = x.with(minus(call, &x, &positive)?);
    let n = slopes.len();
    let sloped = affine(call, &negative, slopes, vec![0.0; n])?;
    let id = call.emit_many(Op::Add, vec![positive.id, sloped])?;
    one(x.with(id))
}

/// Constant exponents; or a constant base.
pub(super) fn pow(call: &mut Call<'_, '_>) -> Lowered {
    if call.is_constant(0) && !call.is_constant(1) {
        return exponential(call);
    }
    let constant = call.constant(1)?;
    let exponents = numbers(&constant)?;
    let x = call.numbers(0)?;
    let to = joint(&[&Shape::of(&x), &Shape::fixed(&constant.dims)])?;
    let exponents = spread(call, &exponents, &constant.dims, &to.dims)?;
    let x = stretched(call, &x, &to)?;
    let mut distinct: Vec<f64> = exponents.clone();
    distinct.sort_unstable_by(f64::total_cmp);
    distinct.dedup();
    match distinct[..] {
        [] => one(x),
        [single] => one(powered(call, &x, single)?),
        _ if distinct.len() <= 64 => by_exponent(call, &x, &exponents, &distinct),
        _ => Err(Stop::problem("It has many different exponents.", "Use one exponent for all values.")),
    }
}

#[allow(clippy::float_cmp)] // exactly these are functions of their own
fn powered(call: &mut Call<'_, '_>, x: &Rows, exponent: f64) -> Result<Rows, Stop> {
    let function = match exponent {
        1.0 => return Ok(x.clone()),
        2.0 => Function::Square,
        0.5 => Function::Sqrt,
        -1.0 => Function::Reciprocal,
        p => Function::Power(p),
    };
    mapped(call, x, function)
}

/// Values of the same exponent together, and then each back to its place.
fn by_exponent(call: &mut Call<'_, '_>, x: &Rows, exponents: &[f64], distinct: &[f64]) -> Lowered {
    let (mut parts, mut home) = (Vec::new(), vec![0; exponents.len()]);
    let mut placed = 0;
    for &exponent in distinct {
        #[allow(clippy::float_cmp)] // it is one of them
        let own: Vec<usize> = (0..exponents.len()).filter(|&at| exponents[at] == exponent).collect();
        own.iter().enumerate().for_each(|(i, &at)| home[at] = placed + i);
        placed += own.len();
        let dims = vec![own.len()];
        let picked = call.emit(Op::Select(own), x.id)?;
        parts.push(powered(call, &Rows::new(picked, dims, None, x.dtype), exponent)?.id);
    }
    let all = call.emit_many(Op::Concat, parts)?;
    let id = call.emit(Op::Select(home), all)?;
    one(x.with(id))
}

/// `c^x = e^(x·ln c)`.
fn exponential(call: &mut Call<'_, '_>) -> Lowered {
    let (bases, dims) = call.weights(0)?;
    if bases.iter().any(|&base| base <= 0.0) {
        return Err(Stop::problem("Its base is not positive.", "Use a constant exponent."));
    }
    let x = call.numbers(1)?;
    let logs: Vec<f64> = bases.iter().map(|base| base.ln()).collect();
    let to = joint(&[&Shape::of(&x), &Shape::fixed(&dims)])?;
    let logs = spread(call, &logs, &dims, &to.dims)?;
    let x = stretched(call, &x, &to)?;
    let n = logs.len();
    let id = affine(call, &x, logs, vec![0.0; n])?;
    one(mapped(call, &x.with(id), Function::Exp)?)
}
