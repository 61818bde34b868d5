//! One order at a time: whoever misses tapes while others order waits for what they get, which may be the same. Side by side, all would order
//! the same tapes, and a dealer that is slow would be asked for ever more.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::error::Error;

/// Whose turn it is.
#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Default)]
struct State {
    under_way: bool,
    /// How many are over.
    count: u64,
    /// Why the last one failed.
    failed: Option<Error>,
}

impl Turns {
    /// Orders, or waits until who does so is through, and fails as that did. Whether this was the order.
    pub(super) fn take(&self, order: impl FnOnce() -> Result<(), Error>) -> Result<bool, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.under_way {
            let count = state.count;
            let waited = self.over.wait_while(state, |state| state.count == count);
            let failed = waited.unwrap_or_else(PoisonError::into_inner).failed.clone();
            return failed.map_or(Ok(false), Err);
        }
        state.under_way = true;
        drop(state);
        let done = order();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State { under_way: false, count: state.count + 1, failed: done.as_ref().err().cloned() };
        self.over.notify_all();
        done.map(|()| true)
    }
}
