//! Shapes that depend on the number of rows. What a file computes with them is computed for a few numbers of rows; where
//! the results tell how they depend on it, that is what counts.

use std::rc::Rc;

use super::tensor::Constant;

/// The numbers of rows that are tried: primes, which no model has as a dimension by chance.
pub(crate) const SAMPLES: [i64; 3] = [1009, 2003, 3001];

/// The same constant for each of [`SAMPLES`].
pub(crate) struct Sizes(pub(crate) [Rc<Constant>; 3]);

/// One number of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// This number, whatever the rows.
    Number(i64),
    /// So many for each row.
    Rows(i64),
    /// Some other function of the number of rows.
    Other,
}

impl Sizes {
    /// The shape of a tensor: `dims`, of which `batch` is per row.
    pub(crate) fn of(dims: &[usize], batch: usize) -> Self {
        Self(SAMPLES.map(|rows| {
            let dim = |(axis, &d): (usize, &usize)| {
                let d = i64::try_from(d).unwrap_or(i64::MAX);
                if axis == batch { d.saturating_mul(rows) } else { d }
            };
            Rc::new(Constant::ints(dims.iter().enumerate().map(dim).collect()))
        }))
    }

    /// Each number.
    pub(crate) fn each(&self) -> Vec<Size> {
        let Some([a, b, c]) = self.whole() else { return Vec::new() };
        let size = |at: usize| {
            let tried = [a[at], b[at], c[at]];
            let per_row = tried[0] / SAMPLES[0];
            if tried[0] == tried[1] && tried[1] == tried[2] {
                Size::Number(tried[0])
            } else if tried.iter().zip(SAMPLES).all(|(&t, rows)| per_row.checked_mul(rows) == Some(t)) {
                Size::Rows(per_row)
            } else {
                Size::Other
            }
        };
        (0..a.len().min(b.len()).min(c.len())).map(size).collect()
    }

    fn whole(&self) -> Option<[Vec<i64>; 3]> {
        let [a, b, c] = &self.0;
        Some([a.data.to_ints()?, b.data.to_ints()?, c.data.to_ints()?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_how_numbers_depend_on_the_rows() {
        let sizes = Sizes::of(&[2, 3, 1], 0);
        assert_eq!(sizes.each(), [Size::Rows(2), Size::Number(3), Size::Number(1)]);
        let odd = SAMPLES.map(|rows| Rc::new(Constant::ints(vec![rows + 1, 7])));
        assert_eq!(Sizes(odd).each(), [Size::Other, Size::Number(7)]);
    }
}
