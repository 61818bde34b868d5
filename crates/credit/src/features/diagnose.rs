//! Where a CSV file is wrong. The engine's own reader says that something is, in the middle of a query and with the row of data
//! at fault; this reads the file once more to say where, and no value.

use csv::StringRecord;

use crate::failure::Failure;
use privet_credit_engine::tables::{Files, Format, Kind, Table, TableFile};

/// The first cell of the given tables that cannot be what its column holds.
pub(super) fn first_fault(files: &Files, tables: &[Table]) -> Option<Failure> {
    let files = tables.iter().filter_map(|table| files.get(*table));
    files.filter(|file| file.format != Format::Parquet).find_map(in_file)
}

fn in_file(file: &TableFile) -> Option<Failure> {
    let source = match file.open() {
        Ok(source) => source,
        Err(e) => return Some(Failure::reading(&file.path, e)),
    };
    let columns: Vec<_> = file
        .table
        .columns()
        .filter(|(_, kind)| *kind != Kind::Text)
        .filter_map(|(name, kind)| Some((file.header.iter().position(|column| column == name)?, name, kind)))
        .collect();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(source);
    let mut record = StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => return None,
            Ok(true) => {}
            Err(e) => return Some(unreadable(file, &e)),
        }
        if let Some(what) = fault(&record, file.header.len(), &columns) {
            let line = record.position().map_or(0, csv::Position::line);
            let what = format!("Table `{}`, line {line}: {what}.", file.table.name());
            return Some(Failure::refused("C206", format!("{what} Mend the cell or get the file again.")));
        }
    }
}

fn fault(record: &StringRecord, width: usize, columns: &[(usize, &str, Kind)]) -> Option<String> {
    if record.len() != width {
        return Some(format!("expected {width} cells as in the header, got {}", record.len()));
    }
    let wrong = columns.iter().find(|(place, _, kind)| !fits(record.get(*place).unwrap_or(""), *kind))?;
    Some(format!("expected column `{}` to hold {}, got something else", wrong.1, wrong.2.words()))
}

/// Empty is missing, which is another matter.
fn fits(cell: &str, kind: Kind) -> bool {
    match kind {
        _ if cell.is_empty() => true,
        Kind::Text => true,
        Kind::Key => cell.parse::<i64>().is_ok(),
        Kind::Number => cell.parse::<f64>().is_ok(),
    }
}

fn unreadable(file: &TableFile, error: &csv::Error) -> Failure {
    // The reader's own words may hold a cell.
    let line =
        error.position().map_or_else(String::new, |position| format!(" near line {}", position.line()));
    let why = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        csv::ErrorKind::Io(e) => format!("{e}"),
        _ => "it is not CSV".to_owned(),
    };
    Failure::refused("C207", format!("Table `{}` cannot be read{line}: {why}.", file.table.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keys_and_missing_ones() {
        assert!(fits("", Kind::Key) && fits("1", Kind::Key) && !fits("1.5", Kind::Key));
        assert!(fits("-1.5e3", Kind::Number) && !fits("abc", Kind::Number) && fits("abc", Kind::Text));
    }
}
