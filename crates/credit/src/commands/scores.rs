//! The probabilities of a training's rows as Parquet.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use crate::failure::Failure;
use crate::output::Unfinished;
use crate::train::outcome::Part;

/// Writes `SK_ID_CURR`, `part`, `TARGET` and `probability` of every row, part by part.
pub(super) fn write_scores(path: &Path, parts: &[Part]) -> Result<(), Failure> {
    let failed = |e: ParquetError| Failure::writing(path, e);
    let unfinished = Unfinished::create(path)?;
    let mut writer = ArrowWriter::try_new(&unfinished.file, schema(), None).map_err(failed)?;
    for part in parts {
        let batch = RecordBatch::try_new(schema(), columns(part)).map_err(|e| failed(e.into()))?;
        writer.write(&batch).map_err(failed)?;
    }
    writer.close().map_err(failed)?;
    unfinished.finish()
}

fn schema() -> SchemaRef {
    let fields = [
        ("SK_ID_CURR", DataType::Int64),
        ("part", DataType::Utf8),
        ("TARGET", DataType::Boolean),
        ("probability", DataType::Float64),
    ];
    Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, false)).to_vec()))
}

fn columns(part: &Part) -> Vec<ArrayRef> {
    vec![
        Arc::new(Int64Array::from(part.ids.clone())),
        Arc::new(StringArray::from(vec![part.name; part.ids.len()])),
        Arc::new(BooleanArray::from(part.targets.clone())),
        Arc::new(Float64Array::from(part.probabilities.clone())),
    ]
}
