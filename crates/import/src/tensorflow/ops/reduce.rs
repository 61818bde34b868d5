//! One value of several.

use super::{Call, element_type};
use crate::translate::{Translated, one};

/// ONNX's names, by those of `TensorFlow`.
const NAMES: &[(&str, &str)] = &[
    ("Max", "ReduceMax"),
    ("Mean", "ReduceMean"),
    ("Min", "ReduceMin"),
    ("Prod", "ReduceProd"),
    ("Sum", "ReduceSum"),
];

pub(super) fn reduce(call: &mut Call<'_, '_>) -> Translated {
    let [x, axes] = call.first()?;
    let axes = match call.draft.ints_of(&axes) {
        // ONNX would take all axes.
        Some(none) if none.is_empty() => return one(x),
        Some(axes) => call.draft.ints(&axes),
        None => axes,
    };
    let op = NAMES.iter().find(|(name, _)| *name == call.node.op()).map_or("", |(_, onnx)| onnx);
    let keep = call.attrs().flag("keep_dims", false);
    one(call.draft.reduce(op, &x, Some(&axes), keep))
}

pub(super) fn arg(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let axis = if call.inputs.len() > 1 { call.int(1)? } else { 0 };
    let to = element_type(call.attrs().dtype("output_type", 9));
    one(call.draft.arg(call.node.op(), &x, axis, to))
}
