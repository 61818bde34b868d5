//! Convolutions, and windows over images: all of `[rows, channels, height, width]`, or without the height.

use privet_model::graph::{Conv, Op, Reduce, Windows};

use super::broadcast::not_numbers;
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// Channels, and rows and columns of a row's image; a one-dimensional one has height 1.
struct Image {
    channels: usize,
    size: [usize; 2],
    /// How many dimensions it has in the file.
    rank: usize,
}

impl Image {
    fn of(x: &Rows) -> Result<Self, Stop> {
        match x.dims[..] {
            [channels, width] => Ok(Self { channels, size: [1, width], rank: 1 }),
            [channels, height, width] => Ok(Self { channels, size: [height, width], rank: 2 }),
            _ => {
                let reason =
                    format!("It works on {}, where [rows, channels, height, width] is expected.", x.shape());
                Err(Stop::problem(reason, "Only one- and two-dimensional images can be used."))
            }
        }
    }

    fn dims(&self, channels: usize, size: [usize; 2]) -> Vec<usize> {
        if self.rank == 1 { vec![channels, size[1]] } else { vec![channels, size[0], size[1]] }
    }
}

/// Where a window stands.
struct Frame {
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    before: [usize; 2],
    out: [usize; 2],
}

impl Frame {
    fn read(call: &Call<'_, '_>, image: &Image, kernel: [usize; 2]) -> Result<Self, Stop> {
        let strides = pair(call, "strides", image.rank, 1)?;
        let dilations = pair(call, "dilations", image.rank, 1)?;
        let mut frame = Self { kernel, strides, dilations, before: [0; 2], out: [0; 2] };
        let pads = frame.pads(call, image)?;
        let ceil = call.int("ceil_mode", 0) != 0;
        for axis in 0..2 {
            let (before, after) = pads[axis];
            let reach = frame.dilations[axis] * (kernel[axis] - 1) + 1;
            let room = (image.size[axis] + before + after).checked_sub(reach).ok_or_else(|| {
                Stop::problem("Its window is larger than its image.", "Export the model with larger inputs.")
            })?;
            frame.before[axis] = before;
            frame.out[axis] = room / frame.strides[axis] + 1;
            // A last window that only begins inside counts, if it begins before the padding behind.
            let more = ceil && room % frame.strides[axis] != 0;
            if more && frame.out[axis] * frame.strides[axis] < image.size[axis] + before {
                frame.out[axis] += 1;
            }
        }
        Ok(frame)
    }

