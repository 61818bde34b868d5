//! Operators that move values without computing.

use privet_model::graph::Op;
use privet_model::tensor::DataType;

use super::layout::{
    Shape, across, all_of, axis_of, chosen_or, count, gridded, inner_axis, joint, permuted, places,
    stretched, strides,
};
use crate::onnx::sizes::Size;
use crate::onnx::tensor::Elements;
use crate::onnx::value::{Rows, Value};
use crate::onnx::{Call, Lowered, Stop, constant, one};

pub(super) fn transpose(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let given = call.ints("perm");
    let order: Vec<usize> = if given.is_empty() {
        (0..x.rank()).rev().collect()
    } else {
        given.iter().map(|&axis| usize::try_from(axis).unwrap_or(usize::MAX)).collect()
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().ne(0..x.rank()) {
        return Err(Stop::problem(format!("Its attribute `perm` is {given:?}."), "Export the model again."));
    }
    one(permuted(call, &x, &order)?)
}

/// Side by side along an axis.
pub(super) fn concat(call: &mut Call<'_, '_>) -> Lowered {
    let parts = (0..call.inputs.len()).map(|i| call.rows(i)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = parts.first() else {
        return Err(Stop::problem("It has no inputs.", "Export the model again."));
    };
    let axis = inner_axis(first, call.int("axis", 1))?;
    let parts = truncated_alike(call, &parts)?;
    one(joined(call, &parts, axis)?)
}

/// Fractions are dropped in all parts or in none.
fn truncated_alike(call: &mut Call<'_, '_>, parts: &[Rows]) -> Result<Vec<Rows>, Stop> {
    if parts.iter().all(|part| part.cut) {
        return Ok(parts.to_vec());
    }
    (0..parts.len()).map(|i| if parts[i].cut { call.numbers(i) } else { Ok(parts[i].clone()) }).collect()
}

/// Values side by side along an axis.
pub(super) fn joined(call: &mut Call<'_, '_>, parts: &[Rows], axis: usize) -> Result<Rows, Stop> {
    let first = &parts[0];
    let mut dims = first.dims.clone();
    dims[axis] = 0;
    for part in parts {
        dims[axis] += same_but(first, part, axis)?;
    }
    if let [only] = parts {
        return Ok(only.clone());
    }
    let id = call.emit_many(Op::Concat, parts.iter().map(|part| part.id).collect())?;
    let joined = Rows { id, ..first.shaped(dims.clone(), first.batch) };
    let before: usize = dims[..axis].iter().product();
    if before <= 1 {
        return Ok(joined);
    }
    call.builder.charge(count(&dims)?)?;
    let behind: usize = dims[axis + 1..].iter().product();
    let mut starts = Vec::with_capacity(parts.len());
    let mut start = 0;
    for part in parts {
        let block = part.dims[axis] * behind;
        starts.push((start, block));
        start += before * block;
    }
    let row =
        |r: usize| starts.iter().flat_map(move |&(start, block)| start + r * block..start + (r + 1) * block);
    let id = call.emit(Op::Select((0..before).flat_map(row).collect()), id)?;
    Ok(Rows { id, ..joined })
}

/// The length of `part` along the axis, if all else is as in `first`.
fn same_but(first: &Rows, part: &Rows, axis: usize) -> Result<usize, Stop> {
    let others =
        |rows: &Rows| rows.dims.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, d)| *d).collect();
    let (a, b): (Vec<usize>, Vec<usize>) = (others(first), others(part));
    match part.dims.get(axis) {
        Some(&length) if a == b && first.batch == part.batch && first.is_text() == part.is_text() => {
            Ok(length)
        }
        _ => Err(Stop::problem(
            format!(
                "It joins {} of {} with {} of {}.",
                first.shape(),
                first.dtype.name(),
                part.shape(),
                part.dtype.name()
            ),
            "Join values of one type and shape.",
        )),
    }
}

