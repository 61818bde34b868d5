//! Changes of shape, and what is made of shapes.

use super::Call;
use crate::translate::{Name, Translated, one};

pub(super) fn reshape(call: &mut Call<'_, '_>) -> Translated {
    let [x, shape] = call.first()?;
    one(call.draft.reshape(&x, &shape)?)
}

pub(super) fn shape(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    one(call.draft.emit("Shape", &[&x], Vec::new()))
}

pub(super) fn squeeze(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let axes = call.attrs().ints("squeeze_dims").to_vec();
    one(call.draft.squeeze(&x, &axes))
}

pub(super) fn expand_dims(call: &mut Call<'_, '_>) -> Translated {
    let (x, axis) = (call.input(0)?, call.int(1)?);
    one(call.draft.unsqueeze(&x, &[axis]))
}

pub(super) fn transpose(call: &mut Call<'_, '_>) -> Translated {
    let (x, order) = (call.input(0)?, call.ints(1)?);
    one(call.draft.transpose(&x, &order))
}

/// The axis comes last.
pub(super) fn concat(call: &mut Call<'_, '_>) -> Translated {
    let last = call.inputs.len().saturating_sub(1);
    let axis = call.int(last)?;
    let parts: Vec<&str> = call.inputs[..last].iter().map(Name::as_str).collect();
    one(call.draft.concat(&parts, axis))
}

pub(super) fn pack(call: &mut Call<'_, '_>) -> Translated {
    let axis = call.attrs().int("axis", 0);
    let parts: Vec<&str> = call.inputs.iter().map(Name::as_str).collect();
    one(call.draft.pack(&parts, axis))
}

pub(super) fn unpack(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let (parts, axis) = (call.attrs().int("num", 0), call.attrs().int("axis", 0));
    let parts = call.draft.split(&x, axis, parts)?;
    Ok(call.draft.unpack(&parts, axis))
}

pub(super) fn tile(call: &mut Call<'_, '_>) -> Translated {
    let [x, times] = call.first()?;
    one(call.draft.emit("Tile", &[&x, &times], Vec::new()))
}

pub(super) fn broadcast_to(call: &mut Call<'_, '_>) -> Translated {
    let [x, shape] = call.first()?;
    one(call.draft.emit("Expand", &[&x, &shape], Vec::new()))
}

pub(super) fn fill(call: &mut Call<'_, '_>) -> Translated {
    let [shape, value] = call.first()?;
    one(call.draft.emit("Expand", &[&value, &shape], Vec::new()))
}

pub(super) fn range(call: &mut Call<'_, '_>) -> Translated {
    let [from, to, step] = call.first()?;
    one(call.draft.emit("Range", &[&from, &to, &step], Vec::new()))
}
