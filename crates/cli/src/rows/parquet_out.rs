//! Outputs as Parquet, compressed with Snappy.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType as Physical, DoubleType, FloatType, Int32Type, Int64Type,
};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};
use privet_model::graph::Port;
use privet_model::tensor::{DataType, Tensor};

use super::columns::{self, Column, Out};
use super::error::RowsError;

/// Rows of one group; a reader holds at least one group in memory.
const GROUP: usize = 1 << 18;

/// Writes one column per value.
pub(super) fn write(outputs: &[(Port, Tensor)], sink: &mut dyn Write) -> std::result::Result<(), RowsError> {
    let bytes = encode(outputs).map_err(RowsError::unwritable)?;
    sink.write_all(&bytes).map_err(RowsError::unwritable)
}

fn encode(outputs: &[(Port, Tensor)]) -> Result<Vec<u8>> {
    let (columns, rows) = columns::of(outputs);
    let mut writer = Groups::new(Vec::new(), &columns)?;
    for start in (0..rows).step_by(GROUP) {
        writer.write(&columns, start..rows.min(start + GROUP))?;
    }
    writer.finish()
}

/// A file that is written group by group.
pub(super) struct Groups<W: Write + Send>(SerializedFileWriter<W>);

impl<W: Write + Send> Groups<W> {
    /// A file of columns like these.
    pub(super) fn new(sink: W, columns: &[Column<'_>]) -> Result<Self> {
        let fields = columns.iter().map(field).collect::<Result<_>>()?;
        let schema = Type::group_type_builder("rows").with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        Ok(Self(SerializedFileWriter::new(sink, Arc::new(schema), Arc::new(properties))?))
    }

    /// These rows as a group.
    pub(super) fn write(&mut self, columns: &[Column<'_>], rows: std::ops::Range<usize>) -> Result<()> {
        write_group(self.0.next_row_group()?, columns, rows)
    }

    /// The file is complete.
    pub(super) fn finish(self) -> Result<W> {
        self.0.into_inner()
    }
}

fn field(column: &Column<'_>) -> Result<TypePtr> {
    let physical = match column.dtype {
        DataType::Fp32 => PhysicalType::FLOAT,
        DataType::Fp64 => PhysicalType::DOUBLE,
        DataType::Int64 => PhysicalType::INT64,
        DataType::Int32 => PhysicalType::INT32,
        DataType::Bool => PhysicalType::BOOLEAN,
        DataType::Bytes => PhysicalType::BYTE_ARRAY,
    };
    let text = (column.dtype == DataType::Bytes).then_some(LogicalType::String);
    let builder = Type::primitive_type_builder(&column.name, physical);
    let repetition = if column.has_gaps() { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    Ok(Arc::new(builder.with_repetition(repetition).with_logical_type(text).build()?))
}

fn write_group<W: Write + Send>(
    mut group: SerializedRowGroupWriter<'_, W>,
    columns: &[Column<'_>],
    rows: std::ops::Range<usize>,
) -> Result<()> {
    for column in columns {
        if let Some(writer) = group.next_column()? {
            write_column(writer, column, rows.clone())?;
        }
    }
    group.close().map(|_| ())
}

#[allow(clippy::cast_possible_truncation)] // an INT32 tensor holds only values of its range
fn write_column(
    writer: SerializedColumnWriter<'_>,
    column: &Column<'_>,
    rows: std::ops::Range<usize>,
) -> Result<()> {
    let present = |row| i16::from(!matches!(column.value(row), Out::Missing));
    let levels = column.has_gaps().then(|| rows.clone().map(present).collect::<Vec<i16>>());
    let values = rows.map(|row| column.value(row)).filter(|value| !matches!(value, Out::Missing));
    let levels = levels.as_deref();
    match column.dtype {
        DataType::Fp32 => put::<FloatType>(
            writer,
            levels,
            values.filter_map(|v| if let Out::F32(v) = v { Some(v) } else { None }),
        ),
        DataType::Fp64 => put::<DoubleType>(
            writer,
            levels,
            values.filter_map(|v| if let Out::F64(v) = v { Some(v) } else { None }),
        ),
        DataType::Int64 => put::<Int64Type>(writer, levels, values.filter_map(int)),
        DataType::Int32 => put::<Int32Type>(writer, levels, values.filter_map(int).map(|v| v as i32)),
        DataType::Bool => put::<BoolType>(writer, levels, values.map(|v| matches!(v, Out::Bool(true)))),
        DataType::Bytes => put::<ByteArrayType>(writer, levels, values.filter_map(text)),
    }
}

fn put<T: Physical>(
    mut writer: SerializedColumnWriter<'_>,
    levels: Option<&[i16]>,
    values: impl Iterator<Item = T::T>,
) -> Result<()> {
    let values: Vec<T::T> = values.collect();
    writer.typed::<T>().write_batch(&values, levels, None)?;
    writer.close()
}

fn int(value: Out<'_>) -> Option<i64> {
    if let Out::Int(value) = value { Some(value) } else { None }
}

fn text(value: Out<'_>) -> Option<ByteArray> {
    if let Out::Text(text) = value { Some(ByteArray::from(text)) } else { None }
}
