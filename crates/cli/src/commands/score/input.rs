//! The file of rows: known again by its digest, read ahead of the questions.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use indicatif::ProgressBar;
use privet_model::graph::Port;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::output;
use crate::rows::{Chunk, RowsError, Stream};

/// Bytes of rows that a question may have: wide rows make smaller questions.
const CHUNK_BYTES: usize = 32 << 20;

/// A file of rows as it was when it was looked through.
pub(super) struct Input {
    path: String,
    /// Of all its bytes.
    pub(super) digest: String,
    /// How many rows it has.
    pub(super) rows: usize,
    state: Option<(u64, SystemTime)>,
}

impl Input {
    /// Reads the whole file once, for its digest and the number of its rows.
    pub(super) fn look_through(path: &str, stream: &Stream) -> Result<Self, RowsError> {
        let within = |e: &io::Error| RowsError::unreadable(e).within(path);
        let file = File::open(path).map_err(|e| within(&e))?;
        let state = state(&file);
        let bar = output::progress(state.map_or(0, |(length, _)| length), "bytes looked through");
        let hasher = Arc::new(Mutex::new(blake3::Hasher::new()));
        let once = Hashed { file: file.try_clone().map_err(|e| within(&e))?, hasher, bar };
        let rows = stream.count(once.clone().map_err(|e| within(&e))?)?;
        let mut rest = BufReader::with_capacity(1 << 18, once);
        io::copy(&mut rest, &mut io::sink()).map_err(|e| within(&e))?;
        let all = rest.into_inner();
        let digest = all.hasher.lock().unwrap_or_else(PoisonError::into_inner).finalize().to_hex();
        all.bar.finish_and_clear();
        Ok(Self { path: path.to_owned(), digest: digest.to_string(), rows, state })
    }

    /// Refuses a file that was written to since.
    pub(super) fn refuse_changed(&self) -> Result<(), RowsError> {
        let now = File::open(&self.path).ok().and_then(|file| state(&file));
        if now == self.state {
            return Ok(());
        }
        let what = "The file has changed while its rows were asked about. Leave it as it is, and run again with `--restart`.";
        Err(RowsError::damaged(what).within(&self.path))
    }
}

/// Length, and time of the last change.
fn state(file: &File) -> Option<(u64, SystemTime)> {
    let meta = file.metadata().ok()?;
    Some((meta.len(), meta.modified().ok()?))
}

/// All that is read goes into one digest; clones share place, digest and progress.
struct Hashed {
    file: File,
    hasher: Arc<Mutex<blake3::Hasher>>,
    bar: ProgressBar,
}

impl Hashed {
    fn clone(&self) -> io::Result<Self> {
        let file = self.file.try_clone()?;
        Ok(Self { file, hasher: Arc::clone(&self.hasher), bar: self.bar.clone() })
    }
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read(buffer)?;
        self.hasher.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..got]);
        self.bar.inc(got as u64);
        Ok(got)
    }
}

/// The most rows of a question.
pub(super) fn chunk_rows(wanted: usize, inputs: &[Port]) -> usize {
    let values: usize = inputs.iter().map(|port| port.width).sum();
    wanted.min(CHUNK_BYTES / (8 * values.max(1))).max(1)
}

/// Rows and the first one's place in the file.
pub(super) type Ahead = Result<(usize, Chunk), Failure>;

/// Reads these rows, so many at a time and one time ahead, on a thread of its own.
pub(super) fn read_ahead(mut stream: Stream, rows: Range<usize>, at_a_time: usize) -> mpsc::Receiver<Ahead> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut at = rows.start;
        let mut skipped = Some(rows.start);
        while at < rows.end {
            let read = skipped.take().map_or(Ok(()), |rows| stream.skip(rows));
            let read = read.and_then(|()| stream.next(at_a_time.min(rows.end - at)));
            let read = read.and_then(|chunk| if chunk.rows == 0 { Err(too_few()) } else { Ok(chunk) });
            let (first, ends) = (at, read.is_err());
            at += read.as_ref().map_or(0, |chunk| chunk.rows);
            let sent = sender.blocking_send(read.map(|chunk| (first, chunk)).map_err(Failure::from));
            if sent.is_err() || ends {
                return;
            }
        }
    });
    receiver
}

fn too_few() -> RowsError {
    RowsError::damaged(
        "The file of rows has become shorter. Leave it as it is, and run again with `--restart`.",
    )
}