pub(super) fn split(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let axis = inner_axis(&x, call.int("axis", 0))?;
    let length = x.dims[axis];
    let given = if call.has(1) { Some(call.whole_numbers(1)?) } else { call.optional_ints("split") };
    let parts = call.node.output.len().max(1);
    let parts = call.optional_int("num_outputs").and_then(|n| usize::try_from(n).ok()).unwrap_or(parts);
    let each = length.div_ceil(parts.max(1));
    let lengths: Vec<usize> = match given {
        Some(given) => given.iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect(),
        None => (0..parts).map(|i| each.min(length.saturating_sub(i * each))).collect(),
    };
    if lengths.iter().fold(0_usize, |n, &l| n.saturating_add(l)) != length {
        let reason = format!("It splits {length} values into parts of {lengths:?}.");
        return Err(Stop::problem(reason, "Export the model again."));
    }
    let mut from = 0;
    let part = |length: usize| {
        let mut lists = all_of(&x.dims);
        lists[axis] = (from..from + length).collect();
        from += length;
        gridded(call, &x, &lists).map(Value::Rows)
    };
    lengths.into_iter().map(part).collect()
}

pub(super) fn slice(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let (starts, ends, axes, steps) = if call.has(1) {
        let axes = if call.has(3) { Some(call.whole_numbers(3)?) } else { None };
        let steps = if call.has(4) { call.whole_numbers(4)? } else { Vec::new() };
        (call.sizes(1)?, call.sizes(2)?, axes, steps)
    } else {
        let list = |name| call.ints(name).into_iter().map(Size::Number).collect::<Vec<_>>();
        (list("starts"), list("ends"), call.optional_ints("axes"), Vec::new())
    };
    let axes = axes.unwrap_or_else(|| (0..).take(starts.len()).collect());
    if starts.len() != axes.len()
        || ends.len() != axes.len()
        || (!steps.is_empty() && steps.len() != axes.len())
    {
        return Err(Stop::problem(
            "Its starts and ends are not as many as its axes.",
            "Export the model again.",
        ));
    }
    let mut lists = all_of(&x.dims);
    for (i, &axis) in axes.iter().enumerate() {
        let place = axis_of(axis, x.rank())?;
        let step = steps.get(i).copied().unwrap_or(1);
        if x.batch == Some(place) {
            if !keeps_all(starts[i], ends[i], step, x.dims[place]) {
                return Err(across(axis));
            }
        } else if let (Size::Number(start), Size::Number(end)) = (starts[i], ends[i]) {
            lists[place] = range(start, end, step, x.dims[place])?;
        } else {
            return Err(Stop::problem(
                "It cuts where the number of rows says.",
                "Rows are computed one by one.",
            ));
        }
    }
    one(gridded(call, &x, &lists)?)
}

/// Whether a slice along the rows leaves them all.
fn keeps_all(start: Size, end: Size, step: i64, per_row: usize) -> bool {
    let to_the_end = match end {
        Size::Number(end) => end >= i64::from(i32::MAX),
        Size::Rows(rows) => usize::try_from(rows).is_ok_and(|rows| rows >= per_row),
        Size::Other => false,
    };
    start == Size::Number(0) && step == 1 && to_the_end
}

/// The places from `start` to `end` among `n`, which may count from the end.
fn range(start: i64, end: i64, step: i64, n: usize) -> Result<Vec<usize>, Stop> {
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let from_end = |at: i64| if at < 0 { at.saturating_add(n) } else { at };
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    // The greatest number means the last place in the direction of the steps: so the runtime, beyond the definition.
    let no_end = step < 0 && (end == i64::MAX || end == i64::from(i32::MAX));
    let end = if no_end { low } else { from_end(end).clamp(low, high) };
    let start = from_end(start).clamp(low.max(0), high);
    if step == 0 {
        return Err(Stop::problem("It makes steps of 0.", "Export the model again."));
    }
    let inside = |at: &i64| if step > 0 { *at < end } else { *at > end };
    let next = |at: &i64| at.checked_add(step);
    let all = std::iter::successors(Some(start), next).take_while(inside);
    Ok(all.filter_map(|at| usize::try_from(at).ok()).collect())
}

