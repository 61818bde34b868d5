//! An array as the tensor that an input wants.

use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType, Tensor};

use super::cell::{self, Cell};
use super::error::RowsError;
use super::npy::Array;
use super::table::tensor;

/// The array's first dimension counts rows; all others together are the values of a row.
pub(super) fn to_tensor(array: Array, port: &Port) -> Result<Tensor, RowsError> {
    rows_to_tensor(array, port, 0)
}

/// The same of rows of an array that begin with this one.
pub(super) fn rows_to_tensor(array: Array, port: &Port, first_row: usize) -> Result<Tensor, RowsError> {
    let (rows, width) = match array.shape.split_first() {
        None => return Err(wrong_shape(&array.shape, port)),
        Some((&rows, rest)) => (rows, rest.iter().try_fold(1usize, |width, &n| width.checked_mul(n))),
    };
    if width != Some(port.width) {
        return Err(wrong_shape(&array.shape, port));
    }
    tensor(rows, port, converted(array.data, port, first_row)?)
}

fn converted(data: Data, port: &Port, first_row: usize) -> Result<Data, RowsError> {
    match (&data, port.dtype) {
        (Data::F32(_), DataType::Fp32)
        | (Data::F64(_), DataType::Fp64)
        | (Data::I64(_), DataType::Int64)
        | (Data::Text(_), DataType::Bytes) => Ok(data),
        _ => each_converted(&data, port, first_row),
    }
}

fn each_converted(data: &Data, port: &Port, first_row: usize) -> Result<Data, RowsError> {
    let mut out = Data::empty(port.dtype);
    let mut put = |at: usize, cell: Cell<'_>| {
        let (row, element) = (first_row + at / port.width, at % port.width);
        cell::push(&mut out, port.dtype, cell)
            .map_err(|reason| RowsError::value(row, &port.element_name(element), reason))
    };
    match data {
        Data::F32(v) => v.iter().enumerate().try_for_each(|(at, &x)| put(at, Cell::Float(x.into()))),
        Data::F64(v) => v.iter().enumerate().try_for_each(|(at, &x)| put(at, Cell::Float(x))),
        Data::I64(v) => v.iter().enumerate().try_for_each(|(at, &x)| put(at, Cell::Int(x))),
        Data::Text(v) => v.iter().enumerate().try_for_each(|(at, x)| put(at, Cell::Text(x))),
    }?;
    Ok(out)
}

fn wrong_shape(shape: &[usize], port: &Port) -> RowsError {
    let (name, width) = (&port.name, port.width);
    let expected = if width == 1 { "[rows] or [rows, 1]".to_owned() } else { format!("[rows, {width}]") };
    let hint = match shape {
        [one] if *one == width => "For one row, save `array.reshape(1, -1)`.",
        _ => "Save the array in that shape.",
    };
    RowsError::array(format!("Expected the shape {expected} for `{name}`, got {shape:?}. {hint}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn port(dtype: DataType, width: usize) -> Port {
        Port { name: "x".into(), dtype, width, flat: false, dims: Vec::new(), columns: Vec::new() }
    }

    fn array(shape: &[usize], data: Data) -> Array {
        Array { shape: shape.to_vec(), data }
    }

    #[test]
    fn dimensions_behind_the_first_are_one_row() {
        let tensor = to_tensor(array(&[2, 3, 1], Data::F32(vec![0.5; 6])), &port(DataType::Fp32, 3)).unwrap();
        assert_eq!((tensor.rows, tensor.width), (2, 3));
        assert_eq!(to_tensor(array(&[2], Data::I64(vec![1, 2])), &port(DataType::Int64, 1)).unwrap().rows, 2);
        for shape in [&[][..], &[3], &[3, 2], &[0, 7], &[2, usize::MAX, 2]] {
            let error = to_tensor(array(shape, Data::F32(vec![])), &port(DataType::Fp32, 3)).err().unwrap();
            assert_eq!(error.code, "E115", "{shape:?}");
        }
    }

    #[test]
    fn types_are_converted_where_nothing_is_lost_in_silence() {
        let x = to_tensor(array(&[1], Data::F64(vec![0.1])), &port(DataType::Fp32, 1)).unwrap();
        assert!(x.data == Data::F32(vec![0.1]));
        let n = to_tensor(array(&[1], Data::F32(vec![3.0])), &port(DataType::Int64, 1)).unwrap();
        assert!(n.data == Data::I64(vec![3]));
        let error =
            to_tensor(array(&[1, 2], Data::F32(vec![3.0, 1.5])), &port(DataType::Int64, 2)).err().unwrap();
        assert!(!error.is_usage() && error.message.contains("Row 1, column `x[1]`"));
        assert!(to_tensor(array(&[1], Data::F32(vec![3.0])), &port(DataType::Bytes, 1)).is_err());
    }
}
