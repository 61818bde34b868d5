//! The rows that a model takes: features filled and clipped, in their own units, in the model's order.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use clap::ValueEnum;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::design::rules;
use super::model_file::ModelFile;
use super::options::Placement;
use super::progress::Progress;
use super::rule::{Rule, to_f32};
use super::table::{ID, TARGET, Table, values};
use crate::failure::Failure;
use crate::output::Unfinished;

/// Rows that are read, prepared and written at a time.
const ROWS: usize = 8192;

/// Rows of a row group: all that is held before it is written.
const GROUP: usize = 2 * ROWS;

/// Which applicants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Which {
    /// Those that the preparation was fitted on.
    Training,
    /// The others with a known outcome.
    HeldOut,
    /// Those whose outcome is not known.
    Test,
    /// Everybody.
    #[default]
    All,
}

/// Writes a model's rows, and gives their number.
pub(crate) fn write_rows(
    table: &Table,
    file: &ModelFile,
    which: Which,
    out: &Path,
    progress: &dyn Fn(&Progress<'_>),
) -> Result<usize, Failure> {
    let chosen = chosen(table, file.preparation.fitted_rows, which);
    let features = Features::of(table, file)?;
    let failed = |e: parquet::errors::ParquetError| Failure::writing(out, e);
    let unfinished = Unfinished::create(out)?;
    // Amounts hardly repeat, and what does repeat is a filled gap, which compression sees as well as a dictionary does.
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_max_row_group_row_count(Some(GROUP))
        .build();
    let mut writer = ArrowWriter::try_new(&unfinished.file, Arc::clone(&features.schema), Some(properties))
        .map_err(failed)?;
    let mut first_row = 0;
    for batch in table.read(&features.names(), usize::MAX, ROWS)? {
        let batch = batch.map_err(|e| Failure::reading(table.path(), e))?;
        let rows = first_row..first_row + batch.num_rows();
        writer.write(&features.prepare(table, &batch, &chosen[rows.clone()], rows.start)?).map_err(failed)?;
        first_row = rows.end;
        progress(&Progress::Read { rows: first_row, of: chosen.len() });
    }
    writer.close().map_err(failed)?;
    unfinished.finish()?;
    Ok(chosen.iter().filter(|&&chosen| chosen).count())
}

/// By row of the table, whether it is wanted.
fn chosen(table: &Table, fitted: usize, which: Which) -> Vec<bool> {
    let mut known = 0;
    let wanted = |target: &Option<bool>| {
        known += usize::from(target.is_some());
        match which {
            Which::All => true,
            Which::Test => target.is_none(),
            Which::Training => target.is_some() && known <= fitted,
            Which::HeldOut => target.is_some() && known > fitted,
        }
    };
    table.targets.iter().map(wanted).collect()
}

/// A model's features.
struct Features {
    rules: Vec<(String, Rule)>,
    placement: Placement,
    schema: SchemaRef,
}

impl Features {
    fn of(table: &Table, file: &ModelFile) -> Result<Self, Failure> {
        let rules = rules(&file.preparation.features, file.placement);
        if let Some((name, _)) = rules.iter().find(|(name, _)| !table.features.contains(name)) {
            let what = format!("`{}` does not have the model's feature `{name}`", table.path().display());
            return Err(Failure::refused(
                "C421",
                format!("{what}. Make the table with `privet-credit features`."),
            ));
        }
        let keys = [Field::new(ID, DataType::Int64, false), Field::new(TARGET, DataType::Int64, true)];
        let gaps = file.placement == Placement::Inside;
        let features = rules.iter().map(|(name, _)| Field::new(name, DataType::Float32, gaps));
        let schema = Arc::new(Schema::new(keys.into_iter().chain(features).collect::<Vec<_>>()));
        Ok(Self { rules, placement: file.placement, schema })
    }

    fn names(&self) -> Vec<String> {
        self.rules.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The wanted rows of a batch.
    fn prepare(
        &self,
        table: &Table,
        batch: &RecordBatch,
        chosen: &[bool],
        first_row: usize,
    ) -> Result<RecordBatch, Failure> {
        let rows = || (first_row..).zip(chosen).filter(|(_, chosen)| **chosen).map(|(row, _)| row);
        let ids: Int64Array = rows().map(|row| table.ids[row]).collect::<Vec<_>>().into();
        let targets: Int64Array = rows().map(|row| table.targets[row].map(i64::from)).collect();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(targets)];
        for (name, rule) in &self.rules {
            let wanted = values(batch, name)?.iter().zip(chosen).filter(|(_, chosen)| **chosen);
            let column: Float32Array = wanted.map(|(value, _)| self.input(*rule, value)).collect();
            columns.push(Arc::new(column));
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|e| Failure::ours(e.to_string()))
    }

    /// What the model is given. One that fills gaps itself gets them.
    fn input(&self, rule: Rule, value: Option<f64>) -> Option<f32> {
        match self.placement {
            Placement::Beside => Some(rule.raw(value)),
            Placement::Inside => value.map(to_f32).filter(|value| value.is_finite()),
        }
    }
}
