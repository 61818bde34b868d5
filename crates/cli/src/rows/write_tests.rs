#![allow(clippy::unwrap_used)]
use std::io::Cursor;

use super::super::read_source;
use super::super::source::Source;
use super::*;
use privet_model::tensor::{Data, DataType};
use proptest::prelude::*;

const ALL: [(&str, Format); 5] = [
    ("o.csv", Format::Csv),
    ("o.csv.gz", Format::CsvGz),
    ("o.parquet", Format::Parquet),
    ("o.npz", Format::Npz),
    ("o.jsonl", Format::JsonLines),
];

fn port(name: &str, dtype: DataType, width: usize) -> Port {
    Port { name: name.into(), dtype, width, flat: width == 1, dims: Vec::new(), columns: Vec::new() }
}

fn encoded(format: Format, outputs: &[(Port, Tensor)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(format, outputs, &mut bytes).unwrap();
    bytes
}

fn read_back(bytes: Vec<u8>, ports: &[Port]) -> Vec<Tensor> {
    read_source(Source::stream(Box::new(Cursor::new(bytes))).unwrap(), ports).unwrap().tensors
}

fn small() -> Vec<(Port, Tensor)> {
    let mut scores = port("probabilities:0", DataType::Fp32, 2);
    scores.columns = vec!["no".into(), "yes".into()];
    vec![
        (port("label", DataType::Int64, 1), Tensor::new(2, 1, Data::I64(vec![0, 1])).unwrap()),
        (scores, Tensor::new(2, 2, Data::F32(vec![0.75, 0.25, f32::NAN, 1.0])).unwrap()),
        (
            port("word", DataType::Bytes, 1),
            Tensor::new(2, 1, Data::Text(vec!["a,b".into(), "\"".into()])).unwrap(),
        ),
    ]
}

#[test]
fn text_formats_to_the_letter() {
    let csv = String::from_utf8(encoded(Format::Csv, &small())).unwrap();
    assert_eq!(
        csv,
        "label,probabilities:0[no],probabilities:0[yes],word\n0,0.75,0.25,\"a,b\"\n1,NaN,1,\"\"\"\"\n"
    );
    let json = String::from_utf8(encoded(Format::JsonLines, &small())).unwrap();
    assert_eq!(
        json,
        "{\"label\":0,\"probabilities:0[no]\":0.75,\"probabilities:0[yes]\":0.25,\"word\":\"a,b\"}\n\
         {\"label\":1,\"probabilities:0[no]\":null,\"probabilities:0[yes]\":1,\"word\":\"\\\"\"}\n"
    );
}

#[test]
fn a_file_is_replaced_as_a_whole_or_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("o.csv").to_str().unwrap().to_owned();
    fs::write(&path, "before").unwrap();
    write(Some(&path), Format::Npz, &small()).unwrap();
    assert!(fs::read_to_string(&path).unwrap().starts_with("label,"));

    let npy = folder.path().join("o.npy").to_str().unwrap().to_owned();
    fs::write(&npy, "before").unwrap();
    let error = write(Some(&npy), Format::Csv, &small()).unwrap_err();
    assert!(error.code == "E111" && error.message.contains("3 outputs") && error.message.contains(".npz"));
    assert_eq!(fs::read_to_string(&npy).unwrap(), "before");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a temporary file was left behind");
}

#[test]
fn what_cannot_be_written_is_named() {
    let error = write(Some("no-such-folder/o.csv"), Format::Csv, &small()).unwrap_err();
    assert!(error.code == "E116" && error.message.contains("`no-such-folder/o.csv`"));
    assert!(write(Some("scores.txt"), Format::Csv, &small()).unwrap_err().message.contains("`.jsonl`"));
}

#[cfg(unix)]
#[test]
fn permissions_links_and_devices_are_respected() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (ordinary, target, link) =
        (folder.path().join("ordinary"), folder.path().join("target.csv"), folder.path().join("link.csv"));
    fs::write(&ordinary, "").unwrap();
    fs::write(&target, "before").unwrap();
    symlink(&target, &link).unwrap();
    write(link.to_str(), Format::Csv, &small()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().starts_with("label"));
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&target), mode(&ordinary));

    let null = folder.path().join("null.csv");
    symlink("/dev/null", &null).unwrap();
    write(null.to_str(), Format::Csv, &small()).unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn one_output_fits_into_npy() {
    let outputs = &small()[..1];
    let back = read_back(encoded(Format::Npy, outputs), &[outputs[0].0.clone()]);
    assert!(back[0] == outputs[0].1);
}

fn float(bits: u32) -> f32 {
    let value = f32::from_bits(bits);
    if value.is_nan() { f32::NAN } else { value }
}

fn f32_bits(tensor: &Tensor) -> Vec<u32> {
    let Data::F32(values) = &tensor.data else { panic!("expected floats") };
    values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #[test]
    fn every_format_gives_back_what_was_written(
        rows in prop::collection::vec(
            (any::<[u32; 3]>(), any::<i64>(), any::<i32>(), any::<bool>(), "[ -~é€\\n]{0,6}"),
            1..12,
        ),
    ) {
        let count = rows.len();
        let column = |name: &str, dtype, data| (port(name, dtype, 1), Tensor::new(count, 1, data).unwrap());
        let scores = rows.iter().flat_map(|row| row.0).map(float).collect();
        let outputs = [
            (port("s:0", DataType::Fp32, 3), Tensor::new(count, 3, Data::F32(scores)).unwrap()),
            column("n", DataType::Int64, Data::I64(rows.iter().map(|row| row.1).collect())),
            column("m", DataType::Int32, Data::I64(rows.iter().map(|row| row.2.into()).collect())),
            column("f", DataType::Bool, Data::I64(rows.iter().map(|row| row.3.into()).collect())),
            column("t", DataType::Bytes, Data::Text(rows.iter().map(|row| row.4.clone()).collect())),
        ];
        let ports: Vec<Port> = outputs.iter().map(|(port, _)| port.clone()).collect();
        for (name, format) in ALL {
            prop_assert_eq!(Format::of_path(name).unwrap(), format);
            let back = read_back(encoded(format, &outputs), &ports);
            prop_assert_eq!(f32_bits(&back[0]), f32_bits(&outputs[0].1), "{}", name);
            for (tensor, (port, expected)) in back.iter().zip(&outputs).skip(1) {
                prop_assert!(tensor == expected, "{} of {}", port.name, name);
            }
        }
    }
}

#[test]
fn a_reader_that_has_gone_away_is_no_error_and_a_full_disk_is_one() {
    struct Broken(io::ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }
    for format in [Format::Csv, Format::CsvGz, Format::JsonLines, Format::Parquet, Format::Npz] {
        let written = |kind| encode(format, &small(), &mut Patient(Broken(kind)));
        assert!(written(io::ErrorKind::BrokenPipe).is_ok(), "{format:?}");
        assert_eq!(written(io::ErrorKind::StorageFull).unwrap_err().code, "E116", "{format:?}");
    }
}
