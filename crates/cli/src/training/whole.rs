//! Files that are there whole or not at all.

use std::io::Write as _;
use std::path::Path;

use privet_deploy::Error;

/// Writes a file under a name of its own, and gives it its name when it is complete.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".unfinished-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let written = builder.tempfile_in(folder).and_then(|mut file| {
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)
    });
    let cannot = |e| Error::usage("E144", format!("`{}` cannot be written: {e}.", path.display()));
    written.map(|_| ()).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(write(&folder.path().join("none/file"), b"").unwrap_err().code, "E144");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
