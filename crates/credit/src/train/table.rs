//! `features.parquet`: who the rows are, and the features of some of them, a batch of rows at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{AsArray as _, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::failure::Failure;

/// The applicant.
pub(crate) const ID: &str = "SK_ID_CURR";

/// The outcome, where it is known.
pub(crate) const TARGET: &str = "TARGET";

/// A file of features that is as it should be.
pub(crate) struct Table {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    /// Names of the features, in the file's order.
    pub(crate) features: Vec<String>,
    /// Applicants.
    pub(crate) ids: Vec<i64>,
    /// What is known of them.
    pub(crate) targets: Vec<Option<bool>>,
}

impl Table {
    /// Checks the columns, and reads who the rows are.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|e| Failure::reading(path, e))?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
            .map_err(|e| Failure::reading(path, e))?;
        let features = features(path, metadata.schema())?;
        let mut table =
            Self { path: path.to_owned(), metadata, features, ids: Vec::new(), targets: Vec::new() };
        for batch in table.read(&[ID.into(), TARGET.into()], usize::MAX, 1 << 16)? {
            table.take_keys(&batch.map_err(|e| Failure::reading(path, e))?)?;
        }
        Ok(table)
    }

    fn take_keys(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let (ids, targets) = (integers(batch, ID), integers(batch, TARGET));
        for (id, target) in ids.zip(targets) {
            let row = self.ids.len();
            let wrong = |what: String| {
                let path = self.path.display();
                Failure::refused(
                    "C401",
                    format!("Row {row} of `{path}` {what}; `privet-credit features` makes such files."),
                )
            };
            self.ids.push(id.ok_or_else(|| wrong(format!("has no {ID}")))?);
            self.targets.push(match target {
                None => None,
                Some(0) => Some(false),
                Some(1) => Some(true),
                Some(other) => {
                    return Err(wrong(format!("has the {TARGET} {other}, where 0 or 1 was expected")));
                }
            });
        }
        Ok(())
    }

    /// The first `rows` rows of some columns, `batch` at a time. Columns come in the file's order.
    pub(crate) fn read(
        &self,
        columns: &[String],
        rows: usize,
        batch: usize,
    ) -> Result<ParquetRecordBatchReader, Failure> {
        let failed = |e: &dyn std::fmt::Display| Failure::reading(&self.path, e);
        let schema = self.metadata.schema();
        let places: Result<Vec<usize>, _> = columns.iter().map(|name| schema.index_of(name)).collect();
        let places = places.map_err(|e| failed(&e))?;
        let file = File::open(&self.path).map_err(|e| failed(&e))?;
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_projection(ProjectionMask::roots(self.metadata.parquet_schema(), places))
            .with_limit(rows)
            .with_batch_size(batch)
            .build()
            .map_err(|e| failed(&e))
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A feature's values in a batch.
pub(crate) fn values<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Float64Array, Failure> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Float64Type>());
    column.ok_or_else(|| Failure::ours(format!("The column `{name}` was not read.")))
}

fn integers<'a>(batch: &'a RecordBatch, name: &str) -> impl Iterator<Item = Option<i64>> + 'a {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
    column.into_iter().flatten()
}

/// All columns but the two keys.
fn features(path: &Path, schema: &SchemaRef) -> Result<Vec<String>, Failure> {
    for (name, kind) in [(ID, DataType::Int64), (TARGET, DataType::Int64)] {
        let found = schema.field_with_name(name).ok().map(|field| field.data_type().clone());
        if found.as_ref() != Some(&kind) {
            return Err(unexpected(path, name, &kind, found.as_ref()));
        }
    }
    let mut names = Vec::new();
    for field in schema.fields().iter().filter(|field| field.name() != ID && field.name() != TARGET) {
        if field.data_type() != &DataType::Float64 {
            return Err(unexpected(path, field.name(), &DataType::Float64, Some(field.data_type())));
        }
        names.push(field.name().clone());
    }
    Ok(names)
}

fn unexpected(path: &Path, name: &str, expected: &DataType, found: Option<&DataType>) -> Failure {
    let path = path.display();
    let found = found.map_or_else(|| "it is not there".to_owned(), |kind| format!("it holds {kind}"));
    Failure::refused(
        "C402",
        format!(
            "`{path}` needs a column `{name}` of {expected}, but {found}. Make the file with `privet-credit features`."
        ),
    )
}
