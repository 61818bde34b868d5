//! Sizes of tensors, checked against what is present. Nothing here trusts a shape or a length that came from
//! outside.

use privet_deploy::Error;
use privet_deploy::oip::RawTensor;

/// How many bytes an element takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Always so many.
    Fixed(usize),
    /// `BYTES`: a 4-byte little-endian length, and so many bytes.
    Counted,
}

/// The element of a datatype of the protocol.
pub fn element(datatype: &str) -> Option<Element> {
    Some(match datatype {
        "BOOL" | "INT8" | "UINT8" => Element::Fixed(1),
        "INT16" | "UINT16" | "FP16" | "BF16" => Element::Fixed(2),
        "INT32" | "UINT32" | "FP32" => Element::Fixed(4),
        "INT64" | "UINT64" | "FP64" => Element::Fixed(8),
        "BYTES" => Element::Counted,
        _ => return None,
    })
}

/// How many elements a shape has.
pub fn count(name: &str, shape: &[i64]) -> Result<usize, Error> {
    shape
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(usize::try_from(size).ok()?))
        .ok_or_else(|| form(name, format!("has the shape {shape:?}; each size must be 0 or more, and all of it fit in memory. Correct the shape.")))
}

/// Whether the bytes are just what datatype and shape say.
pub fn check(tensor: &RawTensor) -> Result<(), Error> {
    let RawTensor { name, datatype, shape, data } = tensor;
    let count = count(name, shape)?;
    match element(datatype) {
        None => Err(unknown(name, datatype)),
        Some(Element::Fixed(size)) if count.checked_mul(size) == Some(data.len()) => Ok(()),
        Some(Element::Fixed(size)) => Err(form(
            name,
            format!(
                "has {} bytes; {count} values of {datatype} take {size} bytes each. Send all of them.",
                data.len()
            ),
        )),
        Some(Element::Counted) => match elements(data) {
            Some(found) if found == count => Ok(()),
            Some(found) => Err(form(
                name,
                format!(
                    "has {found} elements of BYTES; its shape says {count}. Send as many as the shape says."
                ),
            )),
            None => Err(form(
                name,
                "breaks off in the middle of an element of BYTES. Each is a 4-byte little-endian length and so many bytes.",
            )),
        },
    }
}

/// The elements of `BYTES` data, one by one; a broken last one is `None`.
pub fn split(data: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let data = rest.filter(|data| !data.is_empty())?;
        let element = first(data);
        rest = element.map(|(_, rest)| rest);
        Some(element.map(|(element, _)| element))
    })
}

/// Puts one element of `BYTES` at the end. `None` if it is 4 GiB or longer.
pub fn push(data: &mut Vec<u8>, element: &[u8]) -> Option<()> {
    data.extend_from_slice(&u32::try_from(element.len()).ok()?.to_le_bytes());
    data.extend_from_slice(element);
    Some(())
}

/// A tensor's form is wrong: the sentence goes on after its name.
pub(crate) fn form(name: &str, what: impl AsRef<str>) -> Error {
    Error::usage("E151", format!("Tensor `{name}` {}", what.as_ref()))
}

/// A tensor's datatype is not one of the protocol's.
pub(crate) fn unknown(name: &str, datatype: &str) -> Error {
    form(
        name,
        format!(
            "has the datatype `{datatype}`, which is not one of the protocol's. Expected `FP32`, `INT64`, `BYTES` or the like."
        ),
    )
}

fn elements(data: &[u8]) -> Option<usize> {
    split(data).try_fold(0, |count, element| element.map(|_| count + 1))
}

fn first(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn tensor(datatype: &str, shape: &[i64], data: &[u8]) -> RawTensor {
        RawTensor {
            name: "x".into(),
            datatype: datatype.into(),
            shape: shape.into(),
            data: Bytes::copy_from_slice(data),
        }
    }

    #[test]
    fn sizes_must_be_just_right() {
        assert!(check(&tensor("FP32", &[2, 3], &[0; 24])).is_ok());
        assert!(check(&tensor("FP32", &[2, 3], &[0; 25])).is_err());
        assert!(check(&tensor("FP32", &[2, 3], &[0; 23])).is_err());
        assert!(check(&tensor("FP64", &[0, 3], &[])).is_ok());
        assert!(check(&tensor("FP64", &[], &[0; 8])).is_ok(), "no sizes: one value");
        assert!(check(&tensor("FP32", &[-1, 3], &[])).is_err());
        assert!(check(&tensor("FP32", &[i64::MAX, i64::MAX], &[])).is_err());
        assert!(check(&tensor("FP32", &[1 << 62], &[])).is_err());
        assert!(check(&tensor("COMPLEX", &[1], &[0])).is_err());
    }

    #[test]
    fn bytes_are_walked_to_the_end() {
        assert!(check(&tensor("BYTES", &[2], b"\x01\0\0\0a\0\0\0\0")).is_ok());
        assert!(check(&tensor("BYTES", &[1], b"\x01\0\0\0a\0\0\0\0")).is_err());
        assert!(check(&tensor("BYTES", &[1], b"\x02\0\0\0a")).is_err());
        assert!(check(&tensor("BYTES", &[1], b"\xff\xff\xff\xffa")).is_err());
        assert!(check(&tensor("BYTES", &[1], b"\0\0\0")).is_err());
        assert!(check(&tensor("BYTES", &[0], b"")).is_ok());
    }

    proptest! {
        #[test]
        fn pushed_elements_come_back(elements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9)) {
            let mut data = Vec::new();
            for element in &elements {
                push(&mut data, element).unwrap();
            }
            let back: Vec<_> = split(&data).map(|e| e.unwrap().to_vec()).collect();
            prop_assert_eq!(back, elements);
        }

        #[test]
        fn no_bytes_break_the_walk(data in prop::collection::vec(any::<u8>(), 0..64)) {
            let total: usize = split(&data).flatten().map(|e| e.len() + 4).sum();
            prop_assert!(total <= data.len());
        }
    }
}
