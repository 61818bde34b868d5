//! From a client's rows to the integers that enter the private core, or a refusal by row and feature.

use privet_ring::kernels::{check_rows, encode_rows};

use crate::Refusal;
use crate::head::{Head, Rows};
use crate::range::unusable;

/// Encodes rows as a plan says.
#[derive(Clone)]
pub struct Encoder {
    scales: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Encoder {
    /// With a scale, a power of two, and the least and the greatest value for each column.
    pub(crate) fn new(scales: Vec<f64>, low: Vec<f64>, high: Vec<f64>) -> Self {
        Self { scales, low, high }
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.high.len()
    }

    /// Encodes rows `first..`, as many as `out` holds; `values` has room for as many numbers. Nothing is clipped and
    /// nothing wraps: a value outside its range is refused.
    pub fn encode(
        &self,
        head: &Head,
        rows: &Rows<'_>,
        first: usize,
        values: &mut [f64],
        out: &mut [u64],
    ) -> Result<(), Refusal> {
        self.check(head, rows, first, values)?;
        encode_rows(values, &self.scales, out);
        Ok(())
    }

    /// Reads rows `first..` into `values` and checks every one against its range.
    pub fn check(
        &self,
        head: &Head,
        rows: &Rows<'_>,
        first: usize,
        values: &mut [f64],
    ) -> Result<(), Refusal> {
        rows.fill(first, values);
        let mut ok = true;
        check_rows(values, &self.low, &self.high, &mut ok);
        if ok { Ok(()) } else { Err(self.refusal(head, first, values)) }
    }

    /// Which value it was.
    fn refusal(&self, head: &Head, first: usize, values: &[f64]) -> Refusal {
        let columns = self.columns();
        let inside = |(at, x): (usize, &f64)| (self.low[at % columns]..=self.high[at % columns]).contains(x);
        let at = values.iter().enumerate().position(|v| !inside(v)).unwrap_or(0);
        let (row, column, value) = (first + at / columns, at % columns, values[at]);
        if !value.is_finite() {
            return unusable(head, column, row);
        }
        let name = head.feature_name(head.columns[column].feature());
        let (row, range) = (row + 1, shown_range(self.low[column], self.high[column]));
        Refusal::new(
            "E105",
            format!(
                "Row {row}, feature `{name}` = {value:e} is outside the planned range {range}. Predicting it could \
                 give a wrong answer, so nothing was sent. Plan again with `--rows` that contain such values."
            ),
        )
    }
}

/// A range as messages print it.
pub fn shown_range(low: f64, high: f64) -> String {
    if low + high == 0.0 { format!("±{high:e}") } else { format!("{low:e} to {high:e}") }
}
