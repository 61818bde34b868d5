//! Parts of values, and what is put around them.

use super::Call;
use crate::source::Obstacle;
use crate::translate::attribute::int;
use crate::translate::pad::Around;
use crate::translate::slices::Masks;
use crate::translate::{Translated, one};

pub(super) fn slice(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let (begin, size) = (call.ints(1)?, call.ints(2)?);
    one(call.draft.slice(&x, &begin, &size)?)
}

pub(super) fn strided_slice(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let (begin, end, strides) = (call.ints(1)?, call.ints(2)?, call.ints(3)?);
    let mask = |name: &str| call.attrs().int(name, 0);
    let masks = Masks {
        begin: mask("begin_mask"),
        end: mask("end_mask"),
        ellipsis: mask("ellipsis_mask"),
        new_axis: mask("new_axis_mask"),
        shrink: mask("shrink_axis_mask"),
    };
    one(call.draft.strided_slice(&x, [&begin, &end, &strides], masks)?)
}

pub(super) fn gather(call: &mut Call<'_, '_>) -> Translated {
    let [x, indices] = call.first()?;
    let axis = if call.inputs.len() > 2 { call.int(2)? } else { 0 };
    if call.attrs().int("batch_dims", 0) != 0 {
        let hint = "Gather by indices that are the same for every row.";
        return Err(Obstacle::new("It has batch dimensions.", hint));
    }
    one(call.draft.emit("Gather", &[&x, &indices], vec![int("axis", axis)]))
}

/// Rows of a variable.
pub(super) fn resource_gather(call: &mut Call<'_, '_>) -> Translated {
    let [x, indices] = call.first()?;
    one(call.draft.emit("Gather", &[&x, &indices], vec![int("axis", 0)]))
}

pub(super) fn split(call: &mut Call<'_, '_>) -> Translated {
    let (axis, x) = (call.int(0)?, call.input(1)?);
    let parts = call.attrs().int("num_split", 0);
    call.draft.split(&x, axis, parts)
}

pub(super) fn split_v(call: &mut Call<'_, '_>) -> Translated {
    let (x, sizes, axis) = (call.input(0)?, call.ints(1)?, call.int(2)?);
    call.draft.split_by(&x, axis, &sizes)
}

pub(super) fn pad(call: &mut Call<'_, '_>) -> Translated {
    let (x, pads) = (call.input(0)?, call.ints(1)?);
    let around = call.inputs.get(2).cloned();
    one(call.draft.pad(&x, &pads, around.as_deref().map_or(Around::Zeros, Around::Value))?)
}

pub(super) fn mirror_pad(call: &mut Call<'_, '_>) -> Translated {
    let (x, pads) = (call.input(0)?, call.ints(1)?);
    match call.attrs().text("mode") {
        Some("REFLECT") => one(call.draft.pad(&x, &pads, Around::Mirrored)?),
        Some("SYMMETRIC") => one(call.draft.pad(&x, &pads, Around::MirroredWithEdge)?),
        mode => Err(Obstacle::new(format!("Its mode is {mode:?}."), "Use `REFLECT` or `SYMMETRIC`.")),
    }
}
