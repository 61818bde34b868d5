//! Wide Parquet files: columns of a row group are encoded side by side on all threads.

use std::path::Path;
use std::sync::Mutex;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::failure::Failure;
use crate::output::Unfinished;

/// Rows of a row group: 280 MB of float64 for 528 columns, which bounds the memory.
const ROWS: usize = 1 << 16;

/// A file being written.
pub(super) struct Writer<'a> {
    path: &'a Path,
    schema: SchemaRef,
    threads: usize,
    file: Unfinished,
    parquet: SerializedFileWriter<std::fs::File>,
    factory: ArrowRowGroupWriterFactory,
    batches: Vec<RecordBatch>,
    rows: usize,
    groups: usize,
}

impl<'a> Writer<'a> {
    /// Begins a file, which has its name only when it is finished.
    pub(super) fn create(path: &'a Path, schema: &SchemaRef, threads: usize) -> Result<Self, Failure> {
        let file = Unfinished::create(path)?;
        let handle = file.file.as_file().try_clone().map_err(|e| Failure::writing(path, e))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let (parquet, factory) = ArrowWriter::try_new(handle, schema.clone(), Some(properties))
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(|e| Failure::writing(path, e))?;
        let (batches, rows, groups) = (Vec::new(), 0, 0);
        Ok(Self { path, schema: schema.clone(), threads, file, parquet, factory, batches, rows, groups })
    }

    /// Adds rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.rows += batch.num_rows();
        self.batches.push(batch.clone());
        if self.rows >= ROWS { self.flush() } else { Ok(()) }
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.flush()?;
        self.parquet.close().map_err(|e| Failure::writing(self.path, e))?;
        self.file.finish()
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.rows > 0 {
            self.write_group().map_err(|e| Failure::writing(self.path, e))?;
            self.batches.clear();
            self.rows = 0;
            self.groups += 1;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let writers = self.factory.create_column_writers(self.groups)?;
        let chunks = self.encode(writers)?;
        let mut group = self.parquet.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }

    /// All columns, in order.
    fn encode(&self, writers: Vec<ArrowColumnWriter>) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
        let work = Mutex::new(writers.into_iter().enumerate());
        let next = || work.lock().ok().and_then(|mut work| work.next());
        let encode = || {
            let mut done = Vec::new();
            while let Some((place, writer)) = next() {
                done.push((place, self.column(place, writer)?));
            }
            Ok(done)
        };
        let ended = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|_| Err(ParquetError::General("a thread ended early".into())))
        };
        let parts = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads.max(1)).map(|_| scope.spawn(encode)).collect();
            workers.into_iter().map(ended).collect::<Result<Vec<Vec<_>>, ParquetError>>()
        })?;
        let mut chunks: Vec<_> = parts.into_iter().flatten().collect();
        chunks.sort_unstable_by_key(|(place, _)| *place);
        Ok(chunks.into_iter().map(|(_, chunk)| chunk).collect())
    }

    fn column(&self, place: usize, mut writer: ArrowColumnWriter) -> Result<ArrowColumnChunk, ParquetError> {
        for batch in &self.batches {
            for leaf in compute_leaves(self.schema.field(place), batch.column(place))? {
                writer.write(&leaf)?;
            }
        }
        writer.close()
    }
}
