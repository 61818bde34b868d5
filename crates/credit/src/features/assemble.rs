//! The results of all queries, side by side, as one Parquet file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use arrow::ipc::reader::FileReader;
use arrow::record_batch::RecordBatch;

use super::applicants::Applicants;
use super::writer::Writer;
use crate::failure::Failure;

/// Writes `SK_ID_CURR`, `TARGET` (missing beyond `application_train`), then the features, which must be `names`.
pub(super) fn assemble(
    out: &Path,
    applicants: &Applicants,
    names: &[String],
    results: &[PathBuf],
    threads: usize,
) -> Result<(), Failure> {
    let mut readers = results.iter().map(|path| open(path)).collect::<Result<Vec<_>, _>>()?;
    let got = readers.iter().flat_map(|reader| reader.schema().fields().to_vec());
    if !got.map(|field| field.name().clone()).eq(names.iter().cloned()) {
        return Err(Failure::ours("The queries do not give the 528 features in their order."));
    }
    let schema = schema(names);
    let mut writer = Writer::create(out, &schema, threads)?;
    let mut row = 0;
    while row < applicants.ids.len() {
        let batch = side_by_side(&mut readers, &schema, applicants, row)?;
        row += batch.num_rows();
        writer.write(&batch)?;
    }
    writer.finish()
}

fn open(path: &Path) -> Result<FileReader<std::io::BufReader<File>>, Failure> {
    let file = File::open(path).map_err(|e| Failure::reading(path, e))?;
    FileReader::try_new_buffered(file, None).map_err(|e| Failure::reading(path, e))
}

fn schema(names: &[String]) -> SchemaRef {
    let keys = [("SK_ID_CURR", false), ("TARGET", true)];
    let keys = keys.map(|(name, nullable)| Field::new(name, DataType::Int64, nullable));
    let features = names.iter().map(|name| Field::new(name, DataType::Float64, true));
    Arc::new(Schema::new(keys.into_iter().chain(features).collect::<Vec<_>>()))
}

/// The next batch of every result, with keys.
fn side_by_side(
    readers: &mut [FileReader<std::io::BufReader<File>>],
    schema: &SchemaRef,
    applicants: &Applicants,
    row: usize,
) -> Result<RecordBatch, Failure> {
    let lost = |what: &str| Failure::ours(format!("A query's result is not whole: {what}."));
    let mut features: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for reader in readers {
        let batch = reader.next().ok_or_else(|| lost("it has too few rows"))?;
        let batch = batch.map_err(|e| lost(&e.to_string()))?;
        features.extend(batch.columns().iter().map(without_nan));
    }
    let rows = features.first().map_or(0, Array::len);
    let ids = applicants.ids.get(row..row + rows).ok_or_else(|| lost("it has too many rows"))?;
    let target = |at: usize| applicants.targets.get(at).map(|&defaulted| i64::from(defaulted));
    let targets: Int64Array = (row..row + rows).map(target).collect();
    let keys: [ArrayRef; 2] = [Arc::new(Int64Array::from(ids.to_vec())), Arc::new(targets)];
    let columns = keys.into_iter().chain(features).collect();
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|e| lost(&e.to_string()))
}

/// 0 / 0 is missing.
fn without_nan(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<Float64Type>() {
        Some(values) if values.values().iter().any(|value| value.is_nan()) => {
            Arc::new(values.iter().map(|value| value.filter(|x| !x.is_nan())).collect::<Float64Array>())
        }
        _ => Arc::clone(column),
    }
}
