//! What a party of a training keeps on its disk: a folder that only it may read. What lies there is its share of rows and weights, in the clear:
//! worthless alone, and all together with another party's.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use privet_deploy::train::store::Store;
use privet_deploy::{Blame, Error};
use zeroize::Zeroizing;

/// A folder of one training.
pub(super) struct Folder {
    path: PathBuf,
    /// Kept open, and no other process may open the folder meanwhile.
    _lock: File,
    /// Those that are read in pieces.
    open: Mutex<HashMap<String, Arc<File>>>,
}

impl Folder {
    /// Opens it, or makes it; nobody else has it then.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|e| cannot(path, &e))?;
        let at = path.join("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&at);
        let lock = lock.map_err(|e| cannot(&at, &e))?;
        lock.try_lock().map_err(|_| {
            let what = format!(
                "Another process has `{}` open. Each party of each training has a folder of its own.",
                path.display()
            );
            Error::usage("E144", what)
        })?;
        Ok(Self { path: path.to_owned(), _lock: lock, open: Mutex::default() })
    }

    fn file(&self, name: &str) -> Result<Arc<File>, Error> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(name) {
            return Ok(Arc::clone(file));
        }
        let path = self.path.join(name);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = Arc::new(file.map_err(|e| cannot(&path, &e))?);
        open.insert(name.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = self.path.join(format!("{name}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, self.path.join(name))?;
        File::open(&self.path)?.sync_all()
    }
}

impl Store for Folder {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.replace(name, bytes).map_err(|e| cannot(&self.path.join(name), &e))
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        match fs::read(self.path.join(name)) {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(cannot(&self.path.join(name), &e)),
        }
    }

    fn write_at(&self, name: &str, at: u64, bytes: &[u8]) -> Result<(), Error> {
        self.file(name)?.write_all_at(bytes, at).map_err(|e| cannot(&self.path.join(name), &e))
    }

    fn read_at(&self, name: &str, at: u64, bytes: &mut [u8]) -> Result<(), Error> {
        self.file(name)?.read_exact_at(bytes, at).map_err(|e| cannot(&self.path.join(name), &e))
    }

    fn keep(&self, name: &str) -> Result<(), Error> {
        self.file(name)?.sync_all().map_err(|e| cannot(&self.path.join(name), &e))
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        match fs::remove_file(self.path.join(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(cannot(&self.path.join(name), &e)),
            _ => Ok(()),
        }
    }
}

fn cannot(path: &Path, error: &io::Error) -> Error {
    let what = format!("`{}` cannot be written or read: {error}. The training needs it.", path.display());
    Error::new(Blame::Ours, "E144", what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_put_is_there_and_a_folder_has_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let store = Folder::open(&path).unwrap();
        assert_eq!(Folder::open(&path).err().unwrap().code, "E144");
        assert!(store.get("a").unwrap().is_none());
        store.put("a", b"one").unwrap();
        store.put("a", b"other").unwrap();
        assert_eq!(&**store.get("a").unwrap().unwrap(), b"other");
        store.write_at("rows", 8, b"xyz").unwrap();
        let mut got = [0; 2];
        store.read_at("rows", 9, &mut got).unwrap();
        assert_eq!(&got, b"yz");
        assert_eq!(store.read_at("rows", 10, &mut got).unwrap_err().code, "E144");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700, "nobody else may look");
        assert_eq!(["a", "rows", "lock"].map(|name| mode(&path.join(name))), [0o600; 3]);
        store.remove("rows").unwrap();
        assert!(store.read_at("rows", 9, &mut got).is_err());
        drop(store);
        assert!(Folder::open(&path).is_ok());
    }
}
