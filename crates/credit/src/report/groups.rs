//! The protected columns of a part's rows, as labels, read from the features in raw units.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::failure::Failure;
use crate::train::outcome::Part;

/// The key of a row.
const KEY: &str = "SK_ID_CURR";

/// The label of rows whose protected columns say nothing; every protected column ends with it.
const NOT_STATED: &str = "not stated";

/// A protected column: its features, its labels, and the label of a row by its features' values (`None` where missing,
/// infinite or absent from the file).
struct Protected {
    column: &'static str,
    features: &'static [&'static str],
    labels: &'static [&'static str],
    label: fn(&[Option<f64>]) -> Option<usize>,
}

/// The protected columns that are among the features. Of the family status, the features keep only two levels.
const PROTECTED: [Protected; 3] = [
    Protected {
        column: "CODE_GENDER",
        features: &["CODE_GENDER"],
        labels: &["men", "women", NOT_STATED],
        label: gender,
    },
    Protected {
        column: "DAYS_BIRTH",
        features: &["DAYS_BIRTH"],
        labels: &["under 25", "25 to 34", "35 to 44", "45 to 54", "55 to 64", "65 and over", NOT_STATED],
        label: age,
    },
    Protected {
        column: "NAME_FAMILY_STATUS",
        features: &["NAME_FAMILY_STATUS_Married", "NAME_FAMILY_STATUS_Separated"],
        labels: &["married", "separated", "other", NOT_STATED],
        label: family,
    },
];

/// 0 is a man and 1 a woman: the order in which the levels first occur in Kaggle's file.
fn gender(values: &[Option<f64>]) -> Option<usize> {
    values[0].map(|value| usize::from(value > 0.5))
}

/// Days before the application, negative.
fn age(values: &[Option<f64>]) -> Option<usize> {
    let years = -values[0]? / 365.25;
    let reached = [25.0, 35.0, 45.0, 55.0, 65.0].iter().filter(|&&from| years >= from).count();
    (years >= 0.0).then_some(reached)
}

fn family(values: &[Option<f64>]) -> Option<usize> {
    match (values[0]? > 0.5, values[1]? > 0.5) {
        (true, _) => Some(0),
        (_, true) => Some(1),
        _ => Some(2),
    }
}

/// One protected column's label of each row of a part.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The column, as Kaggle names it.
    pub column: &'static str,
    /// The features that hold it.
    pub features: &'static [&'static str],
    /// The part's name.
    pub part: &'static str,
    /// All labels, in their order.
    pub labels: &'static [&'static str],
    /// By row of the part, the index of its label.
    pub label_of_row: Vec<usize>,
}

/// Reads the labels of a part's rows from the features (Parquet), by `SK_ID_CURR`: every protected column that the file has.
pub(crate) fn groups(features: &Path, part: &Part) -> Result<Vec<Group>, Failure> {
    let names: Vec<&str> = PROTECTED.iter().flat_map(|protected| protected.features).copied().collect();
    let values = read(features, &names, part)?;
    let mut groups = Vec::new();
    for protected in &PROTECTED {
        let columns: Option<Vec<&Vec<Option<f64>>>> =
            protected.features.iter().map(|name| values.get(name)).collect();
        if let Some(columns) = columns {
            groups.push(labelled(protected, &columns, part));
        }
    }
    Ok(groups)
}

fn labelled(protected: &Protected, columns: &[&Vec<Option<f64>>], part: &Part) -> Group {
    let &Protected { column, features, labels, label } = protected;
    let of_row = |row: usize| {
        let values: Vec<Option<f64>> = columns.iter().map(|column| column[row]).collect();
        label(&values).unwrap_or(labels.len() - 1)
    };
    let label_of_row = (0..part.ids.len()).map(of_row).collect();
    Group { column, features, part: part.name, labels, label_of_row }
}

/// Values in the order of a part's rows, by column.
type Values = HashMap<&'static str, Vec<Option<f64>>>;

