//! Layers: dense, convolutions, pools, and products of two values.

use super::Call;
use crate::source::Obstacle;
use crate::translate::apart::Parts;
use crate::translate::attribute::{int, ints};
use crate::translate::image::{Layout, Padding, Window};
use crate::translate::{Name, Translated, one};

/// From `[filters, height, width, channels]` to channels second.
const CHANNELS_SECOND: [i64; 4] = [0, 3, 1, 2];
/// From `[1, height, width, filters]` to filters first.
const FILTERS_FIRST: [i64; 4] = [3, 0, 1, 2];

impl Call<'_, '_> {
    /// Padding and strides, and dilations where the fields for them are given: columns stand before rows.
    fn window(&self, dilations: Option<[usize; 2]>) -> Result<Window, Obstacle> {
        let options = self.options();
        let padding = match options.byte(0)? {
            0 => Padding::Same,
            1 => Padding::Valid,
            other => {
                return Err(Obstacle::new(format!("Its padding is {other}."), "Export the model again."));
            }
        };
        let dilations = match dilations {
            Some([columns, rows]) => [options.int(rows, 1)?, options.int(columns, 1)?],
            None => [1, 1],
        };
        Ok(Window { strides: [options.int(2, 0)?, options.int(1, 0)?], dilations, padding })
    }

    fn biased(&mut self, x: Name) -> Name {
        match self.input(2) {
            Ok(bias) => self.draft.bias(&x, &bias, Layout::Last),
            Err(_) => x,
        }
    }

    /// Lengths of the last axes of an image and its filters.
    fn channels(&self) -> Result<(i64, i64), Obstacle> {
        let last = |i: usize| self.tensor(i).and_then(|t| t.dims.last()).copied().filter(|&n| n > 0);
        let unknown =
            || Obstacle::new("Its number of channels is not given.", "Export the model with fixed shapes.");
        Ok((last(0).ok_or_else(unknown)?, last(1).ok_or_else(unknown)?))
    }
}

pub(super) fn conv(call: &mut Call<'_, '_>) -> Translated {
    let [x, weights] = call.first()?;
    let window = call.draft.with_holes(&x, call.window(Some([4, 5]))?)?;
    let (channels, of_filter) = call.channels()?;
    let weights = call.draft.emit("Transpose", &[&weights], vec![ints("perm", &CHANNELS_SECOND)]);
    let x = call.draft.conv(&x, &weights, &window, channels / of_filter, Layout::Last);
    let x = call.biased(x);
    call.activation(x, 3)
}

pub(super) fn depthwise(call: &mut Call<'_, '_>) -> Translated {
    let [x, weights] = call.first()?;
    let window = call.draft.with_holes(&x, call.window(Some([5, 6]))?)?;
    let (channels, _) = call.channels()?;
    let weights = call.draft.emit("Transpose", &[&weights], vec![ints("perm", &FILTERS_FIRST)]);
    let x = call.draft.conv(&x, &weights, &window, channels, Layout::Last);
    let x = call.biased(x);
    call.activation(x, 4)
}

pub(super) fn pool(call: &mut Call<'_, '_>) -> Translated {
    let [x] = call.first()?;
    let window = call.window(None)?;
    let size = [call.options().int(4, 0)?, call.options().int(3, 0)?];
    let op = if call.operator.op == "MAX_POOL_2D" { "MaxPool" } else { "AveragePool" };
    let x = call.draft.pool(op, &x, size, &window, Layout::Last);
    call.activation(x, 5)
}

/// `x·Wᵀ + b`, with one row of weights for each result.
pub(super) fn dense(call: &mut Call<'_, '_>) -> Translated {
    let [mut x, weights] = call.first()?;
    if call.options().byte(1)? != 0 {
        return Err(Obstacle::new("Its weights are shuffled.", "Convert the model without optimisations."));
    }
    let keeps = call.options().flag(2)?;
    if !keeps && call.draft.rank(&x) != Some(2) {
        let (_, columns) = call.channels()?;
        let shape = call.draft.ints(&[-1, columns]);
        x = call.draft.emit("Reshape", &[&x, &shape], Vec::new());
    }
    let x = if call.draft.rank(&x) == Some(2) {
        let bias = call.input(2).ok();
        let inputs: Vec<&str> = [x.as_str(), &weights].into_iter().chain(bias.as_deref()).collect();
        call.draft.emit("Gemm", &inputs, vec![int("transB", 1)])
    } else {
        let turned = call.draft.emit("Transpose", &[&weights], vec![ints("perm", &[1, 0])]);
        let product = call.draft.emit("MatMul", &[&x, &turned], Vec::new());
        call.biased(product)
    };
    call.activation(x, 0)
}

pub(super) fn batch_mat_mul(call: &mut Call<'_, '_>) -> Translated {
    let [a, b] = call.first()?;
    let turn = [call.options().flag(0)?, call.options().flag(1)?];
    let unknown = || {
        let reason = "It transposes a value of which the number of dimensions is not known.";
        Obstacle::new(reason, "Export the model with fixed shapes.")
    };
    one(call.draft.matrix_product(&a, &b, turn).ok_or_else(unknown)?)
}

pub(super) fn space_to_batch(call: &mut Call<'_, '_>) -> Translated {
    let (x, parts) = (call.input(0)?, Parts::of(&call.ints(1)?, &call.ints(2)?)?);
    one(call.draft.take_apart(&x, &parts)?)
}

pub(super) fn batch_to_space(call: &mut Call<'_, '_>) -> Translated {
    let (x, parts) = (call.input(0)?, Parts::of(&call.ints(1)?, &call.ints(2)?)?);
    one(call.draft.put_together(&x, &parts)?)
}
