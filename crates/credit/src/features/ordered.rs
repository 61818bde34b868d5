//! Reading a table row by row in the file's own order, for what must know which row is which.

use arrow::record_batch::RecordBatch;

use crate::failure::Failure;
use privet_credit_engine::Session;
use privet_credit_engine::tables::Table;

/// Calls `see` with all rows of a query in order, until it says `false`. The session must have a single partition.
pub(super) async fn each(
    session: &Session,
    sql: &str,
    mut see: impl FnMut(&RecordBatch) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut rows = session.rows(sql).await?;
    while let Some(batch) = rows.more().await? {
        if !see(&batch)? {
            break;
        }
    }
    Ok(())
}

/// The first row, from 1, of which `is_it` says so: it gets a batch of the one column, and a row in it.
pub(super) async fn first(
    session: &Session,
    table: Table,
    column: &str,
    is_it: impl Fn(&RecordBatch, usize) -> bool,
) -> Result<Option<u64>, Failure> {
    let (mut before, mut found) = (0_u64, None);
    let sql = format!("SELECT \"{column}\" FROM \"{}\"", table.name());
    each(session, &sql, |batch| {
        found = (0..batch.num_rows()).find(|&row| is_it(batch, row)).map(|row| before + row as u64 + 1);
        before += batch.num_rows() as u64;
        Ok(found.is_none())
    })
    .await?;
    Ok(found)
}

/// A row that cannot be used.
pub(super) fn wrong(table: Table, row: u64, what: &str) -> Failure {
    Failure::refused("C204", format!("Row {row} of table `{}` {what}.", table.name()))
}

/// A row without a key.
pub(super) fn no_key(table: Table, column: &str, row: u64) -> Failure {
    wrong(table, row, &format!("has no `{column}`, which says whom it is about; get the file again"))
}