    /// Zeros before and behind, by axis.
    fn pads(&self, call: &Call<'_, '_>, image: &Image) -> Result<[(usize, usize); 2], Stop> {
        let auto = call.word("auto_pad", "NOTSET", &["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])?;
        if auto == "VALID" {
            return Ok([(0, 0); 2]);
        }
        if auto != "NOTSET" {
            return Ok([0, 1].map(|axis| {
                let out = image.size[axis].div_ceil(self.strides[axis]);
                let reach =
                    (out - 1) * self.strides[axis] + self.dilations[axis] * (self.kernel[axis] - 1) + 1;
                let total = reach.saturating_sub(image.size[axis]);
                let (less, more) = (total / 2, total - total / 2);
                if auto == "SAME_UPPER" { (less, more) } else { (more, less) }
            }));
        }
        let given = call.ints("pads");
        let pads: Option<Vec<usize>> =
            given.iter().map(|&p| usize::try_from(p).ok().filter(|&p| p <= 1 << 16)).collect();
        match (pads.as_deref(), image.rank) {
            (Some([]), _) => Ok([(0, 0); 2]),
            (Some(&[b, e]), 1) => Ok([(0, 0), (b, e)]),
            (Some(&[t, l, b, r]), 2) => Ok([(t, b), (l, r)]),
            _ => Err(Stop::problem(
                format!("Its pads are {given:?}."),
                "Export with one pad before and behind each axis.",
            )),
        }
    }

    /// The places of each window in one channel, padding left out.
    fn windows(&self, image: &Image) -> Vec<Vec<usize>> {
        let place = |axis: usize, at: usize, tap: usize| {
            (at * self.strides[axis] + tap * self.dilations[axis])
                .checked_sub(self.before[axis])
                .filter(|&p| p < image.size[axis])
        };
        let window = |at: usize| {
            let (row, column) = (at / self.out[1], at % self.out[1]);
            let taps = (0..self.kernel[0]).flat_map(|i| (0..self.kernel[1]).map(move |j| (i, j)));
            taps.filter_map(|(i, j)| Some(place(0, row, i)? * image.size[1] + place(1, column, j)?)).collect()
        };
        (0..self.out[0] * self.out[1]).map(window).collect()
    }
}

/// An attribute with one number per axis of the image.
fn pair(call: &Call<'_, '_>, name: &str, rank: usize, default: usize) -> Result<[usize; 2], Stop> {
    let given = call.ints(name);
    let small = |n: i64| usize::try_from(n).ok().filter(|n| (1..=1 << 16).contains(n));
    match (given[..].iter().map(|&n| small(n)).collect::<Option<Vec<_>>>().as_deref(), rank) {
        (Some([]), _) => Ok([1, default]).map(|[_, d]| [if rank == 1 { 1 } else { d }, d]),
        (Some(&[w]), 1) => Ok([1, w]),
        (Some(&[h, w]), 2) => Ok([h, w]),
        _ => Err(Stop::problem(
            format!("Its attribute `{name}` is {given:?}."),
            "Export with one number per axis.",
        )),
    }
}

pub(super) fn conv(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let image = Image::of(&x)?;
    let weights = call.constant(1)?;
    let misfit = || {
        let reason = format!(
            "Its weight `{}` has the shape {:?}, which does not fit {}.",
            weights.name,
            weights.dims,
            x.shape()
        );
        Stop::problem(reason, "Export the layer again.")
    };
    let (filters, kernel) = match (weights.dims[..].split_first(), image.rank) {
        (Some((&filters, &[_, w])), 1) => (filters, [1, w]),
        (Some((&filters, &[_, h, w])), 2) => (filters, [h, w]),
        _ => return Err(misfit()),
    };
    let groups = usize::try_from(call.int("group", 1)).ok().filter(|&g| g > 0).ok_or_else(misfit)?;
    if kernel.contains(&0) {
        return Err(misfit());
    }
    let frame = Frame::read(call, &image, kernel)?;
    let conv = Conv {
        channels: image.channels,
        image: image.size,
        filters,
        kernel,
        groups,
        strides: frame.strides,
        dilations: frame.dilations,
        pads_before: frame.before,
        out: frame.out,
    };
    if !conv.is_sound() || weights.dims.get(1) != Some(&(image.channels / groups)) {
        return Err(misfit());
    }
    let values = weights.data.to_f64().ok_or_else(|| not_numbers(&weights))?;
    let bias = if call.has(2) {
        let bias = call.constant(2)?;
        bias.data.to_f64().filter(|b| b.len() == filters).ok_or_else(misfit)?
    } else {
        vec![0.0; filters]
    };
    let id = call.emit(Op::Conv { conv, weights: values, bias }, x.id)?;
    one(Rows::new(id, image.dims(filters, frame.out), x.dtype))
}

pub(super) fn max_pool(call: &mut Call<'_, '_>) -> Lowered {
    if call.wants(1) {
        return Err(Stop::problem(
            "Its second output, the indices, is used.",
            "Only its values can be used.",
        ));
    }
    let (x, image, frame) = pooled(call)?;
    let windows = all_channels(&image, &frame.windows(&image));
    let id = call.emit(Op::Reduce { reduce: Reduce::Max, windows }, x.id)?;
    one(Rows::new(id, image.dims(image.channels, frame.out), x.dtype))
}

pub(super) fn average_pool(call: &mut Call<'_, '_>) -> Lowered {
    let (x, image, frame) = pooled(call)?;
    let places = frame.windows(&image);
    let include = call.int("count_include_pad", 0) != 0;
    let scale: Vec<f64> =
        places.iter().enumerate().map(|(at, w)| 1.0 / frame.count(&image, at, w, include)).collect();
    mean(call, &x, &image, &places, &scale, frame.out)
}

impl Frame {
    /// By how many values a window's sum is divided.
    fn count(&self, image: &Image, at: usize, window: &[usize], include_pad: bool) -> f64 {
        if !include_pad {
            return window.len() as f64;
        }
        // Padding counts, but not what a last window reaches beyond it.
        let (row, column) = (at / self.out[1], at % self.out[1]);
        let taps = |axis: usize, at: usize| {
            let end = image.size[axis] + 2 * self.before[axis];
            (0..self.kernel[axis])
                .filter(|tap| at * self.strides[axis] + tap * self.dilations[axis] < end)
                .count()
        };
        (taps(0, row) * taps(1, column)).max(1) as f64
    }
}

pub(super) fn global_max_pool(call: &mut Call<'_, '_>) -> Lowered {
    let (x, image) = whole(call)?;
    let all = (0..image.size[0] * image.size[1]).collect();
    let windows = all_channels(&image, &[all]);
    let id = call.emit(Op::Reduce { reduce: Reduce::Max, windows }, x.id)?;
    one(Rows::new(id, image.dims(image.channels, [1, 1]), x.dtype))
}

pub(super) fn global_average_pool(call: &mut Call<'_, '_>) -> Lowered {
    let (x, image) = whole(call)?;
    let n = image.size[0] * image.size[1];
    mean(call, &x, &image, &[(0..n).collect()], &[1.0 / n as f64], [1, 1])
}

fn whole(call: &mut Call<'_, '_>) -> Result<(Rows, Image), Stop> {
    let x = call.numbers(0)?;
    let image = Image::of(&x)?;
    Ok((x, image))
}

fn pooled(call: &mut Call<'_, '_>) -> Result<(Rows, Image, Frame), Stop> {
    let (x, image) = whole(call)?;
    let kernel = pair(call, "kernel_shape", image.rank, 1)?;
    let frame = Frame::read(call, &image, kernel)?;
    let places = frame.out[0].saturating_mul(frame.out[1]).saturating_mul(kernel[0] * kernel[1]);
    call.builder.charge(places.saturating_mul(image.channels))?;
    if frame.windows(&image).iter().any(Vec::is_empty) {
        return Err(Stop::problem("One of its windows holds padding only.", "Export with less padding."));
    }
    Ok((x, image, frame))
}

/// The same windows in each channel.
fn all_channels(image: &Image, places: &[Vec<usize>]) -> Windows {
    let area = image.size[0] * image.size[1];
    let of = |c: usize| places.iter().map(move |w| w.iter().map(|i| c * area + i).collect());
    Windows((0..image.channels).flat_map(of).collect())
}

fn mean(
    call: &mut Call<'_, '_>,
    x: &Rows,
    image: &Image,
    places: &[Vec<usize>],
    scale: &[f64],
    out: [usize; 2],
) -> Lowered {
    let windows = all_channels(image, places);
    let sum = call.emit(Op::Reduce { reduce: Reduce::Sum, windows }, x.id)?;
    let scale = scale.repeat(image.channels);
    let shift = vec![0.0; scale.len()];
    let id = call.emit(Op::Affine { scale, shift }, sum)?;
    one(Rows::new(id, image.dims(image.channels, out), x.dtype))
}

/// `scale·(x - mean)/√(var + ε) + B`, by channel.
pub(super) fn batch_normalization(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let channels = x.dims.first().copied().unwrap_or(1);
    let mut given = Vec::new();
    for i in 1..5 {
        let constant = call.constant(i)?;
        let values = constant.data.to_f64().ok_or_else(|| not_numbers(&constant))?;
        if values.len() != channels {
            let reason =
                format!("Its input `{}` has {} values for {channels} channels.", constant.name, values.len());
            return Err(Stop::problem(reason, "Export the layer again."));
        }
        given.push(values);
    }
    let epsilon = call.finite_float("epsilon", 1e-5)?;
    let area = x.width() / channels.max(1);
    let by_value =
        |f: &dyn Fn(usize) -> f64| (0..x.width()).map(|i| f(i / area.max(1))).collect::<Vec<f64>>();
    let scale = |c: usize| given[0][c] / (given[3][c] + epsilon).sqrt();
    let op =
        Op::Affine { scale: by_value(&scale), shift: by_value(&|c| given[1][c] - given[2][c] * scale(c)) };
    let id = call.emit(op, x.id)?;
    one(Rows::new(id, x.dims, x.dtype))
}
