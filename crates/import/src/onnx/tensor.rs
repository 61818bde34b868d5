//! Constants of the file: the declared shape is compared with the data that is there.

use privet_model::Refusal;
use privet_model::tensor::DataType;

use super::external::Beside;
use super::half::{bfloat, half, low_bits};
use super::ports::data_type;
use crate::onnx_proto::{TensorProto, element_type_name};

/// No tensor has more dimensions; a hostile file could have millions.
const MAX_RANK: usize = 16;
/// Longer names are cut in messages, which may repeat them.
const MAX_NAME: usize = 200;

/// A constant array of the file, row-major.
#[derive(Clone)]
pub(crate) struct Constant {
    pub(crate) name: String,
    pub(crate) dims: Vec<usize>,
    pub(crate) dtype: DataType,
    /// The number of its element type in the format; 0 where it was computed.
    pub(crate) element: i32,
    pub(crate) data: Elements,
}

impl Constant {
    /// A list of whole numbers.
    pub(crate) fn ints(values: Vec<i64>) -> Self {
        Self {
            name: String::new(),
            dims: vec![values.len()],
            dtype: DataType::Int64,
            element: 7,
            data: Elements::Int(values),
        }
    }

    /// The only value there is.
    pub(crate) fn single(&self) -> Option<f64> {
        self.data.to_f64().filter(|values| values.len() == 1).map(|values| values[0])
    }
}

/// Its values.
#[derive(Clone, PartialEq)]
pub(crate) enum Elements {
    Float(Vec<f64>),
    Int(Vec<i64>),
    Text(Vec<String>),
    /// Of an element type that is not read, which matters only where a node asks for the values.
    Unread(String),
}

impl Elements {
    /// As float64; text has none.
    pub(crate) fn to_f64(&self) -> Option<Vec<f64>> {
        match self {
            Self::Float(v) => Some(v.clone()),
            Self::Int(v) => Some(v.iter().map(|&x| x as f64).collect()),
            Self::Text(_) | Self::Unread(_) => None,
        }
    }

    /// As whole numbers, if they are.
    #[allow(clippy::cast_possible_truncation, clippy::float_cmp)] // only those that are whole
    pub(crate) fn to_ints(&self) -> Option<Vec<i64>> {
        match self {
            Self::Int(v) => Some(v.clone()),
            Self::Float(v) => v.iter().map(|&x| (x == x.trunc()).then_some(x as i64)).collect(),
            Self::Text(_) | Self::Unread(_) => None,
        }
    }

    /// How many values are there; none where they are not read.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Float(v) => v.len(),
            Self::Int(v) => v.len(),
            Self::Text(v) => v.len(),
            Self::Unread(_) => 0,
        }
    }
}

/// Reads a constant; `name` is how messages call it. NaN is refused here; infinity where it is no use, because masks have it.
pub(crate) fn constant(tensor: &TensorProto, name: &str, beside: &Beside<'_>) -> Result<Constant, Refusal> {
    // `data_location` 1 is "external".
    if tensor.data_location != 0 || !tensor.external_data.is_empty() {
        let raw_data = beside.read(&tensor.external_data, name)?;
        let inside = TensorProto {
            raw_data,
            data_type: tensor.data_type,
            dims: tensor.dims.clone(),
            ..TensorProto::default()
        };
        return dense(&inside, name);
    }
    dense(tensor, name)
}

fn dense(tensor: &TensorProto, name: &str) -> Result<Constant, Refusal> {
    let data = elements(tensor, name)?;
    let dims = shape(tensor, name, &data)?;
    if let Elements::Float(values) = &data
        && let Some(at) = values.iter().position(|x| x.is_nan())
    {
        return Err(not_finite(&format!("Weight `{name}`"), at, values.len()));
    }
    let dtype = data_type(tensor.data_type).unwrap_or(DataType::Fp32);
    let element = tensor.data_type;
    Ok(Constant { name: name.chars().take(MAX_NAME).collect(), dims, dtype, element, data })
}

/// Refuses NaN and infinity; `what` names the weight.
pub(crate) fn finite(values: &[f64], what: impl FnOnce() -> String) -> Result<(), Refusal> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => Err(not_finite(&what(), at, values.len())),
    }
}

