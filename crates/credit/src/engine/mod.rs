//! What runs the SQL: a query engine inside this process, or a cluster of them elsewhere. Both are DataFusion sessions, so
//! that all that differs is how a session begins and where tables are read.

pub(crate) mod cluster;
mod observed;
mod tables;

use std::path::Path;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

pub(crate) use observed::{Observed, Observer};
pub(crate) use tables::{register, register_observed};

use crate::failure::Failure;

/// Rows that a step handles at once. Twice as many as usual is a little faster for tables this wide.
const BATCH: usize = 8192;

/// Which engine runs the SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Engine {
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

/// What the engine in this process may use.
pub(crate) struct Resources {
    /// Most bytes that sorts, joins and aggregates hold; beyond it they write to `spill`.
    pub(crate) memory: usize,
    /// How many threads.
    pub(crate) threads: usize,
}

impl Resources {
    /// What sessions share. `spill` is a folder for what does not fit.
    pub(crate) fn environment(&self, spill: &Path) -> Result<Arc<RuntimeEnv>, Failure> {
        const LARGEST: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(4);
        let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![spill.to_owned()]));
        let pool = TrackConsumersPool::new(FairSpillPool::new(self.memory), LARGEST);
        RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(|e| failed(&e))
    }
}

/// A session in this process.
pub(crate) fn embedded(environment: Arc<RuntimeEnv>, threads: usize) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(threads).with_batch_size(BATCH);
    SessionContext::new_with_config_rt(config, environment)
}

/// What the engine says, without a row of data that it may quote.
pub(crate) fn failed(error: &DataFusionError) -> Failure {
    if let DataFusionError::ResourcesExhausted(what) = error.find_root() {
        let first = what.lines().next().unwrap_or_default();
        return Failure::refused(
            "C601",
            format!("The memory given does not suffice: {first} Give more with `--memory`, or use a cluster."),
        );
    }
    Failure::ours(format!("The query engine failed: {}", without_rows(&error.to_string())))
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
        assert_eq!(without_rows("Parser error: at line 3. Row data: '[1,secret]'\nmore"), "Parser error: at line 3.");
    }
}
