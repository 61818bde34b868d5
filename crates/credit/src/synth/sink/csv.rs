//! CSV as Kaggle writes it: a header, commas, an empty cell for a missing value, quotes where a text has a comma.

use std::fs::File;
use std::io::{self, Write};

use super::super::columns::{Column, Rows};
use super::super::tables::Layout;

/// One table's CSV file.
pub(super) struct CsvSink {
    file: io::BufWriter<File>,
}

impl CsvSink {
    /// Writes the header.
    pub(super) fn new(layout: &Layout, file: File) -> io::Result<Self> {
        let mut file = io::BufWriter::with_capacity(super::BUFFER, file);
        let names: Vec<&str> = layout.columns.iter().map(|column| column.name.as_str()).collect();
        writeln!(file, "{}", names.join(","))?;
        Ok(Self { file })
    }

    pub(super) fn append(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.write_all(text)
    }

    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The rows as text.
pub(super) fn text(layout: &Layout, rows: &Rows) -> Vec<u8> {
    let levels: Vec<Vec<String>> = layout
        .columns
        .iter()
        .map(|column| column.levels.iter().map(|level| quoted(level)).collect())
        .collect();
    let mut text = Vec::with_capacity(rows.len() * layout.columns.len() * 6);
    let (mut whole, mut real) = (itoa::Buffer::new(), ryu::Buffer::new());
    for row in 0..rows.len() {
        for (column, levels) in rows.columns().iter().zip(&levels) {
            match column {
                Column::Integer(values) => text.extend_from_slice(whole.format(values[row]).as_bytes()),
                Column::Real(values) if values[row].is_nan() => {}
                Column::Real(values) => text.extend_from_slice(real.format_finite(values[row]).as_bytes()),
                Column::Level(codes) => {
                    text.extend_from_slice(
                        levels.get(usize::from(codes[row])).map_or(b"", |level| level.as_bytes()),
                    );
                }
            }
            text.push(b',');
        }
        if let Some(last) = text.last_mut() {
            *last = b'\n';
        }
    }
    text
}

fn quoted(level: &str) -> String {
    if level.contains([',', '"']) { format!("\"{}\"", level.replace('"', "\"\"")) } else { level.to_owned() }
}