fn not_finite(what: &str, at: usize, count: usize) -> Refusal {
    let text = "is not a finite number (NaN or infinite); train or export the model again.";
    Refusal::new("E206", format!("{what}: value {} of {count} {text}", at + 1))
}

fn elements(tensor: &TensorProto, name: &str) -> Result<Elements, Refusal> {
    let t = tensor;
    Ok(match t.data_type {
        1 | 10 | 11 | 16 => Elements::Float(floats(t, name)?),
        2..=7 | 9 | 12 | 13 => Elements::Int(integers(t, name)?),
        8 => Elements::Text(texts(&t.string_data, name)?),
        other => Elements::Unread(element_type_name(other)),
    })
}

fn floats(t: &TensorProto, name: &str) -> Result<Vec<f64>, Refusal> {
    match t.data_type {
        1 => stored(t, name, &t.float_data, |&x| x.into(), |b| f32::from_le_bytes(b).into()),
        10 => stored(t, name, &t.int32_data, |&x| half(low_bits(x)), |b| half(u16::from_le_bytes(b))),
        16 => stored(t, name, &t.int32_data, |&x| bfloat(low_bits(x)), |b| bfloat(u16::from_le_bytes(b))),
        _ => stored(t, name, &t.double_data, |&x| x, f64::from_le_bytes),
    }
}

fn integers(t: &TensorProto, name: &str) -> Result<Vec<i64>, Refusal> {
    match t.data_type {
        2 => stored(t, name, &t.int32_data, |&x| x.into(), |[b]: [u8; 1]| b.into()),
        3 => stored(t, name, &t.int32_data, |&x| x.into(), |b| i8::from_le_bytes(b).into()),
        4 => stored(t, name, &t.int32_data, |&x| x.into(), |b| u16::from_le_bytes(b).into()),
        5 => stored(t, name, &t.int32_data, |&x| x.into(), |b| i16::from_le_bytes(b).into()),
        6 => stored(t, name, &t.int32_data, |&x| x.into(), |b| i32::from_le_bytes(b).into()),
        9 => stored(t, name, &t.int32_data, |&x| i64::from(x != 0), |b: [u8; 1]| i64::from(b != [0])),
        12 => stored(t, name, &t.uint64_data, |&x| small(x), |b| u32::from_le_bytes(b).into()),
        13 => stored(t, name, &t.uint64_data, |&x| small(x), |b| small(u64::from_le_bytes(b))),
        _ => stored(t, name, &t.int64_data, |&x| x, i64::from_le_bytes),
    }
}

/// Nobody counts further.
fn small(x: u64) -> i64 {
    i64::try_from(x).unwrap_or(i64::MAX)
}

/// The values of `raw_data`, `N` bytes each, or of the typed field.
fn stored<T, U, const N: usize>(
    tensor: &TensorProto,
    name: &str,
    typed: &[T],
    of_typed: fn(&T) -> U,
    of_raw: fn([u8; N]) -> U,
) -> Result<Vec<U>, Refusal> {
    if tensor.raw_data.is_empty() {
        return Ok(typed.iter().map(of_typed).collect());
    }
    let (chunks, rest) = tensor.raw_data.as_chunks::<N>();
    if !rest.is_empty() || !typed.is_empty() {
        let message = format!(
            "Weight `{name}` should hold values of {N} bytes each, but has {} raw bytes and {} typed values.",
            tensor.raw_data.len(),
            typed.len()
        );
        return Err(Refusal::new("E205", message));
    }
    Ok(chunks.iter().map(|&chunk| of_raw(chunk)).collect())
}

/// UTF-8 texts.
pub(crate) fn texts(bytes: &[Vec<u8>], name: &str) -> Result<Vec<String>, Refusal> {
    let text = |b: &Vec<u8>| String::from_utf8(b.clone());
    bytes
        .iter()
        .map(text)
        .collect::<Result<_, _>>()
        .map_err(|_| Refusal::new("E203", format!("`{name}` should hold UTF-8 text, but has other bytes.")))
}

fn shape(tensor: &TensorProto, name: &str, data: &Elements) -> Result<Vec<usize>, Refusal> {
    let dims: Option<Vec<usize>> = tensor.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    let declared = dims.as_ref().and_then(|dims| dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)));
    let fits = |declared| declared == data.len() || matches!(data, Elements::Unread(_));
    match dims {
        Some(dims) if dims.len() <= MAX_RANK && declared.is_some_and(fits) => Ok(dims),
        _ => Err(mismatch(tensor, name, data)),
    }
}

