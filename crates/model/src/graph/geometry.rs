//! Where the values of a tensor's row stand: convolutions, products and windows over flat rows.

use serde::{Deserialize, Serialize};

/// A convolution of a row that holds `[channels, height, width]`, without bias. A one-dimensional one has height 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// Channels in.
    pub channels: usize,
    /// Rows and columns of the image.
    pub image: [usize; 2],
    /// Channels out.
    pub filters: usize,
    /// Rows and columns of a filter.
    pub kernel: [usize; 2],
    /// Groups: filter `f` sees the `channels/groups` channels of group `f·groups/filters`.
    pub groups: usize,
    /// Steps between places of the filter.
    pub strides: [usize; 2],
    /// Steps between a filter's own rows and columns.
    pub dilations: [usize; 2],
    /// Zeros put before the first row and column.
    pub pads_before: [usize; 2],
    /// Rows and columns out.
    pub out: [usize; 2],
}

impl Conv {
    /// Values per row that it takes.
    pub fn width_in(&self) -> usize {
        self.channels * self.image[0] * self.image[1]
    }

    /// Values per row that it gives.
    pub fn width_out(&self) -> usize {
        self.filters * self.out[0] * self.out[1]
    }

    /// Weights of one filter: `channels/groups × kernel`.
    pub fn filter_len(&self) -> usize {
        self.channels / self.groups.max(1) * self.kernel[0] * self.kernel[1]
    }

    /// Number of weights: `filters × channels/groups × kernel rows × kernel columns`, in that order.
    pub fn weights(&self) -> usize {
        self.filters * self.filter_len()
    }

    /// Whether the numbers belong together and are small enough to multiply.
    pub fn is_sound(&self) -> bool {
        let all = [self.image, self.kernel, self.strides, self.dilations, self.out];
        let small = |&n: &usize| (1..=1 << 20).contains(&n);
        all.iter().flatten().chain([&self.channels, &self.filters, &self.groups]).all(small)
            && self.pads_before.iter().all(|&p| p <= 1 << 20)
            && self.channels.is_multiple_of(self.groups)
            && self.filters.is_multiple_of(self.groups)
            && [self.width_in(), self.width_out(), self.weights()].iter().all(|&n| n <= 1 << 31)
    }

    /// Calls `each(output, weight, input)` for every product of output value `output`: offsets into the row out, the
    /// weights and the row in. Places outside the image are zeros and are left out.
    pub fn products(&self, output: usize, mut each: impl FnMut(usize, usize)) {
        let [rows, columns] = self.out;
        let (filter, row, column) = (output / (rows * columns), output / columns % rows, output % columns);
        let per_group = self.channels / self.groups;
        let first_channel = filter / (self.filters / self.groups) * per_group;
        for c in 0..per_group {
            for i in 0..self.kernel[0] {
                let Some(y) = self.place(0, row, i) else { continue };
                for j in 0..self.kernel[1] {
                    let Some(x) = self.place(1, column, j) else { continue };
                    let weight = ((filter * per_group + c) * self.kernel[0] + i) * self.kernel[1] + j;
                    let input = ((first_channel + c) * self.image[0] + y) * self.image[1] + x;
                    each(weight, input);
                }
            }
        }
    }

    /// In how many patches the value of the image is that is in most.
    pub(crate) fn most_patches(&self) -> usize {
        let on_axis = |axis: usize| {
            let mut patches = vec![0; self.image[axis]];
            let taps = (0..self.out[axis]).flat_map(|at| (0..self.kernel[axis]).map(move |tap| (at, tap)));
            taps.filter_map(|(at, tap)| self.place(axis, at, tap)).for_each(|p| patches[p] += 1);
            patches.into_iter().max().unwrap_or(0)
        };
        on_axis(0) * on_axis(1)
    }

    /// The image's row (axis 0) or column (axis 1) under place `at` of the output and place `tap` of the filter.
    fn place(&self, axis: usize, at: usize, tap: usize) -> Option<usize> {
        let padded = at * self.strides[axis] + tap * self.dilations[axis];
        padded.checked_sub(self.pads_before[axis]).filter(|&p| p < self.image[axis])
    }
}

/// A stack of matrix products: `batch` times `rows × inner` by `inner × columns`, all of one row of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatMul {
    /// Products in the stack.
    pub stack: usize,
    /// Rows of the left matrix.
    pub rows: usize,
    /// Columns of the left and rows of the right one.
    pub inner: usize,
    /// Columns of the right one.
    pub columns: usize,
}

/// What is made of the values of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reduce {
    /// Their sum.
    Sum,
    /// The greatest.
    Max,
    /// The least.
    Min,
}

/// For each value out, which values in belong to its window; no window is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows(pub Vec<Vec<usize>>);

impl Windows {
    /// Consecutive groups of `size` values.
    pub fn groups(width: usize, size: usize) -> Self {
        Self((0..width / size.max(1)).map(|g| (g * size..(g + 1) * size).collect()).collect())
    }

    /// Number of places in all windows together.
    pub fn places(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}
