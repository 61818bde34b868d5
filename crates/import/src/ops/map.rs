//! Functions of each value.

use privet_model::graph::{Function, Op};

use super::broadcast::affine;
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, one};

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
    let id = call.emit(Op::Map(function), x.id)?;
    one(Rows::new(id, x.dims, x.dtype))
}

pub(super) fn leaky_relu(call: &mut Call<'_, '_>) -> Lowered {
    let slope = call.finite_float("alpha", 0.01)?;
    map(call, Function::LeakyRelu(slope))
}

pub(super) fn elu(call: &mut Call<'_, '_>) -> Lowered {
    let alpha = call.finite_float("alpha", 1.0)?;
    map(call, Function::Elu(alpha))
}

/// `min(max(alpha·x + beta, 0), 1)`.
pub(super) fn hard_sigmoid(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let (alpha, beta) = (call.finite_float("alpha", 0.2)?, call.finite_float("beta", 0.5)?);
    let n = x.width();
    let id = affine(call, &x, vec![alpha; n], vec![beta; n])?;
    let id = call.emit(Op::Map(Function::Clip { low: 0.0, high: 1.0 }), id)?;
    one(Rows::new(id, x.dims, x.dtype))
}
