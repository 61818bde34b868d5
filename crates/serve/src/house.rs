//! How much of a server is taken: requests that are read, wait or are computed, the bytes that they brought, and those that computing them
//! takes. What is beyond is refused before it is read or computed, with numbers and with the time after which it may be asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use privet_deploy::Error;

use crate::current::Current;

/// After how many seconds a request that found no room may come again: by then those that are here are answered, or their time is over.
const AGAIN: u32 = 1;

/// The room of a server.
pub struct House {
    most: Current<Room>,
    requests: AtomicUsize,
    bytes: AtomicUsize,
    computing: AtomicUsize,
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Requests at a time.
    pub requests: usize,
    /// Bytes of requests at a time.
    pub bytes: usize,
    /// Bytes that computing them may take.
    pub computing: usize,
}

/// Bytes that a computation takes, until dropped.
pub struct Computing {
    house: Arc<House>,
    bytes: usize,
}

/// A request that is here, until it is dropped.
pub struct Guest {
    house: Arc<House>,
    bytes: AtomicUsize,
    is_declined: bool,
}

impl House {
    /// An empty one.
    pub fn new(room: Room) -> Self {
        let none = || AtomicUsize::new(0);
        Self { most: Current::new(room), requests: none(), bytes: none(), computing: none() }
    }

    /// From now on there is so much room; whoever is here stays.
    pub fn resize(&self, room: Room) {
        self.most.set(room);
    }

    /// Requests that are here.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Bytes that are here.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Makes room for so many bytes that a request takes to be computed. What would take more than there ever is can be computed alone.
    pub fn compute(self: &Arc<Self>, bytes: usize) -> Result<Computing, Error> {
        let most = self.most.get().computing;
        let bytes = bytes.min(most);
        if !add_within(&self.computing, bytes, most) {
            let what = format!(
                "What this server computes takes {} MiB already; with this request it would be more than the {} MiB that it takes at a \
                 time. Ask again in {AGAIN} s, or with fewer rows.",
                self.computing.load(Ordering::Relaxed) >> 20,
                most >> 20
            );
            return Err(Error::busy("E324", AGAIN, what));
        }
        Ok(Computing { house: Arc::clone(self), bytes })
    }

    /// Lets a request in.
    pub fn enter(self: &Arc<Self>) -> Result<Guest, Error> {
        let most = self.most.get().requests;
        if !add_within(&self.requests, 1, most) {
            let what = format!(
                "This server has {most} requests already, which is all that it takes at a time. Ask again in {AGAIN} s."
            );
            return Err(Error::busy("E326", AGAIN, what));
        }
        Ok(Guest { house: Arc::clone(self), bytes: AtomicUsize::new(0), is_declined: false })
    }

    /// Lets a request in for which there is no room, so far that it can be seen who else waits for it: its bytes need room all the same.
    pub fn enter_declined(self: &Arc<Self>) -> Guest {
        Guest { house: Arc::clone(self), bytes: AtomicUsize::new(0), is_declined: true }
    }
}

impl Guest {
    /// Makes room for so many more bytes of this request.
    pub fn hold(&self, bytes: usize) -> Result<(), Error> {
        let most = self.house.most.get().bytes;
        if !add_within(&self.house.bytes, bytes, most) {
            let what = format!(
                "This server holds requests of {} MiB already; with this one there would be more than the {} MiB that it takes at a \
                 time. Ask again in {AGAIN} s.",
                self.house.bytes() >> 20,
                most >> 20
            );
            return Err(Error::busy("E327", AGAIN, what));
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Computing {
    fn drop(&mut self) {
        self.house.computing.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.house.bytes.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
        if !self.is_declined {
            self.house.requests.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Adds, unless it would then be more than `most`.
fn add_within(count: &AtomicUsize, more: usize, most: usize) -> bool {
    let added = |now: usize| now.checked_add(more).filter(|sum| *sum <= most);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, added).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_beyond_is_refused_and_what_leaves_makes_room() {
        let house = Arc::new(House::new(Room { requests: 2, bytes: 100, computing: 50 }));
        let (first, second) = (house.enter().unwrap(), house.enter().unwrap());
        let full = house.enter().err().unwrap();
        assert_eq!((full.code, full.retry_after), ("E326", Some(1)));
        let declined = house.enter_declined();
        declined.hold(100).unwrap();
        assert!(declined.hold(1).is_err() && house.requests() == 2);
        drop(declined);
        assert_eq!((house.requests(), house.bytes()), (2, 0));
        first.hold(60).unwrap();
        second.hold(40).unwrap();
        assert_eq!(second.hold(1).unwrap_err().code, "E327");
        assert!(second.hold(usize::MAX).is_err());
        drop(first);
        assert_eq!((house.requests(), house.bytes()), (1, 40));
        second.hold(60).unwrap();
        house.resize(Room { requests: 1, bytes: 10, computing: 50 });
        assert!(house.enter().is_err() && second.hold(0).is_err());
        drop(second);
        assert_eq!((house.requests(), house.bytes()), (0, 0));
        assert!(house.enter().is_ok());
    }

    #[test]
    fn computations_take_turns_where_memory_is_short_and_the_largest_is_computed_alone() {
        let house = Arc::new(House::new(Room { requests: 2, bytes: 100, computing: 50 }));
        let (small, other) = (house.compute(20).unwrap(), house.compute(30).unwrap());
        let full = house.compute(1).err().unwrap();
        assert_eq!((full.code, full.retry_after), ("E324", Some(1)));
        assert!(house.compute(0).is_ok());
        drop(small);
        assert!(house.compute(usize::MAX).is_err() && house.compute(20).is_ok());
        drop(other);
        let largest = house.compute(usize::MAX).unwrap();
        assert!(house.compute(1).is_err());
        drop(largest);
        assert_eq!(house.computing.load(Ordering::Relaxed), 0);
    }
}
