//! Parts of values, one value of several, and what is put around values.

use super::Call;
use crate::source::Obstacle;
use crate::translate::attribute::int;
use crate::translate::pad::Around;
use crate::translate::slices::Masks;
use crate::translate::{Translated, one};

/// What ONNX calls the reductions.
const REDUCTIONS: &[(&str, &str)] = &[
    ("MEAN", "ReduceMean"),
    ("REDUCE_MAX", "ReduceMax"),
    ("REDUCE_MIN", "ReduceMin"),
    ("REDUCE_PROD", "ReduceProd"),
    ("SUM", "ReduceSum"),
];

pub(super) fn reduce(call: &mut Call<'_, '_>) -> Translated {
    let (x, axes) = (call.input(0)?, call.ints(1)?);
    // ONNX would take all axes.
    if axes.is_empty() {
        return one(x);
    }
    let axes = call.draft.ints(&axes);
    let op = REDUCTIONS.iter().find(|(name, _)| *name == call.operator.op).map_or("", |(_, onnx)| onnx);
    let keep = call.options().flag(0)?;
    one(call.draft.reduce(op, &x, Some(&axes), keep))
}

pub(super) fn arg(call: &mut Call<'_, '_>) -> Translated {
    let (x, axis, to) = (call.input(0)?, call.int(1)?, call.result_type());
    let op = if call.operator.op == "ARG_MAX" { "ArgMax" } else { "ArgMin" };
    one(call.draft.arg(op, &x, axis, to))
}

pub(super) fn slice(call: &mut Call<'_, '_>) -> Translated {
    let (x, begin, size) = (call.input(0)?, call.ints(1)?, call.ints(2)?);
    one(call.draft.slice(&x, &begin, &size)?)
}

pub(super) fn strided_slice(call: &mut Call<'_, '_>) -> Translated {
    let (x, begin, end, strides) = (call.input(0)?, call.ints(1)?, call.ints(2)?, call.ints(3)?);
    let options = call.options();
    if options.flag(5)? {
        let reason = "Its ends are counted from its beginnings.";
        return Err(Obstacle::new(reason, "Slice from place to place."));
    }
    let masks = Masks {
        begin: options.int(0, 0)?,
        end: options.int(1, 0)?,
        ellipsis: options.int(2, 0)?,
        new_axis: options.int(3, 0)?,
        shrink: options.int(4, 0)?,
    };
    one(call.draft.strided_slice(&x, [&begin, &end, &strides], masks)?)
}

pub(super) fn split(call: &mut Call<'_, '_>) -> Translated {
    let (axis, x, parts) = (call.int(0)?, call.input(1)?, call.options().int(0, 0)?);
    call.draft.split(&x, axis, parts)
}

pub(super) fn split_v(call: &mut Call<'_, '_>) -> Translated {
    let (x, sizes, axis) = (call.input(0)?, call.ints(1)?, call.int(2)?);
    call.draft.split_by(&x, axis, &sizes)
}

pub(super) fn gather(call: &mut Call<'_, '_>) -> Translated {
    let [x, indices] = call.first()?;
    if call.options().int(1, 0)? != 0 {
        let hint = "Gather by indices that are the same for every row.";
        return Err(Obstacle::new("It has batch dimensions.", hint));
    }
    let axis = call.options().int(0, 0)?;
    one(call.draft.emit("Gather", &[&x, &indices], vec![int("axis", axis)]))
}

pub(super) fn pad(call: &mut Call<'_, '_>) -> Translated {
    let (x, pads, value) = (call.input(0)?, call.ints(1)?, call.input(2).ok());
    one(call.draft.pad(&x, &pads, value.as_deref().map_or(Around::Zeros, Around::Value))?)
}

pub(super) fn mirror_pad(call: &mut Call<'_, '_>) -> Translated {
    let (x, pads) = (call.input(0)?, call.ints(1)?);
    let around = if call.options().byte(0)? == 0 { Around::Mirrored } else { Around::MirroredWithEdge };
    one(call.draft.pad(&x, &pads, around)?)
}

pub(super) fn select(call: &mut Call<'_, '_>) -> Translated {
    let [condition, a, b] = call.first()?;
    one(call.draft.select_rows(&condition, &a, &b)?)
}

pub(super) fn select_v2(call: &mut Call<'_, '_>) -> Translated {
    let [condition, a, b] = call.first()?;
    one(call.draft.emit("Where", &[&condition, &a, &b], Vec::new()))
}
