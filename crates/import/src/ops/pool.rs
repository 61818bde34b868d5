//! Pooling: one value for each window of each channel.

use privet_model::graph::{Function, Op, Reduce, Windows};

use super::arithmetic::affine;
use super::frame::{Frame, Image, per_axis};
use super::layout::count;
use super::reduce::{along, map, mean_along};
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

pub(super) fn max_pool(call: &mut Call<'_, '_>) -> Lowered {
    if call.wants(1) {
        return Err(Stop::problem(
            "Its second output, the indices, is used.",
            "Only its values can be used.",
        ));
    }
    let (x, image, frame) = pooled(call)?;
    let places = frame.windows(&image);
    one(over_channels(call, &x, &image, &frame, &places, Reduce::Max)?)
}

pub(super) fn average_pool(call: &mut Call<'_, '_>) -> Lowered {
    let (x, image, frame) = pooled(call)?;
    let places = frame.windows(&image);
    let sum = over_channels(call, &x, &image, &frame, &places, Reduce::Sum)?;
    let counts = if call.int("count_include_pad", 0) != 0 {
        frame.padded_counts(&image)
    } else {
        places.iter().map(Vec::len).collect()
    };
    let scale: Vec<f64> = counts.iter().map(|&n| 1.0 / n.max(1) as f64).collect();
    let scale = scale.repeat(image.images * image.channels);
    let shift = vec![0.0; scale.len()];
    let id = affine(call, &sum, scale, shift)?;
    one(sum.with(id))
}

/// `(Σ |x|^p)^(1/p)`.
pub(super) fn lp_pool(call: &mut Call<'_, '_>) -> Lowered {
    let p = call.int("p", 2);
    let (x, image, frame) = pooled(call)?;
    if call.attribute("auto_pad").is_some() && frame.strides.iter().zip(&frame.kernel).any(|(s, k)| s > k) {
        return Err(Stop::problem(
            "It steps further than its window reaches, with `auto_pad`, which runtimes do not read alike.",
            "Export it with its pads given as numbers.",
        ));
    }
    let places = frame.windows(&image);
    let powers = if p == 2 {
        map(call, &x, Function::Square)?
    } else {
        let size = map(call, &x, Function::Abs)?;
        map(call, &size, Function::Power(p as f64))?
    };
    let sum = over_channels(call, &powers, &image, &frame, &places, Reduce::Sum)?;
    one(map(call, &sum, Function::Power(1.0 / p as f64))?)
}

pub(super) fn global_max_pool(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let axes: Vec<usize> = (2..2 + Image::of(&x)?.rank()).collect();
    one(along(call, &x, &axes, Reduce::Max)?)
}

pub(super) fn global_average_pool(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let axes: Vec<usize> = (2..2 + Image::of(&x)?.rank()).collect();
    one(mean_along(call, &x, &axes)?)
}

fn pooled(call: &mut Call<'_, '_>) -> Result<(Rows, Image, Frame), Stop> {
    let x = call.numbers(0)?;
    let image = Image::of(&x)?;
    let kernel = per_axis(call, "kernel_shape", image.rank())?;
    let frame = Frame::read(call, &image, kernel)?;
    let same = call.word("auto_pad", "NOTSET", &["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])?;
    if same.starts_with("SAME") && frame.dilations.iter().any(|&d| d != 1) {
        return Err(Stop::problem(
            "It has dilations and `auto_pad`, which runtimes do not read alike.",
            "Export it with its pads given as numbers.",
        ));
    }
    call.builder.charge(count(&[image.images, image.channels])?.saturating_mul(frame.places()))?;
    if frame.windows(&image).iter().any(Vec::is_empty) {
        return Err(Stop::problem("One of its windows holds padding only.", "Export with less padding."));
    }
    Ok((x, image, frame))
}

/// The same windows in each channel.
fn over_channels(
    call: &mut Call<'_, '_>,
    x: &Rows,
    image: &Image,
    frame: &Frame,
    places: &[Vec<usize>],
    reduce: Reduce,
) -> Result<Rows, Stop> {
    let area = image.area();
    let of = |c: usize| places.iter().map(move |w| w.iter().map(|i| c * area + i).collect());
    let windows = Windows((0..image.images * image.channels).flat_map(of).collect());
    let id = call.emit(Op::Reduce { reduce, windows }, x.id)?;
    Ok(Rows { id, ..x.shaped(image.dims(image.channels, &frame.out), x.batch) })
}
