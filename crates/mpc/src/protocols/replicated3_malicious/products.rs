//! Products: any bilinear map of two tensors, as one summand from each party, and the summand of its MAC from the side that has one.
//!
//! `z_i = x_i·(y_i + y_{i+1}) + x_{i+1}·y_i` (Araki et al., CCS 2016), and for the MAC the same with ρ·x for x, or ρ·y for y: the other
//! side needs none, so that an owner's weights never get any. If neither side has one, the shorter gets it first. Exact.
//!
//! | operation | rounds | bits an element, over all parties |
//! |---|---|---|
//! | product of any kind, one side of which has a MAC | 0 | 0 |
//! | of two tensors without | 1 | 3(k+s) of the shorter |

use privet_ring::conv::Conv2d;

use crate::protocols::protocol::{Matrices, Operand};

use super::party::Malicious3;
use super::share::{Pair, Share, Shared};
use super::sum::{Sum, Summed};
use super::word::Word;

impl Malicious3 {
    /// `add(x, y, out)` adds a bilinear map of x and y to `out`, of so many elements.
    pub(super) fn product<W: Word>(
        &mut self,
        x: &Shared<W>,
        y: &Shared<W>,
        elements: usize,
        add: impl Fn(&[W], &[W], &mut [W]),
    ) -> Summed<W> {
        debug_assert_eq!(x.k, y.k, "another ring");
        self.with_mac_of_one(x, y, |x, y| {
            let mut z = vec![W::default(); elements];
            let both: Vec<W> = y.own.iter().zip(&y.next).map(|(a, b)| a.plus(*b)).collect();
            add(&x.own, &both, &mut z);
            add(&x.next, &y.own, &mut z);
            z
        })
    }

    /// What `summands` makes of both, and of the MAC of one of them with the other.
    fn with_mac_of_one<W: Word>(
        &mut self,
        x: &Shared<W>,
        y: &Shared<W>,
        summands: impl Fn(&Pair<W>, &Pair<W>) -> Vec<W>,
    ) -> Summed<W> {
        let m = match (&x.mac, &y.mac) {
            (Some(mac), _) => summands(mac, &y.value),
            (None, Some(mac)) => summands(&x.value, mac),
            (None, None) if x.len() <= y.len() => {
                self.with_mac(x).mac.map_or_else(Vec::new, |mac| summands(&mac, &y.value))
            }
            _ => self.with_mac(y).mac.map_or_else(Vec::new, |mac| summands(&x.value, &mac)),
        };
        Summed { k: x.k, z: summands(&x.value, &y.value), m, plain: None }
    }

    /// Element by element.
    pub(super) fn times<W: Word>(&mut self, x: &Shared<W>, y: &Shared<W>) -> Sum<W> {
        debug_assert_eq!((x.k, x.len()), (y.k, y.len()), "another ring or length");
        let one = |((a, b), (c, d)): ((&W, &W), (&W, &W))| a.times(c.plus(*d)).plus(b.times(*c));
        let each = |x: &Pair<W>, y: &Pair<W>| {
            let y = y.own.iter().zip(&y.next);
            x.own.iter().zip(&x.next).zip(y).map(one).collect()
        };
        self.with_mac_of_one(x, y, each).into()
    }

    /// The same, where everyone may know a side, or both.
    pub(super) fn bilinear(
        &mut self,
        x: Operand<'_, Share>,
        y: Operand<'_, Share>,
        k: u32,
        elements: usize,
        add: impl Fn(&[u128], &[u128], &mut [u128]),
    ) -> Sum<u128> {
        let of = |x: &[u128], y: &[u128]| {
            let mut out = vec![0; elements];
            add(x, y, &mut out);
            out
        };
        match (x, y) {
            (Operand::Secret(x), Operand::Secret(y)) => self.product(x, y, elements, add).into(),
            (Operand::Secret(x), Operand::Public(y)) => {
                let y = lifted(y);
                x.map(|x| of(x, &y)).in_ring(k).into()
            }
            (Operand::Public(x), Operand::Secret(y)) => {
                let x = lifted(x);
                y.map(|y| of(&x, y)).in_ring(k).into()
            }
            (Operand::Public(x), Operand::Public(y)) => self.known(k, of(&lifted(x), &lifted(y))).into(),
        }
    }
}

/// What everyone knows, in wide words.
pub(super) fn lifted(x: &[u64]) -> Vec<u128> {
    x.iter().map(|&x| x.into()).collect()
}

