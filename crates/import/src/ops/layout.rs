//! Where values stand in a row: other orders of the axes, choices along them, and stretching by ONNX's rules.

use privet_model::graph::{NodeId, Op};

use crate::onnx::value::Rows;
use crate::onnx::{Call, Stop};

/// A shape, and the axis of the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) dims: Vec<usize>,
    pub(super) batch: Option<usize>,
}

impl Shape {
    pub(super) fn of(x: &Rows) -> Self {
        Self { dims: x.dims.clone(), batch: x.batch }
    }

    /// Of a constant.
    pub(super) fn fixed(dims: &[usize]) -> Self {
        Self { dims: dims.to_vec(), batch: None }
    }
}

/// Number of values, if it can be counted.
pub(super) fn count(dims: &[usize]) -> Result<usize, Stop> {
    let product = dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    product.ok_or_else(|| Stop::problem("Its result has more values than can be counted.", ""))
}

/// Steps between neighbours along each axis.
pub(super) fn strides(dims: &[usize]) -> Vec<usize> {
    let mut step = 1;
    let mut strides: Vec<usize> = dims
        .iter()
        .rev()
        .map(|&d| {
            let own = step;
            step *= d;
            own
        })
        .collect();
    strides.reverse();
    strides
}

/// The place of each value of `dims`, in order, where a step along axis `i` moves by `steps[i]`.
pub(super) fn places(dims: &[usize], steps: &[usize]) -> Vec<usize> {
    let mut all = vec![0];
    for (&d, &step) in dims.iter().zip(steps) {
        all = all.iter().flat_map(|&at| (0..d).map(move |i| at + i * step)).collect();
    }
    all
}

/// The axis that is meant, which may count from the end.
pub(super) fn axis_of(axis: i64, rank: usize) -> Result<usize, Stop> {
    let from_start = if axis < 0 { axis.checked_add_unsigned(rank as u64) } else { Some(axis) };
    let place = from_start.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank);
    place.ok_or_else(|| {
        let reason = format!("It works along axis {axis}, where there are {rank}.");
        Stop::problem(reason, "Export the model again.")
    })
}

/// An axis of `x` that is not that of the batch.
pub(super) fn inner_axis(x: &Rows, axis: i64) -> Result<usize, Stop> {
    let place = axis_of(axis, x.rank())?;
    if x.batch == Some(place) {
        return Err(across(axis));
    }
    Ok(place)
}

pub(super) fn across(axis: i64) -> Stop {
    Stop::problem(
        format!("It works along axis {axis}, across the rows."),
        "Rows are computed one by one: use axis 1.",
    )
}

