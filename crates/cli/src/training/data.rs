//! An owner's rows as they are trained on: read from a file some at a time, prepared, and refused by name where they do not fit.

use std::collections::HashSet;
use std::fs::File;

use privet_model::graph::Port;
use privet_model::tensor::{DataType, Tensor};

use super::preparation::{Preparation, Prepared};
use crate::failure::Failure;
use crate::rows::{RowsError, Stream, Wanted as Columns};

/// What is wanted of each row.
pub(crate) struct Wanted {
    pub(crate) columns: Vec<String>,
    pub(crate) label: Option<String>,
    /// Labels are 0 and 1.
    pub(crate) has_classes: bool,
    pub(crate) largest_label: f64,
    /// The column of identifiers.
    pub(crate) id: Option<String>,
    /// No prepared value is greater in magnitude.
    pub(crate) largest: f64,
    /// Longer rows are scaled down to this Euclidean norm.
    pub(crate) norm: Option<f64>,
    /// Whether what is greater is brought to ±`largest`, and not refused.
    pub(crate) clip: bool,
    pub(crate) preparation: Option<Preparation>,
}

/// Some rows.
pub(crate) struct Chunk {
    pub(crate) rows: usize,
    /// Row by row.
    pub(crate) values: Vec<f64>,
    /// One for each row, where there is a label.
    pub(crate) labels: Vec<f64>,
    /// One for each row, where there are identifiers.
    pub(crate) ids: Vec<String>,
}

/// A file of rows.
pub(crate) struct Data<'a> {
    path: &'a str,
    wanted: &'a Wanted,
    /// By column.
    prepared: Vec<Option<&'a Prepared>>,
    stream: Stream,
    /// Rows so far.
    row: usize,
    seen: HashSet<[u8; 32]>,
}

/// Columns of numbers, of which some may be missing.
pub(super) fn numbers(columns: &[String], label: Option<&str>, id: Option<&str>) -> Columns {
    let port = |name: &str, columns: Vec<String>| Port {
        name: name.into(),
        dtype: DataType::Fp64,
        width: columns.len(),
        flat: false,
        dims: Vec::new(),
        columns,
    };
    let label = label.map(|label| port(label, vec![label.to_owned()]));
    let inputs = std::iter::once(port("features", columns.to_vec())).chain(label).collect();
    Columns { inputs, keep: id.map(str::to_owned).into_iter().collect(), lenient: false }
}

impl<'a> Data<'a> {
    /// Opens a file, and finds the columns.
    pub(crate) fn open(path: &'a str, wanted: &'a Wanted) -> Result<Self, Failure> {
        let prepared = match &wanted.preparation {
            None => vec![None; wanted.columns.len()],
            Some(preparation) => {
                let of = |column: &String| {
                    let missing = || {
                        RowsError::columns(format!(
                            "The preparation has no column `{column}`. Use the one of this training."
                        ))
                    };
                    preparation.of(column).map(Some).ok_or_else(missing)
                };
                wanted.columns.iter().map(of).collect::<Result<_, _>>()?
            }
        };
        let columns = numbers(&wanted.columns, wanted.label.as_deref(), wanted.id.as_deref());
        let stream = Stream::open(path, &columns)?;
        Ok(Self { path, wanted, prepared, stream, row: 0, seen: HashSet::new() })
    }

    /// How many rows the file has.
    pub(crate) fn count(&self) -> Result<usize, RowsError> {
        let file = File::open(self.path).map_err(|e| RowsError::unreadable(&e).within(self.path))?;
        self.stream.count(file)
    }

    /// Up to so many rows, fewer only at the end.
    pub(crate) fn next(&mut self, most: usize) -> Result<Chunk, RowsError> {
        let read = self.stream.next(most)?;
        let taken = self
            .take(&read.tensors, &read.kept.first().map(crate::rows::Series::strings).unwrap_or_default());
        let (values, labels, ids) = taken.map_err(|error| error.within(self.path))?;
        self.row += read.rows;
        Ok(Chunk { rows: read.rows, values, labels, ids })
    }

    #[allow(clippy::type_complexity)] // values, labels and identifiers
    fn take(
        &mut self,
        tensors: &[Tensor],
        ids: &[Option<String>],
    ) -> Result<(Vec<f64>, Vec<f64>, Vec<String>), RowsError> {
        let column = |at: usize| tensors.get(at).and_then(Tensor::to_f64).unwrap_or_default();
        let (mut values, labels) = (column(0), column(1));
        for (at, row) in values.chunks_exact_mut(self.wanted.columns.len().max(1)).enumerate() {
            self.prepare(self.row + at, row)?;
        }
        for (at, label) in labels.iter().enumerate() {
            self.check_label(self.row + at, *label)?;
        }
        let mut known = Vec::with_capacity(ids.len());
        for (at, id) in ids.iter().enumerate() {
            known.push(self.id(self.row + at, id.as_deref())?);
        }
        Ok((values, labels, known))
    }

