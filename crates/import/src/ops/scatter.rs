//! Values put in the place of others, at constant places.

use privet_model::graph::{Comparison, Op};

use super::arithmetic::affine;
use super::layout::{axis_of, count, inner_axis, places, strides, viewed};
use super::moves::indices_of;
use crate::onnx::tensor::Elements;
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// `data`, with values of `updates` at these places.
fn replaced(call: &mut Call<'_, '_>, x: &Rows, updates: &Rows, at: &[usize]) -> Lowered {
    call.word("reduction", "none", &["none"])?;
    if x.batch.is_some() || updates.batch.is_some() {
        return Err(Stop::problem("It replaces values among rows.", "Join columns with `Concat` instead."));
    }
    let n = x.width();
    call.builder.charge(count(&[2, n])?)?;
    let mut from: Vec<usize> = (0..n).collect();
    for (i, &place) in at.iter().enumerate() {
        from[place] = n + i;
    }
    let both = call.emit_many(Op::Concat, vec![x.id, updates.id])?;
    let id = call.emit(Op::Select(from), both)?;
    one(x.with(id))
}

pub(super) fn scatter_elements(call: &mut Call<'_, '_>) -> Lowered {
    let (x, updates) = (call.numbers(0)?, call.numbers(2)?);
    let axis = inner_axis(&x, call.int("axis", 0))?;
    let indices = call.constant(1)?;
    let within = indices.dims.iter().zip(&x.dims).enumerate().all(|(i, (a, b))| i == axis || a <= b);
    if indices.dims != updates.dims || indices.dims.len() != x.rank() || !within {
        return Err(Stop::problem("Its indices do not fit its values.", "Export it again."));
    }
    let along = indices_of(&indices.data, x.dims[axis])?;
    let mut steps = strides(&x.dims);
    let own = std::mem::take(&mut steps[axis]);
    let at: Vec<usize> =
        places(&indices.dims, &steps).iter().zip(along).map(|(at, i)| at + i * own).collect();
    replaced(call, &x, &updates, &at)
}

pub(super) fn scatter_nd(call: &mut Call<'_, '_>) -> Lowered {
    let (x, updates) = (call.numbers(0)?, call.numbers(2)?);
    let indices = call.constant(1)?;
    let bad = || Stop::problem("Its indices do not fit its values.", "Export it again.");
    let (&depth, outer) = indices.dims.split_last().ok_or_else(bad)?;
    if depth > x.rank() {
        return Err(bad());
    }
    let block = count(&x.dims[depth..])?;
    let tuples = count(outer)?;
    if count(&[tuples, block])? != updates.width() {
        return Err(bad());
    }
    let given = indices.data.to_ints().ok_or_else(bad)?;
    let steps = strides(&x.dims);
    let mut at = Vec::with_capacity(updates.width());
    for tuple in 0..tuples {
        let mut start = 0;
        for j in 0..depth {
            start += indices_of(&Elements::Int(vec![given[tuple * depth + j]]), x.dims[j])?[0] * steps[j];
        }
        at.extend(start..start + block);
    }
    replaced(call, &x, &updates, &at)
}

/// A new axis that holds one value where the index is and another elsewhere.
pub(super) fn one_hot(call: &mut Call<'_, '_>) -> Lowered {
    let (depth, (values, _)) = (call.scalar(1)?, call.weights(2)?);
    let (&[off, on], true) = (&values[..], (1.0..=65536.0).contains(&depth)) else {
        return Err(Stop::problem("Its depth or values are not possible.", "Export it again."));
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the range above
    let depth = depth as usize;
    let dtype = call.constant(2)?.dtype;
    let x = call.numbers(0)?;
    let axis = axis_of(call.int("axis", -1), x.rank() + 1)?;
    let mut dims = x.dims.clone();
    dims.insert(axis, depth);
    let mut steps = strides(&x.dims);
    steps.insert(axis, 0);
    let spread = viewed(call, x.id, &dims, &steps)?;
    let mut along = vec![0; dims.len()];
    along[axis] = 1;
    let hot: Vec<f64> = places(&dims, &along).into_iter().map(|i| i as f64).collect();
    let batch = x.batch.map(|batch| if batch >= axis { batch + 1 } else { batch });
    let wide = Rows { dtype, ..x.shaped(dims, batch).with(spread) };
    // Indices may count from the end.
    let fixed = call.fixed(hot.clone())?;
    let direct = call.emit_many(Op::Compare(Comparison::Equal), vec![spread, fixed])?;
    let from_end = call.fixed(hot.iter().map(|i| i - depth as f64).collect())?;
    let counted = call.emit_many(Op::Compare(Comparison::Equal), vec![spread, from_end])?;
    let found = call.emit_many(Op::Add, vec![direct, counted])?;
    let n = wide.width();
    let id = affine(call, &wide.with(found), vec![on - off; n], vec![off; n])?;
    one(wide.with(id))
}
