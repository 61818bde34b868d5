//! The tables' files as tables of a session, with the columns that the features need and the types that the SQL expects.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::TableReference;
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::ExecutionPlanProperties as _;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{CsvReadOptions, ParquetReadOptions, SessionContext};

use crate::Observer;
use crate::observed::Observed;
use crate::tables::{Format, Kind, TableFile};

/// Makes a table of the session from a file.
pub(crate) async fn plain(session: &SessionContext, file: &TableFile) -> Result<(), DataFusionError> {
    let raw = read(session, file).await?;
    let sql = format!("CREATE VIEW \"{}\" AS {}", file.table.name(), typed(file, &raw));
    session.sql(&sql).await?;
    Ok(())
}

/// The same; what is read passes by the observer.
pub(crate) async fn observed(
    session: &SessionContext,
    file: &TableFile,
    observer: Arc<dyn Observer>,
) -> Result<(), DataFusionError> {
    let raw = read(session, file).await?;
    let plan = session.sql(&typed(file, &raw)).await?.create_physical_plan().await?;
    let schema = plan.schema();
    let partitions = (0..plan.output_partitioning().partition_count())
        .map(|partition| {
            let observer = Arc::clone(&observer);
            Arc::new(Observed { table: file.table, plan: Arc::clone(&plan), partition, observer })
                as Arc<dyn PartitionStream>
        })
        .collect();
    let table = StreamingTable::try_new(schema, partitions)?;
    session.register_table(TableReference::bare(file.table.name()), Arc::new(table))?;
    Ok(())
}

/// Makes the file known as it is written; returns the name under which it is.
async fn read(session: &SessionContext, file: &TableFile) -> Result<String, DataFusionError> {
    let name = format!("{} as written", file.table.name());
    let path = file.path.to_string_lossy();
    let reference = TableReference::bare(name.clone());
    if file.format == Format::Parquet {
        session.register_parquet(reference, path, ParquetReadOptions::default()).await?;
        return Ok(name);
    }
    let schema = csv_schema(file);
    let mut options =
        CsvReadOptions::new().has_header(true).schema(&schema).file_extension(file.format.suffix());
    options.newlines_in_values = false;
    options.file_compression_type = match file.format {
        Format::CsvGzip => FileCompressionType::GZIP,
        Format::CsvZstd => FileCompressionType::ZSTD,
        Format::Csv | Format::Parquet => FileCompressionType::UNCOMPRESSED,
    };
    session.register_csv(reference, path, options).await?;
    Ok(name)
}

/// Columns in the file's own order; those that nobody needs are not parsed.
fn csv_schema(file: &TableFile) -> SchemaRef {
    let kind = |name: &str| file.table.columns().find(|(column, _)| *column == name).map(|(_, kind)| kind);
    let field = |name: &String| {
        let data_type = match kind(name) {
            Some(Kind::Key) => DataType::Int64,
            Some(Kind::Number) => DataType::Float64,
            Some(Kind::Text) | None => DataType::Utf8View,
        };
        Field::new(name, data_type, true)
    };
    Arc::new(Schema::new(file.header.iter().map(field).collect::<Vec<_>>()))
}

/// A query for the columns that the features need.
fn typed(file: &TableFile, raw: &str) -> String {
    let cast = |(name, kind): (&str, Kind)| match kind {
        Kind::Key => format!("CAST(\"{name}\" AS BIGINT) AS \"{name}\""),
        Kind::Text => format!("CAST(\"{name}\" AS VARCHAR) AS \"{name}\""),
        Kind::Number => format!("CAST(\"{name}\" AS DOUBLE) AS \"{name}\""),
    };
    let columns = file.table.columns().map(cast).collect::<Vec<_>>().join(", ");
    format!("SELECT {columns} FROM \"{raw}\"")
}
