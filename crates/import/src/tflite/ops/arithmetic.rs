//! Operators on each value by itself.

use super::Call;
use crate::translate::attribute::int;
use crate::translate::{Name, Translated, one};

/// What ONNX calls the operators.
const NAMES: &[(&str, &str)] = &[
    ("ABS", "Abs"),
    ("ADD", "Add"),
    ("CEIL", "Ceil"),
    ("COS", "Cos"),
    ("DIV", "Div"),
    ("ELU", "Elu"),
    ("EQUAL", "Equal"),
    ("EXP", "Exp"),
    ("FLOOR", "Floor"),
    ("GREATER", "Greater"),
    ("GREATER_EQUAL", "GreaterOrEqual"),
    ("HARD_SWISH", "HardSwish"),
    ("LESS", "Less"),
    ("LESS_EQUAL", "LessOrEqual"),
    ("LOG", "Log"),
    ("LOGICAL_AND", "And"),
    ("LOGICAL_NOT", "Not"),
    ("LOGICAL_OR", "Or"),
    ("LOGISTIC", "Sigmoid"),
    ("MAXIMUM", "Max"),
    ("MINIMUM", "Min"),
    ("MUL", "Mul"),
    ("NEG", "Neg"),
    ("POW", "Pow"),
    ("RELU", "Relu"),
    ("ROUND", "Round"),
    ("SIGN", "Sign"),
    ("SIN", "Sin"),
    ("SQRT", "Sqrt"),
    ("SUB", "Sub"),
    ("TANH", "Tanh"),
];

fn onnx_name(op: &str) -> &'static str {
    NAMES.iter().find(|(name, _)| *name == op).map_or("", |(_, onnx)| onnx)
}

pub(super) fn unary(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    one(call.draft.map(onnx_name(&call.operator.op), &[&x], Vec::new()))
}

pub(super) fn binary(call: &mut Call<'_, '_>) -> Translated {
    let [a, b] = call.first()?;
    one(call.draft.binary(onnx_name(&call.operator.op), &a, &b))
}

/// Two values, and an activation.
pub(super) fn activated(call: &mut Call<'_, '_>) -> Translated {
    let [a, b] = call.first()?;
    let x = call.draft.binary(onnx_name(&call.operator.op), &a, &b);
    call.activation(x, 0)
}

pub(super) fn add_n(call: &mut Call<'_, '_>) -> Translated {
    let first = call.input(0)?;
    let rest: Vec<Name> = call.inputs[1..].to_vec();
    one(rest.iter().fold(first, |sum, next| call.draft.binary("Add", &sum, next)))
}

pub(super) fn not_equal(call: &mut Call<'_, '_>) -> Translated {
    let [a, b] = call.first()?;
    one(call.draft.not_equal(&a, &b))
}

pub(super) fn squared_difference(call: &mut Call<'_, '_>) -> Translated {
    let [a, b] = call.first()?;
    one(call.draft.squared_difference(&a, &b))
}

pub(super) fn square(call: &mut Call<'_, '_>) -> Translated {
    let ([x], data_type) = (call.first()?, call.result_type());
    one(call.draft.square(&x, data_type))
}

pub(super) fn rsqrt(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    one(call.draft.rsqrt(&x))
}

pub(super) fn relu6(call: &mut Call<'_, '_>) -> Translated {
    clipped(call, 0.0, 6.0)
}

pub(super) fn relu_0_to_1(call: &mut Call<'_, '_>) -> Translated {
    clipped(call, 0.0, 1.0)
}

pub(super) fn relu_n1_to_1(call: &mut Call<'_, '_>) -> Translated {
    clipped(call, -1.0, 1.0)
}

fn clipped(call: &mut Call<'_, '_>, low: f32, high: f32) -> Translated {
    let ([x], data_type) = (call.first()?, call.result_type());
    one(call.draft.clip(&x, low, Some(high), data_type))
}

pub(super) fn leaky_relu(call: &mut Call<'_, '_>) -> Translated {
    let ([x], slope) = (call.first()?, call.options().float(0, 0.0)?);
    one(call.draft.leaky_relu(&x, slope))
}

pub(super) fn prelu(call: &mut Call<'_, '_>) -> Translated {
    let [x, slopes] = call.first()?;
    one(call.draft.emit("PRelu", &[&x, &slopes], Vec::new()))
}

pub(super) fn gelu(call: &mut Call<'_, '_>) -> Translated {
    let ([x], approximate) = (call.first()?, call.options().flag(0)?);
    one(call.draft.gelu(&x, approximate))
}

/// Along the last axis; `SOFTMAX` after a multiplication by its `beta`.
pub(super) fn softmax(call: &mut Call<'_, '_>) -> Translated {
    let [mut x] = call.first()?;
    if call.operator.op == "LOG_SOFTMAX" {
        return one(call.draft.emit("LogSoftmax", &[&x], vec![int("axis", -1)]));
    }
    let (beta, data_type) = (call.options().float(0, 0.0)?, call.result_type());
    if beta.to_bits() != 1f32.to_bits() {
        let beta = call.draft.number(beta, data_type);
        x = call.draft.binary("Mul", &x, &beta);
    }
    one(call.draft.emit("Softmax", &[&x], vec![int("axis", -1)]))
}

pub(super) fn cast(call: &mut Call<'_, '_>) -> Translated {
    let ([x], to) = (call.first()?, call.result_type());
    one(call.draft.cast(&x, to))
}

/// From float16 weights: constants are kept in float64 as they are.
pub(super) fn widen(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    if call.draft.tensor_of(&x).is_some() {
        return one(x);
    }
    cast(call)
}