/// Values of an axis by constant indices, which may count from the end.
pub(super) fn gather(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let axis = inner_axis(&x, call.int("axis", 0))?;
    let indices = call.constant(1)?;
    let list = indices_of(&indices.data, x.dims[axis])?;
    let mut lists = all_of(&x.dims);
    lists[axis] = list;
    let picked = gridded(call, &x, &lists)?;
    let dims = [&x.dims[..axis], &indices.dims, &x.dims[axis + 1..]].concat();
    let batch = x.batch.map(|batch| if batch > axis { batch + indices.dims.len() - 1 } else { batch });
    one(picked.shaped(dims, batch))
}

/// Existing places among `n`.
pub(super) fn indices_of(indices: &Elements, n: usize) -> Result<Vec<usize>, Stop> {
    let indices = indices.to_ints().ok_or_else(|| {
        Stop::problem("It picks by something else than constant whole numbers.", "Pick by int64 indices.")
    })?;
    let place = |&i: &i64| {
        let from_start = if i < 0 { i.checked_add_unsigned(n as u64)? } else { i };
        usize::try_from(from_start).ok().filter(|&i| i < n)
    };
    let places: Option<Vec<usize>> = indices.iter().map(place).collect();
    places.ok_or_else(|| Stop::problem(format!("It picks one that is none of the {n}."), "Export it again."))
}

/// For each place its own index along one axis.
pub(super) fn gather_elements(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let axis = inner_axis(&x, call.int("axis", 0))?;
    let indices = call.constant(1)?;
    let fits = indices.dims.len() == x.rank()
        && indices.dims.iter().zip(&x.dims).enumerate().all(|(i, (a, b))| i == axis || a <= b);
    if !fits || x.batch.is_some() {
        return Err(Stop::problem("Its indices do not fit its values.", "Pick whole columns with `Gather`."));
    }
    let along = indices_of(&indices.data, x.dims[axis])?;
    let mut steps = strides(&x.dims);
    let own = std::mem::take(&mut steps[axis]);
    let base = places(&indices.dims, &steps);
    let id = call.emit(Op::Select(base.iter().zip(along).map(|(at, i)| at + i * own).collect()), x.id)?;
    one(Rows { id, ..x.shaped(indices.dims.clone(), None) })
}

/// Blocks at constant coordinates.
pub(super) fn gather_nd(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let indices = call.constant(1)?;
    let shared = usize::try_from(call.int("batch_dims", 0)).unwrap_or(0);
    let (Some((&depth, outer)), None) = (indices.dims.split_last(), x.batch) else {
        return Err(Stop::problem("It picks among rows.", "Pick columns with `Gather`."));
    };
    if shared > outer.len() || shared + depth > x.rank() || outer[..shared] != x.dims[..shared] {
        return Err(Stop::problem("Its indices do not fit its values.", "Export it again."));
    }
    let block = x.dims[shared + depth..].to_vec();
    let size = count(&block)?;
    let (tuples, per_shared) = (count(outer)?, count(&outer[shared..])?);
    call.builder.charge(count(&[tuples, size])?)?;
    let given = indices.data.to_ints().unwrap_or_default();
    let steps = strides(&x.dims);
    let mut all = Vec::with_capacity(tuples * size);
    for tuple in 0..tuples {
        let first = tuple / per_shared.max(1) * count(&x.dims[shared..])?;
        let mut start = first;
        for j in 0..depth {
            let at = indices_of(&Elements::Int(vec![given[tuple * depth + j]]), x.dims[shared + j])?;
            start += at[0] * steps[shared + j];
        }
        all.extend(start..start + size);
    }
    let id = call.emit(Op::Select(all), x.id)?;
    one(Rows { id, ..x.shaped([outer, &block].concat(), None) })
}

