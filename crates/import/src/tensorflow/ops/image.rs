//! Layers over images.

use super::Call;
use crate::ops::GROUPS_THAT_FIT;
use crate::source::Obstacle;
use crate::translate::apart::Parts;
use crate::translate::attribute::ints;
use crate::translate::image::{Layout, Padding, Window, layout};
use crate::translate::{Name, Translated, one};

/// From `[height, width, channels, filters]` to filters and channels first.
const FILTERS_FIRST: [i64; 4] = [3, 2, 0, 1];
/// From `[height, width, channels, filters of each]` to channels first.
const CHANNELS_FIRST: [i64; 4] = [2, 3, 0, 1];

impl Call<'_, '_> {
    pub(super) fn layout(&self) -> Result<Layout, Obstacle> {
        layout(self.attrs().text("data_format").unwrap_or("NHWC"))
    }

    /// The numbers for rows and columns of a list that has one for each dimension; the others must be 1.
    fn over_image(&self, name: &str, layout: Layout) -> Result<[i64; 2], Obstacle> {
        let given = self.attrs().ints(name);
        match (given, layout) {
            ([], _) => Ok([1, 1]),
            (&[1, rows, columns, 1], Layout::Last) | (&[1, 1, rows, columns], Layout::First) => {
                Ok([rows, columns])
            }
            _ => Err(Obstacle::new(
                format!("Its attribute `{name}` is {given:?}."),
                "Only rows and columns of images can be stepped over.",
            )),
        }
    }

    fn window(&self, layout: Layout) -> Result<Window, Obstacle> {
        let padding = match self.attrs().text("padding") {
            Some("SAME") => Padding::Same,
            Some("VALID") => Padding::Valid,
            Some("EXPLICIT") => Padding::Explicit(self.explicit(layout)?),
            other => {
                return Err(Obstacle::new(format!("Its padding is {other:?}."), "Use `SAME` or `VALID`."));
            }
        };
        let (strides, dilations) =
            (self.over_image("strides", layout)?, self.over_image("dilations", layout)?);
        Ok(Window { strides, dilations, padding })
    }

    /// Before and behind each dimension, as top, left, bottom, right.
    fn explicit(&self, layout: Layout) -> Result<[i64; 4], Obstacle> {
        match (self.attrs().ints("explicit_paddings"), layout) {
            (&[0, 0, top, bottom, left, right, 0, 0], Layout::Last)
            | (&[0, 0, 0, 0, top, bottom, left, right], Layout::First) => Ok([top, left, bottom, right]),
            (other, _) => {
                Err(Obstacle::new(format!("Its paddings are {other:?}."), "Pad rows and columns only."))
            }
        }
    }
}

pub(super) fn conv(call: &mut Call<'_, '_>) -> Translated {
    one(convolved(call)?)
}

/// The convolution of the first two inputs.
pub(super) fn convolved(call: &mut Call<'_, '_>) -> Result<Name, Obstacle> {
    let [x, weights] = call.first()?;
    let layout = call.layout()?;
    let window = call.draft.with_holes(&x, call.window(layout)?)?;
    let weights = call.draft.emit("Transpose", &[&weights], vec![ints("perm", &FILTERS_FIRST)]);
    Ok(call.draft.conv(&x, &weights, &window, GROUPS_THAT_FIT, layout))
}

pub(super) fn depthwise(call: &mut Call<'_, '_>) -> Translated {
    let [x, weights] = call.first()?;
    let layout = call.layout()?;
    let window = call.draft.with_holes(&x, call.window(layout)?)?;
    let dims = call.draft.tensor_of(&weights).map(|tensor| &tensor.dims[..]);
    let Some(&[_, _, channels, _]) = dims else {
        let reason = format!("Its weights `{weights}` are no constant of four dimensions.");
        return Err(Obstacle::new(reason, "Export the model with constants folded."));
    };
    let weights = call.draft.depthwise_weights(&weights, &CHANNELS_FIRST);
    one(call.draft.conv(&x, &weights, &window, channels, layout))
}

pub(super) fn pool(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let layout = call.layout()?;
    let (window, size) = (call.window(layout)?, call.over_image("ksize", layout)?);
    let op = if call.node.op() == "MaxPool" { "MaxPool" } else { "AveragePool" };
    one(call.draft.pool(op, &x, size, &window, layout))
}

pub(super) fn bias_add(call: &mut Call<'_, '_>) -> Translated {
    let [x, bias] = call.first()?;
    let layout = call.layout()?;
    one(call.draft.bias(&x, &bias, layout))
}

pub(super) fn batch_norm(call: &mut Call<'_, '_>) -> Translated {
    let [x, scale, shift, mean, variance] = call.first()?;
    if call.attrs().flag("is_training", true) {
        let reason = "It normalises by the batch that is asked about, as in training.";
        return Err(Obstacle::new(reason, "Export the model for inference."));
    }
    let (layout, epsilon) = (call.layout()?, call.attrs().float("epsilon", 1e-4));
    one(call.draft.batch_norm(&x, [&scale, &shift, &mean, &variance], epsilon, layout))
}

pub(super) fn space_to_batch(call: &mut Call<'_, '_>) -> Translated {
    let (x, parts) = (call.input(0)?, Parts::of(&call.ints(1)?, &call.ints(2)?)?);
    one(call.draft.take_apart(&x, &parts)?)
}

pub(super) fn batch_to_space(call: &mut Call<'_, '_>) -> Translated {
    let (x, parts) = (call.input(0)?, Parts::of(&call.ints(1)?, &call.ints(2)?)?);
    one(call.draft.put_together(&x, &parts)?)
}
