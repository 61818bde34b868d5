//! Convolutions of one to three axes, there and back.

use privet_model::graph::{Conv, Op};

use super::frame::{Frame, Image, per_axis};
use super::layout::{all_of, count, gridded, gridded_or};
use super::moves::joined;
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// Filters as the file has them: `filters × channels/groups × kernel`.
#[allow(clippy::struct_field_names)] // a filter's own word
struct Filters {
    values: Vec<f64>,
    filters: usize,
    groups: usize,
    kernel: Vec<usize>,
    bias: Vec<f64>,
}

pub(super) fn conv(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let image = Image::of(&x)?;
    let (values, dims) = call.weights(1)?;
    let groups = match call.int("group", 1) {
        GROUPS_THAT_FIT => (image.channels / dims.get(1).map_or(1, |&seen| seen.max(1))).max(1),
        _ => groups_of(call)?,
    };
    let (Some(&filters), true) = (dims.first(), dims.len() == image.rank() + 2) else {
        return Err(misfit(call, &dims, &x));
    };
    if dims[1].checked_mul(groups) != Some(image.channels) || filters % groups != 0 || dims[2..].contains(&0)
    {
        return Err(misfit(call, &dims, &x));
    }
    let bias = bias(call, filters)?;
    let filters = Filters { values, filters, groups, kernel: dims[2..].to_vec(), bias };
    let frame = Frame::read(call, &image, filters.kernel.clone())?;
    one(convolved(call, &x, &image, &filters, &frame)?)
}

/// In place of a number of groups, which TensorFlow's graphs do not say: as many as the channels that a filter sees go into the image's.
pub(crate) const GROUPS_THAT_FIT: i64 = 0;

fn groups_of(call: &Call<'_, '_>) -> Result<usize, Stop> {
    let groups = usize::try_from(call.int("group", 1)).ok().filter(|&g| g > 0);
    groups.ok_or_else(|| Stop::problem("It has no groups.", "Export the layer again."))
}

fn bias(call: &mut Call<'_, '_>, filters: usize) -> Result<Vec<f64>, Stop> {
    if !call.has(2) {
        call.builder.charge(filters)?;
        return Ok(vec![0.0; filters]);
    }
    let (bias, _) = call.weights(2)?;
    if bias.len() == filters {
        return Ok(bias);
    }
    let reason = format!("Its bias has {} values for {filters} filters.", bias.len());
    Err(Stop::problem(reason, "Export the layer again."))
}

fn misfit(call: &Call<'_, '_>, dims: &[usize], x: &Rows) -> Stop {
    let name = call.name_of(1);
    let reason = format!("Its weight `{name}` has the shape {dims:?}, which does not fit {}.", x.shape());
    Stop::problem(reason, "Export the layer again.")
}

fn convolved(
    call: &mut Call<'_, '_>,
    x: &Rows,
    image: &Image,
    filters: &Filters,
    frame: &Frame,
) -> Result<Rows, Stop> {
    if image.images != 1 {
        return each_image(call, x, image, filters, frame);
    }
    match image.rank() {
        1 | 2 => flat(call, x, image, filters, frame),
        3 => deep(call, x, image, filters, frame),
        _ => Err(Stop::problem("It has more than three axes.", "Use at most three-dimensional layers.")),
    }
}

/// Where whole tensors are one row, several images may be: one after the other.
fn each_image(
    call: &mut Call<'_, '_>,
    x: &Rows,
    image: &Image,
    filters: &Filters,
    frame: &Frame,
) -> Result<Rows, Stop> {
    let single = Image { images: 1, channels: image.channels, size: image.size.clone() };
    let mut parts = Vec::new();
    for i in 0..image.images {
        let mut lists = all_of(&x.dims);
        lists[0] = vec![i];
        let part = gridded(call, x, &lists)?;
        parts.push(convolved(call, &part, &single, filters, frame)?);
    }
    if parts.is_empty() {
        return Err(Stop::problem("It works on no image.", ""));
    }
    joined(call, &parts, 0)
}

