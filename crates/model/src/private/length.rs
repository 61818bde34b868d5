//! How far the values of a step may be off together, as a vector: its Euclidean length.
//!
//! Value by value, a layer adds up all errors before it as if each were at its worst, and a deep network is left without a useful
//! bound. As a vector, an error grows in a layer by no more than the layer's largest singular value, and not at all where a function
//! changes no faster than its argument.

use super::action::{Action, Step};
use super::draft::{Draft, Secret};
use super::smooth::{SLOPE_OF_SOFTMAX, moved};
use crate::graph::{Conv, Function, Windows};
use crate::series::least_squares::dot;

/// Multiplications that are worth spending on one singular value.
const WORTH: usize = 1_000_000_000;
/// Above what float64 rounds where a value is the eighth root of a sum.
const ROUNDED_UP: f64 = 1.0 + 1e-6;

/// By step, at least the factor by which its weights make the length of an error longer; infinite where there are none.
pub(crate) fn gains(draft: &Draft) -> Vec<f64> {
    let gain = |step: &Step| match &step.action {
        Action::Linear { weights, .. } => {
            singular(&draft.secrets[*weights].values, draft.width(step.inputs[0]))
        }
        Action::Conv { conv, weights, .. } => convolution(conv, &draft.secrets[*weights]),
        _ => f64::INFINITY,
    };
    draft.steps.iter().map(gain).collect()
}

/// The square of a result's length is that of all patches, times that of the filters' matrix; and a value is in so many patches.
fn convolution(conv: &Conv, weights: &Secret) -> f64 {
    let of_group = conv.filters / conv.groups * conv.filter_len();
    let largest = weights.values.chunks(of_group.max(1)).map(|w| singular(w, conv.filter_len()));
    largest.fold(0.0, f64::max) * (conv.most_patches() as f64).sqrt()
}

/// At least the largest singular value of a matrix with rows of this length.
fn singular(matrix: &[f64], width: usize) -> f64 {
    let rows: Vec<&[f64]> = matrix.chunks(width.max(1)).collect();
    let frobenius = length(matrix) * ROUNDED_UP;
    let columns: Vec<Vec<f64>>;
    // M·Mᵀ and Mᵀ·M have the same: the smaller is taken.
    let vectors: Vec<&[f64]> = if rows.len() <= width {
        rows
    } else {
        columns = (0..width).map(|j| rows.iter().map(|row| row[j]).collect()).collect();
        columns.iter().map(Vec::as_slice).collect()
    };
    let (n, long) = (vectors.len(), vectors.first().map_or(0, |v| v.len()));
    if n * n * (long / 2 + 2 * n) > WORTH || frobenius == 0.0 || !frobenius.is_finite() {
        return frobenius;
    }
    let gram: Vec<Vec<f64>> = vectors
        .iter()
        .map(|a| vectors.iter().map(|b| dot(a, b) / (frobenius * frobenius)).collect())
        .collect();
    // No eigenvalue of a matrix is above its greatest sum of a row's sizes; of its fourth power, that is near.
    let fourth = square(&square(&gram));
    let sums = fourth.iter().map(|row| row.iter().map(|x| x.abs()).sum::<f64>());
    (frobenius * sums.fold(0.0, f64::max).powf(0.125) * ROUNDED_UP).min(frobenius)
}

/// Of a symmetric matrix.
fn square(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    matrix.iter().map(|a| matrix.iter().map(|b| dot(a, b)).collect()).collect()
}

/// The Euclidean length.
pub(crate) fn length(values: &[f64]) -> f64 {
    dot(values, values).sqrt()
}

/// What becomes of the length of an error in a step that has no weights; `before` are those of its inputs. Nothing that is a number
/// where only the errors of single values tell.
pub(crate) fn carried(step: &Step, before: &[f64]) -> f64 {
    let first = before.first().copied().unwrap_or(0.0);
    match &step.action {
        Action::Add | Action::Subtract | Action::Concat => before.iter().sum(),
        // Each sum is at most the root of its summands times their length, and a value may be in several.
        Action::Sum(windows) => first * (longest(windows) as f64 * most_uses(windows) as f64).sqrt(),
        Action::Max(windows) => first * (most_uses(windows) as f64).sqrt(),
        Action::Select(indices) => {
            let windows = indices.iter().map(std::slice::from_ref);
            first * (most_used(windows) as f64).sqrt()
        }
        Action::Flip { .. } | Action::Within { .. } | Action::Abs | Action::Cut | Action::Relu => first,
        Action::Smooth(f) => first * slope(*f),
        Action::Softmax { .. } => first * SLOPE_OF_SOFTMAX,
        _ => f64::INFINITY,
    }
}

