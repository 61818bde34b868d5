//! The work file: answers so far, in the order of the rows, beside the file that they will make.
//!
//! Its first lines say what the answers belong to; then come records, each with a digest, which are only ever put at the end, and
//! are on the disk before anything is said of them. Whenever a process is ended, all whole records are answers of the first rows,
//! and what stands behind them is cut off by the next. The answers' file gets its name when all of it is on the disk.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use privet_deploy::{Blame, Error};

use super::disk::{Disk, Written};
use super::pins::Pins;
use super::record::{Done, HEAD, Records, record};
use crate::failure::Failure;
use crate::rows::{Appender, Format, RowsError, Series, packed, unpacked};

/// What every work file begins with.
const MAGIC: &[u8] = b"privet score, answers so far, 1\n";
/// A work file that this process alone writes.
pub(super) struct Work<D> {
    disk: D,
    file: File,
    target: PathBuf,
    /// Bytes before the first record.
    start: u64,
    pub(super) done: Done,
}

impl<D: Disk> Work<D> {
    /// Goes on with the work file of this target, or begins it.
    pub(super) fn open(target: &Path, pins: &Pins, restart: bool, disk: D) -> Result<Self, Error> {
        let path = part(target);
        let file = locked(&path)?;
        let mut work = Self { disk, file, target: target.to_owned(), start: 0, done: Done::default() };
        let begun = work.begun().map_err(|e| unreadable(&path, &e))?;
        match begun {
            Begun::With(begun) if !restart => {
                pins.refuse_other(&begun, &path.display().to_string())?;
                work.resume().map_err(|e| cannot(&path, &e))?;
            }
            Begun::Other => return Err(foreign(&path)),
            Begun::Not | Begun::With(_) => work.begin(pins).map_err(|e| cannot(&path, &e))?,
        }
        Ok(work)
    }

    /// Puts answers of the next rows at the end. When this returns they are on the disk.
    pub(super) fn append(&mut self, rows: &[Series], refused: usize) -> Result<(), Failure> {
        let count = rows.first().map_or(0, Series::rows);
        let record = record(&packed(rows)?, count, refused).ok_or_else(too_long)?;
        let written = self.put(&record).and_then(|()| self.disk.sync(&self.file));
        written.map_err(|e| cannot(&part(&self.target), &e))?;
        self.done.rows += count;
        self.done.refused += refused;
        Ok(())
    }

    /// Makes the answers' file of all records, and removes the work file.
    pub(super) fn finish(&mut self, format: Format, columns: &[Series]) -> Result<(), Failure> {
        let (new, path) = (beside(&self.target, ".part.new"), part(&self.target));
        let file = self.disk.create(&new).map_err(|e| cannot(&new, &e))?;
        let file = self.merged(format, columns, file)?;
        let folder = folder(&self.target);
        let named = self
            .disk
            .sync(&file)
            .and_then(|()| self.disk.rename(&new, &self.target))
            .and_then(|()| self.disk.sync_folder(folder));
        named.map_err(|e| cannot(&self.target, &e))?;
        match self.disk.remove(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(cannot(&path, &e).into()),
            _ => Ok(()),
        }
    }

    fn merged(&self, format: Format, columns: &[Series], file: File) -> Result<File, Failure> {
        let path = part(&self.target);
        let mut appender = Appender::new(format, Written { disk: &self.disk, file }, columns)?;
        let mut records = self.records().map_err(|e| unreadable(&path, &e))?;
        let mut rows = 0;
        while let Some(record) = records.next().map_err(|e| unreadable(&path, &e))? {
            rows += record.done.rows;
            let mut part = unpacked(record.packed)?;
            part.truncate(columns.len());
            appender.add(part)?;
        }
        if rows != self.done.rows {
            return Err(unreadable(&path, &io::ErrorKind::UnexpectedEof.into()).into());
        }
        Ok(appender.finish()?.file)
    }

