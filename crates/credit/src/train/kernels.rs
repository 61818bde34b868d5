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

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact values are meant

    use super::*;

    fn rows() -> Vec<Vec<Lanes>> {
        let value = |row: usize, i: usize| ((row * 37 + i * 11) % 29) as f32 * 0.125 - 1.5;
        let lanes = |row, lane: usize| Lanes(std::array::from_fn(|i| value(row, lane * WIDTH + i)));
        (0..=GROUP).map(|row| (0..3).map(|lane| lanes(row, lane)).collect()).collect()
    }

    fn flat(row: &[Lanes]) -> Vec<f64> {
        row.iter().flat_map(|lanes| lanes.0.map(f64::from)).collect()
    }

    #[test]
    fn sums_are_those_of_the_definition() {
        let rows = rows();
        let group: [&[Lanes]; GROUP] = std::array::from_fn(|i| rows[i].as_slice());
        let weights = rows[GROUP].as_slice();
        let by_hand = |row: &[Lanes]| flat(row).iter().zip(flat(weights)).map(|(x, w)| x * w).sum::<f64>();
        let exact: Vec<[f64; WIDTH]> = weights.iter().map(|lanes| lanes.0.map(f64::from)).collect();
        for (product, row) in products(group, weights).iter().zip(group) {
            assert!((f64::from(*product) - by_hand(row)).abs() < 1e-4);
            assert!((exact_product(row, &exact) - by_hand(row)).abs() < 1e-12);
        }
        let mut sums = weights.to_vec();
        add_multiples(group, [1.0, -2.0, 0.5, 0.0], &mut sums);
        for i in 0..3 * WIDTH {
            let by_hand =
                flat(weights)[i] + flat(group[0])[i] - 2.0 * flat(group[1])[i] + 0.5 * flat(group[2])[i];
            assert!((flat(&sums)[i] - by_hand).abs() < 1e-5);
        }
    }
}