/// One or two axes: an operation of the graph.
fn flat(
    call: &mut Call<'_, '_>,
    x: &Rows,
    image: &Image,
    filters: &Filters,
    frame: &Frame,
) -> Result<Rows, Stop> {
    let pair = |list: &[usize], first: usize| match list {
        [w] => [first, *w],
        [h, w] => [*h, *w],
        _ => [0, 0],
    };
    let conv = Conv {
        channels: image.channels,
        image: pair(&image.size, 1),
        filters: filters.filters,
        kernel: pair(&frame.kernel, 1),
        groups: filters.groups,
        strides: pair(&frame.strides, 1),
        dilations: pair(&frame.dilations, 1),
        pads_before: pair(&frame.before, 0),
        out: pair(&frame.out, 1),
    };
    let id =
        call.emit(Op::Conv { conv, weights: filters.values.clone(), bias: filters.bias.clone() }, x.id)?;
    Ok(Rows { id, ..x.shaped(image.dims(filters.filters, &frame.out), x.batch) })
}

/// Three axes: for each place in depth, the slices that the filter sees become channels of a flat convolution.
fn deep(
    call: &mut Call<'_, '_>,
    x: &Rows,
    image: &Image,
    filters: &Filters,
    frame: &Frame,
) -> Result<Rows, Stop> {
    let (taps, size) = (frame.kernel[0], image.size[0]);
    let flat_image = Image { images: 1, channels: image.channels * taps, size: image.size[1..].to_vec() };
    let flat_frame = Frame {
        kernel: frame.kernel[1..].to_vec(),
        strides: frame.strides[1..].to_vec(),
        dilations: frame.dilations[1..].to_vec(),
        before: frame.before[1..].to_vec(),
        after: frame.after[1..].to_vec(),
        out: frame.out[1..].to_vec(),
    };
    let mut slices = Vec::new();
    for at in 0..frame.out[0] {
        let place = |tap: usize| {
            (at * frame.strides[0] + tap * frame.dilations[0])
                .checked_sub(frame.before[0])
                .filter(|&p| p < size)
        };
        let mut lists: Vec<Vec<Option<usize>>> = x.dims.iter().map(|&d| (0..d).map(Some).collect()).collect();
        lists[2] = (0..taps).map(place).collect();
        let seen = gridded_or(call, x, &lists, 0.0)?;
        let seen = seen.shaped(flat_image.dims(flat_image.channels, &flat_image.size), x.batch);
        let slice = flat(call, &seen, &flat_image, filters, &flat_frame)?;
        slices.push(slice.shaped(image.dims(filters.filters, &[1, frame.out[1], frame.out[2]]), x.batch));
    }
    joined(call, &slices, 2)
}

/// A convolution the other way: zeros between the values, and the filters reversed.
pub(super) fn conv_transpose(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let image = Image::of(&x)?;
    let (values, dims) = call.weights(1)?;
    let groups = groups_of(call)?;
    if dims.len() != image.rank() + 2
        || dims[0] != image.channels
        || dims[0] % groups != 0
        || dims[1..].contains(&0)
    {
        return Err(misfit(call, &dims, &x));
    }
    let kernel = dims[2..].to_vec();
    let filters = count(&[dims[1], groups])?;
    let bias = bias(call, filters)?;
    let turned =
        Filters { values: turned(&values, &dims, groups), filters, groups, kernel: kernel.clone(), bias };
    let spaced = Spaced::read(call, &image, &kernel)?;
    let lists: Vec<Vec<Option<usize>>> = [image.images, image.channels]
        .iter()
        .map(|&d| (0..d).map(Some).collect())
        .chain((0..image.rank()).map(|axis| spaced.places(&image, axis)))
        .collect();
    let length = lists.iter().map(Vec::len).collect::<Vec<_>>();
    call.builder.charge(count(&length)?)?;
    let wide = gridded_or(call, &x, &lists, 0.0)?;
    let wide_image = Image::of(&wide)?;
    let none = vec![0; image.rank()];
    let frame = Frame {
        kernel,
        strides: vec![1; image.rank()],
        dilations: spaced.dilations,
        before: none.clone(),
        after: none,
        out: spaced.out,
    };
    one(convolved(call, &wide, &wide_image, &turned, &frame)?)
}

