//! Changes of shape that keep each row's values together and in order, and shapes as values.

use privet_model::tensor::DataType;

use super::layout::{axis_of, count};
use crate::onnx::sizes::Size;
use crate::onnx::tensor::Elements;
use crate::onnx::value::{Rows, Value};
use crate::onnx::{Call, Lowered, Stop, constant, one};

/// More dimensions than this no model has.
const MAX_RANK: usize = 12;

pub(super) fn shape(call: &mut Call<'_, '_>) -> Lowered {
    let value = call.shape_of(0)?;
    let rank = match &value {
        Value::Constant(c) => c.data.len(),
        Value::Sizes(s) => s.0[0].data.len(),
        _ => 0,
    };
    let clamp = |at: i64| {
        let from_start = if at < 0 { at.saturating_add_unsigned(rank as u64) } else { at };
        usize::try_from(from_start).unwrap_or(0).min(rank)
    };
    let from = clamp(call.int("start", 0));
    let to = clamp(call.int("end", i64::MAX)).max(from);
    Ok(vec![value.part(from, to)])
}

pub(super) fn size(call: &mut Call<'_, '_>) -> Lowered {
    match call.shape_of(0)? {
        Value::Constant(dims) => {
            let dims = dims.data.to_ints().unwrap_or_default();
            let size = dims.iter().fold(1_i64, |n, d| n.saturating_mul(*d));
            constant("", Vec::new(), DataType::Int64, Elements::Int(vec![size]))
        }
        _ => Err(Stop::problem("It counts values of all rows.", "Rows are computed one by one.")),
    }
}

pub(super) fn reshape(call: &mut Call<'_, '_>) -> Lowered {
    let target =
        if call.has(1) { call.sizes(1)? } else { call.ints("shape").into_iter().map(Size::Number).collect() };
    if call.is_constant(0) && call.is_text(0) {
        return text_reshaped(call, &target);
    }
    let x = call.rows(0)?;
    let allow_zero = call.int("allowzero", 0) != 0;
    match reshaped(&x, &target, allow_zero, call.builder.batch) {
        Some((dims, batch)) => one(x.shaped(dims, batch)),
        None => Err(keeps_no_rows(&x, &shown(&target))),
    }
}

/// Class names, on their way to be picked from.
fn text_reshaped(call: &mut Call<'_, '_>, target: &[Size]) -> Lowered {
    let text = call.constant(0)?;
    let flat = Rows::new(privet_model::graph::NodeId(0), text.dims.clone(), None, DataType::Bytes);
    let Some((dims, _)) = reshaped(&flat, target, false, None) else {
        return Err(keeps_no_rows(&flat, &shown(target)));
    };
    constant(&text.name, dims, DataType::Bytes, text.data.clone())
}

/// The dimensions after a reshape to `target`, and the axis of the batch, if rows stay apart. `rows` is how many there are, where
/// the file says so.
fn reshaped(
    x: &Rows,
    target: &[Size],
    allow_zero: bool,
    rows: Option<i64>,
) -> Option<(Vec<usize>, Option<usize>)> {
    let open = target.iter().filter(|size| **size == Size::Number(-1)).count();
    if target.len() > MAX_RANK || open > 1 {
        return None;
    }
    let copied = |(at, size): (usize, &Size)| match size {
        Size::Number(0) if !allow_zero => {
            let d = i64::try_from(*x.dims.get(at)?).ok()?;
            Some(if x.batch == Some(at) { Size::Rows(d) } else { Size::Number(d) })
        }
        size => Some(*size),
    };
    let target: Vec<Size> = target.iter().enumerate().map(copied).collect::<Option<_>>()?;
    let Some(axis) = x.batch else { return filled(&target, x.width()).map(|dims| (dims, None)) };
    // The values before the batch's axis stay before it.
    let before: usize = x.dims[..axis].iter().product();
    let behind = x.width().checked_div(before)?;
    let place = (0..target.len()).find_map(|at| {
        let first = filled(&target[..at], before)?;
        let per_row = match target[at] {
            Size::Rows(per_row) => Size::Number(per_row),
            Size::Number(-1) => Size::Number(-1),
            Size::Number(all) => {
                Size::Number(all.checked_div(rows?).filter(|n| n * rows.unwrap_or(0) == all)?)
            }
            Size::Other => return None,
        };
        let rest = filled(&[&[per_row], &target[at + 1..]].concat(), behind)?;
        Some((at, [first, rest].concat()))
    });
    place.map(|(at, dims)| (dims, Some(at)))
}

