//! The folder of a running deployment: only what it wrote is ever replaced or removed.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use privet_deploy::Error;
use privet_deploy::kind::Kind;
use privet_mpc::role::Role;

use super::cannot_write;
use crate::key_service::STATE;
use crate::keys::write_new;

/// Lies in the folder as long as files of an `up` do, and lists them: one that was killed left it behind, and so the next
/// one knows what it may replace. Locked by the process that uses the folder.
const MARKER: &str = ".privet-up";

/// A folder, and what was written into it.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    written: Vec<PathBuf>,
    /// Folders that were not there before, leaf first.
    made: Vec<PathBuf>,
    marker: Option<File>,
}

impl Folder {
    /// The folder `wanted`, or a new temporary one, for the files of this kind.
    pub(super) fn make(wanted: Option<&Path>, kind: Kind) -> Result<Self, Error> {
        let cannot = |path: &Path, e: &io::Error| cannot_write(&path.display().to_string(), e);
        let (path, made) = if let Some(path) = wanted {
            (path.to_owned(), missing(path))
        } else {
            let made = tempfile::Builder::new().prefix("privet-").tempdir();
            let path = made.map_err(|e| cannot(Path::new("a temporary folder"), &e))?.keep();
            (path.clone(), vec![path])
        };
        let mut folder = Self { path, written: Vec::new(), made, marker: None };
        std::fs::create_dir_all(&folder.path).map_err(|e| cannot(&folder.path, &e))?;
        folder.claim(&names(kind))?;
        Ok(folder)
    }

    /// Writes a file that everyone may read.
    pub(super) fn write(&mut self, name: &str, text: &str) -> Result<PathBuf, Error> {
        self.write_bytes(name, text.as_bytes())
    }

