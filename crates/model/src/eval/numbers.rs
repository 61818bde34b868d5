//! Numbers to numbers: by value, by pair, by group, by window.

use super::Value;
use crate::graph::{Norm, Reduce, Windows};

/// `f` of each value and its column.
pub(super) fn per_column(mut x: Vec<f64>, n: usize, f: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    x.chunks_mut(n.max(1)).for_each(|row| row.iter_mut().enumerate().for_each(|(j, v)| *v = f(j, *v)));
    x
}

/// `f` of each group of `n` values, in place.
pub(super) fn by_groups(mut x: Vec<f64>, n: usize, f: impl Fn(&mut [f64])) -> Vec<f64> {
    x.chunks_exact_mut(n.max(1)).for_each(f);
    x
}

/// `f` of each pair.
pub(super) fn pairs(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

/// `a` where the condition is not 0, else `b`.
pub(super) fn choose(condition: &[f64], a: &[f64], b: &[f64]) -> Vec<f64> {
    condition.iter().zip(a.iter().zip(b)).map(|(&c, (&a, &b))| if c == 0.0 { b } else { a }).collect()
}

/// One value per window of each row.
pub(super) fn reduce(x: &[f64], n: usize, reduce: Reduce, Windows(windows): &Windows) -> Vec<f64> {
    let one = |row: &[f64], window: &[usize]| {
        let values = window.iter().map(|&i| row[i]);
        match reduce {
            Reduce::Sum => values.sum(),
            Reduce::Max => values.fold(f64::NEG_INFINITY, |m, v| if v > m || v.is_nan() { v } else { m }),
            Reduce::Min => values.fold(f64::INFINITY, |m, v| if v < m || v.is_nan() { v } else { m }),
        }
    };
    x.chunks_exact(n.max(1)).flat_map(|row| windows.iter().map(move |w| one(row, w))).collect()
}

/// The place of the greatest of each group.
pub(super) fn arg_max(x: &[f64], group: usize) -> Value {
    let place = |row: &[f64]| i64::try_from(greatest(row)).unwrap_or(i64::MAX);
    Value::Int(x.chunks_exact(group.max(1)).map(place).collect())
}

/// Index of the greatest value, the first of equals.
pub fn greatest(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}

/// The row's softmax, in place.
pub fn softmax(row: &mut [f64]) {
    let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for x in row.iter_mut() {
        *x = (*x - greatest).exp();
    }
    let sum: f64 = row.iter().sum();
    for x in row {
        *x /= sum;
    }
}

/// From the greatest, so that nothing overflows and no logarithm is of 0.
pub(super) fn log_softmax(row: &mut [f64]) {
    let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = row.iter().map(|x| (x - greatest).exp()).sum();
    for x in row {
        *x -= greatest + sum.ln();
    }
}

/// The row at unit length, in place; a row of length 0 stays. The largest *value* counts for [`Norm::Max`], sign and
/// all, as ONNX Runtime has it.
pub fn normalize(norm: Norm, row: &mut [f64]) {
    let length: f64 = match norm {
        Norm::Max => row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Norm::L1 => row.iter().map(|x| x.abs()).sum(),
        Norm::L2 => row.iter().map(|x| x * x).sum::<f64>().sqrt(),
    };
    if length != 0.0 {
        for x in row {
            *x /= length;
        }
    }
}
