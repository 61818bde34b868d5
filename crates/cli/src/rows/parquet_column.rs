//! One column of a row group of Parquet, value by value.

use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType as Physical};
use parquet::schema::types::ColumnDescPtr;
use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType};

use super::cell::{self, Cell};
use super::error::RowsError;
use super::parquet_in::{broken, damaged};
use super::series::Series;

/// A column that is read from front to back.
pub(super) struct Column {
    pub(super) reader: ColumnReader,
    pub(super) unsigned: bool,
    pub(super) max_level: i16,
}

/// Where the values of one column go.
pub(super) trait Sink {
    fn push(&mut self, cell: Cell<'_>) -> Result<(), RowsError>;
}

/// A column of an input.
pub(super) struct Input<'a> {
    pub(super) port: &'a Port,
    pub(super) element: usize,
    pub(super) data: Data,
    pub(super) first_row: usize,
    /// Where rows are noted that cannot be used, if that is no end.
    pub(super) refused: Option<&'a mut Vec<(usize, RowsError)>>,
}

impl Sink for Input<'_> {
    fn push(&mut self, cell: Cell<'_>) -> Result<(), RowsError> {
        let row = self.data.len();
        let Err(reason) = cell::push(&mut self.data, self.port.dtype, cell) else { return Ok(()) };
        let error = RowsError::value(self.first_row + row, &self.port.element_name(self.element), reason);
        let Some(refused) = &mut self.refused else { return Err(error) };
        refused.push((row, error));
        cell::pad(&mut self.data, row + 1);
        Ok(())
    }
}

/// A column that is kept.
pub(super) struct Kept<'a> {
    pub(super) series: &'a mut Series,
    pub(super) first_row: usize,
}

impl Sink for Kept<'_> {
    fn push(&mut self, cell: Cell<'_>) -> Result<(), RowsError> {
        let row = self.first_row + self.series.rows();
        self.series.push(cell).map_err(|reason| RowsError::value(row, &self.series.name, reason))
    }
}

/// For values that nobody wants.
struct Nowhere;

impl Sink for Nowhere {
    fn push(&mut self, _: Cell<'_>) -> Result<(), RowsError> {
        Ok(())
    }
}

impl Column {
    /// Reads so many rows into the sink.
    pub(super) fn fill(&mut self, sink: &mut impl Sink, rows: usize) -> Result<(), RowsError> {
        let (unsigned, most) = (self.unsigned, self.max_level);
        match &mut self.reader {
            ColumnReader::BoolColumnReader(reader) => {
                drain(reader, most, sink, rows, |&value| Ok(Cell::Bool(value)))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                drain(reader, most, sink, rows, |&value| Ok(int32(value, unsigned)))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                drain(reader, most, sink, rows, |&value| Ok(int64(value, unsigned)))
            }
            ColumnReader::FloatColumnReader(reader) => {
                drain(reader, most, sink, rows, |&value| Ok(Cell::Float(value.into())))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                drain(reader, most, sink, rows, |&value| Ok(Cell::Float(value)))
            }
            ColumnReader::ByteArrayColumnReader(reader) => drain(reader, most, sink, rows, text),
            // Refused when the file was opened.
            ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
                Err(damaged("a column has another type than the file says"))
            }
        }
    }

    /// Passes over so many rows. They are read: what guards the pages knows only those that are read one after the other.
    pub(super) fn skip(&mut self, rows: usize) -> Result<(), RowsError> {
        self.fill(&mut Nowhere, rows)
    }
}

/// In batches, so that no declared number of rows decides an allocation.
fn drain<T: Physical>(
    reader: &mut ColumnReaderImpl<T>,
    max_level: i16,
    sink: &mut impl Sink,
    rows: usize,
    cell: impl Fn(&T::T) -> Result<Cell<'_>, RowsError>,
) -> Result<(), RowsError> {
    const BATCH: usize = 1 << 13;
    let (mut values, mut levels, mut done) = (Vec::new(), Vec::new(), 0);
    while done < rows {
        values.clear();
        levels.clear();
        let batch = BATCH.min(rows - done);
        let (got, present, _) =
            reader.read_records(batch, Some(&mut levels), None, &mut values).map_err(broken)?;
        if got == 0 {
            return Err(too_few());
        }
        let mut values = values.iter().take(present);
        for row in 0..got {
            let is_null = max_level > 0 && levels.get(row) != Some(&max_level);
            let value = if is_null { None } else { values.next() };
            sink.push(value.map_or(Ok(Cell::Missing), &cell)?)?;
        }
        done += got;
    }
    Ok(())
}

fn too_few() -> RowsError {
    damaged("a column has fewer values than its group has rows")
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

/// Whether whole numbers are kept in the bits of signed ones.
pub(super) fn is_unsigned(descr: &ColumnDescPtr) -> bool {
    matches!(descr.logical_type_ref(), Some(LogicalType::Integer(kind)) if !kind.is_signed)
        || matches!(
            descr.converted_type(),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
        )
}

/// What a kept column of this type is made of.
pub(super) fn kept(descr: &ColumnDescPtr) -> Result<Series, RowsError> {
    let name = descr.path().string();
    let dtype = match descr.physical_type() {
        PhysicalType::BOOLEAN => DataType::Bool,
        PhysicalType::INT32 if !is_unsigned(descr) => DataType::Int32,
        PhysicalType::INT32 | PhysicalType::INT64 => DataType::Int64,
        PhysicalType::FLOAT => DataType::Fp32,
        PhysicalType::DOUBLE => DataType::Fp64,
        PhysicalType::BYTE_ARRAY => DataType::Bytes,
        PhysicalType::INT96 | PhysicalType::FIXED_LEN_BYTE_ARRAY => {
            return Err(unusable(&name, "dates or fixed-length bytes"));
        }
    };
    Ok(Series::new(name.trim(), dtype))
}

/// Columns whose stored numbers are not the values they stand for.
pub(super) fn refuse_unreadable(descr: &ColumnDescPtr) -> Result<(), RowsError> {
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