/// The dimensions that `sizes` mean for so many values; at most one is open.
fn filled(sizes: &[Size], width: usize) -> Option<Vec<usize>> {
    let known = |size: &Size| match size {
        Size::Number(-1) => Some(None),
        Size::Number(n) => usize::try_from(*n).ok().map(Some),
        _ => None,
    };
    let sizes: Vec<Option<usize>> = sizes.iter().map(known).collect::<Option<_>>()?;
    let product = sizes.iter().flatten().try_fold(1_usize, |n, &d| n.checked_mul(d))?;
    match sizes.iter().filter(|size| size.is_none()).count() {
        0 => (product == width).then(|| sizes.into_iter().flatten().collect()),
        1 => {
            let rest = width.checked_div(product).unwrap_or(0);
            (product * rest == width).then(|| sizes.iter().map(|d| d.unwrap_or(rest)).collect())
        }
        _ => None,
    }
}

pub(super) fn flatten(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let axis = call.int("axis", 1);
    let at =
        if axis == i64::try_from(x.rank()).unwrap_or(i64::MAX) { x.rank() } else { axis_of(axis, x.rank())? };
    let dims = vec![count(&x.dims[..at])?, count(&x.dims[at..])?];
    // Only a dimension of 1 may be passed by on the way to the batch's new place.
    let is_one = |dims: &[usize]| dims.iter().all(|&d| d == 1);
    let batch = match x.batch {
        None => None,
        Some(batch) if batch < at && is_one(&x.dims[..batch]) => Some(0),
        Some(batch) if batch >= at && is_one(&x.dims[at..batch]) => Some(1),
        Some(_) => return Err(keeps_no_rows(&x, &format!("two dimensions split at axis {axis}"))),
    };
    one(x.shaped(dims, batch))
}

pub(super) fn squeeze(call: &mut Call<'_, '_>) -> Lowered {
    let given = axes_given(call)?;
    if call.is_constant(0) && call.is_text(0) {
        return text_reshaped(call, &[Size::Number(-1)]);
    }
    let x = call.rows(0)?;
    let axes = match &given {
        Some(axes) => axes.iter().map(|&axis| axis_of(axis, x.rank())).collect::<Result<Vec<_>, _>>()?,
        None => (0..x.rank()).filter(|&axis| x.dims[axis] == 1 && x.batch != Some(axis)).collect(),
    };
    if axes.iter().any(|&axis| x.dims[axis] != 1 || x.batch == Some(axis)) {
        return Err(keeps_no_rows(&x, "fewer dimensions by taking away one that is not 1"));
    }
    let kept: Vec<usize> = (0..x.rank()).filter(|axis| !axes.contains(axis)).collect();
    let batch = x.batch.and_then(|batch| kept.iter().position(|&axis| axis == batch));
    one(x.shaped(kept.iter().map(|&axis| x.dims[axis]).collect(), batch))
}

pub(super) fn unsqueeze(call: &mut Call<'_, '_>) -> Lowered {
    let axes = axes_given(call)?.unwrap_or_default();
    let x = call.rows(0)?;
    let rank = x.rank() + axes.len();
    let axes = axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<Vec<_>, _>>()?;
    let old: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
    if old.len() != x.rank() || rank > MAX_RANK {
        return Err(keeps_no_rows(&x, "the same axis twice"));
    }
    let dims = (0..rank).map(|axis| old.iter().position(|&o| o == axis).map_or(1, |i| x.dims[i])).collect();
    one(x.shaped(dims, x.batch.map(|batch| old[batch])))
}

