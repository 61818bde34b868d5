//! Changes of shape that keep each row's values together and in order.

use crate::onnx::tensor::Elements;
use crate::onnx::value::{Form, Rows};
use crate::onnx::{Call, Lowered, Stop, one};

/// More dimensions than this have no use for rows of columns.
const MAX_RANK: usize = 8;

pub(super) fn reshape(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.any_rows(0)?;
    let target = match call.constant(1)?.data {
        Elements::Int(ref target) => target.clone(),
        _ => return Err(keeps_no_rows(&x, "another shape")),
    };
    let allow_zero = call.int("allowzero", 0) != 0;
    let dims = reshaped(&x, &target, allow_zero, call.builder.batch);
    let Some(dims) = dims else {
        return Err(keeps_no_rows(&x, &format!("{:?}", target.iter().take(MAX_RANK).collect::<Vec<_>>())));
    };
    let form = if x.form == Form::Sideways { Form::Plain } else { x.form };
    one(Rows { dims, form, ..Rows::new(x.id, Vec::new(), x.dtype) })
}

/// The row's dimensions after a reshape to `target`, if its first dimension stays the rows.
fn reshaped(x: &Rows, target: &[i64], allow_zero: bool, batch: Option<i64>) -> Option<Vec<usize>> {
    let (&rows, inner) = target.split_first()?;
    // Zero copies the dimension of that place, which is the rows unless the value lies sideways.
    let keeps = rows == -1 || Some(rows) == batch || (rows == 0 && !allow_zero && x.form != Form::Sideways);
    if !keeps || inner.len() >= MAX_RANK {
        return None;
    }
    let copied = |(place, &d): (usize, &i64)| match d {
        0 if allow_zero => None,
        0 => x.dims.get(place).and_then(|&d| i64::try_from(d).ok()),
        d => Some(d),
    };
    let inner: Vec<i64> = inner.iter().enumerate().map(copied).collect::<Option<_>>()?;
    let known = |d: i64| usize::try_from(d).ok();
    let product = inner.iter().filter(|&&d| d != -1).try_fold(1_usize, |n, &d| n.checked_mul(known(d)?))?;
    let open = inner.iter().filter(|&&d| d == -1).count();
    let rest = x.width().checked_div(product)?;
    let fits = product * rest == x.width() && (open == 1 || (open == 0 && rest == 1));
    // Two open dimensions have no meaning.
    let clear = fits && !(open == 1 && rows == -1);
    clear.then(|| inner.iter().map(|&d| known(d).unwrap_or(rest)).collect())
}

pub(super) fn flatten(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let rank = x.dims.len() + 1;
    let axis = call.int("axis", 1);
    let from_end = axis.saturating_add(i64::try_from(rank).unwrap_or_default());
    if axis != 1 && (axis >= 0 || from_end != 1) {
        return Err(keeps_no_rows(&x, &format!("two dimensions split at axis {axis}")));
    }
    one(Rows { dims: vec![x.width()], form: x.form, ..Rows::new(x.id, Vec::new(), x.dtype) })
}

pub(super) fn squeeze(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let axes = inner_axes(call, &x, x.dims.len())?;
    let kept = |(i, _): &(usize, &usize)| !axes.contains(i);
    if axes.iter().any(|&i| x.dims.get(i) != Some(&1)) {
        return Err(keeps_no_rows(&x, "fewer dimensions by taking away one that is not 1"));
    }
    let dims = x.dims.iter().enumerate().filter(kept).map(|(_, d)| *d).collect();
    one(Rows { dims, form: x.form, ..Rows::new(x.id, Vec::new(), x.dtype) })
}

pub(super) fn unsqueeze(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let rank = x.dims.len() + axes_given(call)?.len();
    let axes = inner_axes(call, &x, rank)?;
    let mut rest = x.dims.iter().copied();
    let dims: Option<Vec<usize>> =
        (0..rank).map(|i| if axes.contains(&i) { Some(1) } else { rest.next() }).collect();
    let dims =
        dims.filter(|_| rest.next().is_none()).ok_or_else(|| keeps_no_rows(&x, "the same axis twice"))?;
    one(Rows { dims, form: x.form, ..Rows::new(x.id, Vec::new(), x.dtype) })
}

/// The axes, as places among the row's own `rank` dimensions.
fn inner_axes(call: &mut Call<'_, '_>, x: &Rows, rank: usize) -> Result<Vec<usize>, Stop> {
    let axes = axes_given(call)?;
    let all = i64::try_from(rank + 1).unwrap_or_default();
    let place = |&axis: &i64| {
        let from_start = if axis < 0 { axis.checked_add(all)? } else { axis };
        usize::try_from(from_start).ok()?.checked_sub(1).filter(|&i| i < rank)
    };
    let places: Option<Vec<usize>> = axes.iter().map(place).collect();
    let places = places.filter(|_| !axes.is_empty() && rank < MAX_RANK);
    places.ok_or_else(|| keeps_no_rows(x, &format!("other dimensions along the axes {axes:?}")))
}

/// An attribute up to version 12, an input from 13 on.
fn axes_given(call: &mut Call<'_, '_>) -> Result<Vec<i64>, Stop> {
    let axes = if call.has(1) {
        match &call.constant(1)?.data {
            Elements::Int(axes) => axes.clone(),
            _ => Vec::new(),
        }
    } else {
        call.ints("axes")
    };
    let too_many = || Stop::problem(format!("It names {} axes.", axes.len()), "Use at most two dimensions.");
    if axes.len() < MAX_RANK { Ok(axes) } else { Err(too_many()) }
}

fn keeps_no_rows(x: &Rows, target: &str) -> Stop {
    let shape = if x.form == Form::Sideways { "[1, rows]".into() } else { x.shape() };
    let reason = format!("It turns {shape} into {target}, which does not keep the rows apart.");
    Stop::problem(reason, "Reshape to [-1, n], where n is the number of values in a row.")
}

#[cfg(test)]
mod tests {
    use privet_model::graph::NodeId;
    use privet_model::tensor::DataType;

    use super::*;

    fn reshape_of(dims: &[usize], target: &[i64]) -> Option<Vec<usize>> {
        let x = Rows::new(NodeId(0), dims.into(), DataType::Fp32);
        reshaped(&x, target, false, Some(4))
    }

    #[test]
    fn keeps_rows_by_any_spelling() {
        assert_eq!(reshape_of(&[1, 6], &[-1, 6]), Some(vec![6]));
        assert_eq!(reshape_of(&[6], &[0, -1]), Some(vec![6]));
        assert_eq!(reshape_of(&[6], &[0, 2, -1]), Some(vec![2, 3]));
        assert_eq!(reshape_of(&[6], &[4, 6]), Some(vec![6]));
        assert_eq!(reshape_of(&[1], &[-1]), Some(vec![]));
        assert_eq!(reshape_of(&[], &[-1, 1]), Some(vec![1]));
        assert_eq!(reshape_of(&[2, 3], &[0, 0, 3]), Some(vec![2, 3]));
    }

    #[test]
    fn refuses_what_mixes_rows() {
        for target in [
            &[-1_i64][..],
            &[-1, 3],
            &[6, -1],
            &[-1, -1],
            &[1, 6],
            &[0, 4],
            &[-1, i64::MAX, 2],
            &[0, -1, -1],
            &[],
        ] {
            assert_eq!(reshape_of(&[6], target), None, "{target:?}");
        }
    }
}
