//! An owner's rows, from a file of any length, prepared and checked, some at a time.
//!
//! What cannot be trained on is refused by file, row (from 1) and column, and no message holds a value. Values of text are refused by
//! the reader: a category is put into columns of numbers first. Columns are found by their names; a file without names is refused.
//!
//! Ids are text as the file has it, without spaces around it; whole numbers are their decimal digits. Of each id that came, 16 bytes of
//! its digest are kept, so that one that comes twice is found: the only memory that grows with the rows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;

use privet_deploy::Error;
use privet_model::tensor::{Data, DataType, Tensor};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::preparation::Preparation;
use super::{column, numbers};
use crate::rows::{RowsError, Stream, Wanted, is_missing};

/// What is taken from a file, and what may be in it.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// The columns that are trained on, in order.
    pub(crate) columns: Vec<String>,
    /// The column with the labels, where this owner has them.
    pub(crate) label: Option<Label>,
    /// The column with the ids, where rows of several owners are brought together.
    pub(crate) id: Option<String>,
    /// How values are prepared; it may have other columns too.
    pub(crate) preparation: Option<Preparation>,
    /// No prepared value may be greater in magnitude.
    pub(crate) largest: f64,
    /// Whether one that is greater is clipped to that, instead of refused.
    pub(crate) clip: bool,
    /// What the Euclidean norm of a prepared row is at most; a longer row is scaled down.
    pub(crate) norm: Option<f64>,
}

/// What is learned.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    /// The column.
    pub(crate) column: String,
    /// What it may hold.
    pub(crate) values: Labels,
}

/// What a label may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Labels {
    /// 0 or 1, for logistic regression.
    Binary,
    /// At most so great in magnitude, for linear regression.
    Within(f64),
}

/// Some consecutive rows. Wiped when dropped, never printed.
#[derive(ZeroizeOnDrop)]
pub(crate) struct Part {
    /// How many rows.
    pub(crate) rows: usize,
    /// Prepared values, row-major.
    pub(crate) values: Vec<f64>,
    /// One per row, if labels were asked for.
    pub(crate) labels: Vec<f64>,
    /// One per row, if ids were asked for.
    pub(crate) ids: Vec<String>,
}

privet_ring::not_shown!(Part);

/// The rows of a file, from front to back.
pub(crate) struct Reader {
    path: String,
    stream: Stream,
    selection: Selection,
    /// Rows that were read.
    row: usize,
    seen: HashMap<[u8; 16], usize>,
}

impl Reader {
    /// Opens a file, and finds the columns.
    pub(crate) fn open(path: &str, mut selection: Selection) -> Result<Self, Error> {
        let Selection { columns, label, id, preparation, .. } = &mut selection;
        let one = label.as_ref().map(|label| column(&label.column, DataType::Fp64));
        let ids = id.as_ref().map(|id| column(id, DataType::Bytes));
        let inputs: Vec<_> = [numbers(columns)].into_iter().chain(one).chain(ids).collect();
        refuse_doubles(path, inputs.iter().flat_map(|port| &port.columns))?;
        *preparation = preparation.as_ref().map(|all| all.only(columns)).transpose()?;
        let stream = Stream::open(path, &Wanted { inputs, keep: Vec::new(), lenient: false })?;
        if !stream.is_named() {
            let what = "the columns have no names, so that owners could mean different ones";
            let next = "Add a header, or write the rows as `.parquet`.";
            return Err(Error::usage("E112", format!("`{path}`: {what}. {next}")));
        }
        Ok(Self { path: path.into(), stream, selection, row: 0, seen: HashMap::new() })
    }

    /// How many rows the whole file has; text is read for that.
    pub(crate) fn count(&self) -> Result<usize, Error> {
        let file = File::open(&self.path).map_err(|e| RowsError::unreadable(&e).within(&self.path))?;
        Ok(self.stream.count(file)?)
    }

    /// Sentences worth telling, once rows were read.
    pub(crate) fn notes(&self) -> &[String] {
        self.stream.notes()
    }

    /// Up to so many rows, fewer only at the end; none after it.
    pub(crate) fn next(&mut self, most: usize) -> Result<Option<Part>, Error> {
        let chunk = self.stream.next(most)?;
        if chunk.rows == 0 {
            return Ok(None);
        }
        let mut tensors = chunk.tensors.into_iter();
        let values = floats(tensors.next());
        let labels = self.selection.label.as_ref().map(|_| floats(tensors.next())).unwrap_or_default();
        let ids = self.selection.id.as_ref().map(|_| texts(tensors.next())).unwrap_or_default();
        let mut part = Part { rows: chunk.rows, values, labels, ids };
        let width = self.selection.columns.len().max(1);
        for (at, values) in part.values.chunks_exact_mut(width).enumerate() {
            self.prepare(self.row + at, values)?;
        }
        for (at, &label) in part.labels.iter().enumerate() {
            self.check_label(self.row + at, label)?;
        }
        for (at, id) in part.ids.iter_mut().enumerate() {
            trim(id);
            self.check_id(self.row + at, id)?;
        }
        self.row += part.rows;
        Ok(Some(part))
    }

