//! Two-dimensional convolution of tensors of ring elements, directly: no copy of the input for each position of the kernel.

/// Filters whose sums are kept side by side: four of the widest registers.
const FILTERS: usize = 32;
/// Positions of the output that are summed at a time: with the filters, 16 KiB.
const POSITIONS: usize = 64;

/// Shape of a two-dimensional convolution. The input is `batch × channels × height × width`, the weights
/// `filters × channels/groups × kernel`, the output `batch × filters × out`, all row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Images.
    pub batch: usize,
    /// Channels of an image; a multiple of `groups`.
    pub channels: usize,
    /// Rows and columns of a channel.
    pub size: [usize; 2],
    /// Channels of the output; a multiple of `groups`.
    pub filters: usize,
    /// Rows and columns of a filter.
    pub kernel: [usize; 2],
    /// Steps between positions of the filter, down and right; not 0.
    pub strides: [usize; 2],
    /// Steps between elements under the filter, down and right; not 0.
    pub dilations: [usize; 2],
    /// Zeros put before the rows and before the columns.
    pub pads_before: [usize; 2],
    /// Zeros put after them.
    pub pads_after: [usize; 2],
    /// Parts into which channels and filters are split.
    pub groups: usize,
}

impl Conv2d {
    /// Rows and columns of the output.
    pub fn out(&self) -> [usize; 2] {
        [0, 1].map(|d| {
            let reach = self.dilations[d] * (self.kernel[d].max(1) - 1) + 1;
            let padded = self.size[d] + self.pads_before[d] + self.pads_after[d];
            padded.checked_sub(reach).map_or(0, |room| room / self.strides[d].max(1) + 1)
        })
    }

    /// Elements of the output.
    pub fn output_len(&self) -> usize {
        self.batch * self.filters * self.out().iter().product::<usize>()
    }

    /// Elements of the input.
    pub fn input_len(&self) -> usize {
        self.batch * self.channels * self.size[0] * self.size[1]
    }

    /// Elements of the weights.
    pub fn weights_len(&self) -> usize {
        self.filters * (self.channels / self.groups.max(1)) * self.kernel[0] * self.kernel[1]
    }

    /// Adds the convolution of `x` with `w` to `out`; see [`kernels::add_convolution`](crate::kernels::add_convolution).
    #[inline(always)]
    #[allow(clippy::inline_always)] // so that it is compiled for the instructions of its caller
    pub(crate) fn add(&self, x: &[u64], w: &[u64], out: &mut [u64]) {
        let of_group = self.filters / self.groups.max(1);
        let [channels, depth] = [self.channels, self.channels / self.groups.max(1)];
        let (plane, taps) = (self.size[0] * self.size[1], depth * self.kernel[0] * self.kernel[1]);
        let of_out = of_group * self.out().iter().product::<usize>();
        for (at, out) in out.chunks_exact_mut(of_out.max(1)).enumerate() {
            let (image, group) = (at / self.groups.max(1), at % self.groups.max(1));
            let x = &x[(image * channels + group * depth) * plane..][..depth * plane];
            let w = &w[group * of_group * taps..][..of_group * taps];
            if of_group >= FILTERS / 2 {
                self.add_wide(x, w, out);
            } else {
                self.add_narrow(x, w, out);
            }
        }
    }

    /// One group of few filters: along the rows of the image.
    #[inline(always)]
    #[allow(clippy::inline_always)] // as above
    fn add_narrow(&self, x: &[u64], w: &[u64], out: &mut [u64]) {
        let (plane, taps) = (self.size[0] * self.size[1], self.kernel[0] * self.kernel[1]);
        let channels = x.len() / plane.max(1);
        let of_filter = self.out().iter().product::<usize>();
        for (filter, out) in out.chunks_exact_mut(of_filter.max(1)).enumerate() {
            for c in 0..channels {
                let weights = &w[(filter * channels + c) * taps..][..taps];
                self.add_channel(&x[c * plane..][..plane], weights, out);
            }
        }
    }

