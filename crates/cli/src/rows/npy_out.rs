//! One numpy array, written.

use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType, Tensor};

/// The bytes of a `.npy` file: `[rows]` for a flat port, else `[rows, …]` with the port's own dimensions.
pub(super) fn encode(port: &Port, tensor: &Tensor) -> Vec<u8> {
    let longest = longest(&tensor.data);
    let descr = match (&tensor.data, port.dtype) {
        (Data::F32(_), _) => "<f4".to_owned(),
        (Data::F64(_), _) => "<f8".to_owned(),
        (Data::I64(_), DataType::Bool) => "|b1".to_owned(),
        (Data::I64(_), DataType::Int32) => "<i4".to_owned(),
        (Data::I64(_), _) => "<i8".to_owned(),
        (Data::Text(_), _) => format!("<U{longest}"),
    };
    let shape = match port.row_shape()[..] {
        [] => format!("({},)", tensor.rows),
        ref dims => {
            let inner: Vec<String> = dims.iter().map(ToString::to_string).collect();
            format!("({}, {})", tensor.rows, inner.join(", "))
        }
    };
    let mut bytes = header(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"));
    match &tensor.data {
        Data::F32(values) => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Data::F64(values) => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Data::I64(values) => put_integers(&mut bytes, values, port.dtype),
        Data::Text(values) => values.iter().for_each(|value| put_text(&mut bytes, value, longest)),
    }
    bytes
}

/// Format version 1.0; the values begin at a multiple of 64 bytes, as numpy does for the sake of alignment.
fn header(literal: &str) -> Vec<u8> {
    let padded = (10 + literal.len() + 1).next_multiple_of(64) - 10;
    // A literal with three numbers is far below 65,535 characters.
    let length = u16::try_from(padded).unwrap_or(u16::MAX);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(format!("{literal:<width$}\n", width = padded - 1).into_bytes());
    bytes
}

#[allow(clippy::cast_possible_truncation)] // a tensor of these types holds only values of their range
fn put_integers(bytes: &mut Vec<u8>, values: &[i64], dtype: DataType) {
    match dtype {
        DataType::Bool => bytes.extend(values.iter().map(|&value| u8::from(value != 0))),
        DataType::Int32 => bytes.extend(values.iter().flat_map(|&value| (value as i32).to_le_bytes())),
        _ => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str, longest: usize) {
    let points = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest);
    bytes.extend(points.flat_map(u32::to_le_bytes));
}

fn longest(data: &Data) -> usize {
    let Data::Text(values) = data else { return 1 };
    values.iter().map(|value| value.chars().count()).max().unwrap_or(1).max(1)
}