    fn prepare(&self, row: usize, values: &mut [f64]) -> Result<(), Error> {
        let Selection { columns, preparation, largest, clip, norm, .. } = &self.selection;
        if let Some(preparation) = preparation {
            preparation.apply(values);
        }
        for (value, column) in values.iter_mut().zip(columns) {
            if *clip && !value.is_nan() {
                *value = value.max(-largest).min(*largest);
            }
            // What is NaN is not within it either.
            if !(-largest..=*largest).contains(&*value) {
                return Err(self.refused("E120", row, column, &self.reason(*value)));
            }
        }
        if let Some(norm) = norm {
            shorten(values, *norm);
        }
        Ok(())
    }

    /// Why a value cannot be trained on, and what to do.
    fn reason(&self, value: f64) -> String {
        let Selection { preparation, largest, .. } = &self.selection;
        match (preparation, value) {
            (Some(_), x) if !x.is_finite() => {
                "the prepared value is not finite. Fit the preparation on these rows too".into()
            }
            (None, x) if x.is_nan() => {
                "the value is missing, and nothing fills it. Give a `--preparation`, which does, or leave the row out".into()
            }
            (None, x) if x.is_infinite() => {
                "the value is not finite. Give a `--preparation`, which takes it for missing, or leave the row out".into()
            }
            (Some(_), _) => format!(
                "the prepared value is greater in magnitude than {largest}, the largest that is trained on. Clip such values by `--clip`"
            ),
            (None, _) => format!(
                "the value is greater in magnitude than {largest}, the largest that is trained on. Scale the columns by a `--preparation`, or clip such values by `--clip`"
            ),
        }
    }

    fn check_label(&self, row: usize, value: f64) -> Result<(), Error> {
        let Some(Label { column, values }) = &self.selection.label else { return Ok(()) };
        let reason = match values {
            _ if value.is_nan() => "the label is missing. Leave out rows of which it is not known".into(),
            Labels::Binary if ![0.0, 1.0].contains(&value) => {
                "logistic regression learns 0 and 1, and the label is another number. Write 1 for what is to be predicted, and 0 for all else".into()
            }
            Labels::Within(largest) if value.abs() > *largest => format!(
                "the label is greater in magnitude than {largest}, the largest that is trained on. Agree with all owners on a larger one, or divide all labels by the same number"
            ),
            Labels::Binary | Labels::Within(_) => return Ok(()),
        };
        Err(self.refused("E121", row, column, &reason))
    }

    fn check_id(&mut self, row: usize, id: &str) -> Result<(), Error> {
        let mut digest = [0; 16];
        blake3::Hasher::new().update(id.as_bytes()).finalize_xof().fill(&mut digest);
        let reason = match self.seen.entry(digest) {
            _ if is_missing(id) => "the id is missing. Leave the row out".into(),
            Entry::Vacant(place) => {
                place.insert(row);
                return Ok(());
            }
            Entry::Occupied(before) => {
                let first = before.get() + 1;
                format!("the id is that of row {first} too. Leave all but one of its rows out")
            }
        };
        let column = self.selection.id.as_deref().unwrap_or_default();
        Err(self.refused("E122", row, column, &reason))
    }

    /// `row` counts from 0.
    fn refused(&self, code: &'static str, row: usize, column: &str, reason: &str) -> Error {
        let (path, row) = (&self.path, row + 1);
        Error::refused(code, format!("`{path}`: Row {row}, column `{column}`: {reason}."))
    }
}

/// A column that is learned must not be learned from, nor an id.
fn refuse_doubles<'a>(path: &str, columns: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    let mut names: Vec<_> = columns.collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => {
            let what = format!("column `{}` is named twice among columns, label and id", pair[0]);
            Err(Error::usage("E112", format!("`{path}`: {what}. Each is one of them only.")))
        }
    }
}

/// Scales a row down to this Euclidean norm, if it is longer.
fn shorten(row: &mut [f64], norm: f64) {
    // By way of the greatest value, so that no square overflows.
    let most = row.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let length = most * row.iter().map(|x| (x / most).powi(2)).sum::<f64>().sqrt();
    if length > norm {
        for x in row {
            *x *= norm / length;
        }
    }
}

fn trim(id: &mut String) {
    let trimmed = id.trim();
    if trimmed.len() < id.len() {
        let trimmed = trimmed.to_owned();
        id.zeroize();
        *id = trimmed;
    }
}

/// The values of a tensor of float64.
fn floats(tensor: Option<Tensor>) -> Vec<f64> {
    if let Some(Tensor { data: Data::F64(values), .. }) = tensor { values } else { Vec::new() }
}

/// The values of a tensor of text.
fn texts(tensor: Option<Tensor>) -> Vec<String> {
    if let Some(Tensor { data: Data::Text(values), .. }) = tensor { values } else { Vec::new() }
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
