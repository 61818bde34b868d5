//! Keys and levels of all tables, checked while the query reads them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array as _, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;

use super::applicants::Texts;
use super::ids::Ids;
use super::ordered;
use super::preparation::Levels;
use super::warnings::{self, Warning};

use crate::failure::Failure;
use privet_credit_engine::tables::{Kind, Table};
use privet_credit_engine::{Observer, Session};

/// Who is known, and which rows may be fitted on.
pub(super) struct Known {
    /// All applicants.
    pub(super) applicants: Ids,
    /// Those that are fitted on.
    pub(super) fitted: Ids,
    /// All credits of the bureau.
    pub(super) credits: Ids,
    /// Those of applicants that are fitted on.
    pub(super) fitted_credits: Ids,
}

/// What was seen so far.
pub(super) struct Checks<P> {
    known: Known,
    seen: [Mutex<Seen>; Table::ALL.len()],
    progress: P,
}

#[derive(Default)]
struct Seen {
    rows: u64,
    orphans: u64,
    without_key: bool,
    doubled: bool,
    unique: Ids,
    /// By text column.
    levels: Vec<Vec<Level>>,
}

#[derive(Clone)]
struct Level {
    name: String,
    rows: u64,
    fitted: bool,
}

impl<P: Fn(u64) + Send + Sync> Checks<P> {
    /// `progress` gets the number of rows just read.
    pub(super) fn new(known: Known, progress: P) -> Self {
        Self { known, seen: std::array::from_fn(|_| Mutex::default()), progress }
    }

    fn owners(&self, table: Table) -> (&Ids, &Ids) {
        match table {
            Table::BureauBalance => (&self.known.credits, &self.known.fitted_credits),
            _ => (&self.known.applicants, &self.known.fitted),
        }
    }

    /// Rows read of each table.
    pub(super) fn rows(&self) -> BTreeMap<&'static str, u64> {
        Table::ALL.into_iter().map(|table| (table.name(), self.with(table, |seen| seen.rows))).collect()
    }

    /// Levels that rows which were fitted on have.
    pub(super) fn levels(&self) -> Levels {
        let of = |table: Table| {
            let fitted = |levels: &Vec<Level>| {
                let mut names: Vec<_> =
                    levels.iter().filter(|level| level.fitted).map(|level| level.name.clone()).collect();
                names.sort_unstable();
                names
            };
            let columns = table.columns_of(Kind::Text).enumerate();
            self.with(table, |seen| {
                let of = |at: usize| seen.levels.get(at).map(fitted).unwrap_or_default();
                columns.map(|(at, column)| (column.to_owned(), of(at))).collect()
            })
        };
        // Nothing is fitted on test applicants; their categories are those of the training applicants.
        let tables = Table::ALL.into_iter().filter(|table| *table != Table::ApplicationTest);
        tables.map(|table| (table.name().to_owned(), of(table))).collect()
    }

    /// Fails at a key that is not there or is there twice; tells the rest. `session` reads in order.
    pub(super) async fn judge(&self, session: &Session, levels: &Levels) -> Result<Vec<Warning>, Failure> {
        let mut found = Vec::new();
        for table in Table::ALL {
            self.judge_keys(session, table).await?;
            let orphans = self.with(table, |seen| seen.orphans);
            if orphans > 0 {
                let (known, _) = self.owners(table);
                let is_orphan = |batch: &RecordBatch, row: usize| {
                    !known.contains(batch.column(0).as_primitive::<Int64Type>().value(row))
                };
                let first = ordered::first(session, table, table.owner(), is_orphan).await?;
                found.push(warnings::orphans(table, orphans, first));
            }
            self.judge_levels(session, table, levels, &mut found).await?;
        }
        Ok(found)
    }

    async fn judge_keys(&self, session: &Session, table: Table) -> Result<(), Failure> {
        let (without_key, doubled) = self.with(table, |seen| (seen.without_key, seen.doubled));
        if without_key {
            for column in table.columns_of(Kind::Key) {
                let missing = |batch: &RecordBatch, row: usize| batch.column(0).is_null(row);
                if let Some(row) = ordered::first(session, table, column, missing).await? {
                    return Err(ordered::no_key(table, column, row));
                }
            }
        }
        if let (true, Some(column)) = (doubled, table.unique()) {
            refuse_doubles(session, table, column).await?;
        }
        Ok(())
    }

    async fn judge_levels(
        &self,
        session: &Session,
        table: Table,
        known: &Levels,
        found: &mut Vec<Warning>,
    ) -> Result<(), Failure> {
        let levels = self.with(table, |seen| seen.levels.clone());
        for (column, levels) in table.columns_of(Kind::Text).zip(levels) {
            let fitted = known_levels(table, column, known);
            for level in levels {
                // Those applicants are left out, with a warning of their own.
                let left_out =
                    table == Table::ApplicationTrain && column == "CODE_GENDER" && level.name == "XNA";
                if left_out || fitted.is_some_and(|fitted| fitted.contains(&level.name)) {
                    continue;
                }
                let is_it =
                    |batch: &RecordBatch, row: usize| Texts::of(batch, 0).get(row) == Some(&level.name);
                let first = ordered::first(session, table, column, is_it).await?;
                found.push(warnings::unknown_level(table, column, level.name, level.rows, first));
            }
        }
        Ok(())
    }

    fn with<T>(&self, table: Table, read: impl FnOnce(&mut Seen) -> T) -> T {
        let place = Table::ALL.iter().position(|t| *t == table).unwrap_or(0);
        read(&mut self.seen[place].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The levels that count for a column: both application tables have the same categories.
fn known_levels<'a>(table: Table, column: &str, known: &'a Levels) -> Option<&'a Vec<String>> {
    let fitted = if table == Table::ApplicationTest { Table::ApplicationTrain } else { table };
    known.get(fitted.name())?.get(column)
}

