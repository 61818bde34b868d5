#![allow(clippy::unwrap_used)]
use super::*;
use privet_model::tensor::{Data, DataType};

fn port(name: &str, dtype: DataType, width: usize, columns: &[&str]) -> Port {
    let columns = columns.iter().map(ToString::to_string).collect();
    Port { name: name.into(), dtype, width, flat: false, dims: Vec::new(), columns }
}

fn refusal(text: &str, inputs: &[Port]) -> RowsError {
    read(text.as_bytes(), inputs).err().unwrap()
}

fn floats(text: &str, inputs: &[Port]) -> Vec<f32> {
    let content = read(text.as_bytes(), inputs).unwrap();
    let Data::F32(values) = &content.tensors[0].data else { panic!("expected floats") };
    values.clone()
}

#[test]
fn objects_by_name_in_any_order() {
    let inputs = [port("x", DataType::Fp32, 2, &["a", "b"]), port("n", DataType::Int64, 1, &[])];
    let text = "{\"a\":1,\"b\":2,\"n\":3,\"id\":9}\n\n{\"n\":4,\"b\":NaN,\"a\":null}\r\n";
    let content = read(text.as_bytes(), &inputs).unwrap();
    assert!(content.tensors[1].data == Data::I64(vec![3, 4]));
    assert_eq!(content.notes.len(), 1);
    let values = floats(text, &inputs);
    assert_eq!(values[..2], [1.0, 2.0]);
    assert!(values[2].is_nan() && values[3].is_nan());
}

#[test]
fn unnamed_columns_keep_the_names_of_the_first_row() {
    let inputs = [port("x", DataType::Fp32, 2, &[])];
    assert_eq!(floats("{\"p\":1,\"q\":2}\n{\"q\":4,\"p\":3}", &inputs), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn lists() {
    let inputs = [port("x:0", DataType::Fp32, 4, &["a", "b", "c", "d"])];
    assert_eq!(floats("[1,2,3,4]\n[[5,6],[7,8]]", &inputs), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    assert_eq!(floats("{\"x\":[1,2,3,4]}", &inputs), [1.0, 2.0, 3.0, 4.0]);
    assert!(
        refusal("[1,2,3,4]\n[1,2]", &inputs).message.contains("Row 2: expected a list of 4 values, got 2")
    );
    assert!(refusal("[{\"a\":1}]", &inputs).message.contains("one object per line"));
    let two = [port("x", DataType::Fp32, 2, &[]), port("n", DataType::Int64, 1, &[])];
    let content = read("{\"n\":7,\"x\":[1,2]}".as_bytes(), &two).unwrap();
    assert!(content.tensors[1].data == Data::I64(vec![7]));
    assert_eq!(refusal("[1,2,3]", &two).code, "E113");
}

#[test]
fn errors_name_row_and_column_and_no_value() {
    let inputs = [port("n", DataType::Int64, 1, &[]), port("t", DataType::Bytes, 1, &[])];
    let error = refusal("{\"n\":1,\"t\":\"x\"}\n{\"n\":1.5,\"t\":\"x\"}", &inputs);
    assert!(
        !error.is_usage() && error.message.contains("Row 2, column `n`") && !error.message.contains("1.5")
    );
    assert!(refusal("{\"n\":null,\"t\":\"\"}", &inputs).message.contains("missing"));
    assert!(refusal("{\"n\":1,\"t\":true}", &inputs).message.contains("column `t`"));
    assert!(refusal("{\"n\":[1],\"t\":[[\"x\"],{}]}", &inputs).is_usage());
    let lacking = refusal("{\"n\":1,\"t\":\"\"}\n{}", &inputs);
    assert!(lacking.message.contains("Row 2 lacks `n`, `t`"));
    assert!(refusal("{}", &inputs).message.contains("`n`, `t`"));
    assert!(refusal("{\"n\":1,", &inputs).message.contains("Row 1 is not JSON"));
}
