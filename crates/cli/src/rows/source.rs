//! Where rows come from: a file, or standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};

use flate2::read::MultiGzDecoder;

use super::error::RowsError;
use super::format::Format;

/// What no compressed file may expand beyond. Rows that are larger belong into several files.
/// A fuzzer tries many small files, and looks at the memory that each takes.
#[allow(unexpected_cfgs)]
pub(super) const LARGEST: u64 = if cfg!(fuzzing) { 8 << 20 } else { 4 << 30 };

/// An open source of rows.
pub(super) struct Source {
    /// Its format.
    pub(super) format: Format,
    /// What messages call it.
    pub(super) name: String,
    body: Body,
}

enum Body {
    File(File),
    Stream(Box<dyn Read>),
}

/// What zip archives need.
pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A whole Parquet file, on disk or in memory.
pub(super) enum Whole {
    /// Read where needed.
    File(File),
    /// From standard input.
    Memory(bytes::Bytes),
}

impl Source {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &str) -> Result<Self, RowsError> {
        if path == "-" {
            return Self::stream(Box::new(io::stdin().lock()));
        }
        let format = Format::of_path(path)?;
        let file = File::open(path).map_err(|e| RowsError::unreadable(&e).within(path))?;
        Ok(Self { format, name: path.to_owned(), body: Body::File(file) })
    }

    /// Tells the format of a stream by its first bytes.
    pub(super) fn stream(mut stream: Box<dyn Read>) -> Result<Self, RowsError> {
        let name = "standard input";
        let mut start = Vec::new();
        stream
            .by_ref()
            .take(64)
            .read_to_end(&mut start)
            .map_err(|e| RowsError::unreadable(&e).within(name))?;
        let format = Format::sniff(&start);
        let body = Body::Stream(Box::new(Cursor::new(start).chain(stream)));
        Ok(Self { format, name: name.to_owned(), body })
    }

    /// As text, unpacked if need be.
    pub(super) fn text(self) -> Box<dyn BufRead> {
        let packed = self.format == Format::CsvGz;
        let bytes = self.bytes().0;
        if packed { Box::new(BufReader::new(Bounded::new(MultiGzDecoder::new(bytes)))) } else { bytes }
    }

    /// As bytes, and how many there are if that is known.
    pub(super) fn bytes(self) -> (Box<dyn BufRead>, Option<u64>) {
        match self.body {
            Body::File(file) => {
                let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|meta| meta.len());
                (Box::new(BufReader::new(file)), length)
            }
            Body::Stream(stream) => (Box::new(BufReader::new(stream)), None),
        }
    }

    /// For formats that are not read from front to back.
    pub(super) fn whole(self) -> Result<Whole, RowsError> {
        match self.body {
            Body::File(file) => Ok(Whole::File(file)),
            Body::Stream(mut stream) => {
                let mut bytes = Vec::new();
                stream.read_to_end(&mut bytes).map_err(|e| RowsError::unreadable(&e))?;
                Ok(Whole::Memory(bytes.into()))
            }
        }
    }

    /// The same as one type.
    pub(super) fn seekable(self) -> Result<Box<dyn ReadSeek>, RowsError> {
        Ok(match self.whole()? {
            Whole::File(file) => Box::new(BufReader::new(file)),
            Whole::Memory(bytes) => Box::new(Cursor::new(bytes)),
        })
    }
}

/// A reader that fails, and does not merely end, when more than [`LARGEST`] comes out of it.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    fn new(inner: R) -> Self {
        Self { inner, left: LARGEST }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.left =
            self.left.checked_sub(got as u64).ok_or_else(|| io::Error::other("it unpacks to over 4 GiB"))?;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_stream_loses_no_byte_to_sniffing() {
        let text = "1,2,3;".repeat(50);
        let source = Source::stream(Box::new(Cursor::new(text.clone()))).unwrap();
        assert_eq!(source.format, Format::Csv);
        assert_eq!(io::read_to_string(source.text()).unwrap(), text);
    }

    #[test]
    fn what_unpacks_to_too_much_is_an_error_and_not_an_end() {
        let mut bounded = Bounded { inner: io::repeat(0), left: 100 };
        assert!(bounded.read(&mut [0; 60]).is_ok());
        assert!(bounded.read(&mut [0; 60]).is_err());
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Source::open("no-such-file.csv").err().unwrap();
        assert!(error.code == "E110" && error.message.contains("`no-such-file.csv`"));
    }
}
