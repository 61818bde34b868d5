//! Tensors that grow value by value.

use privet_model::graph::Port;
use privet_model::tensor::{Data, Tensor};

use super::cell::{self, Cell};
use super::error::RowsError;
use super::series::Series;

/// What a file held.
pub(super) struct Content {
    /// One tensor per input, in the model's order.
    pub(super) tensors: Vec<Tensor>,
    /// Sentences for the user.
    pub(super) notes: Vec<String>,
}

/// Some consecutive rows of a file.
pub(crate) struct Chunk {
    /// One tensor per input, in the model's order. A refused row has values of no meaning.
    pub(crate) tensors: Vec<Tensor>,
    /// The columns that are kept.
    pub(crate) kept: Vec<Series>,
    /// Rows that cannot be asked about, and why; counted from the first of these.
    pub(crate) refused: Vec<(usize, RowsError)>,
    /// How many rows.
    pub(crate) rows: usize,
}

impl Chunk {
    /// Puts the rows that follow below these.
    pub(super) fn append(&mut self, other: Self) {
        let first = self.rows;
        self.tensors.iter_mut().zip(other.tensors).for_each(|(whole, part)| whole.append(part));
        self.kept.iter_mut().zip(other.kept).for_each(|(whole, part)| whole.append(part));
        self.refused.extend(other.refused.into_iter().map(|(row, error)| (first + row, error)));
        self.rows += other.rows;
    }
}

/// One growing tensor per input of the model.
pub(super) struct Table<'a> {
    inputs: &'a [Port],
    data: Vec<Data>,
    rows: usize,
    first_row: usize,
    kept: Vec<Series>,
    lenient: bool,
    refused: Vec<(usize, RowsError)>,
}

impl<'a> Table<'a> {
    /// Without rows.
    pub(super) fn new(inputs: &'a [Port]) -> Self {
        let data = inputs.iter().map(|port| Data::empty(port.dtype)).collect();
        Self { inputs, data, rows: 0, first_row: 0, kept: Vec::new(), lenient: false, refused: Vec::new() }
    }

    /// For rows that begin with this one of the file, and columns that are kept. If lenient, a row that cannot be used is noted
    /// instead of ending everything.
    pub(super) fn part(inputs: &'a [Port], first_row: usize, kept: Vec<Series>, lenient: bool) -> Self {
        Self { first_row, kept, lenient, ..Self::new(inputs) }
    }

    /// Adds a value to the row that is being read; the values of an input come in order.
    pub(super) fn push(&mut self, input: usize, element: usize, cell: Cell<'_>) -> Result<(), RowsError> {
        let row = self.row();
        let (Some(port), Some(data)) = (self.inputs.get(input), self.data.get_mut(input)) else {
            return Err(RowsError::columns("The file has more inputs than the model."));
        };
        cell::push(data, port.dtype, cell)
            .map_err(|reason| RowsError::value(row, &port.element_name(element), reason))
    }

    /// Adds the value of a column that is kept.
    pub(super) fn keep(&mut self, place: usize, cell: Cell<'_>) -> Result<(), RowsError> {
        let row = self.row();
        let Some(series) = self.kept.get_mut(place) else { return Ok(()) };
        series.push(cell).map_err(|reason| RowsError::value(row, &series.name, reason))
    }

    /// The row is complete.
    pub(super) fn end_row(&mut self) {
        self.rows += 1;
    }

    /// The row is complete, or cannot be used: then its place is kept.
    pub(super) fn end(&mut self, read: Result<(), RowsError>) -> Result<(), RowsError> {
        if let Err(error) = read {
            if !self.lenient {
                return Err(error);
            }
            self.refused.push((self.rows, error));
            for (port, data) in self.inputs.iter().zip(&mut self.data) {
                cell::pad(data, self.rows * port.width);
                cell::pad(data, (self.rows + 1) * port.width);
            }
            self.kept.iter_mut().filter(|series| series.rows() == self.rows).for_each(Series::gap);
        }
        self.end_row();
        Ok(())
    }

    /// How many rows are complete.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The row of the file that is being read, counted from 0.
    pub(super) fn row(&self) -> usize {
        self.first_row + self.rows
    }

    /// The tensors, in the model's order.
    pub(super) fn finish(self) -> Result<Vec<Tensor>, RowsError> {
        self.chunk().map(|chunk| chunk.tensors)
    }

    /// All that was read.
    pub(super) fn chunk(self) -> Result<Chunk, RowsError> {
        let rows = self.rows;
        let tensors = self.inputs.iter().zip(self.data).map(|(port, data)| tensor(rows, port, data));
        Ok(Chunk {
            tensors: tensors.collect::<Result<_, _>>()?,
            kept: self.kept,
            refused: self.refused,
            rows,
        })
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
