//! Tensors to and from their bytes in a call: raw, little-endian, row-major.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use privet_model::graph::Port;
use privet_model::tensor::{Data, DataType, Tensor};

use crate::error::Error;
use crate::oip::{InferRequest, RawTensor};

/// The call's tensors in the model's order, each there exactly once.
pub fn inputs_of(ports: &[Port], request: &InferRequest) -> Result<Vec<Tensor>, Error> {
    if let Some(extra) = request.inputs.iter().find(|raw| !ports.iter().any(|p| p.name == raw.name)) {
        return Err(Error::usage("E302", format!("The model has no input `{}`.", extra.name)));
    }
    let one = |port: &Port| {
        let mut found = request.inputs.iter().filter(|raw| raw.name == port.name);
        match (found.next(), found.next()) {
            (Some(raw), None) => from_raw(port, raw),
            (None, _) => Err(Error::usage("E302", format!("Input `{}` is missing.", port.name))),
            (Some(_), Some(_)) => Err(Error::usage("E302", format!("Input `{}` came twice.", port.name))),
        }
    };
    ports.iter().map(one).collect()
}

/// The places of the outputs that are asked for by name, in that order; none by name means all.
pub fn wanted_of(ports: &[&Port], names: &[String]) -> Result<Vec<usize>, Error> {
    if names.is_empty() {
        return Ok((0..ports.len()).collect());
    }
    let place = |name: &String| {
        ports.iter().position(|port| port.name == *name).ok_or_else(|| {
            let known: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
            Error::usage("E303", format!("There is no output `{name}`; there are `{}`.", known.join("`, `")))
        })
    };
    names.iter().map(place).collect()
}

/// A tensor as `port` sends it.
pub fn to_raw(port: &Port, tensor: &Tensor) -> RawTensor {
    RawTensor {
        name: port.name.clone(),
        datatype: port.dtype.name().into(),
        shape: shape(port, tensor.rows),
        data: bytes_of(port, tensor, &(0..tensor.rows)),
    }
}

/// Some rows of the tensor at place `at` of `rows`, as `port` sends them: without a copy, where memory holds them as calls do.
pub fn rows_to_raw(port: &Port, rows: &Arc<Vec<Tensor>>, at: usize, range: &Range<usize>) -> RawTensor {
    let shared = Shared { rows: Arc::clone(rows), at, range: range.clone() };
    let is_as_in_calls = matches!(
        (&shared.tensor().data, port.dtype),
        (Data::F32(_), DataType::Fp32) | (Data::F64(_), DataType::Fp64) | (Data::I64(_), DataType::Int64)
    );
    let data = if is_as_in_calls && cfg!(target_endian = "little") {
        Bytes::from_owner(shared)
    } else {
        bytes_of(port, shared.tensor(), range)
    };
    RawTensor {
        shape: shape(port, range.len()),
        name: port.name.clone(),
        datatype: port.dtype.name().into(),
        data,
    }
}

/// Some rows of a tensor, which stays where it is.
struct Shared {
    rows: Arc<Vec<Tensor>>,
    at: usize,
    range: Range<usize>,
}

impl Shared {
    fn tensor(&self) -> &Tensor {
        &self.rows[self.at]
    }
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        in_memory(self.tensor(), &self.range)
    }
}

/// Rows of numbers as memory holds them; nothing of text.
fn in_memory<'a>(tensor: &'a Tensor, rows: &Range<usize>) -> &'a [u8] {
    let (from, to) = (rows.start * tensor.width, rows.end * tensor.width);
    match &tensor.data {
        Data::F32(values) => bytemuck::cast_slice(&values[from..to]),
        Data::F64(values) => bytemuck::cast_slice(&values[from..to]),
        Data::I64(values) => bytemuck::cast_slice(&values[from..to]),
        Data::Text(_) => &[],
    }
}

fn shape(port: &Port, rows: usize) -> Vec<i64> {
    std::iter::once(rows).chain(port.row_shape()).map(size).collect()
}

fn size(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn bytes_of(port: &Port, tensor: &Tensor, rows: &Range<usize>) -> Bytes {
    let mut out = Vec::new();
    write(port, tensor, rows, &mut out);
    out.into()
}

/// Appends the bytes of some of a tensor's rows, as `port` sends them.
pub fn write(port: &Port, tensor: &Tensor, rows: &Range<usize>, out: &mut Vec<u8>) {
    fn flat<T: Copy, const N: usize>(out: &mut Vec<u8>, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
        out.reserve(values.len() * N);
        for &x in values {
            out.extend_from_slice(&bytes(x));
        }
    }
    let (from, to) = (rows.start * tensor.width, rows.end * tensor.width);
    match (&tensor.data, port.dtype) {
        (Data::I64(v), DataType::Bool) => flat(out, &v[from..to], |x| [u8::from(x != 0)]),
        (Data::I64(v), DataType::Int32) => {
            flat(out, &v[from..to], |x| i32::try_from(x).unwrap_or_default().to_le_bytes());
        }
        (Data::Text(v), _) => {
            for text in &v[from..to] {
                out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
        _ if cfg!(target_endian = "little") => out.extend_from_slice(in_memory(tensor, rows)),
        (Data::F32(v), _) => flat(out, &v[from..to], f32::to_le_bytes),
        (Data::F64(v), _) => flat(out, &v[from..to], f64::to_le_bytes),
        (Data::I64(v), _) => flat(out, &v[from..to], i64::to_le_bytes),
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
