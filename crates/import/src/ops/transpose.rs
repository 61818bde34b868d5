//! Another order of the values of a row.

use privet_model::graph::Op;

use crate::onnx::value::{Form, Rows};
use crate::onnx::{Call, Lowered, Stop, one};

pub(super) fn transpose(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let rank = x.dims.len() + 1;
    let given = call.ints("perm");
    let perm: Vec<usize> = if given.is_empty() {
        (0..rank).rev().collect()
    } else {
        given.iter().map(|&axis| usize::try_from(axis).unwrap_or(usize::MAX)).collect()
    };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().ne(0..rank) {
        return Err(Stop::problem(format!("Its attribute `perm` is {given:?}."), "Export the model again."));
    }
    if perm.first() != Some(&0) {
        let reason = format!("It moves the rows of {} away from the first place.", x.shape());
        return Err(Stop::problem(reason, "Rows are computed one by one: keep them in front."));
    }
    let inner: Vec<usize> = perm[1..].iter().map(|axis| axis - 1).collect();
    let dims: Vec<usize> = inner.iter().map(|&axis| x.dims[axis]).collect();
    let places = places(&x.dims, &inner);
    let is_same = places.iter().copied().eq(0..places.len());
    let id = if is_same { x.id } else { call.emit(Op::Select(places), x.id)? };
    one(Rows {
        form: if x.form == Form::Cut { Form::Cut } else { Form::Plain },
        ..Rows::new(id, dims, x.dtype)
    })
}

/// For each value in the new order, its place in the old one.
fn places(dims: &[usize], order: &[usize]) -> Vec<usize> {
    let stride = |axis: usize| dims[axis + 1..].iter().product::<usize>();
    let strides: Vec<usize> = order.iter().map(|&axis| stride(axis)).collect();
    let sizes: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
    let total: usize = sizes.iter().product();
    let place = |mut index: usize| {
        let mut at = 0;
        for (&size, &stride) in sizes.iter().zip(&strides).rev() {
            at += index % size * stride;
            index /= size;
        }
        at
    };
    (0..total).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_before_rows() {
        assert_eq!(places(&[2, 3], &[1, 0]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(places(&[2, 1, 2], &[2, 0, 1]), [0, 2, 1, 3]);
    }
}
