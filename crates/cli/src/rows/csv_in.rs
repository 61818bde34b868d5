//! Rows from comma-separated values, one at a time.

use std::io::Read;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use privet_model::graph::Port;

use super::cell::{Cell, is_missing};
use super::error::RowsError;
use super::layout::Layout;
use super::table::{Content, Table};

/// Reads all rows.
pub(super) fn read(source: impl Read, inputs: &[Port]) -> Result<Content, RowsError> {
    let mut lines = Lines::open(source, inputs, &[])?;
    let mut table = Table::new(inputs);
    lines.fill(&mut table, usize::MAX)?;
    Ok(Content { tensors: table.finish()?, notes: lines.layout.notes })
}

/// The names of the columns, which stand in the first line.
pub(super) fn header(source: impl Read) -> Result<Vec<String>, RowsError> {
    let mut first = StringRecord::new();
    next(&mut reader(source), &mut first, 0)?;
    Ok(names(&first))
}

/// Rows, some at a time.
pub(super) struct Lines<R> {
    reader: Reader<R>,
    pub(super) layout: Layout,
    kept: Vec<usize>,
    columns: usize,
    /// The first line, where it is a row.
    first: Option<StringRecord>,
    record: StringRecord,
}

impl<R: Read> Lines<R> {
    /// Reads the first line, of which some columns are to be kept.
    pub(super) fn open(source: R, inputs: &[Port], keep: &[String]) -> Result<Self, RowsError> {
        let mut reader = reader(source);
        let mut first = StringRecord::new();
        if !next(&mut reader, &mut first, 0)? {
            return Err(RowsError::damaged(
                "The file is empty. Expected a header with the names of the columns.",
            ));
        }
        let (layout, kept, is_row) = if keep.is_empty() {
            let (layout, is_row) = layout(inputs, &first)?;
            (layout, Vec::new(), is_row)
        } else {
            let (layout, kept) = Layout::keeping(inputs, &names(&first), keep)?;
            (layout, kept, false)
        };
        let columns = first.len();
        let first = is_row.then_some(first);
        Ok(Self { reader, layout, kept, columns, first, record: StringRecord::new() })
    }

    /// Whether the first line is a row, as long as it was not read.
    pub(super) fn begins_with_a_row(&self) -> bool {
        self.first.is_some()
    }

    /// Reads until the table has so many rows, or the file ends.
    pub(super) fn fill(&mut self, table: &mut Table<'_>, most: usize) -> Result<(), RowsError> {
        while table.rows() < most && self.step(table.row())? {
            if self.record.len() != self.columns {
                return Err(uneven(table.row(), self.columns, self.record.len()));
            }
            let pushed = push(table, &self.layout, &self.kept, &self.record);
            table.end(pushed)?;
        }
        Ok(())
    }

    /// Passes over so many rows, or to the end.
    pub(super) fn skip(&mut self, rows: usize) -> Result<(), RowsError> {
        for row in 0..rows {
            if !self.step(row)? {
                break;
            }
        }
        Ok(())
    }

    fn step(&mut self, row: usize) -> Result<bool, RowsError> {
        if let Some(first) = self.first.take() {
            self.record = first;
            return Ok(true);
        }
        next(&mut self.reader, &mut self.record, row)
    }
}

/// How many rows there are under a first line; whether that is a row itself is for the model's columns to say.
pub(super) fn count(source: impl Read) -> Result<usize, RowsError> {
    let mut reader = reader(source);
    let (mut record, mut lines) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).map_err(|error| refusal(error, lines))? {
        lines += 1;
    }
    Ok(lines)
}

fn reader<R: Read>(source: R) -> Reader<R> {
    // Rows of uneven length are told apart here and not by the parser, whose message counts lines.
    ReaderBuilder::new().has_headers(false).flexible(true).from_reader(source)
}

fn next(reader: &mut Reader<impl Read>, record: &mut StringRecord, row: usize) -> Result<bool, RowsError> {
    reader.read_record(record).map_err(|error| refusal(error, row))
}

fn refusal(error: csv::Error, row: usize) -> RowsError {
    match error.into_kind() {
        ErrorKind::Io(error) if error.raw_os_error().is_some() => RowsError::unreadable(&error),
        ErrorKind::Io(error) => RowsError::damaged(format!(
            "Row {} cannot be unpacked: {error}. Copy or write the file anew.",
            row + 1
        )),
        ErrorKind::Utf8 { .. } => {
            RowsError::damaged(format!("Row {} is not UTF-8 text. Save the file as UTF-8.", row + 1))
        }
        _ => RowsError::damaged(format!("Row {} is not readable as CSV. Write the file anew.", row + 1)),
    }
}

/// Which columns to take, and whether the first line is a row already.
fn layout(inputs: &[Port], first: &StringRecord) -> Result<(Layout, bool), RowsError> {
    let names = names(first);
    let by_name = Layout::by_name(inputs, &names);
    if !is_numeric(&names) || by_name.as_ref().is_ok_and(|_| has_own_names(inputs)) {
        return by_name.map(|layout| (layout, false));
    }
    let mut layout = Layout::by_position(inputs, names.len())?;
    let is_row = !counts_up(&names);
    layout.notes.push(if is_row {
        "The first line holds numbers only; it was read as a row, and the columns were taken in order.".into()
    } else {
        "The first line counts the columns; it was read as a header, and the columns were taken in order."
            .into()
    });
    Ok((layout, is_row))
}

/// Whether a match by name can be trusted although the names are numbers.
fn has_own_names(inputs: &[Port]) -> bool {
    inputs.len() > 1 || inputs.iter().any(|port| !port.columns.is_empty())
}

fn names(record: &StringRecord) -> Vec<String> {
    record.iter().map(|name| name.trim().to_owned()).collect()
}

fn is_numeric(cells: &[String]) -> bool {
    let is_number = |cell: &String| cell.parse::<f64>().is_ok();
    cells.iter().any(is_number) && cells.iter().all(|cell| is_missing(cell) || is_number(cell))
}

/// `0,1,2,3`…: the header that tables without names are given by their writers.
fn counts_up(cells: &[String]) -> bool {
    cells.len() >= 4 && cells.iter().enumerate().all(|(i, cell)| *cell == i.to_string())
}

fn push(
    table: &mut Table<'_>,
    layout: &Layout,
    kept: &[usize],
    record: &StringRecord,
) -> Result<(), RowsError> {
    let text = |column| Cell::Text(record.get(column).unwrap_or_default());
    for (place, &column) in kept.iter().enumerate() {
        table.keep(place, text(column))?;
    }
    for (input, columns) in layout.columns.iter().enumerate() {
        for (element, &column) in columns.iter().enumerate() {
            table.push(input, element, text(column))?;
        }
    }
    Ok(())
}

fn uneven(row: usize, expected: usize, got: usize) -> RowsError {
    RowsError::damaged(format!(
        "Row {} has {got} cells where the first line has {expected}. Quote cells that hold commas, and write \
         an empty cell for a missing value.",
        row + 1
    ))
}

#[cfg(test)]
#[path = "csv_in_tests.rs"]
mod tests;
