//! Imitations of kernel interfaces that answer **real system calls**: pseudo-files of a FUSE file system. The drivers under test
//! run unchanged; only the path that they are given is another one.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod swtpm;
pub(crate) mod tree;
pub(crate) mod tsm;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fuser::{BackgroundSession, Config, MountOption};
use tempfile::TempDir;

use tree::{Folder, Tree};

/// Numbers of errors, as Linux has them.
pub(crate) mod errno {
    pub(crate) const PERMISSION: i32 = 1;
    pub(crate) const NO_ENTRY: i32 = 2;
    pub(crate) const IO: i32 = 5;
    pub(crate) const NO_PROVIDER: i32 = 6;
    pub(crate) const ACCESS: i32 = 13;
    pub(crate) const BUSY: i32 = 16;
    pub(crate) const EXISTS: i32 = 17;
    pub(crate) const NO_DEVICE: i32 = 19;
    pub(crate) const INVALID: i32 = 22;
    pub(crate) const NOT_TTY: i32 = 25;
    pub(crate) const TOO_BIG: i32 = 27;
    pub(crate) const MESSAGE_SIZE: i32 = 90;
    pub(crate) const TIMED_OUT: i32 = 110;
}

/// A mounted imitation; unmounted when dropped.
pub(crate) struct Mounted {
    folder: TempDir,
    session: Option<BackgroundSession>,
}

impl Mounted {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            let _ = session.umount_and_join();
        }
    }
}

/// Mounts an imitation, or says loudly why this test cannot run here.
pub(crate) fn mount(imitation: &Arc<impl Folder>) -> Option<Mounted> {
    let folder = tempfile::tempdir().expect("a folder to mount on");
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("imitation".into())];
    match fuser::spawn_mount(Tree::of(Arc::clone(imitation)), folder.path(), &config) {
        Ok(session) => Some(Mounted { folder, session: Some(session) }),
        Err(e) => {
            println!(
                "SKIPPED: no FUSE file system can be mounted here ({e}); this driver's system calls were NOT tested"
            );
            None
        }
    }
}

/// A file of `tee-vectors/`.
pub(crate) fn vector(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tee-vectors").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Time enough.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// Recorded evidence with other report data: as a platform would give it, but for the signature.
pub(crate) fn with_report_data(mut body: Vec<u8>, at: usize, data: &[u8]) -> Vec<u8> {
    body[at..at + 64].copy_from_slice(&data[..64]);
    body
}
