#![allow(clippy::unwrap_used)]
use super::*;
use privet_model::tensor::{Data, DataType, Tensor};
use proptest::prelude::*;

fn port(name: &str, dtype: DataType, width: usize, columns: &[&str]) -> Port {
    let columns = columns.iter().map(ToString::to_string).collect();
    Port { name: name.into(), dtype, width, flat: false, dims: Vec::new(), columns }
}

fn floats(tensor: &Tensor) -> &[f32] {
    let Data::F32(values) = &tensor.data else { panic!("expected floats") };
    values
}

fn refusal(text: &str, inputs: &[Port]) -> RowsError {
    read(text.as_bytes(), inputs).err().unwrap()
}

#[test]
fn columns_by_name_missing_values_and_a_note() {
    let inputs = [port("x", DataType::Fp32, 2, &["a", "b"])];
    let text = "\u{feff}id,b, a \n1,2.5,\n2,NaN,true\n3,NA,null\n";
    let content = read(text.as_bytes(), &inputs).unwrap();
    let values = floats(&content.tensors[0]);
    assert_eq!((content.tensors[0].rows, values.len()), (3, 6));
    assert!(values[0].is_nan() && values[3].is_nan() && values[4].is_nan() && values[5].is_nan());
    assert_eq!((values[1].to_bits(), values[2].to_bits()), (2.5f32.to_bits(), 1f32.to_bits()));
    assert!(content.notes[0].contains("`id`"));
}

#[test]
fn inputs_of_different_types_by_their_names() {
    let inputs = [
        port("city", DataType::Bytes, 1, &[]),
        port("n", DataType::Int64, 1, &[]),
        port("x", DataType::Fp64, 1, &[]),
    ];
    let content = read("n,x,city\n3,0.1,\"A, B\"\n4.0,,\n".as_bytes(), &inputs).unwrap();
    assert!(content.tensors[0].data == Data::Text(vec!["A, B".into(), String::new()]));
    assert!(content.tensors[1].data == Data::I64(vec![3, 4]));
    let Data::F64(x) = &content.tensors[2].data else { panic!() };
    assert!(x[0].to_bits() == 0.1f64.to_bits() && x[1].is_nan());
}

#[test]
fn a_bad_value_is_named_by_row_and_column_and_not_shown() {
    let inputs = [port("n", DataType::Int64, 1, &[]), port("x", DataType::Fp32, 1, &[])];
    let error = refusal("n,x\n1,1\n2.5,1\n", &inputs);
    assert!(!error.is_usage() && error.message.contains("Row 2, column `n`"));
    assert!(error.message.contains("fraction") && !error.message.contains("2.5"));
    assert!(refusal("n,x\n,1\n", &inputs).message.contains("missing"));
    assert!(refusal("n,x\n1,secret\n", &inputs).message.contains("Row 1, column `x`"));
    assert!(!refusal("n,x\n1,secret\n", &inputs).message.contains("secret"));
}

#[test]
fn without_a_header_in_order() {
    let inputs = [port("x", DataType::Fp32, 2, &["a", "b"])];
    let content = read("1,2\n3,\n".as_bytes(), &inputs).unwrap();
    assert_eq!(content.tensors[0].rows, 2);
    assert_eq!(floats(&content.tensors[0])[..3], [1.0, 2.0, 3.0]);
    assert!(content.notes[0].contains("numbers only"));
    assert_eq!(refusal("1,2,3\n", &inputs).code, "E112");
}

#[test]
fn a_header_that_counts_is_no_row() {
    let inputs = [port("x", DataType::Fp32, 4, &[])];
    let content = read("0,1,2,3\n5,6,7,8\n".as_bytes(), &inputs).unwrap();
    assert_eq!(floats(&content.tensors[0]), [5.0, 6.0, 7.0, 8.0]);
    assert!(content.notes[0].contains("header"));
}

#[test]
fn what_is_no_table_is_refused() {
    let inputs = [port("x", DataType::Fp32, 2, &["a", "b"])];
    assert_eq!(refusal("", &inputs).code, "E113");
    assert!(refusal("a,b\n1,2\n3\n", &inputs).message.contains("Row 2 has 1 cells"));
    assert!(refusal("a;b\n1;2\n", &inputs).message.contains("separated by commas"));
    assert_eq!(read(&b"a,b\n\xff,1\n"[..], &inputs).err().unwrap().code, "E113");
    assert_eq!(read("a,b\n".as_bytes(), &inputs).unwrap().tensors[0].rows, 0);
}

proptest! {
    #[test]
    fn any_bytes_give_rows_or_an_error(bytes: Vec<u8>) {
        if let Ok(content) = read(bytes.as_slice(), &[port("x", DataType::Fp32, 2, &[])]) {
            prop_assert_eq!(floats(&content.tensors[0]).len(), content.tensors[0].rows * 2);
        }
    }
}
