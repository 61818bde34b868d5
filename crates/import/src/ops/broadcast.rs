//! Constants stretched over the columns of a row, by ONNX's rules.

use privet_model::graph::{NodeId, Op};

use crate::onnx::tensor::{Constant, Elements};
use crate::onnx::value::Rows;
use crate::onnx::{Call, Stop};

/// A constant's values, one for each value of a row, and the row's dimensions after broadcasting.
pub(super) struct Spread {
    pub(super) values: Vec<f64>,
    pub(super) dims: Vec<usize>,
}

/// Broadcasts `constant` against `rows`.
pub(super) fn spread(constant: &Constant, rows: &Rows) -> Result<Spread, Stop> {
    let misfit = || misfit(constant, rows);
    let own = own_dims(&constant.dims, rows.dims.len()).ok_or_else(misfit)?;
    let missing = rows.dims.len() - own.len();
    let from: Vec<usize> = std::iter::repeat_n(1, missing).chain(own.iter().copied()).collect();
    let stretched: Option<Vec<usize>> = from.iter().zip(&rows.dims).map(|(&c, &x)| joined(c, x)).collect();
    let dims = stretched.filter(|dims| *dims == rows.dims || rows.width() == 1).ok_or_else(misfit)?;
    let given = constant.data.to_f64().ok_or_else(|| not_numbers(constant))?;
    Ok(Spread { values: fill(&given, &from, &dims), dims })
}

/// `scale[j]·x[j] + shift[j]`, also where a single column `x` becomes several.
pub(super) fn affine(
    call: &mut Call<'_, '_>,
    rows: &Rows,
    scale: Vec<f64>,
    shift: Vec<f64>,
) -> Result<NodeId, Stop> {
    let op = if scale.len() == rows.width() {
        Op::Affine { scale, shift }
    } else {
        Op::Linear { weights: scale, bias: shift }
    };
    call.emit(op, rows.id)
}

/// The dimensions that stand against a row's own; `None` where the constant would add rows or dimensions.
fn own_dims(dims: &[usize], rank: usize) -> Option<&[usize]> {
    match dims.len() {
        n if n <= rank => Some(dims),
        n if n == rank + 1 => dims.strip_prefix(&[1]),
        _ => None,
    }
}

fn joined(constant: usize, x: usize) -> Option<usize> {
    match (constant, x) {
        (c, x) if c == x => Some(x),
        (1, x) => Some(x),
        (c, 1) if c > 0 => Some(c),
        _ => None,
    }
}

fn fill(given: &[f64], from: &[usize], to: &[usize]) -> Vec<f64> {
    let total: usize = to.iter().product();
    let source = |index: usize| {
        let (mut rest, mut step, mut at) = (index, 1, 0);
        for (&f, &t) in from.iter().zip(to).rev() {
            at += if f == 1 { 0 } else { rest % t * step };
            rest /= t;
            step *= f;
        }
        at
    };
    (0..total).filter_map(|index| given.get(source(index)).copied()).collect()
}

fn misfit(constant: &Constant, rows: &Rows) -> Stop {
    let (name, dims, shape) = (&constant.name, &constant.dims, rows.shape());
    let reason =
        format!("Its constant `{name}` has the shape {dims:?}, which does not fit the value of {shape}.");
    Stop::problem(reason, "Use one number, or one for each column.")
}

pub(super) fn not_numbers(constant: &Constant) -> Stop {
    let kind = if let Elements::Unread(kind) = &constant.data { kind } else { "text" };
    let reason = format!("Its constant `{}` holds {kind}, which is not read.", constant.name);
    Stop::problem(reason, "Use float32, float64, float16, int64 or int32.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use privet_model::tensor::DataType;

    use super::*;
    use crate::onnx::tensor::Elements;

    fn spread_of(constant: &[usize], row: &[usize]) -> Option<(Vec<f64>, Vec<usize>)> {
        let data = Elements::Float((0..constant.iter().product::<usize>()).map(|x| x as f64).collect());
        let constant = Constant { name: "c".into(), dims: constant.into(), data };
        let rows = Rows::new(NodeId(0), row.into(), DataType::Fp32);
        spread(&constant, &rows).ok().map(|s| (s.values, s.dims))
    }

    #[test]
    fn follows_the_rules_of_onnx() {
        assert_eq!(spread_of(&[], &[3]).unwrap(), (vec![0.0; 3], vec![3]));
        assert_eq!(spread_of(&[1], &[3]).unwrap(), (vec![0.0; 3], vec![3]));
        assert_eq!(spread_of(&[3], &[3]).unwrap(), (vec![0.0, 1.0, 2.0], vec![3]));
        assert_eq!(spread_of(&[1, 3], &[3]).unwrap().0, [0.0, 1.0, 2.0]);
        assert_eq!(spread_of(&[2, 1], &[2, 2]).unwrap().0, [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(spread_of(&[2], &[2, 2]).unwrap().0, [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(spread_of(&[3], &[1]).unwrap(), (vec![0.0, 1.0, 2.0], vec![3]));
        assert_eq!(spread_of(&[1], &[]).unwrap(), (vec![0.0], vec![]));
    }

    #[test]
    fn what_would_add_rows_or_does_not_fit_is_refused() {
        for (constant, row) in [
            (&[2_usize][..], &[3_usize][..]),
            (&[2, 3], &[3]),
            (&[1, 1, 3], &[3]),
            (&[2], &[]),
            (&[1, 1], &[]),
            (&[0], &[1]),
            (&[2, 1], &[1, 3]),
        ] {
            assert_eq!(spread_of(constant, row), None, "{constant:?} {row:?}");
        }
    }
}
