//! Probabilities and log loss of rows, in float64.

use std::ops::Range;

use super::kernels::exact_product;
use super::load::shares;
use super::matrix::{Matrix, WIDTH, lanes_for};

/// The log-odds of some rows. The last of the weights is the bias.
pub(crate) fn logits(matrix: &Matrix, rows: Range<usize>, weights: &[f64], threads: usize) -> Vec<f64> {
    let Some((&bias, weights)) = weights.split_last() else { return vec![0.0; rows.len()] };
    let mut lanes = vec![[0.0; WIDTH]; lanes_for(matrix.columns())];
    lanes.iter_mut().flatten().zip(weights).for_each(|(place, &weight)| *place = weight);
    let lanes = &lanes;
    let mut logits = vec![0.0; rows.len()];
    std::thread::scope(|scope| {
        let mut rest = logits.as_mut_slice();
        for share in shares(rows.len(), threads) {
            let (mine, others) = rest.split_at_mut(share.len());
            rest = others;
            let first = rows.start + share.start;
            scope.spawn(move || {
                for (logit, row) in mine.iter_mut().zip(first..) {
                    *logit = bias + exact_product(matrix.row(row), lanes);
                }
            });
        }
    });
    logits
}

/// 1 / (1 + exp(−logit)), without overflow.
pub(crate) fn sigmoid(logit: f64) -> f64 {
    let e = (-logit.abs()).exp();
    if logit < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

/// The mean of −ln(probability of what happened); NaN without rows.
pub(crate) fn log_loss(logits: &[f64], targets: &[bool]) -> f64 {
    let loss = |(&logit, &target): (&f64, &bool)| {
        let against: f64 = if target { -logit } else { logit };
        against.max(0.0) + (-against.abs()).exp().ln_1p()
    };
    logits.iter().zip(targets).map(loss).sum::<f64>() / logits.len() as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact values are meant

    use super::*;

    #[test]
    fn extremes_do_not_overflow() {
        assert_eq!([-1e9, 0.0, 1e9].map(sigmoid), [0.0, 0.5, 1.0]);
        assert_eq!(log_loss(&[1e9, -1e9], &[true, false]), 0.0);
        assert_eq!(log_loss(&[-1000.0], &[true]), 1000.0);
        assert!((log_loss(&[0.0, 0.0], &[true, false]) - 2.0_f64.ln()).abs() < 1e-15);
        assert!(log_loss(&[], &[]).is_nan());
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let mut matrix = Matrix::zeros(37, 20);
        for row in 0..37 {
            for column in 0..20 {
                matrix.lanes_mut(row, column / WIDTH).0[column % WIDTH] =
                    ((row * 31 + column * 17) % 23) as f32 * 0.1;
            }
        }
        let weights: Vec<f64> = (0..21).map(|i| f64::from(i).sin()).collect();
        let one = logits(&matrix, 3..37, &weights, 1);
        assert_eq!(one.len(), 34);
        for threads in [2, 3, 64] {
            assert_eq!(one, logits(&matrix, 3..37, &weights, threads));
        }
        let by_hand: f64 =
            (0..20).map(|c| f64::from(((3 * 31 + c * 17) % 23) as f32 * 0.1) * weights[c]).sum::<f64>()
                + weights[20];
        assert!((one[0] - by_hand).abs() < 1e-12);
    }
}
