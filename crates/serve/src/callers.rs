//! Connections by address: one that floods a server takes its own share of them, and not everybody's.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who is connected.
pub(crate) struct Callers {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection, until it is dropped.
pub(crate) struct Caller {
    callers: Arc<Callers>,
    address: IpAddr,
}

impl Callers {
    /// Nobody; of one address there are so many at most.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default() })
    }

    /// One more, unless its address has as many as it may.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Caller> {
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Caller { callers: Arc::clone(self), address })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let mut open = self.callers.open();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let callers = Callers::new(2);
        let [here, there]: [IpAddr; 2] = [[127, 0, 0, 1].into(), [10, 0, 0, 1].into()];
        let first = callers.enter(here);
        let second = callers.enter(here);
        assert!(first.is_some() && second.is_some() && callers.enter(here).is_none());
        assert!(callers.enter(there).is_some());
        drop(first);
        let again = callers.enter(here);
        assert!(again.is_some() && callers.enter(here).is_none());
        drop((second, again));
        assert!(callers.open().is_empty());
    }
}