fn read(path: &Path, names: &[&'static str], part: &Part) -> Result<Values, Failure> {
    let file = File::open(path).map_err(|error| Failure::reading(path, error))?;
    let unreadable = |error: &dyn Display| Failure::reading(path, error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| unreadable(&error))?;
    let present: Vec<&str> =
        names.iter().copied().filter(|name| builder.schema().index_of(name).is_ok()).collect();
    let wanted = present.iter().copied().chain([KEY]);
    let mask = ProjectionMask::columns(builder.parquet_schema(), wanted);
    let reader = builder.with_projection(mask).build().map_err(|error| unreadable(&error))?;

    let mut found = Found::new(&present, part);
    for batch in reader {
        found.take(&batch.map_err(|error| unreadable(&error))?)?;
    }
    found.complete(path)
}

/// What was found so far of a part's rows.
struct Found {
    row_of_id: HashMap<i64, usize>,
    values: Vec<(&'static str, Vec<Option<f64>>)>,
}

impl Found {
    fn new(names: &[&'static str], part: &Part) -> Self {
        let row_of_id = part.ids.iter().enumerate().map(|(row, &id)| (id, row)).collect();
        let values = names.iter().map(|&name| (name, vec![None; part.ids.len()])).collect();
        Self { row_of_id, values }
    }

    /// Takes a batch's rows that are of the part, and forgets their keys: each is wanted once.
    fn take(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let keys = column(batch, KEY, &DataType::Int64)?.as_primitive::<Int64Type>();
        let of_part = |(row, id): (usize, &i64)| self.row_of_id.remove(id).map(|to| (row, to));
        let rows: Vec<(usize, usize)> = keys.values().iter().enumerate().filter_map(of_part).collect();
        for (name, values) in &mut self.values {
            let column = column(batch, name, &DataType::Float64)?.as_primitive::<Float64Type>();
            for &(from, to) in &rows {
                let value = column.is_valid(from).then(|| column.value(from));
                values[to] = value.filter(|value| value.is_finite());
            }
        }
        Ok(())
    }

    fn complete(self, path: &Path) -> Result<Values, Failure> {
        let Some(missing) = self.row_of_id.keys().min() else {
            return Ok(self.values.into_iter().collect());
        };
        Err(Failure::refused(
            "C511",
            format!(
                "{} of the rows scored, the first with {KEY} {missing}, are not in {}. \
                 Give the report the file of features that the model was trained on.",
                self.row_of_id.len(),
                path.display()
            ),
        ))
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str, expected: &DataType) -> Result<&'a dyn Array, Failure> {
    let refuse = |what: &str| {
        let message = format!(
            "The features have {what} where {name} as {expected} was expected. `privet-credit features` writes such a \
             file."
        );
        Failure::refused("C510", message)
    };
    let column = batch.column_by_name(name).ok_or_else(|| refuse("no column"))?;
    if column.data_type() != expected {
        return Err(refuse(&format!("a column of {}", column.data_type())));
    }
    Ok(column.as_ref())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array};
    use parquet::arrow::ArrowWriter;

    use super::*;
    use crate::report::sample::part;

    fn written(columns: Vec<(&str, ArrayRef)>) -> tempfile::NamedTempFile {
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        file
    }

    fn floats(values: &[Option<f64>]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    fn keys(values: &[i64]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    fn labels(group: &Group) -> Vec<&str> {
        group.label_of_row.iter().map(|&label| group.labels[label]).collect()
    }

    #[test]
    fn labels_follow_the_rows_of_the_part() {
        let days = |years: f64| Some(-years * 365.25);
        let file = written(vec![
            ("DAYS_BIRTH", floats(&[days(24.9), days(25.0), None, Some(f64::NEG_INFINITY), days(70.0)])),
            ("SK_ID_CURR", keys(&[5, 9, 2, 3, 1])),
            ("CODE_GENDER", floats(&[Some(0.0), Some(1.0), None, Some(1.0), Some(0.0)])),
            ("NAME_FAMILY_STATUS_Married", floats(&[Some(1.0), Some(0.0), Some(0.0), None, Some(0.0)])),
            ("NAME_FAMILY_STATUS_Separated", floats(&[Some(0.0), Some(1.0), Some(0.0), None, Some(0.0)])),
        ]);
        let mut part = part("held-out", &[false; 5], &[0.1; 5]);
        part.ids = vec![1, 2, 3, 5, 9];
        let groups = groups(file.path(), &part).unwrap();
        let found: Vec<(&str, Vec<&str>)> =
            groups.iter().map(|group| (group.column, labels(group))).collect();
        let expected = [
            ("CODE_GENDER", vec!["men", NOT_STATED, "women", "men", "women"]),
            ("DAYS_BIRTH", vec!["65 and over", NOT_STATED, NOT_STATED, "under 25", "25 to 34"]),
            ("NAME_FAMILY_STATUS", vec!["other", "other", NOT_STATED, "married", "separated"]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_column_that_the_file_lacks_has_no_group_and_a_wrong_one_is_refused() {
        let mut part = part("held-out", &[false], &[0.1]);
        part.ids = vec![7];
        let file = written(vec![("SK_ID_CURR", keys(&[7])), ("CODE_GENDER", floats(&[Some(1.0)]))]);
        let groups_of = |file: &tempfile::NamedTempFile| groups(file.path(), &part);
        assert_eq!(groups_of(&file).unwrap().len(), 1);
        let wrong_type = written(vec![("SK_ID_CURR", keys(&[7])), ("CODE_GENDER", keys(&[1]))]);
        assert!(format!("{:?}", groups_of(&wrong_type).unwrap_err()).contains("C510"));
        let no_key = written(vec![("CODE_GENDER", floats(&[Some(1.0)]))]);
        assert!(format!("{:?}", groups_of(&no_key).unwrap_err()).contains("C510"));
        let other_rows = written(vec![("SK_ID_CURR", keys(&[8])), ("CODE_GENDER", floats(&[Some(1.0)]))]);
        assert!(format!("{:?}", groups_of(&other_rows).unwrap_err()).contains("C511"));
        assert!(format!("{:?}", groups(Path::new("/none"), &part).unwrap_err()).contains("C101"));
    }
}