/// The steepest slope of a function that has one everywhere.
fn slope(f: Function) -> f64 {
    use Function::{Cos, Erf, Gelu, GeluTanh, Sigmoid, Sin, Softplus, Tanh};
    match f {
        Sigmoid | Tanh | Softplus | Sin | Cos | Erf | Gelu | GeluTanh => moved(f, -1.0, 1.0, 1.0),
        _ => f64::INFINITY,
    }
}

fn longest(windows: &Windows) -> usize {
    windows.0.iter().map(Vec::len).max().unwrap_or(0)
}

fn most_uses(windows: &Windows) -> usize {
    most_used(windows.0.iter().map(Vec::as_slice))
}

/// In how many windows the value is that is in most.
fn most_used<'a>(windows: impl Iterator<Item = &'a [usize]>) -> usize {
    let mut uses: Vec<usize> = Vec::new();
    for &i in windows.flatten() {
        if uses.len() <= i {
            uses.resize(i + 1, 0);
        }
        uses[i] += 1;
    }
    uses.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, seed: u64) -> Vec<f64> {
        let mut x = seed;
        let next = |_| {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (x >> 40) as f64 / f64::from(1 << 23) - 1.0
        };
        (0..n).map(next).collect()
    }

    /// The largest singular value, by the power method: from below.
    fn power_method(
        apply: impl Fn(&[f64]) -> Vec<f64>,
        transposed: impl Fn(&[f64]) -> Vec<f64>,
        n: usize,
    ) -> f64 {
        let mut x = numbers(n, 5);
        let mut found = 0.0;
        for _ in 0..300 {
            let y = apply(&x);
            found = length(&y) / length(&x);
            x = transposed(&y);
            let size = length(&x);
            for x in &mut x {
                *x /= size;
            }
        }
        found
    }

    #[test]
    fn no_matrix_stretches_more_and_none_much_less() {
        for (rows, width) in [(1, 1), (1, 9), (9, 1), (20, 50), (50, 20), (40, 40)] {
            let m = numbers(rows * width, 7);
            let apply = |x: &[f64]| m.chunks(width).map(|row| dot(row, x)).collect::<Vec<f64>>();
            let back = |y: &[f64]| {
                (0..width).map(|j| (0..rows).map(|i| m[i * width + j] * y[i]).sum()).collect::<Vec<f64>>()
            };
            let (found, bound) = (power_method(apply, back, width), singular(&m, width));
            assert!(found <= bound && bound <= found * 1.5, "{rows}×{width}: {found} of {bound}");
        }
        assert!(singular(&[0.0; 6], 3) == 0.0);
    }

    #[test]
    fn no_convolution_stretches_more() {
        for (strides, dilations, groups) in [([1, 1], [1, 1], 1), ([2, 2], [1, 1], 2), ([1, 2], [2, 1], 1)] {
            let (image, kernel, pads) = ([9, 8], [3, 3], [1, 1]);
            let out = [0, 1]
                .map(|a| (image[a] + 2 * pads[a] - dilations[a] * (kernel[a] - 1) - 1) / strides[a] + 1);
            let conv = Conv {
                channels: 4,
                image,
                filters: 6,
                kernel,
                groups,
                strides,
                dilations,
                pads_before: pads,
                out,
            };
            let weights = Secret::of(numbers(conv.weights(), 3));
            let apply = |x: &[f64]| {
                let one = |output| {
                    let mut sum = 0.0;
                    conv.products(output, |w, i| sum += weights.values[w] * x[i]);
                    sum
                };
                (0..conv.width_out()).map(one).collect::<Vec<f64>>()
            };
            let back = |y: &[f64]| {
                let mut x = vec![0.0; conv.width_in()];
                for (output, y) in y.iter().enumerate() {
                    conv.products(output, |w, i| x[i] += weights.values[w] * y);
                }
                x
            };
            let (found, bound) = (power_method(apply, back, conv.width_in()), convolution(&conv, &weights));
            assert!(found <= bound && bound <= found * 3.0, "{strides:?}: {found} of {bound}");
        }
    }
}
