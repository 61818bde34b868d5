//! The header of a numpy array: a Python literal with element type, order and shape.

use std::io::Read;

use super::error::RowsError;

/// What stands in front of the values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Type of the values.
    pub(super) element: Element,
    /// Whether values are column by column.
    pub(super) fortran: bool,
    /// Dimensions.
    pub(super) shape: Vec<usize>,
}

/// The element types that are read, all little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// `f4`
    F32,
    /// `f8`
    F64,
    /// `i8`
    I64,
    /// `i4`
    I32,
    /// `i2`
    I16,
    /// `i1`
    I8,
    /// `u1`
    U8,
    /// `b1`
    Bool,
    /// `U` and the number of characters.
    Text(usize),
}

impl Element {
    /// Bytes per value, at least 1.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::Text(characters) => characters * 4,
        }
    }
}

const LONGEST_HEADER: usize = 1 << 16;
const LONGEST_TEXT: usize = 1 << 14;
const MOST_DIMENSIONS: usize = 32;

/// Reads the header of format version 1, 2 or 3.
pub(super) fn read(source: &mut impl Read) -> Result<Header, RowsError> {
    let mut start = [0; 8];
    source.read_exact(&mut start).map_err(|_| no_array())?;
    let length = match start {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _] => u16::from_le_bytes(exact(source)?).into(),
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _] => u32::from_le_bytes(exact(source)?) as usize,
        [0x93, b'N', b'U', b'M', b'P', b'Y', version, _] => {
            let message =
                format!("Expected format version 1, 2 or 3, got {version}. Save the array with numpy.");
            return Err(RowsError::damaged(message));
        }
        _ => return Err(no_array()),
    };
    if length > LONGEST_HEADER {
        return Err(no_array());
    }
    let mut text = vec![0; length];
    source.read_exact(&mut text).map_err(|_| no_array())?;
    parse(std::str::from_utf8(&text).map_err(|_| no_array())?)
}

fn exact<const N: usize>(source: &mut impl Read) -> Result<[u8; N], RowsError> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes).map_err(|_| no_array())?;
    Ok(bytes)
}

fn parse(text: &str) -> Result<Header, RowsError> {
    let fortran = match behind(text, "fortran_order")? {
        rest if rest.starts_with("True") => true,
        rest if rest.starts_with("False") => false,
        _ => return Err(no_array()),
    };
    Ok(Header { element: element(behind(text, "descr")?)?, fortran, shape: shape(behind(text, "shape")?)? })
}

/// What stands behind a key.
fn behind<'a>(text: &'a str, key: &str) -> Result<&'a str, RowsError> {
    let quotes = ['\'', '"'];
    let found = quotes.iter().find_map(|quote| text.split_once(&format!("{quote}{key}{quote}")));
    let rest = found.and_then(|(_, rest)| rest.trim_start().strip_prefix(':'));
    rest.map(str::trim_start).ok_or_else(no_array)
}

fn shape(text: &str) -> Result<Vec<usize>, RowsError> {
    let inner = text.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or_else(no_array)?.0;
    let numbers = inner.split(',').map(str::trim).filter(|number| !number.is_empty());
    // Files of Python 2 write large numbers as `10L`.
    let numbers = numbers.map(|number| number.strip_suffix('L').unwrap_or(number).parse());
    let shape: Vec<usize> = numbers.collect::<Result<_, _>>().map_err(|_| no_array())?;
    if shape.len() > MOST_DIMENSIONS { Err(no_array()) } else { Ok(shape) }
}

fn element(text: &str) -> Result<Element, RowsError> {
    let mut signs = text.chars();
    let quote = signs.next().filter(|sign| matches!(sign, '\'' | '"'));
    let Some((name, _)) = quote.and_then(|quote| signs.as_str().split_once(quote)) else {
        return Err(unusable("a record with named fields", "Save one array per input in an `.npz` file."));
    };
    let (order, kind) = name.split_at_checked(1).ok_or_else(no_array)?;
    match (order, kind) {
        (">", _) => Err(unusable(&format!("big-endian `{name}`"), "Save `array.astype('<f4')` or the like.")),
        (_, "O") => Err(unusable(
            "Python objects (`O`)",
            "Save `array.astype('float32')`, or text as `array.astype(str)`.",
        )),
        ("<", "f4") => Ok(Element::F32),
        ("<", "f8") => Ok(Element::F64),
        ("<", "i8") => Ok(Element::I64),
        ("<", "i4") => Ok(Element::I32),
        ("<", "i2") => Ok(Element::I16),
        ("|" | "<", "i1") => Ok(Element::I8),
        ("|" | "<", "u1") => Ok(Element::U8),
        ("|" | "<", "b1") => Ok(Element::Bool),
        ("<", kind) if kind.starts_with('U') => text_element(name, kind),
        _ => Err(unusable(&format!("`{name}`"), "Save `array.astype('float32')` or the like.")),
    }
}

fn text_element(name: &str, kind: &str) -> Result<Element, RowsError> {
    match kind.strip_prefix('U').and_then(|length| length.parse().ok()) {
        Some(length) if (1..=LONGEST_TEXT).contains(&length) => Ok(Element::Text(length)),
        _ => Err(unusable(&format!("`{name}`"), "Text may have 1 to 16384 characters.")),
    }
}

fn unusable(what: &str, hint: &str) -> RowsError {
    RowsError::array(format!(
        "Expected little-endian numbers (f4, f8, i8, i4, i2, i1, u1, b1) or text (U), got {what}. {hint}"
    ))
}

fn no_array() -> RowsError {
    RowsError::damaged(
        "The bytes are not a numpy array, or its header is cut off. Save it with `numpy.save`.",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn header(descr: &str, rest: &str) -> Result<Header, RowsError> {
        parse(&format!("{{'descr': {descr}, {rest}, }}   \n"))
    }

    #[test]
    fn headers() {
        let flat = header("'<f4'", "'fortran_order': False, 'shape': (3,)").unwrap();
        assert_eq!(flat, Header { element: Element::F32, fortran: false, shape: vec![3] });
        let text = header("\"<U7\"", "'shape': (2, 3), \"fortran_order\": True").unwrap();
        assert_eq!(text, Header { element: Element::Text(7), fortran: true, shape: vec![2, 3] });
        assert!(header("'|b1'", "'fortran_order': False, 'shape': ()").unwrap().shape.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let rest = "'fortran_order': False, 'shape': (3,)";
        for (descr, named) in [
            ("'>f4'", "big-endian `>f4`"),
            ("'|O'", "Python objects"),
            ("[('a', '<f4')]", "named fields"),
            ("'<c8'", "`<c8`"),
            ("'<U0'", "`<U0`"),
            ("'<U99999999999999999999'", "`<U9"),
        ] {
            let error = header(descr, rest).unwrap_err();
            assert!(error.code == "E115" && error.message.contains(named), "{descr}: {error}");
        }
        assert_eq!(header("'<f4'", "'fortran_order': 0, 'shape': (3,)").unwrap_err().code, "E113");
        assert_eq!(header("'<f4'", "'fortran_order': False, 'shape': (-1,)").unwrap_err().code, "E113");
        assert_eq!(header("'<f4'", "'fortran_order': False").unwrap_err().code, "E113");
    }
}
