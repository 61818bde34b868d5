//! A software TPM 2.0 (`swtpm`, Debian): real keys, real registers, real signatures, in a process of its own.

use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running TPM; ended when dropped.
pub(crate) struct Swtpm {
    folder: TempDir,
    process: Child,
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Swtpm {
    /// A new TPM, or a loud word why this test cannot run here.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder for the TPM's state");
        let at = folder.path().display();
        let process = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .args(["--tpmstate", &format!("dir={at}")])
            .args(["--server", &format!("type=unixio,path={at}/tpm")])
            .args(["--ctrl", &format!("type=unixio,path={at}/tpm.ctrl")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match process {
            Ok(process) => Some(Self { folder, process }),
            Err(e) => {
                println!(
                    "SKIPPED: no `swtpm` here ({e}; `apt-get install swtpm`); the TPM's driver was NOT tested"
                );
                None
            }
        }
    }

    /// The one connection that it takes at a time.
    pub(crate) fn connect(&self) -> UnixStream {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            match UnixStream::connect(self.folder.path().join("tpm")) {
                Ok(stream) => return stream,
                Err(e) => assert!(Instant::now() < until, "swtpm did not start: {e}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