    /// One group of many filters: [`FILTERS`] of them at a time, for so many rows of the output that all sums stay in the
    /// nearest cache.
    #[inline(always)]
    #[allow(clippy::inline_always)] // as above
    fn add_wide(&self, x: &[u64], w: &[u64], out: &mut [u64]) {
        let [rows, columns] = self.out();
        let taps = x.len() / (self.size[0] * self.size[1]).max(1) * self.kernel[0] * self.kernel[1];
        let together = (POSITIONS / columns.max(1)).max(1);
        let mut sums = vec![[0; FILTERS]; together * columns];
        for (w, out) in w.chunks(FILTERS * taps.max(1)).zip(out.chunks_mut(FILTERS * rows * columns)) {
            let mut by_tap = vec![[0; FILTERS]; taps];
            for (filter, w) in w.chunks_exact(taps.max(1)).enumerate() {
                by_tap.iter_mut().zip(w).for_each(|(by_tap, w)| by_tap[filter] = *w);
            }
            for first in (0..rows).step_by(together) {
                let sums = &mut sums[..together.min(rows - first) * columns];
                sums.fill([0; FILTERS]);
                self.sum_rows(x, &by_tap, first, sums);
                for (filter, out) in out.chunks_exact_mut(rows * columns).enumerate() {
                    let out = out[first * columns..].iter_mut();
                    out.zip(&*sums).for_each(|(out, sums)| *out = out.wrapping_add(sums[filter]));
                }
            }
        }
    }

    /// The sums of each position of the output rows `first..`, for all filters of a block.
    #[inline(always)]
    #[allow(clippy::inline_always)] // as above
    fn sum_rows(&self, x: &[u64], by_tap: &[[u64; FILTERS]], first: usize, sums: &mut [[u64; FILTERS]]) {
        let [height, width] = self.size;
        let columns = self.out()[1];
        for (tap, weights) in by_tap.iter().enumerate() {
            let (right, down) = (tap % self.kernel[1], tap / self.kernel[1] % self.kernel[0]);
            let x = &x[tap / (self.kernel[0] * self.kernel[1]) * height * width..][..height * width];
            let (start, end, from) = self.reached(1, right);
            for (row, sums) in sums.chunks_exact_mut(columns).enumerate() {
                let y = (first + row) * self.strides[0] + down * self.dilations[0];
                let Some(y) = y.checked_sub(self.pads_before[0]).filter(|&y| y < height) else { continue };
                let x = x[y * width..][..width].get(from..).unwrap_or_default();
                let sums = &mut sums[start..end];
                if self.strides[1] == 1 {
                    sums.iter_mut().zip(x).for_each(|(sums, x)| add_tap(sums, *x, weights));
                } else {
                    let x = x.iter().step_by(self.strides[1].max(1));
                    sums.iter_mut().zip(x).for_each(|(sums, x)| add_tap(sums, *x, weights));
                }
            }
        }
    }

    /// One channel under one filter, tap by tap.
    #[inline(always)]
    #[allow(clippy::inline_always)] // as above
    fn add_channel(&self, x: &[u64], weights: &[u64], out: &mut [u64]) {
        let [_, columns] = self.out();
        for (tap, &weight) in weights.iter().enumerate() {
            let (down, right) = (tap / self.kernel[1], tap % self.kernel[1]);
            let (first, last, from) = self.reached(1, right);
            for (row, out) in out.chunks_exact_mut(columns.max(1)).enumerate() {
                let y = row * self.strides[0] + down * self.dilations[0];
                let Some(y) = y.checked_sub(self.pads_before[0]).filter(|&y| y < self.size[0]) else {
                    continue;
                };
                let x = x[y * self.size[1]..][..self.size[1]].get(from..).unwrap_or_default();
                add_row(&mut out[first..last], x, weight, self.strides[1]);
            }
        }
    }

    /// The outputs `first..last` along a side for which this tap lies inside the input, and where it lies for the first.
    fn reached(&self, side: usize, tap: usize) -> (usize, usize, usize) {
        let (stride, offset) = (self.strides[side].max(1), tap * self.dilations[side]);
        let first = self.pads_before[side].saturating_sub(offset).div_ceil(stride);
        let end = (self.size[side] + self.pads_before[side]).saturating_sub(offset).div_ceil(stride);
        let last = end.min(self.out()[side]);
        let first = first.min(last);
        (first, last, (first * stride + offset).saturating_sub(self.pads_before[side]))
    }
}

