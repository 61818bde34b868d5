//! The columns of a table of outputs.

use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType, Tensor};

use super::series::Series;

/// One column: an output of width 1 under its own name, else one of its values as `name[label]`.
pub(super) struct Column<'a> {
    /// The header.
    pub(super) name: String,
    /// Type of the values.
    pub(super) dtype: DataType,
    data: &'a Data,
    width: usize,
    element: usize,
    /// Which values are missing, in a column that may have gaps.
    gaps: Option<&'a [bool]>,
}

/// A value of a column.
#[derive(Clone, Copy)]
pub(super) enum Out<'a> {
    /// For `FP32`.
    F32(f32),
    /// For `FP64`.
    F64(f64),
    /// For integers.
    Int(i64),
    /// For `BOOL`.
    Bool(bool),
    /// For `BYTES`.
    Text(&'a str),
    /// There is none.
    Missing,
}

/// All columns, in the order of the outputs, and the number of rows.
pub(super) fn of(outputs: &[(Port, Tensor)]) -> (Vec<Column<'_>>, usize) {
    let columns = outputs.iter().flat_map(|(port, tensor)| {
        (0..tensor.width).map(move |element| Column {
            name: name(port, tensor.width, element),
            dtype: port.dtype,
            data: &tensor.data,
            width: tensor.width,
            element,
            gaps: None,
        })
    });
    (columns.collect(), outputs.first().map_or(0, |(_, tensor)| tensor.rows))
}

impl<'a> Column<'a> {
    /// One column, with its gaps.
    pub(super) fn of_series(series: &'a Series) -> Self {
        let Series { name, dtype, data, missing } = series;
        Self { name: name.clone(), dtype: *dtype, data, width: 1, element: 0, gaps: Some(missing) }
    }

    /// Whether values may be missing.
    pub(super) fn has_gaps(&self) -> bool {
        self.gaps.is_some()
    }

    /// The value in this row, which must exist.
    pub(super) fn value(&self, row: usize) -> Out<'a> {
        if self.gaps.is_some_and(|gaps| gaps[row]) {
            return Out::Missing;
        }
        let at = row * self.width + self.element;
        match self.data {
            Data::F32(values) => Out::F32(values[at]),
            Data::F64(values) => Out::F64(values[at]),
            Data::I64(values) if self.dtype == DataType::Bool => Out::Bool(values[at] != 0),
            Data::I64(values) => Out::Int(values[at]),
            Data::Text(values) => Out::Text(&values[at]),
        }
    }
}

/// The shortest decimal that reads back as this very number, `1` and not `1.0`.
pub(super) fn decimal(value: impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// The name of one value of an output.
pub(super) fn name(port: &Port, width: usize, element: usize) -> String {
    match port.columns.get(element) {
        _ if width == 1 => port.name.clone(),
        Some(label) => format!("{}[{label}]", port.name),
        None => format!("{}[{element}]", port.name),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_and_values() {
        let port = |name: &str, width, columns: &[&str]| Port {
            name: name.into(),
            dtype: DataType::Fp32,
            width,
            flat: false,
            dims: Vec::new(),
            columns: columns.iter().map(ToString::to_string).collect(),
        };
        let pair = Tensor::new(2, 2, Data::F32(vec![1.0, 2.0, 3.0, 4.0])).unwrap();
        let one = Tensor::new(2, 1, Data::F32(vec![5.0, 6.0])).unwrap();
        let outputs = [
            (port("p", 2, &["no", "yes"]), pair.clone()),
            (port("q", 2, &[]), pair),
            (port("s:0", 1, &["a"]), one),
        ];
        let (columns, rows) = of(&outputs);
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((names.as_slice(), rows), (&["p[no]", "p[yes]", "q[0]", "q[1]", "s:0"][..], 2));
        assert!(matches!(columns[1].value(1), Out::F32(x) if x.to_bits() == 4f32.to_bits()));
    }

    #[test]
    fn decimals_are_short() {
        assert_eq!(decimal(1f32), "1");
        assert_eq!(decimal(0.1f32), "0.1");
        assert_eq!(decimal(1e-9f32), "1e-9");
        assert_eq!(decimal(-0.0f64), "-0");
    }
}
