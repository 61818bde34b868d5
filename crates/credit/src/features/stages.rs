//! The queries, one for each table that gives features, run one after the other: each has the memory to itself.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use arrow::record_batch::RecordBatch;

use crate::failure::Failure;
use privet_credit_engine::Session;
use privet_credit_engine::tables::Table;

/// Rows of a batch in the results, the same in all of them, so that they can be laid side by side.
const ROWS: usize = 8192;

/// One query.
pub(crate) struct Stage {
    /// What it is about, for people and as the name of its result.
    pub(crate) name: &'static str,
    /// The query: one row for each applicant who has any, with the key and the features.
    pub(crate) sql: &'static str,
}

/// All, in the order of the features.
pub(crate) const STAGES: [Stage; 6] = [
    Stage { name: "application", sql: include_str!("../sql/application.sql") },
    Stage { name: "bureau", sql: include_str!("../sql/bureau.sql") },
    Stage { name: "previous_application", sql: include_str!("../sql/previous_application.sql") },
    Stage { name: "POS_CASH_balance", sql: include_str!("../sql/POS_CASH_balance.sql") },
    Stage { name: "installments_payments", sql: include_str!("../sql/installments_payments.sql") },
    Stage { name: "credit_card_balance", sql: include_str!("../sql/credit_card_balance.sql") },
];

/// Views that the queries use, by name; `applications` joins what there is of the two application tables.
pub(super) fn views(with_train: bool) -> [(&'static str, String); 2] {
    let columns = Table::ApplicationTest.columns().map(|(name, _)| format!("\"{name}\""));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let test = format!("SELECT {columns} FROM application_test");
    let train = format!(
        "SELECT {columns} FROM application_train WHERE \"CODE_GENDER\" IS DISTINCT FROM 'XNA' UNION ALL {test}"
    );
    let months = include_str!("../sql/bureau_balance.sql").to_owned();
    [("applications", if with_train { train } else { test }), ("bureau_months", months)]
}

impl Stage {
    /// The query for one row for each applicant, in the order of the applicants; columns are the features alone.
    fn in_order(&self) -> String {
        format!(
            "SELECT f.* FROM applicants AS a LEFT JOIN (\n{}) AS f ON a.\"SK_ID_CURR\" = f.\"SK_ID_CURR\" ORDER BY a.position",
            self.sql
        )
    }

    /// Runs it, and writes the result to a file in `folder`.
    pub(super) async fn run(&self, session: &Session, folder: &Path) -> Result<PathBuf, Failure> {
        let query = self.in_order();
        let mut rows = session.rows(&query).await?;
        let features: Vec<usize> = (1..rows.schema().fields().len()).collect();
        let lost = |e: ArrowError| Failure::ours(format!("A query's result has no features: {e}."));
        let schema = Arc::new(rows.schema().project(&features).map_err(lost)?);
        let path = folder.join(format!("{}.arrow", self.name));
        let mut result = ResultFile::create(&path, &schema)?;
        while let Some(batch) = rows.more().await? {
            result.write(batch.project(&features).map_err(lost)?)?;
        }
        result.finish()?;
        Ok(path)
    }
}

/// A file of batches of [`ROWS`] rows.
struct ResultFile {
    path: PathBuf,
    coalescer: BatchCoalescer,
    writer: FileWriter<std::io::BufWriter<File>>,
}

impl ResultFile {
    fn create(path: &Path, schema: &SchemaRef) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|e| Failure::writing(path, e))?;
        let file = std::io::BufWriter::with_capacity(1 << 20, file);
        let writer = FileWriter::try_new(file, schema).map_err(|e| Failure::writing(path, e))?;
        Ok(Self { path: path.to_owned(), coalescer: BatchCoalescer::new(Arc::clone(schema), ROWS), writer })
    }

    fn write(&mut self, batch: RecordBatch) -> Result<(), Failure> {
        self.coalescer.push_batch(batch).map_err(|e| Failure::writing(&self.path, e))?;
        self.write_complete()
    }

    fn write_complete(&mut self) -> Result<(), Failure> {
        while let Some(batch) = self.coalescer.next_completed_batch() {
            self.writer.write(&batch).map_err(|e| Failure::writing(&self.path, e))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.coalescer.finish_buffered_batch().map_err(|e| Failure::writing(&self.path, e))?;
        self.write_complete()?;
        self.writer.finish().map_err(|e| Failure::writing(&self.path, e))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every second piece between double quotes, without comments.
    fn quoted(sql: &str) -> BTreeSet<&str> {
        let lines = sql.lines().filter(|line| !line.starts_with("--"));
        lines.flat_map(|line| line.split('"').skip(1).step_by(2)).collect()
    }

    /// What the query itself names so.
    fn named(sql: &str) -> BTreeSet<&str> {
        sql.split(" AS \"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn the_columns_of_the_queries_are_those_of_the_tables() {
        let months = include_str!("../sql/bureau_balance.sql");
        let queries: Vec<&str> = STAGES.iter().map(|stage| stage.sql).chain([months]).collect();
        let made: BTreeSet<_> = queries.iter().flat_map(|sql| named(sql)).collect();
        let used: BTreeSet<_> = queries.iter().flat_map(|sql| quoted(sql)).collect();
        let there: BTreeSet<_> =
            Table::ALL.iter().flat_map(|table| table.columns()).map(|(name, _)| name).collect();
        let tables: BTreeSet<_> = Table::ALL.iter().map(|table| table.name()).collect();
        let unknown: Vec<_> = used
            .iter()
            .filter(|n| !made.contains(*n) && !there.contains(*n) && !tables.contains(*n))
            .collect();
        assert!(unknown.is_empty(), "no table has {unknown:?}");
        // What the checks need, and no query.
        let unused: Vec<_> = there.difference(&used).collect();
        assert_eq!(unused, [&"SK_ID_PREV", &"TARGET"]);
    }
}