/// `sums += x·weights`.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
fn add_tap(sums: &mut [u64; FILTERS], x: u64, weights: &[u64; FILTERS]) {
    for (sum, &weight) in sums.iter_mut().zip(weights) {
        *sum = sum.wrapping_add(x.wrapping_mul(weight));
    }
}

/// `out[i] += weight·x[i·stride]`.
#[inline(always)]
#[allow(clippy::inline_always)] // as above
fn add_row(out: &mut [u64], x: &[u64], weight: u64, stride: usize) {
    if stride == 1 {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = out.wrapping_add(x.wrapping_mul(weight)));
    } else {
        let x = x.iter().step_by(stride);
        out.iter_mut().zip(x).for_each(|(out, x)| *out = out.wrapping_add(x.wrapping_mul(weight)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernels::add_convolution;

    /// By the definition, one output and one tap at a time.
    fn slow(c: &Conv2d, x: &[u64], w: &[u64]) -> Vec<u64> {
        let ([rows, columns], depth) = (c.out(), c.channels / c.groups);
        let mut out = vec![0u64; c.output_len()];
        for (at, out) in out.iter_mut().enumerate() {
            let (col, row) = (at % columns, at / columns % rows);
            let (filter, image) = (at / columns / rows % c.filters, at / columns / rows / c.filters);
            let group = filter * c.groups / c.filters;
            for tap in 0..depth * c.kernel[0] * c.kernel[1] {
                let (kx, ky) = (tap % c.kernel[1], tap / c.kernel[1] % c.kernel[0]);
                let channel = group * depth + tap / c.kernel[1] / c.kernel[0];
                let inside = |place: usize, tap: usize, side: usize| {
                    (place * c.strides[side] + tap * c.dilations[side])
                        .checked_sub(c.pads_before[side])
                        .filter(|&at| at < c.size[side])
                };
                if let (Some(y), Some(x_at)) = (inside(row, ky, 0), inside(col, kx, 1)) {
                    let value = x[((image * c.channels + channel) * c.size[0] + y) * c.size[1] + x_at];
                    let weight = w[filter * depth * c.kernel[0] * c.kernel[1] + tap];
                    *out = out.wrapping_add(value.wrapping_mul(weight));
                }
            }
        }
        out
    }

    fn side() -> impl Strategy<Value = [usize; 6]> {
        (1usize..9, 1usize..4, 1usize..4, 1usize..4, 0usize..4, 0usize..4)
            .prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn it_is_the_definition(
            rows in side(),
            columns in side(),
            (batch, groups, depth) in (1usize..3, 1usize..4, 1usize..4),
            of_group in prop_oneof![1usize..4, 14usize..70],
            seed: u64,
        ) {
            let sides = |at: usize| [rows[at], columns[at]];
            let c = Conv2d {
                batch, groups, channels: groups * depth, filters: groups * of_group,
                size: sides(0), kernel: sides(1), strides: sides(2), dilations: sides(3),
                pads_before: sides(4), pads_after: sides(5),
            };
            let words = |n: usize, seed: u64| -> Vec<u64> {
                (0..n as u64).map(|i| (i ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17)).collect()
            };
            let (x, w) = (words(c.input_len(), seed), words(c.weights_len(), !seed));
            let mut out = vec![7; c.output_len()];
            add_convolution(&c, &x, &w, &mut out);
            let expected: Vec<u64> = slow(&c, &x, &w).into_iter().map(|x| x.wrapping_add(7)).collect();
            prop_assert_eq!(out, expected, "{:?}", c);
        }
    }

    #[test]
    fn a_filter_larger_than_the_padded_input_has_no_output() {
        let c = Conv2d {
            batch: 1,
            channels: 1,
            size: [2, 2],
            filters: 1,
            kernel: [3, 1],
            strides: [1, 1],
            dilations: [2, 1],
            pads_before: [1, 0],
            pads_after: [1, 0],
            groups: 1,
        };
        assert_eq!((c.out(), c.output_len()), ([0, 2], 0));
        add_convolution(&c, &[1; 4], &[1; 3], &mut []);
    }
}