/// Finds the second row with a key, reading in order.
pub(super) async fn refuse_doubles(session: &Session, table: Table, column: &str) -> Result<(), Failure> {
    let (mut ids, mut row) = (Ids::default(), 0);
    let sql = format!("SELECT \"{column}\" FROM \"{}\"", table.name());
    ordered::each(session, &sql, |batch| {
        for &id in batch.column(0).as_primitive::<Int64Type>().values() {
            row += 1;
            if !ids.insert(id) {
                let what = format!("has the key `{column}` of an earlier row; keep one row for each");
                return Err(ordered::wrong(table, row, &what));
            }
        }
        Ok(true)
    })
    .await
}

impl<P: Fn(u64) + Send + Sync> Observer for Checks<P> {
    fn see(&self, table: Table, batch: &RecordBatch) -> Result<(), Failure> {
        let rows = batch.num_rows() as u64;
        let owners = keys(batch, table.owner())?;
        let (known, fitted) = self.owners(table);
        let orphans = owners.values().iter().filter(|id| !known.contains(**id)).count() as u64;
        let fitted: Vec<bool> = owners.values().iter().map(|id| fitted.contains(*id)).collect();
        let levels = levels_by_column(table, batch, &fitted)?;
        let without_key = lacks_a_key(table, batch)?;
        // Keys of applications and of the bureau were checked in the order of their rows.
        let unique = table.unique().filter(|_| table == Table::PreviousApplication);
        let unique = unique.map(|key| keys(batch, key)).transpose()?;
        self.with(table, |seen| {
            seen.rows += rows;
            seen.orphans += orphans;
            seen.without_key |= without_key;
            for &id in unique.iter().flat_map(|ids| ids.values()) {
                seen.doubled |= !seen.unique.insert(id);
            }
            seen.levels.resize(levels.len(), Vec::new());
            for (all, new) in seen.levels.iter_mut().zip(levels) {
                add_levels(all, new);
            }
        });
        (self.progress)(rows);
        Ok(())
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, Failure> {
    batch.column_by_name(name).ok_or_else(|| Failure::ours(format!("The column `{name}` was lost.")))
}

fn keys<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int64Array, Failure> {
    column(batch, name).map(AsArray::as_primitive)
}

/// An outcome may be checked where it is read: it is no key of a row.
fn lacks_a_key(table: Table, batch: &RecordBatch) -> Result<bool, Failure> {
    let mut names = table.columns_of(Kind::Key).filter(|name| *name != "TARGET");
    names.try_fold(false, |lacks, name| Ok(lacks || column(batch, name)?.null_count() > 0))
}

fn levels_by_column(table: Table, batch: &RecordBatch, fitted: &[bool]) -> Result<Vec<Vec<Level>>, Failure> {
    let of = |name| column(batch, name).map(|column| levels_of(&Texts::of_column(column), fitted));
    table.columns_of(Kind::Text).map(of).collect()
}

/// The levels in a column. There are few of them and neighbours are often the same, so a list is quicker than a map.
fn levels_of(texts: &Texts<'_>, fitted: &[bool]) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    let mut last = 0;
    for (row, &fitted) in fitted.iter().enumerate() {
        let Some(text) = texts.get(row) else { continue };
        let same = |level: &Level| level.name == text;
        if !levels.get(last).is_some_and(same) {
            last = levels.iter().position(same).unwrap_or_else(|| {
                levels.push(Level { name: text.to_owned(), rows: 0, fitted: false });
                levels.len() - 1
            });
        }
        let level = &mut levels[last];
        level.rows += 1;
        level.fitted |= fitted;
    }
    levels
}

fn add_levels(all: &mut Vec<Level>, new: Vec<Level>) {
    for level in new {
        match all.iter_mut().find(|known| known.name == level.name) {
            Some(known) => {
                known.rows += level.rows;
                known.fitted |= level.fitted;
            }
            None => all.push(level),
        }
    }
}