    fn prepare(&self, at: usize, row: &mut [f64]) -> Result<(), RowsError> {
        let Wanted { columns, largest, clip, norm, .. } = self.wanted;
        for ((x, prepared), column) in row.iter_mut().zip(&self.prepared).zip(columns) {
            let refuse = |reason: &str| Err(RowsError::value(at, column, reason));
            match prepared {
                Some(prepared) => *x = prepared.apply(*x),
                None if x.is_nan() => {
                    return refuse("the value is missing; `--preparation` says what to put there");
                }
                None => {}
            }
            if *clip {
                *x = x.clamp(-largest, *largest);
            }
            if !(x.abs() <= *largest) {
                return refuse(&format!(
                    "the prepared value is beyond ±{largest}, on which this training agreed; `--preparation` scales values, and `--clip` \
                     brings them to it"
                ));
            }
        }
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        if let Some(norm) = norm.filter(|norm| length > *norm) {
            row.iter_mut().for_each(|x| *x *= norm / length);
        }
        Ok(())
    }

    fn check_label(&self, at: usize, label: f64) -> Result<(), RowsError> {
        let Wanted { has_classes, largest_label, .. } = self.wanted;
        #[allow(clippy::float_cmp)] // classes are these very numbers
        let fine = if *has_classes { label == 0.0 || label == 1.0 } else { label.abs() <= *largest_label };
        if fine {
            return Ok(());
        }
        let expected =
            if *has_classes { "0 or 1".into() } else { format!("a number within ±{largest_label}") };
        let column = self.wanted.label.as_deref().unwrap_or_default();
        Err(RowsError::value(at, column, &format!("expected {expected} as the answer to be predicted")))
    }

    fn id(&mut self, at: usize, id: Option<&str>) -> Result<String, RowsError> {
        let column = self.wanted.id.as_deref().unwrap_or_default();
        let id = id.map(str::trim).filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| RowsError::value(at, column, "the identifier is missing"))?;
        // A digest takes less room than long identifiers.
        if !self.seen.insert(*blake3::hash(id.as_bytes()).as_bytes()) {
            return Err(RowsError::value(
                at,
                column,
                "this identifier came before; each row is to have its own",
            ));
        }
        Ok(id.to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            columns: vec!["b".into(), "a".into()],
            label: Some("y".into()),
            has_classes: true,
            largest_label: 1.0,
            id: Some("id".into()),
            largest: 4.0,
            norm: None,
            clip: false,
            preparation: None,
        }
    }

    fn read(text: &str, wanted: &Wanted) -> Result<Chunk, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap().to_owned();
        let mut data = Data::open(&path, wanted).map_err(|_| "columns".to_owned())?;
        data.next(100).map_err(|error| error.to_string())
    }

    #[test]
    fn rows_come_in_the_order_of_the_agreement() {
        let chunk = read("id,a,y,b\n007,1,0,2\n8,3,1,4\n", &wanted()).unwrap();
        assert_eq!((chunk.rows, chunk.values), (2, vec![2.0, 1.0, 4.0, 3.0]));
        assert_eq!((chunk.labels, chunk.ids), (vec![0.0, 1.0], vec!["007".to_owned(), "8".into()]));
        let clip = read("id,a,y,b\n1,-9,0,5\n", &Wanted { clip: true, ..wanted() }).unwrap();
        assert_eq!(clip.values, [4.0, -4.0]);
        let norm = read("id,a,y,b\n1,3,0,4\n", &Wanted { norm: Some(1.0), ..wanted() }).unwrap();
        assert!((norm.values[0] - 0.8).abs() < 1e-12 && (norm.values[1] - 0.6).abs() < 1e-12);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        for (row, column, reason) in [
            ("1,4.5,0,1", "`a`", "±4"),
            ("1,,0,1", "`a`", "missing"),
            ("1,inf,0,1", "`a`", "±4"),
            ("1,1,0.5,1", "`y`", "0 or 1"),
            ("1,1,,1", "`y`", "0 or 1"),
            (",1,1,1", "`id`", "missing"),
            ("7,1,1,1", "`id`", "came before"),
        ] {
            let error = read(&format!("id,a,y,b\n7,1,0,1\n{row}\n"), &wanted()).err().unwrap();
            assert!(error.contains("rows.csv") && error.contains("Row 2"), "{error}");
            assert!(error.contains(column) && error.contains(reason), "{error}");
        }
        assert_eq!(read("id,a,y\n1,2,0\n", &wanted()).err().unwrap(), "columns");
    }
}
