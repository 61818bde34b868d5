//! The audit log: who asked which model about how many rows, when, and what became of it. One JSON object a line, without any value of a
//! row or an answer. A request that cannot be written down is not answered.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use privet_deploy::{Blame, Error};
use serde::Serialize;

/// The file, open for as long as the configuration that names it is in force.
pub struct Audit {
    path: PathBuf,
    log: Mutex<Log>,
}

struct Log {
    file: File,
    /// The last line may be there in part.
    torn: bool,
}

/// One line.
#[derive(Serialize)]
pub struct Entry<'a> {
    /// Who asked, as the configuration calls it.
    pub client: &'a str,
    /// Which model.
    pub model: &'a str,
    /// Which version of it.
    pub version: &'a str,
    /// About how many rows, as far as the server can see.
    pub rows: usize,
    /// `answered`, or the code of the refusal.
    pub outcome: &'a str,
    /// The trace that the request is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<&'a str>,
}

#[derive(Serialize)]
struct Line<'a> {
    /// Seconds since 1970.
    time: f64,
    #[serde(flatten)]
    entry: &'a Entry<'a>,
    seconds: f64,
}

impl Audit {
    /// Appends to this file, which is made where it is missing.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let file = opened.map_err(|e| {
            Error::usage("E144", format!("The audit log `{}` cannot be written: {e}.", path.display()))
        })?;
        Ok(Self { path: path.to_owned(), log: Mutex::new(Log { file, torn: false }) })
    }

    /// Writes a line, in one piece.
    pub fn write(&self, entry: &Entry<'_>, took: Duration) -> Result<(), Error> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let line = Line { time, entry, seconds: took.as_secs_f64() };
        let written = serde_json::to_string(&line).map_err(std::io::Error::from).and_then(|text| {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            let start = if log.torn { "\n" } else { "" };
            let written = log.file.write_all(format!("{start}{text}\n").as_bytes());
            log.torn = written.is_err();
            written
        });
        written.map_err(|error| {
            tracing::error!(path = %self.path.display(), %error, "the audit log cannot be written");
            let what = "This server writes down what it answers, and cannot at the moment, so it does not answer. Its operator's log says why.";
            Error::new(Blame::Unreachable, "E329", what)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ENTRY: Entry<'_> =
        Entry { client: "clinic", model: "credit", version: "2", rows: 17, outcome: "answered", trace: None };

    #[test]
    fn lines_are_added_and_the_file_is_its_owner_s() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        Audit::open(&path).unwrap().write(&ENTRY, Duration::from_millis(5)).unwrap();
        Audit::open(&path).unwrap().write(&ENTRY, Duration::from_millis(5)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1]["client"] == "clinic" && lines[1]["rows"] == 17 && lines[1]["seconds"] == 0.005);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let full = Path::new("/dev/full");
        if full.exists() {
            let error = Audit::open(full).unwrap().write(&ENTRY, Duration::ZERO).unwrap_err();
            assert_eq!(error.code, "E329");
        }
    }
}
