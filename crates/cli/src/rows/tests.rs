#![allow(clippy::unwrap_used)]
//! Files written by numpy, pandas and pyarrow, and the fixture models' rows.

use std::fs;
use std::io::Cursor;

use privet_model::tensor::Data;

use super::*;

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
const UCI: &str = "data/uci-credit-default/default_of_credit_card_clients.parquet";

fn port(name: &str, dtype: DataType, columns: &[&str]) -> Port {
    let width = columns.len().max(1);
    Port {
        name: name.into(),
        dtype,
        width,
        flat: false,
        dims: Vec::new(),
        columns: columns.iter().map(ToString::to_string).collect(),
    }
}

fn table_inputs() -> Vec<Port> {
    [
        ("city", DataType::Bytes),
        ("a", DataType::Fp32),
        ("b", DataType::Fp32),
        ("n", DataType::Int32),
        ("u", DataType::Int64),
        ("flag", DataType::Bool),
        ("id", DataType::Fp64),
    ]
    .map(|(name, dtype)| port(name, dtype, &[]))
    .into()
}

fn test_file(name: &str) -> String {
    format!("{TESTS}{name}")
}

fn root_file(name: &str) -> String {
    format!("{ROOT}{name}")
}

/// Bit for bit, but for the many kinds of NaN.
fn bits(tensor: &Tensor) -> Vec<String> {
    match &tensor.data {
        Data::F32(v) => {
            v.iter().map(|x| if x.is_nan() { "NaN".into() } else { x.to_bits().to_string() }).collect()
        }
        Data::F64(v) => {
            v.iter().map(|x| if x.is_nan() { "NaN".into() } else { x.to_bits().to_string() }).collect()
        }
        Data::I64(v) => v.iter().map(ToString::to_string).collect(),
        Data::Text(v) => v.clone(),
    }
}

fn all_bits(rows: &Rows) -> Vec<Vec<String>> {
    rows.tensors.iter().map(bits).collect()
}

fn differing_bits(a: &Rows, b: &Rows) -> Vec<(String, String)> {
    let (a, b) = (all_bits(a).concat(), all_bits(b).concat());
    assert_eq!(a.len(), b.len());
    a.into_iter().zip(b).filter(|(a, b)| a != b).collect()
}

fn refusal(path: &str, inputs: &[Port]) -> RowsError {
    read(path, inputs).err().unwrap()
}

#[test]
fn the_same_table_from_every_tool() {
    let inputs = table_inputs();
    let expected = read(&test_file("table.npz"), &inputs).unwrap();
    assert!(
        expected.tensors[0].data
            == Data::Text(["Zürich", "", "a, \"b\"", "東京", "x"].map(Into::into).into())
    );
    assert!(expected.tensors[3].data == Data::I64(vec![-3, 0, 2_147_483_647, 7, 8]));
    assert_eq!(expected.notes.len(), 0);
    for name in [
        "table-deflated.npz",
        "table.csv",
        "table.csv.gz",
        "table.jsonl",
        "table.parquet",
        "table-v2-gzip.parquet",
        "table-plain.parquet",
        "table-zstd.parquet",
    ] {
        let rows = read(&test_file(name), &inputs).unwrap();
        assert_eq!(all_bits(&rows), all_bits(&expected), "{name}");
    }
}

#[test]
fn a_stream_reads_as_the_file() {
    let inputs = table_inputs();
    let expected = all_bits(&read(&test_file("table.npz"), &inputs).unwrap());
    for name in ["table.npz", "table.csv", "table.csv.gz", "table.jsonl", "table.parquet"] {
        let bytes = fs::read(test_file(name)).unwrap();
        let rows = read_source(Source::stream(Box::new(Cursor::new(bytes))).unwrap(), &inputs).unwrap();
        assert_eq!(all_bits(&rows), expected, "{name}");
        assert_eq!(Format::of_path(name).unwrap(), rows.format);
    }
}