fn mismatch(tensor: &TensorProto, name: &str, data: &Elements) -> Refusal {
    let first: Vec<String> = tensor.dims.iter().take(MAX_RANK).map(ToString::to_string).collect();
    let more = if tensor.dims.len() > MAX_RANK { ", …" } else { "" };
    let (shape, present) = (first.join(", "), data.len());
    let message = format!(
        "Weight `{name}` declares the shape [{shape}{more}], but the file holds {present} values for it; export it \
         again."
    );
    Refusal::new("E205", message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tensor(data_type: i32, dims: &[i64]) -> TensorProto {
        TensorProto { data_type, dims: dims.to_vec(), ..TensorProto::default() }
    }

    fn floats(t: &TensorProto) -> Vec<f64> {
        constant(t, "w", &Beside::nothing()).map_err(|e| e.to_string()).unwrap().data.to_f64().unwrap()
    }

    #[test]
    #[allow(clippy::float_cmp)]
    fn reads_each_type_from_raw_and_from_typed_fields() {
        let raw =
            |data_type, raw_data: &[u8]| TensorProto { raw_data: raw_data.into(), ..tensor(data_type, &[1]) };
        assert_eq!(floats(&raw(1, &1.5f32.to_le_bytes())), [1.5]);
        assert_eq!(floats(&raw(11, &0.1f64.to_le_bytes())), [0.1]);
        assert_eq!(floats(&raw(10, &[0x00, 0xc1])), [-2.5]);
        assert_eq!(floats(&raw(7, &(-3i64).to_le_bytes())), [-3.0]);
        assert_eq!(floats(&raw(6, &(-4i32).to_le_bytes())), [-4.0]);
        assert_eq!(floats(&raw(9, &[2])), [1.0]);
        assert_eq!(floats(&raw(2, &[200])), [200.0]);
        assert_eq!(floats(&raw(3, &[200])), [-56.0]);
        assert_eq!(floats(&raw(4, &[0, 200])), [51200.0]);
        assert_eq!(floats(&raw(5, &[0, 200])), [-14336.0]);
        assert_eq!(floats(&raw(12, &[1, 0, 0, 128])), [2_147_483_649.0]);
        assert_eq!(floats(&raw(16, &[0x20, 0xc0])), [-2.5]);
        assert_eq!(floats(&TensorProto { float_data: vec![2.5], ..tensor(1, &[1, 1]) }), [2.5]);
        assert_eq!(floats(&TensorProto { double_data: vec![2.5], ..tensor(11, &[]) }), [2.5]);
        assert_eq!(
            floats(&TensorProto { int32_data: vec![0x3c00, 0x0001], ..tensor(10, &[2]) }),
            [1.0, 2f64.powi(-24)]
        );
        assert_eq!(floats(&TensorProto { int32_data: vec![7, 0], ..tensor(9, &[2]) }), [1.0, 0.0]);
        assert_eq!(floats(&TensorProto { int64_data: vec![9], ..tensor(7, &[1]) }), [9.0]);
    }

    #[test]
    fn declared_shape_must_be_that_of_the_data() {
        for dims in [&[3_i64][..], &[-1], &[1 << 40, 1 << 40], &[i64::MAX, 2], &[0]] {
            let t = TensorProto { float_data: vec![1.0, 2.0], ..tensor(1, dims) };
            let refusal = constant(&t, "w", &Beside::nothing()).err().unwrap();
            assert_eq!(refusal.code, "E205", "{dims:?}");
            assert!(refusal.message.contains("`w`") && refusal.message.contains("2 values"), "{refusal}");
        }
    }

    #[test]
    fn weights_that_are_not_finite_or_not_here_are_named() {
        let t = TensorProto { float_data: vec![1.0, f32::NAN], ..tensor(1, &[2]) };
        let refusal = constant(&t, "w", &Beside::nothing()).err().unwrap();
        assert!(refusal.code == "E206" && refusal.message.contains("`w`: value 2 of 2"), "{refusal}");
        let t = TensorProto { data_location: 1, ..tensor(1, &[2]) };
        assert_eq!(constant(&t, "w", &Beside::nothing()).err().unwrap().code, "E207");
    }
}