/// Stretched by ONNX's rules to a shape that may depend on the rows.
pub(super) fn expand(call: &mut Call<'_, '_>) -> Lowered {
    let to = target(call.sizes(1)?)?;
    let x = call.rows(0)?;
    let mut own = Shape::of(&x);
    // A batch of known size is written as a number.
    if let (Some(axis), None) = (own.batch, to.batch) {
        let at = (axis + to.dims.len()).checked_sub(own.dims.len());
        if let Some(at) = at.filter(|&at| i64::try_from(to.dims[at]).ok() == call.builder.batch) {
            let mut dims = to.dims.clone();
            dims[at] = own.dims[axis];
            let to = joint(&[&own, &Shape { dims, batch: Some(at) }])?;
            return one(stretched(call, &x, &to)?);
        }
    }
    if own.batch.is_none() && to.batch.is_some() {
        own = Shape { ..own };
    }
    let to = joint(&[&own, &to])?;
    one(stretched(call, &x, &to)?)
}

/// A shape as it is asked for.
fn target(sizes: Vec<Size>) -> Result<Shape, Stop> {
    let mut shape = Shape { dims: Vec::new(), batch: None };
    for size in sizes {
        let (n, is_rows) = match size {
            Size::Number(n) => (n, false),
            Size::Rows(n) => (n, true),
            Size::Other => (-1, false),
        };
        let n = usize::try_from(n).ok().filter(|_| !(is_rows && shape.batch.is_some()));
        let n = n.ok_or_else(|| Stop::problem("Its shape is not known.", "Export with fixed shapes."))?;
        if is_rows {
            shape.batch = Some(shape.dims.len());
        }
        shape.dims.push(n);
    }
    count(&shape.dims)?;
    Ok(shape)
}

/// The same number everywhere.
pub(super) fn constant_of_shape(call: &mut Call<'_, '_>) -> Lowered {
    let shape = target(call.sizes(0)?)?;
    let n = count(&shape.dims)?;
    call.builder.charge(n)?;
    let given = call.tensor("value")?;
    let dtype = given.as_ref().map_or(DataType::Fp32, |value| value.dtype);
    let value = given.and_then(|value| value.single()).unwrap_or(0.0);
    let id = call.fixed(vec![value; n])?;
    one(Rows::new(id, shape.dims, shape.batch, dtype))
}

pub(super) fn tile(call: &mut Call<'_, '_>) -> Lowered {
    let repeats = call.sizes(1)?;
    let x = call.rows(0)?;
    if repeats.len() != x.rank() {
        return Err(Stop::problem("Its repeats are not one for each axis.", "Export it again."));
    }
    let mut lists = Vec::new();
    for (axis, (&size, &d)) in repeats.iter().zip(&x.dims).enumerate() {
        let times = match size {
            Size::Number(n) if n == 1 || x.batch != Some(axis) => usize::try_from(n).unwrap_or(0),
            _ => return Err(across(i64::try_from(axis).unwrap_or(i64::MAX))),
        };
        call.builder.charge(count(&[times, d])?)?;
        lists.push((0..times).flat_map(|_| 0..d).collect());
    }
    one(gridded(call, &x, &lists)?)
}

/// The lower or upper triangle of the last two axes, zeros elsewhere.
pub(super) fn trilu(call: &mut Call<'_, '_>) -> Lowered {
    let k = if call.has(1) { call.whole_numbers(1)?.first().copied().unwrap_or(0) } else { 0 };
    let upper = call.int("upper", 1) != 0;
    let x = call.numbers(0)?;
    let [.., rows, columns] = x.dims[..] else {
        return Err(Stop::problem("It needs a matrix.", "Export it again."));
    };
    if x.batch.is_some_and(|axis| axis + 2 >= x.rank()) {
        return Err(across(-1));
    }
    call.builder.charge(x.width())?;
    let kept = |at: &usize| {
        let (row, column) = (at / columns % rows, at % columns);
        let (row, column) = (i64::try_from(row).unwrap_or(0), i64::try_from(column).unwrap_or(0));
        let diagonal = row.saturating_add(k);
        if upper { column >= diagonal } else { column <= diagonal }
    };
    let all: Vec<Option<usize>> = (0..x.width()).map(|at| Some(at).filter(kept)).collect();
    let id = chosen_or(call, &x, &all, 0.0)?;
    one(x.with(id))
}

