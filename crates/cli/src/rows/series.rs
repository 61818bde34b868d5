//! A column of the answers' file: with gaps, where a value is missing or a row was refused.

use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType, Tensor};

use super::cell::{self, Cell, Reason};
use super::columns;

/// Values below each other, one per row.
#[derive(Clone, PartialEq)]
pub(crate) struct Series {
    /// The header.
    pub(crate) name: String,
    /// Type of the values.
    pub(crate) dtype: DataType,
    /// As many values as rows; one that is missing is zero, NaN or empty.
    pub(super) data: Data,
    /// Which are missing.
    pub(super) missing: Vec<bool>,
}

impl Series {
    /// Without rows.
    pub(crate) fn new(name: &str, dtype: DataType) -> Self {
        Self { name: name.to_owned(), dtype, data: Data::empty(dtype), missing: Vec::new() }
    }

    /// Texts, some of which are missing.
    pub(crate) fn texts(name: &str, texts: Vec<Option<String>>) -> Self {
        let missing = texts.iter().map(Option::is_none).collect();
        let data = Data::Text(texts.into_iter().map(Option::unwrap_or_default).collect());
        Self { name: name.to_owned(), dtype: DataType::Bytes, data, missing }
    }

    /// The columns of an output whose tensor holds the rows that are not missing.
    pub(crate) fn of_output(port: &Port, tensor: &Tensor, missing: &[bool]) -> Vec<Self> {
        let column = |element| {
            let data = spread(&tensor.data, tensor.width, element, missing);
            let name = columns::name(port, tensor.width, element);
            Self { name, dtype: port.dtype, data, missing: missing.to_vec() }
        };
        (0..tensor.width).map(column).collect()
    }

    /// Puts a value at the end.
    pub(super) fn push(&mut self, cell: Cell<'_>) -> Result<(), Reason> {
        if matches!(cell, Cell::Missing) {
            self.gap();
            return Ok(());
        }
        cell::push(&mut self.data, self.dtype, cell)?;
        self.missing.push(false);
        Ok(())
    }

    /// Puts a missing value at the end.
    pub(super) fn gap(&mut self) {
        cell::pad(&mut self.data, self.missing.len() + 1);
        self.missing.push(true);
    }

    /// Puts the rows of another one, of the same type, below these.
    pub(super) fn append(&mut self, other: Self) {
        match (&mut self.data, other.data) {
            (Data::F32(a), Data::F32(b)) => a.extend(b),
            (Data::F64(a), Data::F64(b)) => a.extend(b),
            (Data::I64(a), Data::I64(b)) => a.extend(b),
            (Data::Text(a), Data::Text(b)) => a.extend(b),
            _ => return,
        }
        self.missing.extend(other.missing);
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.missing.len()
    }

    /// Bytes of the values, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.data.bytes()
    }
}

/// One value of each row, zero, NaN or empty where it is missing.
fn spread(data: &Data, width: usize, element: usize, missing: &[bool]) -> Data {
    match data {
        Data::F32(values) => Data::F32(picked(values, width, element, missing, f32::NAN)),
        Data::F64(values) => Data::F64(picked(values, width, element, missing, f64::NAN)),
        Data::I64(values) => Data::I64(picked(values, width, element, missing, 0)),
        Data::Text(values) => Data::Text(picked(values, width, element, missing, String::new())),
    }
}

fn picked<T: Clone>(values: &[T], width: usize, element: usize, missing: &[bool], gap: T) -> Vec<T> {
    let mut present = values.iter().skip(element).step_by(width.max(1));
    let mut next = |&missing: &bool| if missing { None } else { present.next() }.unwrap_or(&gap).clone();
    missing.iter().map(&mut next).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_output_s_rows_stand_where_none_is_missing() {
        let port = Port {
            name: "p".into(),
            dtype: DataType::Fp32,
            width: 2,
            flat: false,
            dims: Vec::new(),
            columns: vec!["no".into(), "yes".into()],
        };
        let tensor = Tensor::new(2, 2, Data::F32(vec![1.0, 2.0, 3.0, 4.0])).unwrap();
        let columns = Series::of_output(&port, &tensor, &[false, true, false]);
        assert_eq!(columns[1].name, "p[yes]");
        let Data::F32(values) = &columns[1].data else { panic!() };
        assert!(
            values[0].to_bits() == 2f32.to_bits()
                && values[1].is_nan()
                && values[2].to_bits() == 4f32.to_bits()
        );
    }

    #[test]
    fn a_missing_value_takes_a_row_whatever_the_type() {
        for dtype in [DataType::Int64, DataType::Bytes, DataType::Fp64, DataType::Bool] {
            let mut series = Series::new("id", dtype);
            series.push(Cell::Bool(true)).unwrap_or_default();
            let before = series.rows();
            series.push(Cell::Missing).unwrap();
            assert_eq!((series.rows(), series.data.len()), (before + 1, before + 1));
        }
    }
}
