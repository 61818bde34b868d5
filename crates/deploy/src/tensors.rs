//! Tensors to and from their bytes in a call: raw, little-endian, row-major.

use bytes::Bytes;
use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType, Tensor};

use crate::error::Error;
use crate::oip::RawTensor;

/// A tensor as `port` sends it.
pub fn to_raw(port: &Port, tensor: &Tensor) -> RawTensor {
    RawTensor {
        name: port.name.clone(),
        datatype: port.dtype.name().into(),
        shape: std::iter::once(tensor.rows).chain(port.row_shape()).map(size).collect(),
        data: bytes_of(port, tensor),
    }
}

fn size(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn bytes_of(port: &Port, tensor: &Tensor) -> Bytes {
    let mut out = Vec::new();
    write(port, tensor, &mut out);
    out.into()
}

/// Appends a tensor's bytes, as `port` sends them.
pub fn write(port: &Port, tensor: &Tensor, out: &mut Vec<u8>) {
    fn flat<T: Copy, const N: usize>(out: &mut Vec<u8>, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
        let start = out.len();
        out.resize(start + values.len() * N, 0);
        let (places, _) = out[start..].as_chunks_mut::<N>();
        places.iter_mut().zip(values).for_each(|(place, &x)| *place = bytes(x));
    }
    match &tensor.data {
        Data::F32(v) => flat(out, v, f32::to_le_bytes),
        Data::F64(v) => flat(out, v, f64::to_le_bytes),
        Data::I64(v) => match port.dtype {
            DataType::Bool => flat(out, v, |x| [u8::from(x != 0)]),
            DataType::Int32 => flat(out, v, |x| i32::try_from(x).unwrap_or_default().to_le_bytes()),
            _ => flat(out, v, i64::to_le_bytes),
        },
        Data::Text(v) => {
            for text in v {
                out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}

/// The tensor that a call carries for `port`, whose shape and length agree with what is there.
pub fn from_raw(port: &Port, raw: &RawTensor) -> Result<Tensor, Error> {
    if raw.datatype != port.dtype.name() {
        let (name, expected, got) = (&port.name, port.dtype.name(), &raw.datatype);
        return Err(Error::usage("E301", format!("Tensor `{name}` must be {expected}; it came as {got}.")));
    }
    read(port, rows_of(port, &raw.shape)?, &raw.data)
}

/// The tensor of so many rows whose bytes these are, exactly.
pub fn read(port: &Port, rows: usize, bytes: &[u8]) -> Result<Tensor, Error> {
    let values = rows.checked_mul(port.width);
    let data = values.and_then(|n| from_bytes(port.dtype, bytes, n)).ok_or_else(|| {
        let (name, got) = (&port.name, bytes.len());
        Error::usage(
            "E301",
            format!("Tensor `{name}` of {rows} rows does not fit the {got} bytes that came."),
        )
    })?;
    Ok(Tensor { rows, width: port.width, data })
}

/// Accepts `[rows, width]`, and the port's own dimensions where there are more; for one value per row also `[rows]`, and
/// either for a flat port.
fn rows_of(port: &Port, shape: &[i64]) -> Result<usize, Error> {
    let width = size(port.width);
    let own: Vec<i64> = port.row_shape().into_iter().map(size).collect();
    let rows = match *shape {
        [rows, w] if w == width => Some(rows),
        [rows] if port.width == 1 => Some(rows),
        [rows, ref dims @ ..] if *dims == own[..] => Some(rows),
        _ => None,
    };
    rows.and_then(|r| usize::try_from(r).ok()).ok_or_else(|| {
        let name = &port.name;
        let expected = own.iter().fold("[rows".to_owned(), |text, d| format!("{text}, {d}")) + "]";
        Error::usage("E301", format!("Tensor `{name}` must have shape {expected}; it came as {shape:?}."))
    })
}

/// Exactly `n` values, or `None`. What is allocated is bounded by the bytes that are there.
fn from_bytes(dtype: DataType, bytes: &[u8], n: usize) -> Option<Data> {
    fn flat<T, const N: usize>(bytes: &[u8], n: usize, value: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
        let (values, rest) = bytes.as_chunks::<N>();
        (rest.is_empty() && values.len() == n).then(|| values.iter().map(|&b| value(b)).collect())
    }
    Some(match dtype {
        DataType::Fp32 => Data::F32(flat(bytes, n, f32::from_le_bytes)?),
        DataType::Fp64 => Data::F64(flat(bytes, n, f64::from_le_bytes)?),
        DataType::Int64 => Data::I64(flat(bytes, n, i64::from_le_bytes)?),
        DataType::Int32 => Data::I64(flat(bytes, n, |b| i64::from(i32::from_le_bytes(b)))?),
        DataType::Bool => Data::I64(flat(bytes, n, |[b]: [u8; 1]| i64::from(b != 0))?),
        DataType::Bytes => Data::Text(texts(bytes, n)?),
    })
}

fn texts(mut bytes: &[u8], n: usize) -> Option<Vec<String>> {
    let mut out = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        out.push(std::str::from_utf8(text).ok()?.to_owned());
        bytes = rest;
    }
    (bytes.is_empty() && out.len() == n).then_some(out)
}