    /// The same, for what is no text.
    pub(super) fn write_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        std::fs::write(&path, bytes).map_err(|e| cannot_write(name, &e))?;
        self.written.push(path.clone());
        Ok(path)
    }

    /// Writes a file that only its owner may read.
    pub(super) fn write_secret(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        // What lies there is of an earlier run that was killed, or the folder would have been refused.
        let _ = std::fs::remove_file(&path);
        write_new(&path, text)?;
        self.written.push(path);
        Ok(())
    }

    /// Takes over files that a role writes into this folder by itself.
    pub(super) fn roles_write(&mut self, names: &[&str]) {
        self.written.extend(names.iter().map(|name| self.path.join(name)));
    }

    /// Removes what was written, and the folders that were made if nothing else lies in them. The marker goes last, so
    /// that a removal that was cut short can be taken up by the next run.
    pub(super) fn remove(&mut self) {
        for path in self.written.drain(..) {
            let _ = std::fs::remove_file(path);
        }
        if self.marker.take().is_some() {
            let _ = std::fs::remove_file(self.path.join(MARKER));
        }
        for path in self.made.drain(..) {
            let _ = std::fs::remove_dir(path);
        }
    }

    /// Refuses a folder in which a file of these names is somebody else's; otherwise marks it.
    fn claim(&mut self, names: &[String]) -> Result<(), Error> {
        let mut ours = self.earlier()?;
        let there = |name: &&String| self.path.join(name).symlink_metadata().is_ok();
        if let Some(name) = names.iter().filter(|name| !ours.contains(name)).find(there) {
            return Err(self.taken(name, "lies there already, and no earlier `privet up` left it"));
        }
        self.written.extend(ours.iter().map(|name| self.path.join(name)));
        ours.extend_from_slice(names);
        let marked = File::create(self.path.join(MARKER)).and_then(|mut marker| {
            // Where there are no locks two runs at once go unnoticed; that is no reason to run none.
            let _ = marker.try_lock();
            marker.write_all(ours.join("\n").as_bytes())?;
            Ok(marker)
        });
        self.marker = Some(marked.map_err(|e| cannot_write(MARKER, &e))?);
        Ok(())
    }

    /// What a run that was killed left here: names in its marker that are such names, so that no marker can make this
    /// program remove anything else.
    fn earlier(&self) -> Result<Vec<String>, Error> {
        let Ok(marker) = File::open(self.path.join(MARKER)) else { return Ok(Vec::new()) };
        if matches!(marker.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(self.taken(MARKER, "says that another `privet up` is running there"));
        }
        let listed = io::read_to_string(marker).unwrap_or_default();
        let known = Kind::ALL.into_iter().flat_map(names);
        Ok(known.filter(|name| listed.lines().any(|line| line == name)).collect())
    }

    fn taken(&self, name: &str, why: &str) -> Error {
        let path = self.path.join(name);
        let what = format!("`{}` {why}. Choose another folder, or move it away first.", path.display());
        Error::usage("E148", what)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The files of a deployment of this kind.
fn names(kind: Kind) -> Vec<String> {
    let of_role = |name: &str, ends: &[&str]| ends.iter().map(|end| format!("{name}.{end}")).collect();
    let mut names: Vec<String> = match kind {
        Kind::Plain => of_role("server", &["key", "pem", "toml"]),
        Kind::Mpc => {
            let party = |role: Role| format!("party-{}", role.index());
            let ends = ["key", "pem", "toml", "bundle"];
            let roles = Role::ALL.map(party).into_iter().chain(["dealer".into()]);
            roles.flat_map(|role: String| -> Vec<_> { of_role(&role, &ends) }).collect()
        }
        Kind::Tee => {
            let roles = ["keys", "enclave"].map(|role| of_role(role, &["key", "pem", "toml"])).concat();
            let files = ["model.secret", "model.sealed", "public.json", "policy.toml"];
            let files = files.into_iter().chain(STATE).map(str::to_owned).collect();
            [roles, files].concat()
        }
        Kind::He => of_role("server", &["key", "pem", "toml", "bundle"]),
    };
    names.push("deployment.toml".into());
    names
}

/// The folders on the way to `path` that are not there, leaf first.
fn missing(path: &Path) -> Vec<PathBuf> {
    let to_make = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    path.ancestors().take_while(to_make).map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn refusal(path: &Path) -> Error {
        Folder::make(Some(path), Kind::Mpc).err().unwrap()
    }

    #[test]
    fn files_of_somebody_else_are_refused_and_stay() {
        for name in names(Kind::Mpc) {
            let home = tempfile::tempdir().unwrap();
            std::fs::write(home.path().join(&name), "mine").unwrap();
            let error = refusal(home.path());
            assert!(error.code == "E148" && error.message.contains(&name), "{error}");
            assert_eq!(std::fs::read_to_string(home.path().join(&name)).unwrap(), "mine");
            assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn files_of_a_run_that_was_killed_are_replaced_and_removed_whatever_the_kind() {
        let home = tempfile::tempdir().unwrap();
        for kind in [Kind::Mpc, Kind::Plain, Kind::Plain] {
            let mut killed = Folder::make(Some(home.path()), kind).unwrap();
            killed.write_secret(&names(kind)[0], "key").unwrap();
            // As after a kill: files and marker stay, the lock does not.
            killed.written.clear();
            killed.marker = None;
        }
        let folder = Folder::make(Some(home.path()), Kind::Mpc).unwrap();
        drop(folder);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_marker_gives_no_right_to_other_files() {
        let home = tempfile::tempdir().unwrap();
        let (folder, other) = (home.path().join("run"), home.path().join("notes.txt"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(&other, "mine").unwrap();
        std::fs::write(folder.join(MARKER), "../notes.txt\nserver.key\n").unwrap();
        std::fs::write(folder.join("party-0.bundle"), "mine").unwrap();
        assert!(refusal(&folder).message.contains("party-0.bundle"));
        drop(Folder::make(Some(&folder), Kind::Plain).unwrap());
        assert!(other.exists() && folder.join("party-0.bundle").exists() && !folder.join(MARKER).exists());
    }

    #[test]
    fn a_folder_in_use_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let first = Folder::make(Some(home.path()), Kind::Plain).unwrap();
        assert_eq!(refusal(home.path()).code, "E148");
        drop(first);
        drop(Folder::make(Some(home.path()), Kind::Mpc).unwrap());
    }

    #[test]
    fn every_folder_that_was_made_is_removed_and_no_other() {
        let home = tempfile::tempdir().unwrap();
        let (x, leaf) = (home.path().join("x"), home.path().join("x/y/z"));
        drop(Folder::make(Some(&leaf), Kind::Plain).unwrap());
        assert!(!x.exists());
        let folder = Folder::make(Some(&leaf), Kind::Plain).unwrap();
        std::fs::write(x.join("notes.txt"), "mine").unwrap();
        drop(folder);
        assert!(x.join("notes.txt").exists() && !x.join("y").exists());
        drop(Folder::make(Some(&leaf), Kind::Plain).unwrap());
        assert!(x.exists());
    }
}
