//! How far a training is, as a party keeps it: two states, the best one, and what was decided. Written after each step that must not be lost.

use privet_model::training::numbers::RING;
use privet_mpc::protocols::replicated3::Replicated;
use privet_mpc::train::Stored;
use privet_tee::statement::Hex;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::store::Store;
use super::wire::StateId;
use crate::error::{Blame, Error};

/// The file.
const NAME: &str = "progress.json";
/// States that are kept besides the best one: a crash may have kept a peer from the last.
const KEPT: usize = 2;
/// Weights, and Adam's two sums.
const TENSORS: usize = 3;

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    /// The latest last.
    pub(super) states: Vec<StateId>,
    pub(super) best: Option<StateId>,
    /// Of which something was opened last.
    pub(super) judged: Option<StateId>,
    pub(super) finished: Option<StateId>,
    /// The salted digest of this party's half of the bundle.
    pub(super) half: Option<String>,
}

/// The same on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    progress: Progress,
    digest: Hex<32>,
}

impl Progress {
    /// As it was kept, or at the beginning.
    pub(super) fn read(store: &dyn Store) -> Result<Self, Error> {
        let Some(text) = store.get(NAME)? else { return Ok(Self::default()) };
        let damaged = |why: &dyn std::fmt::Display| {
            Error::integrity("E356", format!("`{NAME}` is damaged: {why}. Restore it from a copy."))
        };
        let Written { progress, digest } = serde_json::from_slice(&text).map_err(|e| damaged(&e))?;
        if digest != progress.digest() {
            return Err(damaged(&"it is not what was written"));
        }
        Ok(progress)
    }

    fn digest(&self) -> Hex<32> {
        // Plain data with text keys, which always can be written.
        Hex(*blake3::hash(&serde_json::to_vec(self).unwrap_or_default()).as_bytes())
    }

    fn write(&self, store: &dyn Store) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(&Written { progress: self.clone(), digest: self.digest() });
        let text =
            text.map_err(|e| Error::new(Blame::Ours, "E900", format!("`{NAME}` cannot be written: {e}.")))?;
        store.put(NAME, &text)
    }

    /// A change that stays.
    pub(super) fn change(&mut self, store: &dyn Store, change: impl FnOnce(&mut Self)) -> Result<(), Error> {
        let mut changed = self.clone();
        change(&mut changed);
        changed.write(store)?;
        *self = changed;
        Ok(())
    }

    /// A state of this name that is here.
    pub(super) fn state(&self, id: &[u8; 32]) -> Option<StateId> {
        self.states.iter().chain(&self.best).chain(&self.finished).find(|state| state.id.0 == *id).copied()
    }

    /// Keeps a new state, made from `from`: what came after that is given up, and the oldest goes.
    pub(super) fn push(
        &mut self,
        store: &dyn Store,
        from: Option<StateId>,
        new: StateId,
        stored: &Stored,
    ) -> Result<(), Error> {
        store.put(&file(new), &bytes(new, stored))?;
        let before = self.states.clone();
        self.change(store, |progress| {
            let upto = from.and_then(|from| progress.states.iter().position(|state| *state == from));
            progress.states.truncate(upto.map_or(0, |at| at + 1));
            progress.states.push(new);
            let excess = progress.states.len().saturating_sub(KEPT);
            progress.states.drain(..excess);
        })?;
        self.forget(store, &before)
    }

    /// Something of this state leaves now.
    pub(super) fn set_judged(&mut self, store: &dyn Store, state: StateId) -> Result<(), Error> {
        // An earlier one is judged again where it is the best.
        if self.judged.is_some_and(|judged| judged.step >= state.step) {
            return Ok(());
        }
        self.change(store, |progress| progress.judged = Some(state))
    }

    /// From now on this state is the best.
    pub(super) fn set_best(&mut self, store: &dyn Store, best: StateId) -> Result<(), Error> {
        let before = self.best;
        self.change(store, |progress| progress.best = Some(best))?;
        self.forget(store, before.as_slice())
    }

    /// Gives up a state whose file is damaged, so that the training goes on from another. What is the result stays.
    pub(super) fn lose(&mut self, store: &dyn Store, state: StateId) -> Result<(), Error> {
        self.change(store, |progress| {
            progress.states.retain(|other| *other != state);
            progress.best = progress.best.filter(|best| *best != state);
        })?;
        self.forget(store, &[state])
    }

    /// Removes those that are not needed any more.
    fn forget(&self, store: &dyn Store, states: &[StateId]) -> Result<(), Error> {
        states
            .iter()
            .filter(|state| self.state(&state.id.0).is_none())
            .try_for_each(|state| store.remove(&file(*state)))
    }

    /// What a state holds.
    pub(super) fn kept(store: &dyn Store, state: StateId, columns: usize) -> Result<Stored, Error> {
        let bytes = store.get(&file(state))?;
        bytes.and_then(|bytes| stored(&bytes, state, columns)).ok_or_else(|| {
            let what = format!(
                "`{}` is missing or damaged. The training goes on from another state, if all parties have one.",
                file(state)
            );
            Error::integrity("E356", what)
        })
    }
}

fn file(state: StateId) -> String {
    format!("state-{}", state.id)
}

/// Tensor by tensor its two components, and a digest behind them, of the state's name and step too.
fn bytes(state: StateId, stored: &Stored) -> Zeroizing<Vec<u8>> {
    let words: usize = stored.parts.iter().map(|tensor| tensor.own.len() + tensor.next.len()).sum();
    // As long as it will be, so that no part of it is left elsewhere.
    let mut bytes = Zeroizing::new(Vec::with_capacity(8 * words + 32));
    for word in stored.parts.iter().flat_map(|tensor| tensor.own.iter().chain(&tensor.next)) {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    let digest = digest(state, &bytes);
    bytes.extend_from_slice(digest.as_bytes());
    bytes
}

/// The same, read.
fn stored(bytes: &[u8], state: StateId, columns: usize) -> Option<Stored> {
    let (bytes, last) = bytes.split_last_chunk::<32>()?;
    if digest(state, bytes) != *last || bytes.len() != TENSORS * 2 * 8 * columns {
        return None;
    }
    let mut components = bytes.chunks_exact(8 * columns.max(1)).map(|component| {
        component.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect::<Vec<_>>()
    });
    let mut tensor = || Some(Replicated { k: RING, own: components.next()?, next: components.next()? });
    Some(Stored { parts: [tensor()?, tensor()?, tensor()?], step: state.step })
}

fn digest(state: StateId, bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("privet 2026 state of a training");
    hasher.update(&state.id.0).update(&state.step.to_le_bytes()).update(bytes);
    hasher.finalize()
}
