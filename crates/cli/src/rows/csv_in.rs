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
    let mut reader = reader(source);
    let mut first = StringRecord::new();
    if !next(&mut reader, &mut first, 0)? {
        return Err(RowsError::damaged(
            "The file is empty. Expected a header with the names of the columns.",
        ));
    }
    let mut table = Table::new(inputs);
    let (layout, is_row) = layout(inputs, &first)?;
    if is_row {
        push(&mut table, &layout, &first)?;
    }
    let (columns, mut record) = (first.len(), StringRecord::new());
    while next(&mut reader, &mut record, table.rows())? {
        if record.len() != columns {
            return Err(uneven(table.rows(), columns, record.len()));
        }
        push(&mut table, &layout, &record)?;
    }
    Ok(Content { tensors: table.finish()?, notes: layout.notes })
}

fn reader<R: Read>(source: R) -> Reader<R> {
    // Rows of uneven length are told apart here and not by the parser, whose message counts lines.
    ReaderBuilder::new().has_headers(false).flexible(true).from_reader(source)
}

fn next(reader: &mut Reader<impl Read>, record: &mut StringRecord, row: usize) -> Result<bool, RowsError> {
    reader.read_record(record).map_err(|error| match error.into_kind() {
        ErrorKind::Io(error) if error.raw_os_error().is_some() => RowsError::unreadable(&error),
        ErrorKind::Io(error) => RowsError::damaged(format!(
            "Row {} cannot be unpacked: {error}. Copy or write the file anew.",
            row + 1
        )),
        ErrorKind::Utf8 { .. } => {
            RowsError::damaged(format!("Row {} is not UTF-8 text. Save the file as UTF-8.", row + 1))
        }
        _ => RowsError::damaged(format!("Row {} is not readable as CSV. Write the file anew.", row + 1)),
    })
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

fn push(table: &mut Table<'_>, layout: &Layout, record: &StringRecord) -> Result<(), RowsError> {
    for (input, columns) in layout.columns.iter().enumerate() {
        for (element, &column) in columns.iter().enumerate() {
            let text = record.get(column).unwrap_or_default();
            table.push(input, element, Cell::Text(text))?;
        }
    }
    table.end_row();
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
