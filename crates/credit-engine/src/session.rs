//! What runs the SQL: a query engine inside this process, or a cluster of them elsewhere. Both are `DataFusion` sessions, so
//! that all that differs is how a session begins and where tables are read.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use futures_util::StreamExt as _;

use crate::tables::TableFile;
use crate::{Answer, Failure, Observer, cluster, register};

/// Rows that a step handles at once, where memory allows.
const BATCH: usize = 8192;

/// Memory of which a step's rows stay a small part: a sort takes one batch of its rows at least, wide as they are, and twice.
const PER_ROW: usize = 64 << 10;

/// What a sort keeps aside for merging what it wrote to disk, where memory allows.
const MERGING: usize = 10 << 20;

/// Which engine runs the SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// In this process.
    Embedded,
    /// A Ballista scheduler, as `HOST:PORT`.
    Ballista(String),
}

impl std::str::FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            None if text == "embedded" => Ok(Self::Embedded),
            Some(("ballista", address)) if address.contains(':') => Ok(Self::Ballista(address.to_owned())),
            _ => Err("expected `embedded` or `ballista://HOST:PORT`".to_owned()),
        }
    }
}

/// What sessions in this process share.
#[derive(Clone)]
pub struct Resources {
    environment: Arc<RuntimeEnv>,
    memory: usize,
    /// How many threads.
    pub threads: usize,
}

impl Resources {
    /// Sorts, joins and aggregates hold at most `memory` bytes; beyond it they write to the folder `spill`.
    pub fn new(memory: usize, threads: usize, spill: &Path) -> Result<Self, Failure> {
        const LARGEST: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(4);
        let disk = DiskManagerMode::Directories(vec![spill.to_owned()]);
        let pool = TrackConsumersPool::new(FairSpillPool::new(memory), LARGEST);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(disk))
            .build_arc()
            .map_err(|e| failed(&e))?;
        Ok(Self { environment, memory, threads })
    }
}

/// Tables, views, and the queries over them.
#[derive(Clone)]
pub struct Session(SessionContext);

impl Session {
    /// One in this process.
    pub fn embedded(resources: &Resources) -> Self {
        Self::in_parts(resources, resources.threads)
    }

    /// One in this process that reads a file in the order of its rows.
    pub fn in_order(resources: &Resources) -> Self {
        Self::in_parts(resources, 1)
    }

    fn in_parts(resources: &Resources, parts: usize) -> Self {
        let config = SessionConfig::new()
            .with_target_partitions(parts)
            .with_batch_size((resources.memory / PER_ROW).clamp(256, BATCH))
            .with_sort_spill_reservation_bytes(MERGING.min(resources.memory / 32));
        Self(SessionContext::new_with_config_rt(config, Arc::clone(&resources.environment)))
    }

    /// One whose queries run on the cluster of the scheduler at `address`; files are read where its workers are.
    pub fn on_cluster(address: &str, parts: usize) -> Answer<'_, Self> {
        Box::pin(async move { Ok(Self(cluster::session(address, parts).await?)) })
    }

    /// Makes a table of a file, with the columns that the features need and the types that the SQL expects.
    pub fn register<'a>(&'a self, file: &'a TableFile) -> Answer<'a, ()> {
        Box::pin(async move { register::plain(&self.0, file).await.map_err(|e| failed(&e)) })
    }

    /// The same; all rows pass by the observer as they are read.
    pub fn register_observed<'a>(
        &'a self,
        file: &'a TableFile,
        observer: Arc<dyn Observer>,
    ) -> Answer<'a, ()> {
        Box::pin(async move { register::observed(&self.0, file, observer).await.map_err(|e| failed(&e)) })
    }

    /// Makes a table of a Parquet file as it is.
    pub fn register_parquet<'a>(&'a self, name: &'a str, path: &'a Path) -> Answer<'a, ()> {
        let place = path.to_string_lossy();
        Box::pin(async move {
            let done = self.0.register_parquet(name, place, ParquetReadOptions::default()).await;
            done.map_err(|e| failed(&e))
        })
    }

    /// Makes a view.
    pub fn view<'a>(&'a self, name: &'a str, query: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let made = self.0.sql(&format!("CREATE VIEW \"{name}\" AS {query}")).await;
            made.map(|_| ()).map_err(|e| failed(&e))
        })
    }

    /// Runs a query.
    pub fn rows<'a>(&'a self, query: &'a str) -> Answer<'a, Rows> {
        Box::pin(async move {
            let query = self.0.sql(query).await.map_err(|e| failed(&e))?;
            query.execute_stream().await.map(Rows).map_err(|e| failed(&e))
        })
    }
}

/// The rows of a query as they come, in batches.
pub struct Rows(SendableRecordBatchStream);

impl Rows {
    /// Names and types of the columns.
    pub fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    /// The next ones.
    pub fn more(&mut self) -> Answer<'_, Option<RecordBatch>> {
        Box::pin(async move { self.0.next().await.transpose().map_err(|e| failed(&e)) })
    }
}

/// What the engine says, without a row of data that it may quote.
fn failed(error: &DataFusionError) -> Failure {
    match error.find_root() {
        DataFusionError::External(inner) if inner.is::<Failure>() => {
            inner.downcast_ref::<Failure>().cloned().unwrap_or_else(|| Failure::ours("A query failed."))
        }
        DataFusionError::ResourcesExhausted(what) => {
            let what = what.lines().next().unwrap_or_default();
            let what = format!("The memory given does not suffice: {what}");
            Failure::refused("C601", format!("{what} Give more with `--memory`, or use a cluster."))
        }
        _ => Failure::ours(format!("The query engine failed: {}", without_rows(&error.to_string()))),
    }
}

/// Engines quote the row at fault after `Row data:`; people's data does not belong in an error.
fn without_rows(text: &str) -> String {
    text.lines().next().unwrap_or_default().split("Row data").next().unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_have_two_forms() {
        assert_eq!("embedded".parse(), Ok(Engine::Embedded));
        assert_eq!("ballista://h:1".parse(), Ok(Engine::Ballista("h:1".into())));
        assert!("ballista://h".parse::<Engine>().is_err());
        assert!("spark://h:1".parse::<Engine>().is_err());
    }

    #[test]
    fn an_error_quotes_no_row() {
        let text = "Parser error: at line 3. Row data: '[1,secret]'\nmore";
        assert_eq!(without_rows(text), "Parser error: at line 3.");
    }

    #[test]
    fn a_failure_passes_through_the_engine_as_it_is() {
        let inside = DataFusionError::External(Box::new(Failure::refused("C204", "No.")));
        assert_eq!(failed(&inside.context("while reading")).to_string(), "C204 No.");
    }
}
