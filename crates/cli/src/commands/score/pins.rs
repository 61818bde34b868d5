//! What a work file was begun with: answers to other questions must never be taken for these.

use privet_deploy::Error;
use serde::{Deserialize, Serialize};

use crate::rows::Series;

/// All that decides which answers belong into the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pins {
    /// The deployment's digest.
    pub(super) deployment: String,
    /// The digest of the rows' file.
    pub(super) input: String,
    /// The first row that is asked about, and the first that is not.
    pub(super) rows: (usize, usize),
    /// Name and type of each column.
    pub(super) columns: Vec<(String, String)>,
}

impl Pins {
    /// The form in which columns are pinned.
    pub(super) fn columns(columns: &[Series]) -> Vec<(String, String)> {
        columns.iter().map(|column| (column.name.clone(), column.dtype.name().to_owned())).collect()
    }

    /// Refuses a work file that was begun with something else than `self`.
    pub(super) fn refuse_other(&self, begun: &Self, file: &str) -> Result<(), Error> {
        let differs = [
            ("another deployment", self.deployment != begun.deployment),
            ("other rows: the file of rows has changed, or is another", self.input != begun.input),
            ("another part of the rows", self.rows != begun.rows),
            ("other columns", self.columns != begun.columns),
        ];
        let Some((what, _)) = differs.iter().find(|(_, differs)| *differs) else { return Ok(()) };
        let next = "Run the command that it was begun with, or throw it away with `--restart`.";
        Err(Error::usage("E117", format!("`{file}` holds answers of {what}. {next}")))
    }
}