/// Inner products of `length` neighbours.
pub(super) fn rows<W: Word>(length: usize) -> impl Fn(&[W], &[W], &mut [W]) {
    move |x, y, out| {
        let pairs = x.chunks_exact(length.max(1)).zip(y.chunks_exact(length.max(1)));
        for ((x, y), out) in pairs.zip(out) {
            *out = out.plus(inner(x, y));
        }
    }
}

fn inner<W: Word>(x: &[W], y: &[W]) -> W {
    x.iter().zip(y).fold(W::default(), |sum, (x, y)| sum.plus(x.times(*y)))
}

/// Rows of x that stay in the cache while all rows of w pass.
const BLOCK: usize = 16;

/// x times the transpose of w.
pub(super) fn matrices<W: Word>(shape: Matrices) -> impl Fn(&[W], &[W], &mut [W]) {
    let Matrices { inner: length, columns, .. } = shape;
    move |x, w, out| {
        let (rows, length) = (BLOCK * columns, length.max(1));
        for (x, out) in x.chunks(BLOCK * length).zip(out.chunks_mut(rows.max(1))) {
            for (column, w) in w.chunks_exact(length).enumerate() {
                for (x, out) in x.chunks_exact(length).zip(out.chunks_exact_mut(columns)) {
                    out[column] = out[column].plus(inner(x, w));
                }
            }
        }
    }
}

/// Convolution, tap by tap along the rows of the image.
pub(super) fn convolution<W: Word>(shape: Conv2d) -> impl Fn(&[W], &[W], &mut [W]) {
    move |x, w, out| {
        let (groups, plane) = (shape.groups.max(1), shape.size[0] * shape.size[1]);
        let (depth, of_group) = (shape.channels / groups, shape.filters / groups);
        let (taps, area) = (shape.kernel[0] * shape.kernel[1], shape.out()[0] * shape.out()[1]);
        for (at, out) in out.chunks_exact_mut(area.max(1)).enumerate() {
            let (image, filter) = (at / shape.filters, at % shape.filters);
            let first = image * shape.channels + filter / of_group.max(1) * depth;
            for channel in 0..depth {
                let x = &x[(first + channel) * plane..][..plane];
                let w = &w[(filter * depth + channel) * taps..][..taps];
                add_channel(&shape, x, w, out);
            }
        }
    }
}

/// One channel under one filter.
fn add_channel<W: Word>(shape: &Conv2d, x: &[W], w: &[W], out: &mut [W]) {
    let columns = shape.out()[1].max(1);
    for (tap, &weight) in w.iter().enumerate() {
        let (down, right) = (tap / shape.kernel[1], tap % shape.kernel[1]);
        for (row, out) in out.chunks_exact_mut(columns).enumerate() {
            let Some(y) = place(shape, 0, row, down) else { continue };
            let x = &x[y * shape.size[1]..][..shape.size[1]];
            for (column, out) in out.iter_mut().enumerate() {
                if let Some(at) = place(shape, 1, column, right) {
                    *out = out.plus(x[at].times(weight));
                }
            }
        }
    }
}

/// Where a tap lies along a side, if it is inside the input.
fn place(shape: &Conv2d, side: usize, at: usize, tap: usize) -> Option<usize> {
    let padded = at * shape.strides[side] + tap * shape.dilations[side];
    padded.checked_sub(shape.pads_before[side]).filter(|&at| at < shape.size[side])
}

#[cfg(test)]
mod tests {
    use privet_ring::kernels::add_convolution;

    use super::*;

    #[test]
    fn a_convolution_is_that_of_the_ring() {
        for (groups, strides, dilations, pads) in [(1, [1, 1], [1, 1], [1, 1]), (2, [2, 1], [1, 2], [0, 2])] {
            let shape = Conv2d {
                batch: 2,
                channels: 4,
                size: [6, 5],
                filters: 6,
                kernel: [3, 2],
                strides,
                dilations,
                pads_before: pads,
                pads_after: [1, 0],
                groups,
            };
            let words = |n: usize, seed: u64| -> Vec<u64> {
                (1..=n as u64)
                    .map(|i| (i ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29))
                    .collect()
            };
            let (x, w) = (words(shape.input_len(), 5), words(shape.weights_len(), 77));
            let mut expected = vec![3; shape.output_len()];
            add_convolution(&shape, &x, &w, &mut expected);
            let mut got = vec![3u64; shape.output_len()];
            convolution(shape)(&x, &w, &mut got);
            assert_eq!(got, expected);
        }
    }
}
