//! What a work file needs of a file system. Tests break it at every step.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Steps, of which each may fail, or be the last one.
pub(super) trait Disk: Sync {
    /// Writes at the end, some or all of the bytes.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize>;
    /// What was written is on the disk.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Cuts the file off.
    fn cut(&self, file: &File, length: u64) -> io::Result<()>;
    /// A new file, instead of any that has this name.
    fn create(&self, path: &Path) -> io::Result<File>;
    /// Gives a file its name, instead of any that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names in the folder are on the disk.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// The machine's own.
pub(super) struct Machine;

impl Disk for Machine {
    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn cut(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        File::create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

/// A file as a place to write to.
pub(super) struct Written<'a, D> {
    pub(super) disk: &'a D,
    pub(super) file: File,
}

impl<D: Disk> Write for Written<'_, D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.write(&self.file, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
