//! Files that outlive a loss of power.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use privet_deploy::Error;

use super::cannot;
use crate::config::read_text;

/// A file of lines that only grows. A line is there when `append` returns, or not at all.
pub(super) struct Lines {
    file: File,
    length: u64,
    /// What an append that failed left could not be taken back.
    broken: bool,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let opened = || {
            let file = OpenOptions::new().append(true).create(true).open(path)?;
            sync_folder(path)?;
            Ok(Self { length: file.metadata()?.len(), file, broken: false })
        };
        opened().map_err(|e: io::Error| cannot(path, &e))
    }

    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier line could not be written whole; restart the service"));
        }
        let line = format!("{line}\n");
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.length += line.len() as u64,
            Err(_) => {
                self.broken = self.file.set_len(self.length).and_then(|()| self.file.sync_all()).is_err();
            }
        }
        written
    }
}

/// The file's lines, if it is there. A last line that a loss of power cut short is removed: what it would have allowed was never
/// given out.
pub(super) fn whole_lines(path: &Path) -> Result<String, Error> {
    if !path.exists() {
        return Ok(String::new());
    }
    let text = read_text(path)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    if whole.len() < text.len() {
        replace(path, whole.as_bytes()).map_err(|e| cannot(path, &e))?;
    }
    Ok(whole.to_owned())
}

/// A new file in the old one's place, whole or not at all.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(new, path)?;
    sync_folder(path)
}

/// A file's name is in its folder, which has to reach the disk too.
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_not_written_whole_is_taken_back_or_nothing_is_written_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut lines = Lines::open(&path).unwrap();
        lines.append("one").unwrap();
        // The kernel takes no more bytes: `/dev/full` in the file's place.
        let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let good = std::mem::replace(&mut lines.file, full);
        assert!(lines.append("two").is_err());
        // It cannot be cut there either, so that nothing is known about it.
        assert!(lines.broken);
        lines.file = good;
        assert!(lines.append("three").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
    }

    #[test]
    fn a_line_that_was_cut_short_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        std::fs::write(&path, "one\ntwo\nthr").unwrap();
        assert_eq!(whole_lines(&path).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        std::fs::write(&path, "o").unwrap();
        assert_eq!(whole_lines(&path).unwrap(), "");
        assert_eq!(whole_lines(&folder.path().join("none")).unwrap(), "");
    }
}
