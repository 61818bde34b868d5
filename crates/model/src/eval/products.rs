//! Sums of products: matrices and convolutions.

use privet_ring::kernels::float_products;

use crate::graph::{Conv, MatMul};

/// `weights·x + bias` for each row.
pub(super) fn linear(x: &[f64], n: usize, weights: &[f64], bias: &[f64]) -> Vec<f64> {
    let (rows, scores) = (x.len() / n.max(1), bias.len());
    let mut out = vec![0.0; rows * scores];
    let mut one = vec![0.0; rows];
    for (s, (weights, &bias)) in weights.chunks_exact(n.max(1)).zip(bias).enumerate() {
        float_products(x, weights, bias, &mut one);
        one.iter().enumerate().for_each(|(r, &y)| out[r * scores + s] = y);
    }
    out
}

/// A convolution of each row.
pub(super) fn convolve(x: &[f64], conv: &Conv, weights: &[f64], bias: &[f64]) -> Vec<f64> {
    let places = (conv.out[0] * conv.out[1]).max(1);
    let one = |row: &[f64], output: usize| {
        let mut sum = bias[output / places];
        conv.products(output, |weight, input| sum += weights[weight] * row[input]);
        sum
    };
    let rows = x.chunks_exact(conv.width_in().max(1));
    rows.flat_map(|row| (0..conv.width_out()).map(move |output| one(row, output))).collect()
}

/// A stack of matrix products for each row.
pub(super) fn multiply(a: &[f64], b: &[f64], shape: &MatMul, rows: usize) -> Vec<f64> {
    let MatMul { stack, rows: m, inner, columns } = *shape;
    let mut out = vec![0.0; rows * stack * m * columns];
    for s in 0..rows * stack {
        for i in 0..m {
            for l in 0..inner {
                let left = a[(s * m + i) * inner + l];
                let right = &b[(s * inner + l) * columns..][..columns];
                let sums = &mut out[(s * m + i) * columns..][..columns];
                sums.iter_mut().zip(right).for_each(|(sum, r)| *sum += left * r);
            }
        }
    }
    out
}
