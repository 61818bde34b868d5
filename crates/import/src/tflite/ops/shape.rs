//! Changes of shape, and what is made of shapes.

use super::Call;
use crate::translate::{Name, Translated, one};

pub(super) fn reshape(call: &mut Call<'_, '_>) -> Translated {
    let x = call.input(0)?;
    // The shape is an input, or an option in older files.
    let shape = if let Ok(shape) = call.input(1) {
        shape
    } else {
        let shape = call.options().ints(0)?;
        call.draft.ints(&shape)
    };
    one(call.draft.reshape(&x, &shape)?)
}

pub(super) fn shape(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    one(call.draft.emit("Shape", &[&x], Vec::new()))
}

pub(super) fn squeeze(call: &mut Call<'_, '_>) -> Translated {
    let (x, axes) = (call.input(0)?, call.options().ints(0)?);
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

pub(super) fn concat(call: &mut Call<'_, '_>) -> Translated {
    let axis = call.options().int(0, 0)?;
    let parts: Vec<&str> = call.inputs.iter().map(Name::as_str).collect();
    let joined = call.draft.concat(&parts, axis);
    call.activation(joined, 1)
}

pub(super) fn pack(call: &mut Call<'_, '_>) -> Translated {
    let axis = call.options().int(1, 0)?;
    let parts: Vec<&str> = call.inputs.iter().map(Name::as_str).collect();
    one(call.draft.pack(&parts, axis))
}

pub(super) fn unpack(call: &mut Call<'_, '_>) -> Translated {
    let (x, parts, axis) = (call.input(0)?, call.options().int(0, 0)?, call.options().int(1, 0)?);
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
