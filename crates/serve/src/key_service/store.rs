//! What outlives the key service's process: the log of releases, rows that were granted, and floors. Appending and syncing come
//! before anything is given out, so that a loss of power can lose a grant but never forget one.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use privet_deploy::Error;
use privet_tee::release::log::{Chain, Entry};
use privet_tee::release::resource::ServiceKey;
use privet_tee::release::service::{Store, lot};
use privet_tee::statement::Hex;

use super::lines::{Lines, replace, whole_lines};
use super::{Floors, cannot};
use crate::config::read_text;

/// A folder.
pub struct Files {
    folder: PathBuf,
    state: Mutex<State>,
    /// Held as long as the process lives: two services on one folder would count twice.
    _lock: File,
}

struct State {
    chain: Chain,
    releases: Lines,
    /// Rows granted so far, by token.
    granted: HashMap<[u8; 16], u64>,
    grants: Lines,
}

impl Files {
    /// Opens a folder, which is made if it is not there. Refuses one whose log was tampered with.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(|e| cannot(folder, &e))?;
        let lock = locked(&folder.join("keys.lock"))?;
        let releases = folder.join("releases.jsonl");
        let text = whole_lines(&releases)?;
        // Keys of models that were served before may stand in the log too: the chain matters, and that it is signed.
        let (chain, _) = Chain::verify(text.lines(), &[]).map_err(|broken| {
            Error::integrity(
                "E369",
                format!("The log of releases, `{}`, was changed: {broken}.", releases.display()),
            )
        })?;
        let grants = folder.join("grants.jsonl");
        let granted = read_grants(&grants)?;
        let state =
            State { chain, releases: Lines::open(&releases)?, granted, grants: Lines::open(&grants)? };
        Ok(Self { folder: folder.into(), state: Mutex::new(state), _lock: lock })
    }

    /// The floors in force: as configured, but never below what was in force before, unless that is what is wanted.
    pub fn floors(&self, configured: &Floors, dangerous_lower: bool) -> Result<Floors, Error> {
        let path = self.folder.join("floors.json");
        let mut floors = configured.clone();
        if path.exists() && !dangerous_lower {
            let before: Floors = serde_json::from_str(&read_text(&path)?)
                .map_err(|e| Error::integrity("E369", format!("`{}` was damaged: {e}.", path.display())))?;
            for (model, floor) in before {
                let now = floors.entry(model).or_insert(floor);
                *now = (*now).max(floor);
            }
        }
        let text = serde_json::to_string(&floors).map_err(|e| cannot(&path, &e))?;
        replace(&path, text.as_bytes()).map_err(|e| cannot(&path, &e))?;
        Ok(floors)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Files {
    fn log(&self, entry: Entry, key: &ServiceKey) -> Result<(), String> {
        let mut state = self.state();
        // Only a line that was written moves the chain on.
        let mut chain = state.chain;
        let line = chain.next(entry, key);
        state.releases.append(&line).map_err(|e| e.to_string())?;
        state.chain = chain;
        Ok(())
    }

    fn grant(&self, token: [u8; 16], rows: u64, needed: u64, ahead: u64) -> Result<u64, String> {
        let mut state = self.state();
        let used = state.granted.get(&token).copied().unwrap_or(0);
        let granted = lot(rows.saturating_sub(used), needed, ahead);
        if granted == 0 {
            return Ok(0);
        }
        let line = format!("{{\"token\":\"{}\",\"rows\":{granted}}}", Hex(token));
        state.grants.append(&line).map_err(|e| e.to_string())?;
        state.granted.insert(token, used.saturating_add(granted));
        Ok(granted)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    token: Hex<16>,
    rows: u64,
}

/// What was granted.
fn read_grants(path: &Path) -> Result<HashMap<[u8; 16], u64>, Error> {
    let mut granted = HashMap::new();
    for (at, line) in whole_lines(path)?.lines().enumerate() {
        let Grant { token, rows } = serde_json::from_str(line).map_err(|e| {
            Error::integrity("E369", format!("`{}`, line {}, was damaged: {e}.", path.display(), at + 1))
        })?;
        let total: &mut u64 = granted.entry(token.0).or_default();
        *total = total.saturating_add(rows);
    }
    Ok(granted)
}

fn locked(path: &Path) -> Result<File, Error> {
    let file = File::create(path).map_err(|e| cannot(path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::usage(
            "E148",
            format!(
                "Another key service is running on `{}`. Stop it, or use another folder.",
                path.display()
            ),
        )),
        Err(TryLockError::Error(e)) => Err(cannot(path, &e)),
    }
}
