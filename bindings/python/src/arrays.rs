//! Rows and answers, to and from numpy.

use numpy::{Element, PyArray1, PyReadonlyArray2};
use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType, Tensor};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// An input's rows, of its own type: an array of two dimensions, or a list of text.
pub(crate) fn from_python(port: &Port, rows: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    let data = match port.dtype {
        DataType::Fp32 => Data::F32(values(rows)?),
        DataType::Fp64 => Data::F64(values(rows)?),
        DataType::Int64 => Data::I64(values(rows)?),
        DataType::Int32 => Data::I64(within(port, values(rows)?, i64::from(i32::MIN), i64::from(i32::MAX))?),
        DataType::Bool => Data::I64(within(port, values(rows)?, 0, 1)?),
        DataType::Bytes => Data::Text(rows.extract()?),
    };
    let rows = data.len().checked_div(port.width).unwrap_or(0);
    Tensor::new(rows, port.width, data).ok_or_else(|| {
        PyValueError::new_err(format!("`{}` has {} values a row; other rows came.", port.name, port.width))
    })
}

/// The same values, where the input's own type can hold them: another number must not be sent in a value's place.
fn within(port: &Port, values: Vec<i64>, low: i64, high: i64) -> PyResult<Vec<i64>> {
    if values.iter().all(|value| (low..=high).contains(value)) {
        return Ok(values);
    }
    Err(PyValueError::new_err(format!("`{}` takes values from {low} to {high}.", port.name)))
}

fn values<T: Element + Copy>(rows: &Bound<'_, PyAny>) -> PyResult<Vec<T>> {
    let array: PyReadonlyArray2<'_, T> = rows.extract()?;
    Ok(array.as_slice()?.to_vec())
}

/// An output's values, flat: an array, or a list of text.
pub(crate) fn to_python(py: Python<'_>, tensor: Tensor) -> PyResult<Bound<'_, PyAny>> {
    Ok(match tensor.data {
        Data::F32(values) => PyArray1::from_vec(py, values).into_any(),
        Data::F64(values) => PyArray1::from_vec(py, values).into_any(),
        Data::I64(values) => PyArray1::from_vec(py, values).into_any(),
        Data::Text(values) => values.into_pyobject(py)?.into_any(),
    })
}
