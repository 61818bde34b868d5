//! One record of a work file: answers of consecutive rows, with a digest.

use std::fs::File;
use std::io::{self, BufReader, Read as _};

/// A record's head: length, rows, refused rows, and the digest of these with what follows.
pub(super) const HEAD: usize = 12 + 32;

/// How far the work has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Rows whose answers are kept.
    pub(super) rows: usize,
    /// Those of them that were refused.
    pub(super) refused: usize,
}

/// Answers of some rows.
pub(super) struct Record {
    pub(super) done: Done,
    pub(super) packed: Vec<u8>,
}

/// The bytes of a record; none if it takes 4 GiB.
pub(super) fn record(packed: &[u8], rows: usize, refused: usize) -> Option<Vec<u8>> {
    let mut record = Vec::with_capacity(HEAD + packed.len());
    for number in [packed.len(), rows, refused] {
        record.extend(u32::try_from(number).ok()?.to_le_bytes());
    }
    let digest = digest(&record, packed);
    record.extend(digest);
    record.extend(packed);
    Some(record)
}

fn digest(numbers: &[u8], packed: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(numbers).update(packed).finalize().as_bytes()
}

/// Whole records, one after the other.
pub(super) struct Records {
    file: BufReader<File>,
    left: u64,
}

impl Records {
    /// Those that stand in the next so many bytes.
    pub(super) fn new(file: BufReader<File>, left: u64) -> Self {
        Self { file, left }
    }

    /// The next one, unless the file ends or what comes was not written as a whole.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        let Some(left) = self.left.checked_sub(HEAD as u64) else { return Ok(None) };
        let mut head = [0; HEAD];
        self.file.read_exact(&mut head)?;
        let (numbers, expected) = head.split_at(12);
        let number =
            |at: usize| numbers[at..at + 4].iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte));
        let Some(left) = left.checked_sub(number(0) as u64) else { return Ok(None) };
        let mut packed = vec![0; number(0)];
        self.file.read_exact(&mut packed)?;
        self.left = left;
        let whole = digest(numbers, &packed) == *expected;
        let done = Done { rows: number(4), refused: number(8) };
        Ok(whole.then_some(Record { done, packed }))
    }
}
