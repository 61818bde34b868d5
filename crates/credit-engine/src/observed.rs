//! A table whose rows are seen by somebody as they are read, so that one pass over a file serves the query, the checks of
//! keys and levels, and the progress bar.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures_util::StreamExt as _;

use crate::Failure;
use crate::tables::Table;

/// Sees all rows of a table, in pieces and in no order, on any thread.
pub trait Observer: Send + Sync {
    /// Columns are as [`Table::columns`] lists them. An error ends the query.
    fn see(&self, table: Table, rows: &RecordBatch) -> Result<(), Failure>;
}

/// One part of a table.
pub(crate) struct Observed {
    pub(crate) table: Table,
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    pub(crate) partition: usize,
    pub(crate) observer: Arc<dyn Observer>,
}

impl Debug for Observed {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "part {} of {}", self.partition, self.table.name())
    }
}

impl PartitionStream for Observed {
    fn schema(&self) -> &SchemaRef {
        self.plan.properties().equivalence_properties().schema()
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(PartitionStream::schema(self));
        let (table, observer) = (self.table, Arc::clone(&self.observer));
        match self.plan.execute(self.partition, context) {
            Ok(rows) => {
                let seen = rows.map(move |batch| {
                    let batch: RecordBatch = batch?;
                    observer.see(table, &batch).map_err(|e| DataFusionError::External(Box::new(e)))?;
                    Ok(batch)
                });
                Box::pin(RecordBatchStreamAdapter::new(schema, seen))
            }
            Err(e) => {
                let failed = futures_util::stream::iter([Err(e)]);
                Box::pin(RecordBatchStreamAdapter::new(schema, failed))
            }
        }
    }
}
