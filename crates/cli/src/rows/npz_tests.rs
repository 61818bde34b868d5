#![allow(clippy::unwrap_used)]
use super::*;
use privet_model::tensor::{Data, DataType};
use proptest::prelude::*;

fn port(name: &str, dtype: DataType, width: usize) -> Port {
    Port { name: name.into(), dtype, width, flat: width == 1, dims: Vec::new(), columns: Vec::new() }
}

fn pair(name: &str, rows: usize) -> (Port, Tensor) {
    let data = Data::F32((0..u16::try_from(rows * 2).unwrap()).map(f32::from).collect());
    (port(name, DataType::Fp32, 2), Tensor::new(rows, 2, data).unwrap())
}

fn written(outputs: &[(Port, Tensor)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(outputs, &mut bytes).unwrap();
    bytes
}

fn refusal(bytes: &[u8], inputs: &[Port]) -> RowsError {
    read(Cursor::new(bytes), inputs).err().unwrap()
}

#[test]
fn arrays_by_name_with_or_without_the_number_of_the_tensor() {
    let label =
        (port("label:0", DataType::Bytes, 1), Tensor::new(3, 1, Data::Text(vec!["é".into(); 3])).unwrap());
    let bytes = written(&[pair("a/b:0", 3), label.clone(), pair("extra", 3)]);
    let content =
        read(Cursor::new(&bytes), &[port("label", DataType::Bytes, 1), port("a/b", DataType::Fp32, 2)])
            .unwrap();
    assert!(content.tensors[0] == label.1 && content.tensors[1] == pair("", 3).1);
    assert!(content.notes.len() == 1 && content.notes[0].contains("`extra`"));
}

#[test]
fn a_single_array_may_have_any_name() {
    let content = read(Cursor::new(written(&[pair("arr_0", 2)])), &[port("x", DataType::Fp32, 2)]).unwrap();
    assert!(content.tensors[0] == pair("", 2).1 && content.notes[0].contains("`arr_0`"));
}

#[test]
fn missing_arrays_and_uneven_rows() {
    let bytes = written(&[pair("a", 2), pair("b", 3)]);
    let inputs = ["a", "b", "c", "d"].map(|name| port(name, DataType::Fp32, 2));
    assert!(refusal(&bytes, &inputs).message.contains("missing are `c`, `d`"));
    assert!(refusal(&bytes, &inputs[..2]).message.contains("2 of `a` and 3 of `b`"));
}

#[test]
fn a_cut_file_is_refused() {
    let bytes = written(&[pair("a", 2)]);
    for cut in 0..bytes.len() {
        assert_eq!(refusal(&bytes[..cut], &[port("a", DataType::Fp32, 2)]).code, "E113", "cut at {cut}");
    }
}

#[test]
fn an_array_that_ends_late_is_refused_although_the_archive_is_whole() {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    archive.start_file("a.npy", options).unwrap();
    let (port, tensor) = pair("a", 2);
    archive.write_all(&npy_out::encode(&port, &tensor)).unwrap();
    archive.write_all(&vec![0; 1 << 24]).unwrap();
    let bytes = archive.finish().unwrap().into_inner();
    assert!(refusal(&bytes, &[port]).message.contains("more bytes"));
}

proptest! {
    #[test]
    fn a_flipped_bit_never_changes_a_value(place in 0usize..420, bit in 0u8..8) {
        let mut bytes = written(&[pair("a", 5)]);
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        if let Ok(content) = read(Cursor::new(bytes), &[port("a", DataType::Fp32, 2)]) {
            prop_assert!(content.tensors[0] == pair("", 5).1);
        }
    }
}
