//! Files: the same bytes for any number of threads, the same rows in both formats, nothing overwritten.

use std::fs::{self, File};
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::super::tables::NAMES;
use super::super::{Format, Options, Summary, run};

fn generate(out: &Path, applicants: u64, format: Format, threads: usize) -> Summary {
    run(&Options { applicants, out: out.to_owned(), seed: 5, format, threads }, &|_| {}).unwrap()
}

#[test]
fn the_number_of_threads_does_not_show() {
    let folders = [1, 3].map(|threads| {
        let folder = tempfile::tempdir().unwrap();
        generate(folder.path(), 2_300, Format::Parquet, threads);
        folder
    });
    for name in NAMES {
        let [one, three] =
            [0, 1].map(|it: usize| fs::read(folders[it].path().join(format!("{name}.parquet"))).unwrap());
        assert!(one == three, "{name}");
    }
}

#[test]
fn csv_and_parquet_hold_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let summary = generate(folder.path(), 250, Format::Parquet, 1);
    generate(folder.path(), 250, Format::Csv, 1);
    for name in NAMES {
        let csv = fs::read_to_string(folder.path().join(format!("{name}.csv"))).unwrap();
        let parquet = as_csv(&folder.path().join(format!("{name}.parquet")));
        assert!(csv == parquet, "{name}");
        assert_eq!(csv.lines().count() as u64 - 1, summary.tables[name].rows, "{name}");
    }
}

#[test]
fn an_existing_table_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("bureau.parquet");
    fs::write(&there, "mine").unwrap();
    let options = Options {
        applicants: 10,
        out: folder.path().to_owned(),
        seed: 1,
        format: Format::Parquet,
        threads: 1,
    };
    assert!(format!("{:?}", run(&options, &|_| {}).unwrap_err()).contains("exists already"));
    assert_eq!(fs::read(&there).unwrap(), b"mine");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn progress_ends_with_all_applicants() {
    let folder = tempfile::tempdir().unwrap();
    let most = std::sync::atomic::AtomicU64::new(0);
    let options = Options {
        applicants: 1_500,
        out: folder.path().to_owned(),
        seed: 1,
        format: Format::Csv,
        threads: 2,
    };
    run(&options, &|done| {
        most.fetch_max(done, std::sync::atomic::Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(most.into_inner(), 1_500);
}

/// A Parquet file as the text that the CSV file should hold.
fn as_csv(path: &Path) -> String {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let schema = reader.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut text = names.join(",") + "\n";
    for batch in reader {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> =
                (0..batch.num_columns()).map(|column| cell(&batch, column, row)).collect();
            text += &(cells.join(",") + "\n");
        }
    }
    text
}

fn cell(batch: &RecordBatch, column: usize, row: usize) -> String {
    let array = batch.column(column);
    if array.is_null(row) {
        return String::new();
    }
    match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => {
            ryu::Buffer::new().format(array.as_primitive::<Float64Type>().value(row)).to_owned()
        }
        DataType::Utf8 => {
            let text = array.as_string::<i32>().value(row);
            if text.contains(',') { format!("\"{text}\"") } else { text.to_owned() }
        }
        other => panic!("{other} is not a type of these files"),
    }
}