/// From `channels × filters/groups × kernel` to `filters × channels/groups × kernel`, the kernel reversed.
fn turned(values: &[f64], dims: &[usize], groups: usize) -> Vec<f64> {
    let (channels, per_group) = (dims[0], dims[1]);
    let area: usize = dims[2..].iter().product();
    let seen = channels / groups;
    let mut out = Vec::with_capacity(values.len());
    for filter in 0..per_group * groups {
        let (group, own) = (filter / per_group, filter % per_group);
        for c in 0..seen {
            let start = ((group * seen + c) * per_group + own) * area;
            out.extend(values[start..start + area].iter().rev());
        }
    }
    out
}

/// An image with room between its values and around it.
struct Spaced {
    strides: Vec<usize>,
    dilations: Vec<usize>,
    /// Places before the first value; negative where the result is cut.
    before: Vec<i64>,
    out: Vec<usize>,
    /// All places of each axis.
    length: Vec<usize>,
}

impl Spaced {
    fn read(call: &Call<'_, '_>, image: &Image, kernel: &[usize]) -> Result<Self, Stop> {
        let rank = image.rank();
        let bad = || Stop::problem("Its pads or output shape do not fit.", "Export the layer again.");
        let (strides, dilations) = (per_axis(call, "strides", rank)?, per_axis(call, "dilations", rank)?);
        let extra = call.ints("output_padding");
        let extra = |axis: usize| extra.get(axis).copied().unwrap_or(0);
        let auto = call.word("auto_pad", "NOTSET", &["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])?;
        let (pads, wanted) = (call.ints("pads"), call.ints("output_shape"));
        let wanted = &wanted[wanted.len().saturating_sub(rank)..];
        let mut spaced = Self { strides, dilations, before: vec![], out: vec![], length: vec![] };
        #[allow(clippy::needless_range_loop)] // several lists go by axis
        for axis in 0..rank {
            let reach = i64::try_from(spaced.dilations[axis] * (kernel[axis] - 1)).map_err(|_| bad())?;
            let stride = i64::try_from(spaced.strides[axis]).map_err(|_| bad())?;
            let size = i64::try_from(image.size[axis]).map_err(|_| bad())?;
            let full = stride * (size - 1) + extra(axis) + reach + 1;
            let (begin, end) = match (wanted.get(axis), auto) {
                (Some(&wanted), _) => halves(full - wanted, auto),
                (None, "SAME_UPPER" | "SAME_LOWER") => halves((full - size * stride).max(0), auto),
                (None, "VALID") => (0, 0),
                _ => (pads.get(axis).copied().unwrap_or(0), pads.get(axis + rank).copied().unwrap_or(0)),
            };
            let out = full.checked_sub(begin).and_then(|n| n.checked_sub(end)).filter(|&n| n > 0);
            let out = usize::try_from(out.ok_or_else(bad)?).map_err(|_| bad())?;
            spaced.before.push(reach - begin);
            spaced.out.push(out);
            spaced.length.push(out.checked_add(usize::try_from(reach).map_err(|_| bad())?).ok_or_else(bad)?);
        }
        if spaced.length.iter().any(|&l| l > 1 << 20) {
            return Err(bad());
        }
        count(&spaced.length)?;
        Ok(spaced)
    }

    /// For each place of an axis, the value that stands there.
    fn places(&self, image: &Image, axis: usize) -> Vec<Option<usize>> {
        let place = |at: i64| {
            let from = usize::try_from(at - self.before[axis]).ok()?;
            let i = from / self.strides[axis];
            (from % self.strides[axis] == 0 && i < image.size[axis]).then_some(i)
        };
        (0..).take(self.length[axis]).map(place).collect()
    }
}

/// Padding before and behind, the odd one as the mode says.
fn halves(total: i64, auto: &str) -> (i64, i64) {
    let half = total.div_euclid(2);
    if auto == "SAME_UPPER" { (half, total - half) } else { (total - half, half) }
}