/// An attribute up to version 12, an input from 13 on; none where all are meant.
fn axes_given(call: &mut Call<'_, '_>) -> Result<Option<Vec<i64>>, Stop> {
    let axes = if call.has(1) { Some(call.whole_numbers(1)?) } else { call.optional_ints("axes") };
    match axes {
        Some(axes) if axes.len() > MAX_RANK => {
            Err(Stop::problem(format!("It names {} axes.", axes.len()), "Use at most two dimensions."))
        }
        axes => Ok(axes),
    }
}

fn shown(target: &[Size]) -> String {
    let size = |size: &Size| match size {
        Size::Number(n) => n.to_string(),
        Size::Rows(1) => "rows".into(),
        Size::Rows(n) => format!("{n}·rows"),
        Size::Other => "?".into(),
    };
    format!("[{}]", target.iter().take(MAX_RANK).map(size).collect::<Vec<_>>().join(", "))
}

pub(super) fn keeps_no_rows(x: &Rows, target: &str) -> Stop {
    let reason = format!("It turns {} into {target}, which does not keep the rows apart.", x.shape());
    Stop::problem(reason, "Reshape to [-1, n], where n is the number of values in a row.")
}

#[cfg(test)]
mod tests {
    use privet_model::graph::NodeId;

    use super::*;

    fn reshape_from(dims: &[usize], batch: usize, target: &[i64]) -> Option<(Vec<usize>, usize)> {
        let x = Rows::new(NodeId(0), dims.into(), Some(batch), DataType::Fp32);
        let target: Vec<Size> = target.iter().map(|&n| Size::Number(n)).collect();
        reshaped(&x, &target, false, Some(4)).map(|(dims, batch)| (dims, batch.unwrap_or(99)))
    }

    fn reshape_of(inner: &[usize], target: &[i64]) -> Option<(Vec<usize>, usize)> {
        reshape_from(&[&[1], inner].concat(), 0, target)
    }

    #[test]
    fn keeps_rows_by_any_spelling() {
        assert_eq!(reshape_of(&[1, 6], &[-1, 6]), Some((vec![1, 6], 0)));
        assert_eq!(reshape_of(&[6], &[0, -1]), Some((vec![1, 6], 0)));
        assert_eq!(reshape_of(&[6], &[0, 2, -1]), Some((vec![1, 2, 3], 0)));
        assert_eq!(reshape_of(&[6], &[4, 6]), Some((vec![1, 6], 0)));
        assert_eq!(reshape_of(&[1], &[-1]), Some((vec![1], 0)));
        assert_eq!(reshape_of(&[], &[-1, 1]), Some((vec![1, 1], 0)));
        assert_eq!(reshape_of(&[2, 3], &[0, 0, 3]), Some((vec![1, 2, 3], 0)));
        assert_eq!(reshape_of(&[6], &[1, 4, 6]), Some((vec![1, 1, 6], 1)));
        // Several values of a row may share the batch's axis.
        assert_eq!(reshape_of(&[6], &[-1, 3]), Some((vec![2, 3], 0)));
        assert_eq!(reshape_of(&[6], &[8, 3]), Some((vec![2, 3], 0)));
        assert_eq!(reshape_from(&[5, 1, 6], 1, &[5, -1, 3]), Some((vec![5, 2, 3], 1)));
    }

    #[test]
    fn refuses_what_mixes_rows() {
        for target in
            [&[6_i64, -1][..], &[-1, -1], &[1, 6], &[0, 4], &[-1, i64::MAX, 2], &[0, -1, -1], &[], &[-2, 6]]
        {
            assert_eq!(reshape_of(&[6], target), None, "{target:?}");
        }
        assert_eq!(reshape_from(&[5, 1, 6], 1, &[-1, 6]), None);
    }
}
