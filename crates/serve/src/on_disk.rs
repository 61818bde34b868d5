//! Tapes of a dealer on disk, for pools that are larger than memory. Each is encrypted under a key that only this process has, and only in memory:
//! what a disk or a backup keeps is noise once the process has ended. What was changed on the disk is found by its digest.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use privet_deploy::dealer2::pool::{Bytes, Kept, Place};
use privet_deploy::{Blame, Error};
use privet_ring::prg::{Seed, Stream};
use zeroize::{Zeroize as _, Zeroizing};

use crate::entropy::OsEntropy;

/// The end of the names of files that this writes, and removes.
const END: &str = "tape";

/// The code of a disk that does not do as it should.
pub(crate) const NO_ROOM: &str = "E144";

/// A folder of tapes.
pub(crate) struct OnDisk {
    folder: PathBuf,
    next: AtomicU64,
}

/// One of them.
struct Lying {
    path: PathBuf,
    length: usize,
    digest: blake3::Hash,
    seed: Seed,
}

impl OnDisk {
    /// An empty one: tapes that another process left are removed, as nobody can read them.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|e| cannot(folder, &e))?;
        for entry in fs::read_dir(folder).map_err(|e| cannot(folder, &e))?.flatten() {
            if entry.path().extension().is_some_and(|end| end == END) {
                fs::remove_file(entry.path()).map_err(|e| cannot(&entry.path(), &e))?;
            }
        }
        Ok(Self { folder: folder.to_owned(), next: AtomicU64::new(0) })
    }
}

impl Place for OnDisk {
    fn keep(&self, mut tape: Bytes) -> Result<Box<dyn Kept>, Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{number}.{END}"));
        let no_entropy = |_| Error::new(Blame::Ours, "E901", "The operating system gave no randomness.");
        let seed = Seed::draw(&mut OsEntropy).map_err(no_entropy)?;
        let digest = blake3::hash(&tape);
        encrypt(&seed, &mut tape);
        let mut file = fs::OpenOptions::new();
        let written = file.write(true).create_new(true).mode(0o600).open(&path);
        let written = written.and_then(|mut file| io::Write::write_all(&mut file, &tape));
        // From here on dropping it removes the file, also where writing failed.
        let lying = Lying { length: tape.len(), path, digest, seed };
        written.map_err(|e| cannot(&lying.path, &e))?;
        Ok(Box::new(lying))
    }
}

impl Kept for Lying {
    fn length(&self) -> usize {
        self.length
    }

    fn take(self: Box<Self>) -> Result<Bytes, Error> {
        let mut tape = Zeroizing::new(fs::read(&self.path).map_err(|e| cannot(&self.path, &e))?);
        encrypt(&self.seed, &mut tape);
        if blake3::hash(&tape) != self.digest {
            let what = format!("`{}` is not what was written there. It was not used.", self.path.display());
            return Err(Error::integrity("E513", what));
        }
        Ok(tape)
    }
}

impl Drop for Lying {
    fn drop(&mut self) {
        // What cannot be removed is noise.
        let _ = fs::remove_file(&self.path);
    }
}

/// Exclusive or with what the seed expands to: twice is nothing.
fn encrypt(seed: &Seed, bytes: &mut [u8]) {
    let mut stream = Stream::of_chunk(seed, 0);
    let mut words = [0; 512];
    for chunk in bytes.chunks_mut(8 * words.len()) {
        stream.fill(&mut words);
        for (bytes, word) in chunk.chunks_mut(8).zip(&words) {
            bytes.iter_mut().zip(word.to_le_bytes()).for_each(|(byte, key)| *byte ^= key);
        }
    }
    words.zeroize();
}

fn cannot(path: &Path, error: &io::Error) -> Error {
    let what = format!("`{}` cannot be written or read: {error}. The pool needs it.", path.display());
    Error::new(Blame::Ours, NO_ROOM, what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn files(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn a_tape_comes_back_as_it_was_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let place = OnDisk::open(home.path()).unwrap();
        let tapes: Vec<Vec<u8>> = [0, 1, 7, 4096, 10_001]
            .map(|n| (0..n).map(|i: usize| u8::try_from(i % 251).unwrap()).collect())
            .into();
        let kept: Vec<_> =
            tapes.iter().map(|tape| place.keep(Zeroizing::new(tape.clone())).unwrap()).collect();
        assert_eq!(files(home.path()).len(), tapes.len());
        for (kept, tape) in kept.into_iter().zip(&tapes) {
            assert_eq!(kept.length(), tape.len());
            assert_eq!(*kept.take().unwrap(), *tape);
        }
        drop(place.keep(Zeroizing::new(vec![1, 2, 3])).unwrap());
        assert!(files(home.path()).is_empty());
    }

    #[test]
    fn the_disk_has_noise_and_what_was_changed_is_found() {
        let home = tempfile::tempdir().unwrap();
        let place = OnDisk::open(home.path()).unwrap();
        let kept = place.keep(Zeroizing::new(vec![0; 4096])).unwrap();
        let path = files(home.path()).remove(0);
        let mut lying = fs::read(&path).unwrap();
        let ones: u32 = lying.iter().map(|byte| byte.count_ones()).sum();
        assert!(ones.abs_diff(4096 * 4) < 700, "{ones} of {} bits", 4096 * 8);
        lying[77] ^= 1;
        fs::write(&path, &lying).unwrap();
        assert_eq!(kept.take().unwrap_err().code, "E513");
    }

    #[test]
    fn what_another_process_left_is_removed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("3.tape"), "left").unwrap();
        fs::write(home.path().join("notes.txt"), "mine").unwrap();
        OnDisk::open(home.path()).unwrap();
        assert_eq!(files(home.path()), [home.path().join("notes.txt")]);
    }
}
