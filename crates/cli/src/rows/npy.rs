//! One numpy array: the header, and the values behind it.
//!
//! Values are taken as they come, so a file of ten bytes that declares a terabyte costs ten bytes.

use std::io::{self, Read, Seek};

use privet_model::tensor::Data;

use super::error::RowsError;
use super::npy_header::{self, Element, Header};
use super::table::weave;

/// What one array may take up when unpacked.
const LARGEST: u64 = super::source::LARGEST;

/// An array, row-major.
pub(super) struct Array {
    /// Its dimensions.
    pub(super) shape: Vec<usize>,
    /// Its values.
    pub(super) data: Data,
}

/// Reads an array that takes up the whole source, which holds `available` bytes if that is known.
pub(super) fn decode(mut source: impl Read, available: Option<u64>) -> Result<Array, RowsError> {
    let header = npy_header::read(&mut source)?;
    let count = header.shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n));
    let bytes = count.and_then(|count| count.checked_mul(header.element.size())).map(|bytes| bytes as u64);
    let (Some(count), Some(bytes)) = (count, bytes) else { return Err(too_large()) };
    if bytes > LARGEST {
        return Err(too_large());
    }
    if available.is_some_and(|available| bytes > available) {
        return Err(truncated());
    }
    let data = values(&mut source, count, header.element)?;
    let data = if header.fortran { transposed(&header, data)? } else { data };
    match source.read(&mut [0]).map_err(|e| broken(&e))? {
        0 => Ok(Array { shape: header.shape, data }),
        _ => {
            Err(RowsError::damaged("There are more bytes than the array's shape needs. Write the file anew."))
        }
    }
}

/// An array in C order, some rows at a time.
pub(super) struct Pieces<R> {
    source: R,
    header: Header,
    left: usize,
}

impl<R: Read + Seek> Pieces<R> {
    /// Reads the header, of a file of so many bytes.
    pub(super) fn open(mut source: R, available: u64) -> Result<Self, RowsError> {
        let header = npy_header::read(&mut source)?;
        let count = header.shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n));
        let bytes = count.and_then(|count| count.checked_mul(header.element.size()));
        let left = available.saturating_sub(source.stream_position().map_err(|e| broken(&e))?);
        if bytes.is_none_or(|bytes| bytes as u64 > left) {
            return Err(truncated());
        }
        if header.fortran && header.shape.len() > 1 {
            return Err(RowsError::array(
                "Expected rows one after the other (C order), got Fortran order. Save `numpy.ascontiguousarray(…)` of the array.",
            ));
        }
        let left = header.shape.first().copied().unwrap_or(0);
        Ok(Self { source, header, left })
    }

    /// How many rows are left.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Up to so many rows, as an array.
    pub(super) fn fill(&mut self, most: usize) -> Result<Array, RowsError> {
        let rows = most.min(self.left);
        let mut shape = self.header.shape.clone();
        shape.first_mut().into_iter().for_each(|first| *first = rows);
        let count = shape.iter().try_fold(1usize, |count, &n| count.checked_mul(n)).ok_or_else(too_large)?;
        let data = values(&mut self.source, count, self.header.element)?;
        self.left -= rows;
        Ok(Array { shape, data })
    }

    /// Passes over so many rows, or to the end.
    pub(super) fn skip(&mut self, rows: usize) -> Result<(), RowsError> {
        let rows = rows.min(self.left);
        let values = self.header.shape.iter().skip(1).try_fold(rows, |count, &n| count.checked_mul(n));
        let bytes = values.and_then(|values| values.checked_mul(self.header.element.size()));
        let bytes = bytes.and_then(|bytes| i64::try_from(bytes).ok()).ok_or_else(too_large)?;
        self.source.seek_relative(bytes).map_err(|e| broken(&e))?;
        self.left -= rows;
        Ok(())
    }
}

