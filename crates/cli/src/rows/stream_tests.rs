#![allow(clippy::unwrap_used)]
//! Rows that are read some at a time are those that are read at once, whatever the format and wherever reading begins.

use std::fs;
use std::io::{self, Write as _};

use privet_model::tensor::{Data, Tensor};
use proptest::prelude::*;

use super::*;
use crate::rows::{Appender, read};

fn port(name: &str, dtype: DataType, width: usize) -> Port {
    let columns = if width == 1 { Vec::new() } else { (0..width).map(|i| format!("{name}{i}")).collect() };
    Port { name: name.into(), dtype, width, flat: width == 1, dims: Vec::new(), columns }
}

fn inputs() -> Vec<Port> {
    vec![port("x", DataType::Fp32, 2), port("n", DataType::Int64, 1), port("t", DataType::Bytes, 1)]
}

/// A file of so many rows: the inputs in another order, an id, and a column that nobody wants.
fn file(folder: &std::path::Path, format: &str, rows: usize) -> String {
    let path = folder.join(format!("rows.{format}"));
    let ports = [
        port("id", DataType::Int64, 1),
        port("t", DataType::Bytes, 1),
        port("x1", DataType::Fp32, 1),
        port("other", DataType::Fp64, 1),
        port("n", DataType::Int64, 1),
        port("x0", DataType::Fp32, 1),
    ];
    let whole = |add: i64| Data::I64((0..rows).map(|row| i64::try_from(row).unwrap() + add).collect());
    let real = |add: f32| Data::F32((0..rows).map(|row| row as f32 / 8.0 + add).collect());
    let text = Data::Text((0..rows).map(|row| format!("line,\n\"{row}\"")).collect());
    let other = Data::F64(vec![0.5; rows]);
    let data = [whole(1000), text, real(0.25), other, whole(0), real(0.5)];
    let columns: Vec<Series> = ports
        .iter()
        .zip(data)
        .flat_map(|(port, data)| {
            Series::of_output(port, &Tensor::new(rows, 1, data).unwrap(), &vec![false; rows])
        })
        .collect();
    let empty: Vec<Series> = columns.iter().map(|column| Series::new(&column.name, column.dtype)).collect();
    let format = Format::of_path(path.to_str().unwrap()).unwrap();
    let mut appender = Appender::new(format, File::create(&path).unwrap(), &empty).unwrap();
    appender.add(columns).unwrap();
    appender.finish().unwrap();
    path.to_str().unwrap().to_owned()
}

fn wanted(lenient: bool) -> Wanted {
    Wanted { inputs: inputs(), keep: vec!["id".into()], lenient }
}

const FORMATS: [&str; 4] = ["csv", "csv.gz", "jsonl", "parquet"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn pieces_make_up_the_whole(rows in 1usize..60, skip in 0usize..60, at_a_time in 1usize..20) {
        let folder = tempfile::tempdir().unwrap();
        let skip = skip.min(rows);
        for format in FORMATS {
            let path = file(folder.path(), format, rows);
            let whole = read(&path, &inputs()).unwrap().tensors;
            let mut stream = Stream::open(&path, &wanted(false)).unwrap();
            prop_assert_eq!(stream.count(File::open(&path).unwrap()).unwrap(), rows);
            stream.skip(skip).unwrap();
            let mut all = Chunk {
                tensors: whole.iter().map(|tensor| tensor.slice(0, 0)).collect(),
                kept: stream.kept().to_vec(),
                refused: Vec::new(),
                rows: 0,
            };
            loop {
                let chunk = stream.next(at_a_time).unwrap();
                prop_assert!(chunk.rows <= at_a_time && (chunk.rows == at_a_time || all.rows + chunk.rows == rows - skip));
                if chunk.rows == 0 {
                    break;
                }
                all.append(chunk);
            }
            for (whole, pieces) in whole.iter().zip(&all.tensors) {
                prop_assert!(whole.slice(skip, rows) == *pieces, "{}", format);
            }
            let ids: Vec<i64> = (skip..rows).map(|row| i64::try_from(row).unwrap() + 1000).collect();
            match &all.kept[0].data {
                Data::I64(kept) => prop_assert_eq!(kept, &ids),
                Data::Text(kept) => {
                    prop_assert!(format.starts_with("csv"));
                    prop_assert_eq!(kept, &ids.iter().map(ToString::to_string).collect::<Vec<_>>());
                }
                _ => prop_assert!(false),
            }
        }
    }
}

