//! Typed tensor contents of the gRPC protocol, turned into raw little-endian bytes.

use bytes::Bytes;
use privet_deploy::Error;

use crate::proto::InferTensorContents;
use crate::tensor::{form, push, unknown};

/// The raw bytes of typed contents. Whether they are as many as the shape says is checked later.
pub fn to_raw(name: &str, datatype: &str, contents: InferTensorContents) -> Result<Bytes, Error> {
    let raw = match datatype {
        "BOOL" => Ok(contents.bool_contents.into_iter().map(u8::from).collect()),
        "INT8" => narrow::<_, i8, 1>(contents.int_contents, i8::to_le_bytes),
        "INT16" => narrow::<_, i16, 2>(contents.int_contents, i16::to_le_bytes),
        "INT32" => Ok(flat(contents.int_contents, i32::to_le_bytes)),
        "INT64" => Ok(flat(contents.int64_contents, i64::to_le_bytes)),
        "UINT8" => narrow::<_, u8, 1>(contents.uint_contents, u8::to_le_bytes),
        "UINT16" => narrow::<_, u16, 2>(contents.uint_contents, u16::to_le_bytes),
        "UINT32" => Ok(flat(contents.uint_contents, u32::to_le_bytes)),
        "UINT64" => Ok(flat(contents.uint64_contents, u64::to_le_bytes)),
        "FP32" => Ok(flat(contents.fp32_contents, f32::to_le_bytes)),
        "FP64" => Ok(flat(contents.fp64_contents, f64::to_le_bytes)),
        "BYTES" => {
            counted(&contents.bytes_contents).ok_or("has an element of 4 GiB or more. Send smaller ones.")
        }
        "FP16" | "BF16" => {
            Err("cannot be sent element by element in this datatype. Send it in `raw_input_contents`.")
        }
        _ => return Err(unknown(name, datatype)),
    };
    raw.map(Bytes::from).map_err(|what| form(name, what))
}

/// Whether no field holds anything.
pub fn is_empty(contents: &InferTensorContents) -> bool {
    contents == &InferTensorContents::default()
}

fn flat<T, const N: usize>(values: Vec<T>, bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.into_iter().flat_map(bytes).collect()
}

fn narrow<W, T: TryFrom<W>, const N: usize>(
    values: Vec<W>,
    bytes: impl Fn(T) -> [u8; N],
) -> Result<Vec<u8>, &'static str> {
    let mut raw = Vec::with_capacity(values.len() * N);
    for value in values {
        let value = T::try_from(value)
            .map_err(|_| "has a value that does not fit its datatype. Send it in a wider one.")?;
        raw.extend_from_slice(&bytes(value));
    }
    Ok(raw)
}

fn counted(elements: &[Bytes]) -> Option<Vec<u8>> {
    let mut raw = Vec::with_capacity(elements.iter().map(|element| element.len() + 4).sum());
    elements.iter().try_for_each(|element| push(&mut raw, element))?;
    Some(raw)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_datatype_finds_its_field() {
        let contents = InferTensorContents {
            bool_contents: vec![true, false],
            int_contents: vec![-1, 2],
            int64_contents: vec![-3],
            uint_contents: vec![4, 5],
            uint64_contents: vec![6],
            fp32_contents: vec![1.5],
            fp64_contents: vec![2.5],
            bytes_contents: vec![Bytes::from_static(b"ab")],
        };
        let expected: [(&str, Vec<u8>); 12] = [
            ("BOOL", vec![1, 0]),
            ("INT8", vec![255, 2]),
            ("INT16", vec![255, 255, 2, 0]),
            ("INT32", vec![255, 255, 255, 255, 2, 0, 0, 0]),
            ("INT64", (-3_i64).to_le_bytes().into()),
            ("UINT8", vec![4, 5]),
            ("UINT16", vec![4, 0, 5, 0]),
            ("UINT32", vec![4, 0, 0, 0, 5, 0, 0, 0]),
            ("UINT64", 6_u64.to_le_bytes().into()),
            ("FP32", 1.5_f32.to_le_bytes().into()),
            ("FP64", 2.5_f64.to_le_bytes().into()),
            ("BYTES", vec![2, 0, 0, 0, b'a', b'b']),
        ];
        for (datatype, raw) in expected {
            assert_eq!(to_raw("x", datatype, contents.clone()).unwrap(), raw, "{datatype}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let contents = InferTensorContents {
            int_contents: vec![300],
            uint_contents: vec![70_000],
            ..Default::default()
        };
        for datatype in ["INT8", "UINT8", "UINT16", "FP16", "TEXT"] {
            assert_eq!(to_raw("x", datatype, contents.clone()).unwrap_err().code, "E151", "{datatype}");
        }
    }
}
