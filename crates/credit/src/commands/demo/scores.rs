//! Probabilities in Parquet files.

use std::fs::File;
use std::path::Path;

use arrow::array::AsArray as _;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::failure::Failure;
use crate::train::outcome::HELD_OUT;

/// Outcomes, and how likely somebody thought them.
#[derive(Default)]
pub(super) struct Scores {
    pub(super) targets: Vec<bool>,
    pub(super) probabilities: Vec<f64>,
}

/// What the trainer itself thinks of the applicants that were held out.
pub(super) fn held_out(path: &Path) -> Result<Scores, Failure> {
    let mut scores = Scores::default();
    for batch in batches(path)? {
        let parts =
            cast(column(path, &batch, "part")?, &DataType::Utf8).map_err(|e| Failure::reading(path, e))?;
        let parts = parts.as_string::<i32>();
        let (targets, found) = (numbers(path, &batch, "TARGET")?, numbers(path, &batch, "probability")?);
        for row in (0..batch.num_rows()).filter(|&row| parts.value(row) == HELD_OUT) {
            scores.targets.push(targets[row] > 0.5);
            scores.probabilities.push(found[row]);
        }
    }
    Ok(scores)
}

/// The probabilities that a deployment answered.
pub(super) fn answered(path: &Path) -> Result<Vec<f64>, Failure> {
    let batches = batches(path)?;
    let found =
        batches.iter().map(|batch| numbers(path, batch, "probability")).collect::<Result<Vec<_>, _>>()?;
    Ok(found.concat())
}

fn batches(path: &Path) -> Result<Vec<RecordBatch>, Failure> {
    let file = File::open(path).map_err(|e| Failure::reading(path, e))?;
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
    let batches = reader.map_err(|e| Failure::reading(path, e))?.collect::<Result<_, _>>();
    batches.map_err(|e| Failure::reading(path, e))
}

fn column<'a>(
    path: &Path,
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a arrow::array::ArrayRef, Failure> {
    let found = batch.column_by_name(name);
    found.ok_or_else(|| Failure::reading(path, format!("it has no column `{name}`")))
}

fn numbers(path: &Path, batch: &RecordBatch, name: &str) -> Result<Vec<f64>, Failure> {
    let values =
        cast(column(path, batch, name)?, &DataType::Float64).map_err(|e| Failure::reading(path, e))?;
    Ok(values.as_primitive::<Float64Type>().values().to_vec())
}