#[test]
fn groups_of_parquet_are_crossed_and_passed_over() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/table.parquet");
    let inputs = vec![port("u", DataType::Int64, 1)];
    let whole = read(path, &inputs).unwrap().tensors;
    for skip in 0..=5 {
        let wanted = Wanted { inputs: inputs.clone(), keep: vec!["city".into()], lenient: false };
        let mut stream = Stream::open(path, &wanted).unwrap();
        stream.skip(skip).unwrap();
        let chunk = stream.next(4).unwrap();
        assert!(
            chunk.tensors[0] == whole[0].slice(skip, 5.min(skip + 4)) && chunk.kept[0].rows() == chunk.rows
        );
    }
}

fn written(folder: &std::path::Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_row_that_cannot_be_used_keeps_its_place_and_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "id,x0,x1,n,t\n7,1,2,3,a\n8,1,none,3,a\n9,1,2,3.5,a\n10,4,5,6,b\n";
    let json = "{\"id\":7,\"x0\":1,\"x1\":2,\"n\":3,\"t\":\"a\"}\n{\"id\":8,\"x0\":1}\n{\"id\":9,\"x0\":1,\"x1\":2,\"n\":3.5,\"t\":\"a\"}\n{\"id\":10,\"x0\":4,\"x1\":5,\"n\":6,\"t\":\"b\"}\n";
    for (name, text) in [("rows.csv", csv), ("rows.jsonl", json)] {
        let path = written(folder.path(), name, text);
        let mut stream = Stream::open(&path, &wanted(true)).unwrap();
        let chunk = stream.next(9).unwrap();
        assert_eq!((chunk.rows, chunk.kept[0].rows()), (4, 4));
        let refused: Vec<usize> = chunk.refused.iter().map(|(row, _)| *row).collect();
        assert_eq!(refused, [1, 2], "{name}");
        assert!(chunk.refused[1].1.message().contains("Row 3, column `n`"), "{}", chunk.refused[1].1);
        assert!(chunk.tensors[1].slice(3, 4).data == Data::I64(vec![6]));
        assert!(chunk.kept[0].missing == [false; 4]);
        let mut strict = Stream::open(&path, &wanted(false)).unwrap();
        let error = strict.next(9).err().unwrap();
        assert!(error.message().contains("Row 2") && error.message().contains(name), "{error}");
    }
}

#[test]
fn a_line_that_is_no_json_is_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "rows.jsonl", "[1,2]\n\n[1\n[3]\n[3,4]\n");
    let only = Wanted { inputs: vec![port("x", DataType::Fp32, 2)], keep: Vec::new(), lenient: true };
    let mut stream = Stream::open(&path, &only).unwrap();
    let chunk = stream.next(9).unwrap();
    assert_eq!((chunk.rows, chunk.refused.len()), (4, 2));
    assert!(chunk.tensors[0].slice(3, 4).data == Data::F32(vec![3.0, 4.0]));
}

#[test]
fn values_of_parquet_that_cannot_be_used_are_rows_that_cannot() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/table.parquet");
    let wanted =
        Wanted { inputs: vec![port("b", DataType::Int64, 1)], keep: vec!["n".into()], lenient: true };
    let chunk = Stream::open(path, &wanted).unwrap().next(9).unwrap();
    assert!(chunk.rows == 5 && !chunk.refused.is_empty() && chunk.tensors[0].rows == 5);
}

#[test]
fn an_array_is_read_in_pieces_and_refused_before_that_if_it_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.npy").to_str().unwrap().to_owned();
    let x = port("x", DataType::Fp32, 2);
    let tensor = Tensor::new(9, 2, Data::F32((0..18u8).map(f32::from).collect())).unwrap();
    crate::rows::write(Some(&path), Format::Npy, &[(x.clone(), tensor.clone())]).unwrap();
    let wanted = Wanted { inputs: vec![x], keep: Vec::new(), lenient: false };
    let mut stream = Stream::open(&path, &wanted).unwrap();
    assert_eq!(stream.count(io::empty()).unwrap(), 9);
    stream.skip(2).unwrap();
    assert!(stream.next(4).unwrap().tensors[0] == tensor.slice(2, 6));
    assert!(stream.next(4).unwrap().tensors[0] == tensor.slice(6, 9));
    assert_eq!(stream.next(4).unwrap().rows, 0);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 8]).unwrap();
    assert_eq!(Stream::open(&path, &wanted).err().unwrap().code(), "E113");
    let keeping = Wanted { keep: vec!["id".into()], ..wanted };
    assert!(Stream::open(&path, &keeping).err().unwrap().message().contains("--keep"));
}
