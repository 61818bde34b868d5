//! Outputs as comma-separated values and as JSON lines.

use std::io::Write;

use privet_model::graph::Port;
use privet_model::tensor::Tensor;

use super::columns::{self, Column, Out, decimal};
use super::error::RowsError;

/// A header, then a line per row; a missing number is `NaN`.
pub(super) fn write_csv(outputs: &[(Port, Tensor)], sink: impl Write) -> Result<(), RowsError> {
    let (columns, rows) = columns::of(outputs);
    let mut writer = csv::Writer::from_writer(sink);
    csv_header(&mut writer, columns.iter().map(|column| column.name.as_str()))?;
    csv_rows(&mut writer, &columns, rows)?;
    writer.flush().map_err(RowsError::unwritable)
}

/// The names of the columns.
pub(super) fn csv_header<'a>(
    writer: &mut csv::Writer<impl Write>,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), RowsError> {
    writer.write_record(names).map_err(RowsError::unwritable)
}

/// A line per row.
pub(super) fn csv_rows(
    writer: &mut csv::Writer<impl Write>,
    columns: &[Column<'_>],
    rows: usize,
) -> Result<(), RowsError> {
    for row in 0..rows {
        let cells = columns.iter().map(|column| csv_cell(column.value(row)));
        writer.write_record(cells).map_err(RowsError::unwritable)?;
    }
    Ok(())
}

/// An object per row; a missing number is `null`.
pub(super) fn write_json(outputs: &[(Port, Tensor)], mut sink: impl Write) -> Result<(), RowsError> {
    let (columns, rows) = columns::of(outputs);
    json_rows(&mut sink, &columns, rows)?;
    sink.flush().map_err(RowsError::unwritable)
}

/// An object per row.
pub(super) fn json_rows(sink: &mut impl Write, columns: &[Column<'_>], rows: usize) -> Result<(), RowsError> {
    let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
    for row in 0..rows {
        let fields =
            names.iter().zip(columns).map(|(name, column)| format!("{name}:{}", json(column.value(row))));
        let fields = fields.collect::<Vec<_>>().join(",");
        writeln!(sink, "{{{fields}}}").map_err(RowsError::unwritable)?;
    }
    Ok(())
}

fn csv_cell(value: Out<'_>) -> String {
    match value {
        Out::F32(value) => decimal(value),
        Out::F64(value) => decimal(value),
        Out::Int(value) => value.to_string(),
        Out::Bool(value) => value.to_string(),
        Out::Text(text) => text.to_owned(),
        Out::Missing => String::new(),
    }
}

fn json(value: Out<'_>) -> String {
    match value {
        Out::F32(value) => json_number(value.into(), value),
        Out::F64(value) => json_number(value, value),
        Out::Int(value) => value.to_string(),
        Out::Bool(value) => value.to_string(),
        Out::Text(text) => quoted(text),
        Out::Missing => "null".into(),
    }
}

/// JSON has no word for infinity; a number beyond every float reads back as one.
fn json_number(value: f64, spelled: impl std::fmt::Debug) -> String {
    if value.is_nan() {
        "null".into()
    } else if value.is_infinite() {
        if value > 0.0 { "1e999".into() } else { "-1e999".into() }
    } else {
        decimal(spelled)
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