/// The axes in another order: axis `i` of the result is axis `order[i]` of `x`.
pub(super) fn permuted(call: &mut Call<'_, '_>, x: &Rows, order: &[usize]) -> Result<Rows, Stop> {
    let steps = strides(&x.dims);
    let dims: Vec<usize> = order.iter().map(|&axis| x.dims[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| steps[axis]).collect();
    let batch = x.batch.and_then(|axis| order.iter().position(|&o| o == axis));
    let moves = order.iter().filter(|&&axis| x.dims[axis] != 1);
    let id = if moves.is_sorted() { x.id } else { viewed(call, x.id, &dims, &steps)? };
    Ok(Rows { id, ..x.shaped(dims, batch) })
}

/// The values that these steps lead to.
pub(super) fn viewed(
    call: &mut Call<'_, '_>,
    id: NodeId,
    dims: &[usize],
    steps: &[usize],
) -> Result<NodeId, Stop> {
    call.builder.charge(count(dims)?)?;
    call.emit(Op::Select(places(dims, steps)), id)
}

/// These places along each axis.
pub(super) fn gridded(call: &mut Call<'_, '_>, x: &Rows, lists: &[Vec<usize>]) -> Result<Rows, Stop> {
    let dims: Vec<usize> = lists.iter().map(Vec::len).collect();
    let same = |(list, &d): (&Vec<usize>, &usize)| list.iter().copied().eq(0..d);
    if lists.iter().zip(&x.dims).all(same) {
        return Ok(x.shaped(dims, x.batch));
    }
    call.builder.charge(count(&dims)?)?;
    let mut all = vec![0];
    for (list, step) in lists.iter().zip(strides(&x.dims)) {
        all = all.iter().flat_map(|&at| list.iter().map(move |&i| at + i * step)).collect();
    }
    let id = call.emit(Op::Select(all), x.id)?;
    Ok(Rows { id, ..x.shaped(dims, x.batch) })
}

/// These places along each axis, and `fill` where a list has none.
pub(super) fn gridded_or(
    call: &mut Call<'_, '_>,
    x: &Rows,
    lists: &[Vec<Option<usize>>],
    fill: f64,
) -> Result<Rows, Stop> {
    let full: Option<Vec<Vec<usize>>> = lists.iter().map(|list| list.iter().copied().collect()).collect();
    if let Some(full) = full {
        return gridded(call, x, &full);
    }
    let dims: Vec<usize> = lists.iter().map(Vec::len).collect();
    call.builder.charge(count(&dims)?)?;
    let mut all = vec![Some(0)];
    for (list, step) in lists.iter().zip(strides(&x.dims)) {
        let next = |at: &Option<usize>| {
            let at = *at;
            list.iter().map(move |i| Some(at? + (*i)? * step)).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(next).collect();
    }
    let id = chosen_or(call, x, &all, fill)?;
    Ok(Rows { id, ..x.shaped(dims, x.batch) })
}

/// The values at these places, and `fill` where there is none.
pub(super) fn chosen_or(
    call: &mut Call<'_, '_>,
    x: &Rows,
    places: &[Option<usize>],
    fill: f64,
) -> Result<NodeId, Stop> {
    let behind = x.width();
    let constant = call.fixed(vec![fill])?;
    let both = call.emit_many(Op::Concat, vec![x.id, constant])?;
    call.emit(Op::Select(places.iter().map(|place| place.unwrap_or(behind)).collect()), both)
}

/// All places of each axis, to be changed for some.
pub(super) fn all_of(dims: &[usize]) -> Vec<Vec<usize>> {
    dims.iter().map(|&d| (0..d).collect()).collect()
}

/// The shape that several shapes take together.
pub(super) fn joint(shapes: &[&Shape]) -> Result<Shape, Stop> {
    let rank = shapes.iter().map(|s| s.dims.len()).max().unwrap_or(0);
    let axis = |s: &Shape| s.batch.map(|axis| axis + rank - s.dims.len());
    let batch = shapes.iter().find_map(|s| axis(s));
    let mut dims = vec![1; rank];
    for shape in shapes {
        let own = axis(shape);
        let offset = rank - shape.dims.len();
        for (at, (&d, joined)) in shape.dims.iter().zip(&mut dims[offset..]).enumerate() {
            match (*joined, d) {
                (1, d) => *joined = d,
                (j, d) if d == 1 || d == j => {}
                _ => return Err(misfit(shapes)),
            }
            // Along the rows, a value has one part for each of them, or one for all.
            if own != batch && batch == Some(at + offset) && d != 1 {
                return Err(misfit(shapes));
            }
        }
        if own.is_some() && own != batch {
            return Err(misfit(shapes));
        }
    }
    let per_row = |s: &&&Shape| axis(s).is_some_and(|axis| s.dims[axis + s.dims.len() - rank] != dims[axis]);
    if shapes.iter().find(per_row).is_some() { Err(misfit(shapes)) } else { Ok(Shape { dims, batch }) }
}

fn misfit(shapes: &[&Shape]) -> Stop {
    let all: Vec<String> = shapes.iter().map(|s| shown(s)).collect();
    let reason = format!("It joins {}.", all.join(" with "));
    Stop::problem(
        reason,
        "Use shapes that fit each other, and constants of one number or one for each column.",
    )
}

fn shown(shape: &Shape) -> String {
    let dim = |(axis, d): (usize, &usize)| match (shape.batch == Some(axis), d) {
        (true, 1) => "rows".to_owned(),
        (true, d) => format!("{d}·rows"),
        (false, d) => d.to_string(),
    };
    format!("[{}]", shape.dims.iter().enumerate().map(dim).collect::<Vec<_>>().join(", "))
}

/// Steps through values of `from` for each value of `to`, which is `from` stretched.
fn stretching(from: &[usize], to: &[usize]) -> Vec<usize> {
    let steps = strides(from).into_iter().zip(from).map(|(step, &d)| if d == 1 { 0 } else { step });
    std::iter::repeat_n(0, to.len() - from.len()).chain(steps).collect()
}

/// `x` stretched to a shape that it was joined into.
pub(super) fn stretched(call: &mut Call<'_, '_>, x: &Rows, to: &Shape) -> Result<Rows, Stop> {
    let id = if count(&to.dims)? == x.width() {
        x.id
    } else {
        viewed(call, x.id, &to.dims, &stretching(&x.dims, &to.dims))?
    };
    Ok(Rows { id, ..x.shaped(to.dims.clone(), to.batch) })
}

/// A constant's values stretched to a shape that it was joined into.
pub(super) fn spread(
    call: &mut Call<'_, '_>,
    values: &[f64],
    dims: &[usize],
    to: &[usize],
) -> Result<Vec<f64>, Stop> {
    call.builder.charge(count(to)?)?;
    Ok(places(to, &stretching(dims, to)).into_iter().map(|at| values[at]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn joined(
        a: (&[usize], Option<usize>),
        b: (&[usize], Option<usize>),
    ) -> Option<(Vec<usize>, Option<usize>)> {
        let shape = |(dims, batch): (&[usize], Option<usize>)| Shape { dims: dims.to_vec(), batch };
        joint(&[&shape(a), &shape(b)]).ok().map(|s| (s.dims, s.batch))
    }

    #[test]
    fn shapes_join_by_the_rules_of_onnx() {
        assert_eq!(joined((&[1, 3], Some(0)), (&[], None)).unwrap(), (vec![1, 3], Some(0)));
        assert_eq!(joined((&[1, 3], Some(0)), (&[1, 1, 3], None)).unwrap(), (vec![1, 1, 3], Some(1)));
        assert_eq!(joined((&[1, 2, 2], Some(0)), (&[2, 1], None)).unwrap(), (vec![1, 2, 2], Some(0)));
        assert_eq!(joined((&[2, 1], None), (&[3], None)).unwrap(), (vec![2, 3], None));
        assert_eq!(joined((&[4, 1], Some(0)), (&[4, 3], Some(0))).unwrap(), (vec![4, 3], Some(0)));
    }

    #[test]
    fn what_would_mix_rows_or_does_not_fit_is_refused() {
        for (a, b) in [
            ((&[1, 3][..], Some(0)), (&[2, 3][..], None)),
            ((&[1, 3], Some(0)), (&[2], None)),
            ((&[1, 3], Some(0)), (&[3, 1], Some(1))),
            ((&[1], Some(0)), (&[3], None)),
            ((&[2, 3], Some(0)), (&[2, 3], None)),
            ((&[2, 3], Some(0)), (&[1, 3], Some(0))),
        ] {
            assert_eq!(joined(a, b), None, "{a:?} {b:?}");
            assert_eq!(joined(b, a), None, "{b:?} {a:?}");
        }
    }

    #[test]
    fn places_follow_the_steps() {
        assert_eq!(strides(&[2, 3, 4]), [12, 4, 1]);
        assert_eq!(places(&[3, 2], &[1, 3]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(stretching(&[2, 1], &[3, 2, 2]), [0, 1, 0]);
        assert_eq!(axis_of(-1, 3).ok(), Some(2));
        assert!(axis_of(3, 3).is_err() && axis_of(-4, 3).is_err());
    }
}
