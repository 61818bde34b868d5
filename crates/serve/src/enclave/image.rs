//! The program that is run, in memory that nobody can write to any more: what was hashed is what runs.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use privet_deploy::{Blame, Error};
use privet_tee::statement::{Hex, sha256};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

/// A program that cannot be changed.
pub struct Image {
    file: File,
    digest: Hex<32>,
}

impl Image {
    /// Copies a program into memory, seals it, and hashes what is there.
    pub fn seal(program: &[u8]) -> Result<Self, Error> {
        Self::sealed(program).map_err(|e| {
            Error::new(
                Blame::Ours,
                "E370",
                format!("The enclave's program cannot be put into sealed memory: {e}. The kernel must have `memfd_create` with seals."),
            )
        })
    }

    fn sealed(program: &[u8]) -> std::io::Result<Self> {
        let mut file = File::from(executable_memory()?);
        file.write_all(program)?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let mut sealed = vec![0; program.len()];
        file.read_exact_at(&mut sealed, 0)?;
        Ok(Self { file, digest: Hex(sha256(&sealed)) })
    }

    /// SHA-256 of what is sealed.
    pub fn digest(&self) -> Hex<32> {
        self.digest
    }

    /// Where a child of this process finds it, up to its own start.
    pub fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }

    /// The sealed memory.
    pub fn file(&self) -> &File {
        &self.file
    }
}

fn executable_memory() -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create("privet-enclave", flags | MemfdFlags::EXEC) {
        // A kernel from before that flag, where all such memory may be run.
        Err(Errno::INVAL) => memfd_create("privet-enclave", flags),
        other => other,
    }
}
