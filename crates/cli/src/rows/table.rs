//! Tensors that grow value by value.

use privet_model::graph::Port;
use privet_model::tensor::{Data, Tensor};

use super::cell::{self, Cell};
use super::error::RowsError;

/// What a file held.
pub(super) struct Content {
    /// One tensor per input, in the model's order.
    pub(super) tensors: Vec<Tensor>,
    /// Sentences for the user.
    pub(super) notes: Vec<String>,
}

/// One growing tensor per input of the model.
pub(super) struct Table<'a> {
    inputs: &'a [Port],
    data: Vec<Data>,
    rows: usize,
}

impl<'a> Table<'a> {
    /// Without rows.
    pub(super) fn new(inputs: &'a [Port]) -> Self {
        let data = inputs.iter().map(|port| Data::empty(port.dtype)).collect();
        Self { inputs, data, rows: 0 }
    }

    /// Adds a value to the row that is being read; the values of an input come in order.
    pub(super) fn push(&mut self, input: usize, element: usize, cell: Cell<'_>) -> Result<(), RowsError> {
        let (Some(port), Some(data)) = (self.inputs.get(input), self.data.get_mut(input)) else {
            return Err(RowsError::columns("The file has more inputs than the model."));
        };
        cell::push(data, port, cell)
            .map_err(|reason| RowsError::value(self.rows, &port.element_name(element), reason))
    }

    /// The row is complete.
    pub(super) fn end_row(&mut self) {
        self.rows += 1;
    }

    /// How many rows are complete.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The tensors, in the model's order.
    pub(super) fn finish(self) -> Result<Vec<Tensor>, RowsError> {
        let rows = self.rows;
        let tensors = self.inputs.iter().zip(self.data);
        tensors.map(|(port, data)| tensor(rows, port, data)).collect()
    }
}

/// A tensor for this port, if the number of values is right.
pub(super) fn tensor(rows: usize, port: &Port, data: Data) -> Result<Tensor, RowsError> {
    let (width, name, got) = (port.width, &port.name, data.len());
    Tensor::new(rows, width, data).ok_or_else(|| {
        RowsError::array(format!("Expected {rows} rows of {width} values for `{name}`, got {got} values."))
    })
}

/// Columns side by side, row-major. All must have the same type and length.
pub(super) fn weave(columns: Vec<Data>) -> Option<Data> {
    let length = columns.first()?.len();
    if columns.iter().any(|column| column.len() != length) {
        return None;
    }
    match columns.first()? {
        Data::F32(_) => columns.into_iter().map(f32s).collect::<Option<_>>().map(interleave).map(Data::F32),
        Data::F64(_) => columns.into_iter().map(f64s).collect::<Option<_>>().map(interleave).map(Data::F64),
        Data::I64(_) => columns.into_iter().map(i64s).collect::<Option<_>>().map(interleave).map(Data::I64),
        Data::Text(_) => {
            columns.into_iter().map(texts).collect::<Option<_>>().map(interleave).map(Data::Text)
        }
    }
}

fn interleave<T>(columns: Vec<Vec<T>>) -> Vec<T> {
    let values = columns.iter().map(Vec::len).sum();
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    let mut woven = Vec::with_capacity(values);
    while woven.len() < values {
        woven.extend(columns.iter_mut().filter_map(Iterator::next));
    }
    woven
}

fn f32s(data: Data) -> Option<Vec<f32>> {
    if let Data::F32(values) = data { Some(values) } else { None }
}

fn f64s(data: Data) -> Option<Vec<f64>> {
    if let Data::F64(values) = data { Some(values) } else { None }
}

fn i64s(data: Data) -> Option<Vec<i64>> {
    if let Data::I64(values) = data { Some(values) } else { None }
}

fn texts(data: Data) -> Option<Vec<String>> {
    if let Data::Text(values) = data { Some(values) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_woven_row_by_row() {
        let woven = weave(vec![Data::I64(vec![1, 2]), Data::I64(vec![10, 20]), Data::I64(vec![100, 200])]);
        assert!(woven == Some(Data::I64(vec![1, 10, 100, 2, 20, 200])));
        assert!(weave(vec![Data::I64(vec![1, 2]), Data::I64(vec![10])]).is_none());
        assert!(weave(vec![Data::I64(vec![1]), Data::F32(vec![1.0])]).is_none());
    }
}
