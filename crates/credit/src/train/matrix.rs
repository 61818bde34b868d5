//! The table that is trained on: float32, row by row, so that a batch of shuffled rows is read as whole rows.

/// Values side by side, that vector instructions take together.
pub(crate) const WIDTH: usize = 16;

/// One cache line of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub(crate) struct Lanes(pub(crate) [f32; WIDTH]);

impl Lanes {
    /// Nothing yet.
    pub(crate) const ZERO: Self = Self([0.0; WIDTH]);
}

/// `rows × columns`; the last lanes of a row are filled up with zeros, which change no sum.
pub(crate) struct Matrix {
    lanes: Vec<Lanes>,
    rows: usize,
    columns: usize,
}

impl Matrix {
    /// All zero.
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { lanes: vec![Lanes::ZERO; rows * lanes_for(columns)], rows, columns }
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns, without those that fill up.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The row, which must exist.
    pub(crate) fn row(&self, row: usize) -> &[Lanes] {
        let stride = lanes_for(self.columns);
        &self.lanes[row * stride..][..stride]
    }

    /// The `at`-th lanes of a row, which must exist.
    pub(crate) fn lanes_mut(&mut self, row: usize, at: usize) -> &mut Lanes {
        &mut self.lanes[row * lanes_for(self.columns) + at]
    }

    /// Leaves these columns only, which must be in ascending order. The same as if no other had been loaded.
    pub(crate) fn keep(&mut self, columns: &[usize]) {
        let (from, to) = (lanes_for(self.columns), lanes_for(columns.len()));
        let mut kept = vec![Lanes::ZERO; to];
        for row in 0..self.rows {
            let lanes = &self.lanes[row * from..][..from];
            for (new, &old) in columns.iter().enumerate() {
                kept[new / WIDTH].0[new % WIDTH] = lanes[old / WIDTH].0[old % WIDTH];
            }
            self.lanes[row * to..][..to].copy_from_slice(&kept);
        }
        self.lanes.truncate(self.rows * to);
        self.columns = columns.len();
    }

    /// A sum over all bits, to tell one table from another; no protection against intent.
    pub(crate) fn checksum(&self) -> u64 {
        let mut sums = [0x811c_9dc5_u32; WIDTH];
        for lanes in &self.lanes {
            for (sum, value) in sums.iter_mut().zip(lanes.0) {
                *sum = (*sum ^ value.to_bits()).wrapping_mul(0x0100_0193).rotate_left(5);
            }
        }
        sums.iter().fold(self.columns as u64, |all, &sum| {
            (all ^ u64::from(sum)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(11)
        })
    }
}

/// How many lanes hold so many columns.
pub(crate) fn lanes_for(columns: usize) -> usize {
    columns.div_ceil(WIDTH)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact values are meant

    use super::*;

    fn numbered(rows: usize, columns: usize) -> Matrix {
        let mut matrix = Matrix::zeros(rows, columns);
        for row in 0..rows {
            for column in 0..columns {
                let value = (row * 1000 + column) as f32;
                matrix.lanes_mut(row, column / WIDTH).0[column % WIDTH] = value;
            }
        }
        matrix
    }

    fn values(matrix: &Matrix, row: usize) -> Vec<f32> {
        matrix.row(row).iter().flat_map(|lanes| lanes.0).collect()
    }

    #[test]
    fn keeps_columns_as_if_no_other_had_been_there() {
        let mut matrix = numbered(5, 40);
        let kept: Vec<usize> = (0..40).filter(|c| c % 3 != 1).collect();
        matrix.keep(&kept);
        for row in 0..5 {
            let mut expected: Vec<f32> = kept.iter().map(|&c| (row * 1000 + c) as f32).collect();
            expected.resize(lanes_for(kept.len()) * WIDTH, 0.0);
            assert_eq!(values(&matrix, row), expected);
        }
        assert_eq!((matrix.rows(), matrix.columns()), (5, 27));
    }

    #[test]
    fn a_checksum_sees_one_changed_bit_and_two_rows_that_changed_places() {
        let mut matrix = numbered(4, 20);
        let before = matrix.checksum();
        assert_eq!(before, numbered(4, 20).checksum());
        matrix.lanes_mut(3, 1).0[2] += 1.0;
        assert_ne!(before, matrix.checksum());
        let mut swapped = numbered(4, 20);
        let (a, b) = (*swapped.lanes_mut(0, 0), *swapped.lanes_mut(1, 0));
        (*swapped.lanes_mut(0, 0), *swapped.lanes_mut(1, 0)) = (b, a);
        assert_ne!(before, swapped.checksum());
    }
}
