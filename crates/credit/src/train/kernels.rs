//! The two sums that training consists of, in an order that neither the processor nor the number of threads changes:
//! each of [`WIDTH`] lanes is added up on its own, then the lanes in pairs.

use super::matrix::{Lanes, WIDTH};

/// Rows that are worked on together.
pub(crate) const GROUP: usize = 4;

/// Looks at each cache line of the rows. No look waits for another, so that many lines come from memory at once, which they
/// do not while sums are made of them.
pub(crate) fn fetch<'a>(rows: impl Iterator<Item = &'a [Lanes]>) {
    let seen = rows.flatten().fold(0, |seen, lanes| seen | lanes.0[0].to_bits());
    std::hint::black_box(seen);
}

/// The inner products of rows with `weights`, in float32.
pub(crate) fn products(rows: [&[Lanes]; GROUP], weights: &[Lanes]) -> [f32; GROUP] {
    let [a, b, c, d] = rows;
    let [a, b] = pair(a, b, weights);
    let [c, d] = pair(c, d, weights);
    [a, b, c, d]
}

/// Two rows at once: as many independent sums as keep the adders busy.
fn pair(a: &[Lanes], b: &[Lanes], weights: &[Lanes]) -> [f32; 2] {
    let (mut sum_a, mut sum_b) = ([0.0; WIDTH], [0.0; WIDTH]);
    for ((a, b), w) in a.iter().zip(b).zip(weights) {
        for i in 0..WIDTH {
            sum_a[i] += a.0[i] * w.0[i];
            sum_b[i] += b.0[i] * w.0[i];
        }
    }
    [total(sum_a), total(sum_b)]
}

/// The lanes in pairs, in a fixed order.
fn total(mut lanes: [f32; WIDTH]) -> f32 {
    let mut half = WIDTH / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Adds to `sums` each row times its factor, in float32.
pub(crate) fn add_multiples(rows: [&[Lanes]; GROUP], factors: [f32; GROUP], sums: &mut [Lanes]) {
    let [a, b, c, d] = rows;
    for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        for i in 0..WIDTH {
            let low = a.0[i] * factors[0] + b.0[i] * factors[1];
            let high = c.0[i] * factors[2] + d.0[i] * factors[3];
            sum.0[i] += low + high;
        }
    }
}

/// The inner product of a row with `weights` in float64, from which probabilities are made.
pub(crate) fn exact_product(row: &[Lanes], weights: &[[f64; WIDTH]]) -> f64 {
    let mut sums = [0.0; WIDTH];
    for (x, w) in row.iter().zip(weights) {
        for i in 0..WIDTH {
            sums[i] += f64::from(x.0[i]) * w[i];
        }
    }
    sums.iter().sum()
}
