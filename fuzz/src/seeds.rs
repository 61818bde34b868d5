//! Files of this repository, to begin with.

use std::path::{Path, PathBuf};

/// Larger files would only slow a fuzzer down.
const LONGEST: u64 = 20 << 10;

/// A folder or file of the repository.
pub fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A file of the repository; nothing where there is none.
pub fn file(path: &str) -> Vec<u8> {
    std::fs::read(place(path)).unwrap_or_default()
}

/// The small files, none of them empty, under these folders whose names end so, in order of their names.
pub fn files(folders: &[&str], ending: &str) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for folder in folders {
        find(&place(folder), ending, &mut paths);
    }
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read(path).ok()).filter(|bytes| !bytes.is_empty()).collect()
}

fn find(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, ending, into);
        } else if path.to_string_lossy().ends_with(ending)
            && entry.metadata().is_ok_and(|m| (1..=LONGEST).contains(&m.len()))
        {
            into.push(path);
        }
    }
}