#[test]
fn cut_and_flipped_files_give_rows_or_an_error() {
    let inputs = table_inputs();
    let names = [
        "table.npz",
        "table-deflated.npz",
        "table.csv.gz",
        "table.jsonl",
        "table.parquet",
        "table-v2-gzip.parquet",
        "table-plain.parquet",
        "table-zstd.parquet",
    ];
    let mut refused = 0;
    for name in names {
        let bytes = fs::read(test_file(name)).unwrap();
        let damaged = (0..bytes.len()).flat_map(|place| {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (place % 8);
            [bytes[..place].to_vec(), flipped]
        });
        for damaged in damaged {
            let Ok(source) = Source::stream(Box::new(Cursor::new(damaged))) else { continue };
            match read_source(source, &inputs) {
                Ok(rows) => assert!(rows.tensors.iter().all(|tensor| tensor.rows == rows.tensors[0].rows)),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 10_000, "only {refused} were refused");
}

#[test]
fn arrays_of_every_kind() {
    let inputs = [port("x", DataType::Fp32, &["p", "q", "r"])];
    let expected = all_bits(&read(&test_file("pairs.npy"), &inputs).unwrap());
    assert_eq!(expected[0][..2], [1.5f32.to_bits().to_string(), 2.5f32.to_bits().to_string()]);
    assert_eq!(expected[0][5], "NaN");
    for name in ["pairs-fortran.npy", "pairs-version-2.npy"] {
        assert_eq!(all_bits(&read(&test_file(name), &inputs).unwrap()), expected, "{name}");
    }
    assert!(refusal(&test_file("refused-big-endian.npy"), &inputs).message.contains("big-endian `>f4`"));
    assert!(refusal(&test_file("refused-object.npy"), &inputs).message.contains("Python objects"));
    assert!(refusal(&test_file("pairs.npy"), &table_inputs()).message.contains("7 inputs"));
    for kind in ["i1", "i2", "i4", "i8", "f8"] {
        let rows = read(&test_file("integers.npz"), &[port(kind, DataType::Int64, &[])]).unwrap();
        assert!(rows.tensors[0].data == Data::I64(vec![-1, 1]), "{kind}");
    }
    for (kind, least) in [("u1", 255), ("b1", 1)] {
        let rows = read(&test_file("integers.npz"), &[port(kind, DataType::Int64, &[])]).unwrap();
        assert!(rows.tensors[0].data == Data::I64(vec![least, 1]), "{kind}");
    }
}

/// The 23 features, as the header of the fixture's CSV names them.
fn uci_names() -> Vec<String> {
    let text = fs::read_to_string(root_file("models/lr-uci/rows.csv")).unwrap();
    text.lines().next().unwrap().split(',').map(str::to_owned).collect()
}

#[test]
fn fixtures_as_text_equal_the_arrays() {
    let names = uci_names();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(names.len(), 23);
    let integers = ["SEX", "EDUCATION", "MARRIAGE"];
    let dtype = |name: &&str| if integers.contains(name) { DataType::Int64 } else { DataType::Fp32 };
    let one = vec![port("features", DataType::Fp32, &names)];
    let many: Vec<Port> = names.iter().map(|name| port(name, dtype(name), &[])).collect();
    for (folder, inputs, width) in [("lr-uci", one, 23), ("lr-uci-columns", many, 1)] {
        let arrays = read(&root_file(&format!("models/{folder}/rows.npz")), &inputs).unwrap();
        let text = read(&root_file(&format!("models/{folder}/rows.csv")), &inputs).unwrap();
        assert_eq!((arrays.tensors[0].rows, arrays.tensors[0].width), (132, width));
        // The text of these files was written with `0` for the 18 negative zeros of the arrays.
        let differing = differing_bits(&arrays, &text);
        assert!(differing.len() == 18, "{folder}: {} values differ", differing.len());
        let is_zero = |(a, b): &(String, String)| a == "2147483648" && b == "0";
        assert!(differing.iter().all(is_zero), "{folder}: {:?}", differing.first());
        assert!(arrays.notes.is_empty() && text.notes.is_empty());
    }
}

#[test]
fn images_are_rows_of_all_their_values() {
    let mut image = port("image", DataType::Fp32, &[]);
    image.width = 3 * 16 * 16;
    assert_eq!(read(&root_file("models/resnet-small-torch/rows.npz"), &[image]).unwrap().tensors[0].rows, 72);
}

#[test]
fn a_whole_data_set_in_parquet() {
    let names = uci_names();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = read(&root_file(UCI), &[port("features", DataType::Fp32, &names)]).unwrap();
    assert_eq!((rows.tensors[0].rows, rows.tensors[0].width), (30_000, 23));
    assert!(
        rows.notes.len() == 1 && rows.notes[0].contains("`ID`, `default payment next month`"),
        "{:?}",
        rows.notes
    );
    let Data::F32(values) = &rows.tensors[0].data else { panic!() };
    assert_eq!(values[..6], [20_000.0, 2.0, 2.0, 1.0, 24.0, 2.0]);
    let of_label = labels(&root_file(UCI), "default payment next month").unwrap();
    assert!((of_label.iter().sum::<f64>() - 6636.0).abs() < 0.5);
}

#[test]
fn labels_are_numbers_without_gaps() {
    assert_eq!(labels(&test_file("table.csv"), "u").unwrap(), [0.0, 1.0, 255.0, 128.0, 7.0]);
    assert_eq!(labels(&test_file("table.parquet"), "flag").unwrap(), [1.0, 0.0, 1.0, 1.0, 0.0]);
    assert!(labels(&test_file("table.csv"), "a").unwrap_err().message.contains("Row 2, column `a`"));
    assert!(labels(&test_file("table.csv"), "city").unwrap_err().message.contains("Row 1, column `city`"));
    assert!(labels(&test_file("table.csv"), "none").unwrap_err().message.contains("`none`"));
}
