//! A role as a child of this process.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use privet_deploy::error::{Blame, Error};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::PATIENCE;

/// `privet serve` for one role.
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) command: &'static str,
    pub(crate) config: PathBuf,
    pub(crate) child: Child,
    pub(crate) ended: bool,
}

impl Process {
    pub(crate) fn spawn(
        program: &Path,
        command: &'static str,
        name: &str,
        config: &Path,
    ) -> Result<Self, Error> {
        let spawned = Command::new(program)
            .args(["serve", command, "--with-parent", "--config"])
            .arg(config)
            // Kept open as long as this process lives: its end is how a role learns that it was killed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let child = spawned.map_err(|e| {
            Error::new(Blame::Ours, "E904", format!("`{}` cannot be started: {e}.", program.display()))
        })?;
        Ok(Self { name: name.into(), command, config: config.into(), child, ended: false })
    }

    /// What the role prints when it listens: `ready https://HOST:PORT`.
    pub(crate) async fn address(&mut self) -> Result<String, Error> {
        let failed = || {
            Error::new(
                Blame::Unreachable,
                "E307",
                format!("`{}` did not start; its own message is above.", self.name),
            )
        };
        let Some(stdout) = self.child.stdout.take() else { return Err(failed()) };
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let Ok(Ok(Some(line))) = line else { return Err(failed()) };
        line.strip_prefix("ready https://").map(str::to_owned).ok_or_else(failed)
    }

    pub(crate) fn terminate(&self) {
        if let (false, Some(id)) = (self.ended, self.child.id()) {
            terminate(id);
        }
    }
}

/// Asks a process to end.
fn terminate(id: u32) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
}