    /// What the file was begun with.
    fn begun(&mut self) -> io::Result<Begun> {
        let length = self.file.metadata()?.len();
        let mut start = Vec::new();
        (&self.file).take(MAGIC.len() as u64 + 4).read_to_end(&mut start)?;
        let torn = start.iter().all(|&byte| byte == 0) || MAGIC.starts_with(&start);
        let Some(size) =
            start.strip_prefix(MAGIC).and_then(|rest| rest.try_into().ok()).map(u32::from_le_bytes)
        else {
            let ours = torn || start.starts_with(MAGIC);
            return Ok(if ours { Begun::Not } else { Begun::Other });
        };
        self.start = start.len() as u64 + u64::from(size) + 32;
        if self.start > length {
            return Ok(Begun::Not);
        }
        let (mut pins, mut digest) = (vec![0; size as usize], [0; 32]);
        (&self.file).read_exact(&mut pins)?;
        (&self.file).read_exact(&mut digest)?;
        let whole = *blake3::hash(&pins).as_bytes() == digest;
        let pins = whole.then(|| serde_json::from_slice(&pins).ok()).flatten();
        Ok(pins.map_or(Begun::Not, Begun::With))
    }

    fn begin(&mut self, pins: &Pins) -> io::Result<()> {
        self.disk.cut(&self.file, 0)?;
        (&self.file).seek(SeekFrom::Start(0))?;
        let pins = serde_json::to_vec(pins)?;
        let size = u32::try_from(pins.len()).map_err(io::Error::other)?;
        let head = [MAGIC, &size.to_le_bytes(), &pins, blake3::hash(&pins).as_bytes()].concat();
        self.put(&head)?;
        self.disk.sync(&self.file)?;
        self.disk.sync_folder(folder(&self.target))?;
        self.start = head.len() as u64;
        Ok(())
    }

    /// Counts whole records, and cuts off what stands behind them.
    fn resume(&mut self) -> io::Result<()> {
        let (mut records, mut end) = (self.records()?, self.start);
        while let Some(record) = records.next()? {
            self.done.rows += record.done.rows;
            self.done.refused += record.done.refused;
            end += (HEAD + record.packed.len()) as u64;
        }
        if self.file.metadata()?.len() > end {
            self.disk.cut(&self.file, end)?;
            self.disk.sync(&self.file)?;
        }
        (&self.file).seek(SeekFrom::Start(end)).map(|_| ())
    }

    fn records(&self) -> io::Result<Records> {
        let mut file = File::open(part(&self.target))?;
        let left = file.metadata()?.len().saturating_sub(self.start);
        file.seek(SeekFrom::Start(self.start))?;
        Ok(Records::new(BufReader::new(file), left))
    }

    fn put(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.disk.write(&self.file, bytes)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => bytes = &bytes[written..],
            }
        }
        Ok(())
    }
}

enum Begun {
    /// By nobody, or only just.
    Not,
    /// With these.
    With(Pins),
    /// By something else than this program.
    Other,
}

/// The work file of this target.
pub(super) fn part(target: &Path) -> PathBuf {
    beside(target, ".part")
}

fn beside(target: &Path, suffix: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn folder(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The work file, for this process alone.
fn locked(path: &Path) -> Result<File, Error> {
    loop {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|e| cannot(path, &e))?;
        // Where there are no locks two processes at once go unnoticed; that is no reason to have none.
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            let what =
                format!("`{}` is being written by another `privet score`. Wait for it.", path.display());
            return Err(Error::usage("E118", what));
        }
        // Whoever had it before may have been done with it, and removed it.
        let of = |meta: io::Result<std::fs::Metadata>| meta.map(|meta| (meta.dev(), meta.ino())).ok();
        if of(file.metadata()) == of(path.metadata()) {
            return Ok(file);
        }
    }
}

fn foreign(path: &Path) -> Error {
    let path = path.display();
    Error::usage(
        "E119",
        format!("`{path}` is no work file of `privet score`. Move it away, or choose another `--out`."),
    )
}

fn too_long() -> Error {
    Error::usage("E106", "The answers of one question take over 4 GiB. Choose fewer `--chunk-rows`.")
}

fn unreadable(path: &Path, cause: &io::Error) -> Error {
    let what = format!("`{}` cannot be read: {cause}. Begin anew with `--restart`.", path.display());
    Error::new(Blame::Usage, "E119", what)
}

fn cannot(path: &Path, cause: &io::Error) -> Error {
    let error = RowsError::unwritable(cause).within(&path.display().to_string());
    Error::usage(error.code(), error.message())
}

#[cfg(test)]
#[path = "work_tests.rs"]
mod tests;
