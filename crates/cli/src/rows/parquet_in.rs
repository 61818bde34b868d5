//! Rows from Parquet: only the columns that are needed, one row group after the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{ChunkReader, FileReader, SerializedPageReader};
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::schema::types::ColumnDescPtr;
use privet_model::graph::Port;
use privet_model::tensor::{Data, Tensor};

use super::cell::{self, Cell};
use super::error::RowsError;
use super::layout::Layout;
use super::parquet_pages::{Bounded, Pages};
use super::source::{LARGEST, Whole};
use super::table::{Content, tensor, weave};

/// Reads all rows.
pub(super) fn read(source: Whole, inputs: &[Port]) -> Result<Content, RowsError> {
    guarded(|| match source {
        Whole::File(file) => read_from(file, inputs),
        Whole::Memory(bytes) => read_from(bytes, inputs),
    })
}

/// The library asserts what a damaged file may violate; that must be an error like any other.
fn guarded<T>(read: impl FnOnce() -> Result<T, RowsError>) -> Result<T, RowsError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(damaged("its parts contradict each other")))
}

fn read_from<R: ChunkReader + 'static>(source: R, inputs: &[Port]) -> Result<Content, RowsError> {
    let source = Arc::new(source);
    let metadata = metadata(&source)?;
    let layout = Layout::by_name(inputs, &names(&metadata))?;
    let mut tensors = Vec::new();
    for port in inputs {
        tensors.push(tensor(0, port, Data::empty(port.dtype))?);
    }
    for group in 0..metadata.num_row_groups() {
        let reader = GroupReader {
            source: &source,
            metadata: &metadata,
            group,
            first_row: tensors.first().map_or(0, |t| t.rows),
        };
        reader.refuse_too_large(&layout)?;
        for ((port, columns), tensor) in inputs.iter().zip(&layout.columns).zip(&mut tensors) {
            tensor.append(reader.input(port, columns)?);
        }
    }
    Ok(Content { tensors, notes: layout.notes })
}

fn metadata<R: ChunkReader + 'static>(source: &Arc<R>) -> Result<ParquetMetaData, RowsError> {
    let reader = SerializedFileReader::new(Bounded(Arc::clone(source))).map_err(broken)?;
    Ok(reader.metadata().clone())
}

fn names(metadata: &ParquetMetaData) -> Vec<String> {
    let schema = metadata.file_metadata().schema_descr();
    schema.columns().iter().map(|column| column.path().string().trim().to_owned()).collect()
}

/// One row group.
struct GroupReader<'a, R> {
    source: &'a Arc<R>,
    metadata: &'a ParquetMetaData,
    group: usize,
    first_row: usize,
}

impl<R: ChunkReader + 'static> GroupReader<'_, R> {
    fn rows(&self) -> Result<usize, RowsError> {
        let rows = self.metadata.row_group(self.group).num_rows();
        usize::try_from(rows).map_err(|_| damaged("a group has a negative number of rows"))
    }

    /// Runs of equal values take up almost nothing in a file, so its length is no bound.
    fn refuse_too_large(&self, layout: &Layout) -> Result<(), RowsError> {
        let values: usize = layout.columns.iter().map(Vec::len).sum();
        let bytes =
            (self.first_row as u64).saturating_add(self.rows()? as u64).saturating_mul(values as u64 * 8);
        if bytes > LARGEST {
            return Err(RowsError::damaged(
                "The file declares more than 4 GiB of values. Split the rows into several files.",
            ));
        }
        Ok(())
    }

    fn input(&self, port: &Port, columns: &[usize]) -> Result<Tensor, RowsError> {
        let columns = columns.iter().enumerate();
        let columns: Vec<Data> =
            columns.map(|(element, &column)| self.column(port, element, column)).collect::<Result<_, _>>()?;
        let data = weave(columns).ok_or_else(|| damaged("its columns have different lengths"))?;
        tensor(self.rows()?, port, data)
    }

    fn column(&self, port: &Port, element: usize, column: usize) -> Result<Data, RowsError> {
        let group = self.metadata.row_group(self.group);
        let (rows, chunk) = (self.rows()?, group.column(column));
        refuse_negative(chunk)?;
        let descr = chunk.column_descr_ptr();
        refuse_unreadable(&descr)?;
        let source = Arc::new(Pages::new(Bounded(Arc::clone(self.source)), chunk.compression()));
        let pages = SerializedPageReader::new(source, chunk, rows, None).map_err(broken)?;
        let mut sink = Sink {
            port,
            element,
            data: Data::empty(port.dtype),
            first_row: self.first_row,
            unsigned: is_unsigned(&descr),
            max_level: descr.max_def_level(),
        };
        sink.fill(get_column_reader(descr, Box::new(pages)), rows)?;
        Ok(sink.data)
    }
}

/// Where the values of one column go.
struct Sink<'a> {
    port: &'a Port,
    element: usize,
    data: Data,
    first_row: usize,
    unsigned: bool,
    max_level: i16,
}

