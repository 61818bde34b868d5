//! Files of the tables, written under a temporary name until all are complete.

mod csv;
mod parquet;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use self::csv::CsvSink;
use self::parquet::ParquetSink;
use super::Format;
use super::columns::Rows;
use super::tables::Layout;
use crate::failure::Failure;

/// Size of the buffer before the file.
const BUFFER: usize = 1 << 20;

/// One table's file in the making. Unless finished, dropping it removes the temporary file.
pub(super) struct TableFile {
    layout: Layout,
    format: Sink,
    temporary: PathBuf,
    path: PathBuf,
    rows: u64,
    finished: bool,
}

enum Sink {
    Csv(CsvSink),
    Parquet(Box<ParquetSink>),
}

/// What a block's rows become before it is their turn: work that needs no order.
pub(super) enum Encoded {
    /// Text.
    Csv(Vec<u8>),
    /// Arrays.
    Parquet(arrow::record_batch::RecordBatch),
}

/// A finished file.
pub(super) struct Finished {
    /// Rows in it.
    pub(super) rows: u64,
    /// Its size.
    pub(super) bytes: u64,
}

impl TableFile {
    /// Opens the temporary file in folder `out`; refuses if the table's file exists.
    pub(super) fn create(layout: Layout, out: &Path, format: Format) -> Result<Self, Failure> {
        let path = out.join(format!("{}.{}", layout.name, format.extension()));
        if path.exists() {
            return Err(Failure::usage(
                "C301",
                format!("{} exists already: choose an empty folder, or remove the file.", path.display()),
            ));
        }
        let temporary = out.join(format!("{}.{}.part", layout.name, format.extension()));
        let file = File::create(&temporary).map_err(|error| Failure::writing(&temporary, error))?;
        let format = match format {
            Format::Csv => {
                Sink::Csv(CsvSink::new(&layout, file).map_err(|error| Failure::writing(&temporary, error))?)
            }
            Format::Parquet => Sink::Parquet(Box::new(ParquetSink::new(&layout, file)?)),
        };
        Ok(Self { layout, format, temporary, path, rows: 0, finished: false })
    }

    /// Appends a block's rows.
    pub(super) fn append(&mut self, encoded: &Encoded, rows: usize) -> Result<(), Failure> {
        self.rows += rows as u64;
        match (&mut self.format, encoded) {
            (Sink::Csv(sink), Encoded::Csv(text)) => {
                sink.append(text).map_err(|error| Failure::writing(&self.temporary, error))
            }
            (Sink::Parquet(sink), Encoded::Parquet(batch)) => sink.append(batch),
            _ => Err(Failure::ours("A block was encoded for another format than its file's.")),
        }
    }

    /// Completes the file and gives it its name.
    pub(super) fn finish(mut self) -> Result<Finished, Failure> {
        match &mut self.format {
            Sink::Csv(sink) => sink.finish().map_err(|error| Failure::writing(&self.temporary, error))?,
            Sink::Parquet(sink) => sink.finish()?,
        }
        fs::rename(&self.temporary, &self.path).map_err(|error| Failure::writing(&self.path, error))?;
        self.finished = true;
        let bytes = fs::metadata(&self.path).map_err(|error| Failure::writing(&self.path, error))?.len();
        Ok(Finished { rows: self.rows, bytes })
    }

    /// The table's name.
    pub(super) fn name(&self) -> &'static str {
        self.layout.name
    }
}

impl Drop for TableFile {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing to report to: the failure that led here is already on its way.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Encodes a block's rows for its table.
pub(super) fn encode(layout: &Layout, rows: Rows, format: Format) -> Result<Encoded, Failure> {
    match format {
        Format::Csv => Ok(Encoded::Csv(csv::text(layout, &rows))),
        Format::Parquet => Ok(Encoded::Parquet(parquet::batch(layout, rows)?)),
    }
}
