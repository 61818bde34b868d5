//! Parquet: Int64, Float64 and Utf8 columns, Zstandard pages, row groups of about half a million rows.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, StringArray, UInt8Array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::super::columns::{Column, MISSING, Rows};
use super::super::statistics::Kind;
use super::super::tables::{ColumnLayout, Layout};
use crate::failure::Failure;

/// Rows of a row group: enough for readers to split the work, few enough to hold in memory.
const ROW_GROUP: usize = 512 * 1024;
/// Row groups of the wide application tables.
const WIDE_ROW_GROUP: usize = 128 * 1024;

/// One table's Parquet file.
pub(super) struct ParquetSink {
    writer: Option<ArrowWriter<BufWriter<File>>>,
}

impl ParquetSink {
    pub(super) fn new(layout: &Layout, file: File) -> Result<Self, Failure> {
        // Readers shall see plain text columns, not the dictionaries of this program's memory.
        let options =
            ArrowWriterOptions::new().with_properties(properties(layout)).with_skip_arrow_metadata(true);
        let file = BufWriter::with_capacity(super::BUFFER, file);
        let writer =
            ArrowWriter::try_new_with_options(file, schema(layout), options).map_err(|e| failed(&e))?;
        Ok(Self { writer: Some(writer) })
    }

    pub(super) fn append(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write(batch)).map_err(|error| failed(&error))
    }

    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.writer.take().map_or(Ok(()), |writer| writer.close().map(|_| ())).map_err(|error| failed(&error))
    }
}

/// Keys are delta-packed; all else has dictionaries, which fall back to plain values by themselves.
fn properties(layout: &Layout) -> WriterProperties {
    let rows = if layout.columns.len() > 100 { WIDE_ROW_GROUP } else { ROW_GROUP };
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(rows))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by("privet-credit synth".to_owned());
    for column in layout.columns.iter().filter(|column| column.name.starts_with("SK_ID_")) {
        let path = ColumnPath::from(column.name.as_str());
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    builder.build()
}

/// The rows as arrays.
pub(super) fn batch(layout: &Layout, rows: Rows) -> Result<RecordBatch, Failure> {
    let columns = rows.into_columns().into_iter().zip(&layout.columns);
    let arrays: Result<Vec<ArrayRef>, _> = columns.map(|(column, layout)| array(column, layout)).collect();
    arrays
        .and_then(|arrays| RecordBatch::try_new(schema(layout), arrays))
        .map_err(|error| failed(&error.into()))
}

fn schema(layout: &Layout) -> SchemaRef {
    let field = |column: &ColumnLayout| Field::new(&column.name, data_type(column.kind), true);
    Arc::new(Schema::new(layout.columns.iter().map(field).collect::<Vec<_>>()))
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Integer => DataType::Int64,
        Kind::Real => DataType::Float64,
        Kind::Level => DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Utf8)),
    }
}

fn array(column: Column, layout: &ColumnLayout) -> Result<ArrayRef, arrow::error::ArrowError> {
    Ok(match column {
        Column::Integer(values) => Arc::new(Int64Array::from(values)),
        Column::Real(values) => {
            let missing = present(values.len(), |row| !values[row].is_nan());
            Arc::new(Float64Array::new(ScalarBuffer::from(values), missing))
        }
        Column::Level(codes) => {
            let missing = present(codes.len(), |row| codes[row] != MISSING);
            let levels: StringArray = layout.levels.iter().map(Some).collect();
            let keys = UInt8Array::new(ScalarBuffer::from(codes), missing);
            Arc::new(DictionaryArray::<UInt8Type>::try_new(keys, Arc::new(levels))?)
        }
    })
}

/// None if all rows are present.
fn present(rows: usize, is_present: impl Fn(usize) -> bool) -> Option<NullBuffer> {
    let nulls = NullBuffer::new(BooleanBuffer::collect_bool(rows, is_present));
    (nulls.null_count() > 0).then_some(nulls)
}

fn failed(error: &parquet::errors::ParquetError) -> Failure {
    Failure::usage("C302", format!("A Parquet file cannot be written: {error}."))
}