fn values(source: &mut impl Read, count: usize, element: Element) -> Result<Data, RowsError> {
    Ok(match element {
        Element::F32 => Data::F32(collect(source, count, 4, |b| Ok(f32::from_le_bytes(fixed(b))))?),
        Element::F64 => Data::F64(collect(source, count, 8, |b| Ok(f64::from_le_bytes(fixed(b))))?),
        Element::I64 => Data::I64(collect(source, count, 8, |b| Ok(i64::from_le_bytes(fixed(b))))?),
        Element::I32 => Data::I64(collect(source, count, 4, |b| Ok(i32::from_le_bytes(fixed(b)).into()))?),
        Element::I16 => Data::I64(collect(source, count, 2, |b| Ok(i16::from_le_bytes(fixed(b)).into()))?),
        Element::I8 => Data::I64(collect(source, count, 1, |b| Ok(i8::from_le_bytes(fixed(b)).into()))?),
        Element::U8 => Data::I64(collect(source, count, 1, |b| Ok(u8::from_le_bytes(fixed(b)).into()))?),
        Element::Bool => Data::I64(collect(source, count, 1, |b| Ok(i64::from(fixed(b) != [0])))?),
        Element::Text(_) => Data::Text(collect(source, count, element.size(), text)?),
    })
}

fn collect<T>(
    source: &mut impl Read,
    count: usize,
    size: usize,
    value: impl Fn(&[u8]) -> Result<T, RowsError>,
) -> Result<Vec<T>, RowsError> {
    const CHUNK: usize = 1 << 16;
    let per_chunk = (CHUNK / size).max(1);
    let (mut values, mut bytes, mut left) = (Vec::new(), Vec::new(), count);
    while left > 0 {
        let now = left.min(per_chunk);
        bytes.resize(now * size, 0);
        source.read_exact(&mut bytes).map_err(|e| broken(&e))?;
        for element in bytes.chunks_exact(size) {
            values.push(value(element)?);
        }
        left -= now;
    }
    Ok(values)
}

/// The bytes of one element; callers cut pieces of just that size.
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}

/// UCS-4, filled up with zeros.
fn text(bytes: &[u8]) -> Result<String, RowsError> {
    let points: Vec<u32> = bytes.chunks_exact(4).map(|point| u32::from_le_bytes(fixed(point))).collect();
    let length = points.iter().rposition(|&point| point != 0).map_or(0, |last| last + 1);
    let text: Option<String> = points.into_iter().take(length).map(char::from_u32).collect();
    text.ok_or_else(|| RowsError::damaged("The text is not Unicode. Write the file anew."))
}

fn transposed(header: &Header, data: Data) -> Result<Data, RowsError> {
    let rows = match header.shape[..] {
        [] | [_] => return Ok(data),
        [rows, _] => rows,
        _ => {
            return Err(RowsError::array(
                "Expected values in C order, got Fortran order with more than two dimensions. Save \
                 `numpy.ascontiguousarray(…)` of the array.",
            ));
        }
    };
    if data.is_empty() {
        return Ok(data);
    }
    let columns = match data {
        Data::F32(v) => v.chunks(rows).map(|c| Data::F32(c.to_vec())).collect(),
        Data::F64(v) => v.chunks(rows).map(|c| Data::F64(c.to_vec())).collect(),
        Data::I64(v) => v.chunks(rows).map(|c| Data::I64(c.to_vec())).collect(),
        Data::Text(v) => v.chunks(rows).map(|c| Data::Text(c.to_vec())).collect(),
    };
    weave(columns).ok_or_else(truncated)
}

fn broken(error: &io::Error) -> RowsError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return truncated();
    }
    if error.raw_os_error().is_some() {
        return RowsError::unreadable(error);
    }
    RowsError::damaged(format!("The array cannot be unpacked: {error}. Copy or write the file anew."))
}

fn truncated() -> RowsError {
    RowsError::damaged("There are fewer bytes than the array's shape needs. Copy or write the file anew.")
}

fn too_large() -> RowsError {
    RowsError::damaged("The array declares more than 4 GiB. Split the rows into several files.")
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
