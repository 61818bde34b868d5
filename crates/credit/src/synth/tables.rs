//! The eight tables.

use std::sync::Arc;

use super::columns::Rows;
use super::statistics::{Kind, Statistics, TableStatistics};
use crate::failure::Failure;

/// File names without extension, as Kaggle's; in the order of [`Table`].
pub(super) const NAMES: [&str; 8] = [
    "application_train",
    "application_test",
    "bureau",
    "bureau_balance",
    "previous_application",
    "POS_CASH_balance",
    "installments_payments",
    "credit_card_balance",
];

/// A table, by its place in [`NAMES`].
#[derive(Clone, Copy)]
pub(super) enum Table {
    Train,
    Test,
    Bureau,
    BureauBalance,
    Previous,
    Pos,
    Installments,
    Card,
}

/// Rows of all tables of one block.
pub(super) struct Batch([Rows; 8]);

impl Batch {
    /// No rows yet, with room for a block of usual size.
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        // Rows per thousand applicants at the published sizes, with some room.
        const USUAL: [usize; 8] = [900, 200, 5_500, 90_000, 5_500, 32_000, 44_000, 13_000];
        let rows = NAMES.iter().zip(USUAL).map(|(name, usual)| Ok(Rows::new(statistics.table(name)?, usual)));
        let rows: Vec<Rows> = rows.collect::<Result<_, Failure>>()?;
        rows.try_into().map(Self).map_err(|_| Failure::ours("There are eight tables."))
    }

    /// The rows of `table`.
    #[inline]
    pub(super) fn rows(&mut self, table: Table) -> &mut Rows {
        &mut self.0[table as usize]
    }

    /// All tables' rows, in the order of [`NAMES`].
    pub(super) fn into_tables(self) -> [Rows; 8] {
        self.0
    }
}

/// What a file needs to know of a table.
#[derive(Clone)]
pub(super) struct Layout {
    /// File name without extension.
    pub(super) name: &'static str,
    /// Columns in Kaggle's order.
    pub(super) columns: Vec<ColumnLayout>,
}

/// One column of a file.
#[derive(Clone)]
pub(super) struct ColumnLayout {
    /// Kaggle's name.
    pub(super) name: String,
    /// How it is stored.
    pub(super) kind: Kind,
    /// Texts of the level codes.
    pub(super) levels: Arc<[String]>,
}

impl Layout {
    /// The layout of a table named in [`NAMES`].
    pub(super) fn new(statistics: &Statistics, name: &'static str) -> Result<Self, Failure> {
        let table: &TableStatistics = statistics.table(name)?;
        let columns = table.columns.iter().map(|column| ColumnLayout {
            name: column.name.clone(),
            kind: column.kind,
            levels: column.levels.iter().map(|level| level.0.clone()).collect(),
        });
        Ok(Self { name, columns: columns.collect() })
    }
}