/// Blocks of space from channels, `[rows, channels, height, width]`.
pub(super) fn depth_to_space(call: &mut Call<'_, '_>) -> Lowered {
    let (x, block, [n, c, h, w]) = blocks(call)?;
    if c % (block * block) != 0 {
        return Err(Stop::problem(
            format!("It makes blocks of {block} from {c} channels."),
            "Export it again.",
        ));
    }
    let rest = c / (block * block);
    let (dims, order) = if call.word("mode", "DCR", &["DCR", "CRD"])? == "DCR" {
        (vec![n, block, block, rest, h, w], [0, 3, 4, 1, 5, 2])
    } else {
        (vec![n, rest, block, block, h, w], [0, 1, 4, 2, 5, 3])
    };
    let moved = permuted(call, &x.shaped(dims, x.batch), &order)?;
    one(moved.shaped(vec![n, rest, h * block, w * block], x.batch))
}

/// The other way.
pub(super) fn space_to_depth(call: &mut Call<'_, '_>) -> Lowered {
    let (x, block, [n, c, h, w]) = blocks(call)?;
    if h % block != 0 || w % block != 0 {
        return Err(Stop::problem(
            format!("It makes blocks of {block} from {}.", x.shape()),
            "Export it again.",
        ));
    }
    let apart = vec![n, c, h / block, block, w / block, block];
    let order = if call.word("mode", "DCR", &["DCR", "CRD"])? == "DCR" {
        [0, 3, 5, 1, 2, 4]
    } else {
        [0, 1, 3, 5, 2, 4]
    };
    let moved = permuted(call, &x.shaped(apart, x.batch), &order)?;
    one(moved.shaped(vec![n, c * block * block, h / block, w / block], x.batch))
}

fn blocks(call: &mut Call<'_, '_>) -> Result<(Rows, usize, [usize; 4]), Stop> {
    let x = call.numbers(0)?;
    let block = usize::try_from(call.int("blocksize", 0)).ok().filter(|b| (1..=1 << 10).contains(b));
    match (block, &x.dims[..], x.batch) {
        (Some(block), &[n, c, h, w], None | Some(0)) => Ok((x, block, [n, c, h, w])),
        _ => Err(Stop::problem(
            format!("It works on {}.", x.shape()),
            "It needs [rows, channels, height, width].",
        )),
    }
}

/// A range of whole numbers or fractions, which must be constant.
pub(super) fn range_of(call: &mut Call<'_, '_>) -> Lowered {
    let (start, end, step) = (call.scalar(0)?, call.scalar(1)?, call.scalar(2)?);
    let n = ((end - start) / step).ceil().max(0.0);
    if !(0.0..=1e9).contains(&n) {
        return Err(Stop::problem("Its range has no end.", "Export it again."));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the range above
    let n = n as usize;
    call.builder.charge(n)?;
    let dtype = call.constant(0)?.dtype;
    let values: Vec<f64> = (0..n).map(|i| start + i as f64 * step).collect();
    let id = call.fixed(values)?;
    one(Rows::new(id, vec![n], None, dtype))
}

/// Where a constant is not zero: one column for each place.
pub(super) fn non_zero(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.constant(0)?;
    let values = crate::onnx::numbers(&x)?;
    let found: Vec<usize> = (0..values.len()).filter(|&at| values[at] != 0.0).collect();
    let of_axis = |(step, &d): (usize, &usize)| {
        found
            .iter()
            .map(move |at| i64::try_from(at / step % d.max(1)).unwrap_or(i64::MAX))
            .collect::<Vec<_>>()
    };
    let all = strides(&x.dims).into_iter().zip(&x.dims).flat_map(of_axis).collect();
    constant("", vec![x.dims.len(), found.len()], DataType::Int64, Elements::Int(all))
}
