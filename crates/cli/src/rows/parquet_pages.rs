//! What stands between a Parquet file and its reader: lengths that a file merely declares do not get through.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// Refuses pieces that reach beyond the end of the file before they are allocated.
pub(super) struct Bounded<R>(pub(super) Arc<R>);

/// Also refuses pages that declare to unpack to more than their bytes can hold, before they are allocated.
/// Only for reading pages front to back: every read but that of a page's bytes begins at a page's header.
pub(super) struct Pages<R> {
    file: Bounded<R>,
    ratio: u64,
}

impl<R> Pages<R> {
    /// The pages of a column with this compression.
    pub(super) fn new(file: Bounded<R>, compression: Compression) -> Self {
        Self { file, ratio: highest_ratio(compression) }
    }
}

impl<R: ChunkReader> Length for Bounded<R> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl<R: ChunkReader> ChunkReader for Bounded<R> {
    type T = R::T;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        if start > self.0.len() { Err(beyond()) } else { self.0.get_read(start) }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match start.checked_add(length as u64) {
            Some(end) if end <= self.0.len() => self.0.get_bytes(start, length),
            _ => Err(beyond()),
        }
    }
}

impl<R: ChunkReader> Length for Pages<R> {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl<R: ChunkReader> ChunkReader for Pages<R> {
    type T = R::T;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut header = Vec::new();
        self.file.get_read(start)?.take(16).read_to_end(&mut header)?;
        match sizes(&header) {
            Some((unpacked, packed)) if is_plausible(unpacked, packed, self.ratio) => {
                self.file.get_read(start)
            }
            Some(_) => Err(ParquetError::General("a page declares more than its bytes can hold".into())),
            None => Err(ParquetError::General("a page has no readable header".into())),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.file.get_bytes(start, length)
    }
}

/// How many bytes one byte can become at most, rounded up.
fn highest_ratio(compression: Compression) -> u64 {
    match compression {
        Compression::UNCOMPRESSED => 1,
        Compression::SNAPPY => 24,    // a copy of 64 bytes takes 3
        Compression::GZIP(_) => 1040, // a copy of 258 bytes takes 2 bits
        _ => 1 << 15,                 // Zstandard: a run of 128 KiB takes 4 bytes
    }
}

/// A page may be a little larger than the ratio says, for its frame is not compressed.
fn is_plausible(unpacked: u64, packed: u64, ratio: u64) -> bool {
    unpacked <= 4096 + packed * ratio
}

/// The unpacked and the packed size, the second and third field of every page header: Thrift's compact form
/// writes each as one byte `0x15` (next field, 32-bit integer) and a zigzag number.
fn sizes(header: &[u8]) -> Option<(u64, u64)> {
    let (_kind, rest) = field(header)?;
    let (unpacked, rest) = field(rest)?;
    let (packed, _) = field(rest)?;
    Some((unpacked, packed))
}

fn field(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut rest = bytes.strip_prefix(&[0x15])?;
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let (&byte, behind) = rest.split_first()?;
        rest = behind;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            let negative = number & 1 == 1;
            return (!negative).then_some((number >> 1, rest));
        }
    }
    None
}

fn beyond() -> ParquetError {
    ParquetError::EOF("a part lies beyond the end of the file".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::basic::GzipLevel;

    #[test]
    fn sizes_of_a_page_header() {
        // Kind 0, 300 bytes unpacked, 1 byte packed.
        assert_eq!(sizes(&[0x15, 0, 0x15, 0xd8, 0x04, 0x15, 2, 0x2c]), Some((300, 1)));
        assert_eq!(sizes(&[0x15, 0, 0x15, 0xd7, 0x04, 0x15, 2]), None, "a negative size");
        assert_eq!(
            sizes(&[0x15, 0, 0x15, 0x80, 0x80, 0x80, 0x80, 0x80, 0x15, 2]),
            None,
            "a number without end"
        );
        assert_eq!(sizes(&[0x15, 0, 0x15]), None);
    }

    #[test]
    fn what_unpacks_to_too_much_is_not_plausible() {
        let gzip = highest_ratio(Compression::GZIP(GzipLevel::default()));
        assert!(is_plausible(1_032_000, 1000, gzip));
        assert!(!is_plausible(1_100_000, 1000, gzip));
        assert!(!is_plausible(1_032_000, 1000, highest_ratio(Compression::SNAPPY)));
    }

    #[test]
    fn nothing_beyond_the_end_is_read() {
        let file = Bounded(Arc::new(Bytes::from_static(b"0123")));
        assert!(file.get_bytes(1, 3).is_ok());
        assert!(file.get_bytes(1, 4).is_err() && file.get_bytes(u64::MAX, 4).is_err());
        assert!(file.get_read(5).is_err());
    }
}