impl Sink<'_> {
    fn fill(&mut self, reader: ColumnReader, rows: usize) -> Result<(), RowsError> {
        let unsigned = self.unsigned;
        match reader {
            ColumnReader::BoolColumnReader(reader) => {
                self.drain(reader, rows, |&value| Ok(Cell::Bool(value)))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                self.drain(reader, rows, |&value| Ok(int32(value, unsigned)))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                self.drain(reader, rows, |&value| Ok(int64(value, unsigned)))
            }
            ColumnReader::FloatColumnReader(reader) => {
                self.drain(reader, rows, |&value| Ok(Cell::Float(value.into())))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                self.drain(reader, rows, |&value| Ok(Cell::Float(value)))
            }
            ColumnReader::ByteArrayColumnReader(reader) => self.drain(reader, rows, text),
            ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
                Err(unusable(&self.port.element_name(self.element), "dates or fixed-length bytes"))
            }
        }
    }

    /// In batches, so that no declared number of rows decides an allocation.
    fn drain<T: Physical>(
        &mut self,
        mut reader: ColumnReaderImpl<T>,
        rows: usize,
        cell: impl Fn(&T::T) -> Result<Cell<'_>, RowsError>,
    ) -> Result<(), RowsError> {
        const BATCH: usize = 1 << 13;
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        while self.data.len() < rows {
            values.clear();
            levels.clear();
            let batch = BATCH.min(rows - self.data.len());
            let (got, present, _) =
                reader.read_records(batch, Some(&mut levels), None, &mut values).map_err(broken)?;
            if got == 0 {
                return Err(damaged("a column has fewer values than its group has rows"));
            }
            let mut values = values.iter().take(present);
            for row in 0..got {
                let is_null = self.max_level > 0 && levels.get(row) != Some(&self.max_level);
                let value = if is_null { None } else { values.next() };
                self.push(value.map_or(Ok(Cell::Missing), &cell)?)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, cell: Cell<'_>) -> Result<(), RowsError> {
        let row = self.first_row + self.data.len();
        cell::push(&mut self.data, self.port, cell)
            .map_err(|reason| RowsError::value(row, &self.port.element_name(self.element), reason))
    }
}

#[allow(clippy::cast_sign_loss)] // Parquet keeps unsigned integers in the bits of signed ones
fn int32(value: i32, unsigned: bool) -> Cell<'static> {
    Cell::Int(if unsigned { i64::from(value as u32) } else { i64::from(value) })
}

#[allow(clippy::cast_sign_loss)] // as above
fn int64(value: i64, unsigned: bool) -> Cell<'static> {
    if unsigned && value < 0 { Cell::Float(value as u64 as f64) } else { Cell::Int(value) }
}

fn text(value: &ByteArray) -> Result<Cell<'_>, RowsError> {
    value.as_utf8().map(Cell::Text).map_err(|_| damaged("a text is not UTF-8"))
}

fn is_unsigned(descr: &ColumnDescPtr) -> bool {
    matches!(descr.logical_type_ref(), Some(LogicalType::Integer(kind)) if !kind.is_signed)
        || matches!(
            descr.converted_type(),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
        )
}

/// Places that the library takes for granted.
fn refuse_negative(chunk: &ColumnChunkMetaData) -> Result<(), RowsError> {
    let places =
        [chunk.compressed_size(), chunk.data_page_offset(), chunk.dictionary_page_offset().unwrap_or(0)];
    if places.iter().any(|&place| place < 0) {
        Err(damaged("a column begins before the file"))
    } else {
        Ok(())
    }
}

/// Columns whose stored numbers are not the values they stand for.
fn refuse_unreadable(descr: &ColumnDescPtr) -> Result<(), RowsError> {
    let name = descr.path().string();
    if descr.max_rep_level() > 0 {
        return Err(unusable(&name, "lists"));
    }
    match descr.converted_type() {
        ConvertedType::DECIMAL => Err(unusable(&name, "decimals with a scale")),
        ConvertedType::DATE
        | ConvertedType::TIME_MILLIS
        | ConvertedType::TIME_MICROS
        | ConvertedType::TIMESTAMP_MILLIS
        | ConvertedType::TIMESTAMP_MICROS => Err(unusable(&name, "dates or times")),
        _ => match descr.logical_type_ref() {
            Some(LogicalType::Timestamp(_) | LogicalType::Time(_) | LogicalType::Date) => {
                Err(unusable(&name, "dates or times"))
            }
            Some(LogicalType::Decimal(_)) => Err(unusable(&name, "decimals with a scale")),
            _ => Ok(()),
        },
    }
}

fn unusable(column: &str, what: &str) -> RowsError {
    RowsError::array(format!(
        "Expected numbers or text in the column `{column}`, got {what}. Convert the column and \
         write the file anew."
    ))
}

#[allow(clippy::needless_pass_by_value)] // the form that `map_err` takes
fn broken(error: ParquetError) -> RowsError {
    damaged(&error.to_string())
}

fn damaged(reason: &str) -> RowsError {
    RowsError::damaged(format!("The file is not readable as Parquet: {reason}. Copy or write the file anew."))
}

#[cfg(test)]
#[path = "parquet_tests.rs"]
mod tests;
