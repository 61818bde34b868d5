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
    let fields = columns.iter().map(field).collect::<Result<_>>()?;
    let schema = Type::group_type_builder("rows").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    for start in (0..rows).step_by(GROUP) {
        write_group(writer.next_row_group()?, &columns, start..rows.min(start + GROUP))?;
    }
    writer.into_inner()
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
    Ok(Arc::new(builder.with_repetition(Repetition::REQUIRED).with_logical_type(text).build()?))
}

fn write_group(
    mut group: SerializedRowGroupWriter<'_, Vec<u8>>,
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
    let values = rows.map(|row| column.value(row));
    match column.dtype {
        DataType::Fp32 => {
            put::<FloatType>(writer, values.filter_map(|v| if let Out::F32(v) = v { Some(v) } else { None }))
        }
        DataType::Fp64 => {
            put::<DoubleType>(writer, values.filter_map(|v| if let Out::F64(v) = v { Some(v) } else { None }))
        }
        DataType::Int64 => put::<Int64Type>(writer, values.filter_map(int)),
        DataType::Int32 => put::<Int32Type>(writer, values.filter_map(int).map(|v| v as i32)),
        DataType::Bool => put::<BoolType>(writer, values.map(|v| matches!(v, Out::Bool(true)))),
        DataType::Bytes => put::<ByteArrayType>(writer, values.filter_map(text)),
    }
}

fn put<T: Physical>(
    mut writer: SerializedColumnWriter<'_>,
    values: impl Iterator<Item = T::T>,
) -> Result<()> {
    let values: Vec<T::T> = values.collect();
    writer.typed::<T>().write_batch(&values, None, None)?;
    writer.close()
}

fn int(value: Out<'_>) -> Option<i64> {
    if let Out::Int(value) = value { Some(value) } else { None }
}

fn text(value: Out<'_>) -> Option<ByteArray> {
    if let Out::Text(text) = value { Some(ByteArray::from(text)) } else { None }
}
