//! Operators on each value by itself.

use super::{Call, element_type};
use crate::source::Obstacle;
use crate::translate::attribute::int;
use crate::translate::{Name, Translated, one};

/// What ONNX calls the operators that it has under another name.
const NAMES: &[(&str, &str)] = &[
    ("AddV2", "Add"),
    ("GreaterEqual", "GreaterOrEqual"),
    ("Inv", "Reciprocal"),
    ("LessEqual", "LessOrEqual"),
    ("LogicalAnd", "And"),
    ("LogicalNot", "Not"),
    ("LogicalOr", "Or"),
    ("Maximum", "Max"),
    ("Minimum", "Min"),
    ("RealDiv", "Div"),
    ("Rint", "Round"),
];

fn onnx_name(op: &str) -> &str {
    NAMES.iter().find(|(name, _)| *name == op).map_or(op, |(_, onnx)| onnx)
}

pub(super) fn unary(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    one(call.draft.map(onnx_name(call.node.op()), &[&x], Vec::new()))
}

pub(super) fn binary(call: &mut Call<'_, '_>) -> Translated {
    let [a, b] = call.first()?;
    one(call.draft.binary(onnx_name(call.node.op()), &a, &b))
}

/// What only passes its input on.
pub(super) fn same(call: &mut Call<'_, '_>) -> Translated {
    one(call.input(0)?)
}

#[allow(clippy::unnecessary_wraps)] // the table asks for it
pub(super) fn all_same(call: &mut Call<'_, '_>) -> Translated {
    Ok(call.inputs.clone())
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
    let [x] = call.first()?;
    let data_type = call.data_type();
    one(call.draft.square(&x, data_type))
}

/// `1 - erf x`.
pub(super) fn erfc(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let erf = call.draft.map("Erf", &[&x], Vec::new());
    let data_type = call.data_type();
    let whole = call.draft.number(1.0, data_type);
    one(call.draft.binary("Sub", &whole, &erf))
}

pub(super) fn rsqrt(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    one(call.draft.rsqrt(&x))
}

pub(super) fn relu6(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let data_type = call.data_type();
    one(call.draft.clip(&x, 0.0, Some(6.0), data_type))
}

pub(super) fn clip_by_value(call: &mut Call<'_, '_>) -> Translated {
    let [x, low, high] = call.first()?;
    one(call.draft.map("Clip", &[&x, &low, &high], Vec::new()))
}

pub(super) fn leaky_relu(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let slope = call.attrs().float("alpha", 0.2);
    one(call.draft.leaky_relu(&x, slope))
}

/// `Softmax` and `LogSoftmax`, along the last axis.
pub(super) fn softmax(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    one(call.draft.emit(call.node.op(), &[&x], vec![int("axis", -1)]))
}

pub(super) fn cast(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let to = call.attrs().dtype("DstT", 0);
    match element_type(to) {
        0 => Err(Obstacle::new(format!("It casts to element type {to}."), "Cast to float32, int64 or bool.")),
        to => one(call.draft.cast(&x, to)),
    }
}
