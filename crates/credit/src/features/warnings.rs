//! What is odd in the tables and does not stop the work, counted.

use serde::Serialize;

use crate::output::plural;
use privet_credit_engine::tables::Table;

/// One oddity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Warning {
    /// Stable, for searching.
    pub(crate) code: &'static str,
    /// The table's name.
    pub(crate) table: &'static str,
    /// The column's name.
    pub(crate) column: &'static str,
    /// The level, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) level: Option<String>,
    /// How many rows.
    pub(crate) count: u64,
    /// The first of them; the first row below the header is 1.
    pub(crate) first_row: Option<u64>,
    /// The sentence.
    pub(crate) message: String,
}

/// Rows whose applicant or credit is in no table.
pub(super) fn orphans(table: Table, count: u64, first_row: Option<u64>) -> Warning {
    let (column, owner) = match table {
        Table::BureauBalance => ("SK_ID_BUREAU", "a credit that is not in `bureau`"),
        _ => ("SK_ID_CURR", "an applicant who is in neither application table"),
    };
    let rows = told(table, count, first_row);
    let message = format!("{rows} of {owner} (column `{column}`); they count for nobody.");
    Warning { code: "C220", table: table.name(), column, level: None, count, first_row, message }
}

/// Levels that no training row has.
pub(super) fn unknown_level(
    table: Table,
    column: &'static str,
    level: String,
    count: u64,
    first_row: Option<u64>,
) -> Warning {
    let rows = told(table, count, first_row);
    let message = format!(
        "{rows} with level `{level}` in column `{column}`, which no training row has; all its indicators are 0."
    );
    Warning { code: "C221", table: table.name(), column, level: Some(level), count, first_row, message }
}

/// Applicants whose gender was not noted, in training.
pub(super) fn without_gender(count: u64, first_row: Option<u64>) -> Warning {
    let rows = told(Table::ApplicationTrain, count, first_row);
    let message = format!("{rows} with `CODE_GENDER` = `XNA`; they are left out, as always with this table.");
    let table = Table::ApplicationTrain.name();
    Warning {
        code: "C222",
        table,
        column: "CODE_GENDER",
        level: Some("XNA".into()),
        count,
        first_row,
        message,
    }
}

fn told(table: Table, count: u64, first_row: Option<u64>) -> String {
    let first = first_row.map(|row| format!(", first in row {row},")).unwrap_or_default();
    format!("Table `{}` has {}{first}", table.name(), plural(count, "row"))
}
