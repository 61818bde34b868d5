//! The places for connections. Where all are taken, a newcomer gets the one of whoever has been idle for longest: without that, a single
//! client could hold all of them for ever, by connections over which it asks nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// For so long nobody is asked to leave: who has just been answered may be about to ask again.
const LEFT_ALONE: Duration = Duration::from_millis(500);
/// How often it is seen again whether somebody may be asked to leave.
const AGAIN: Duration = Duration::from_millis(50);

/// All places.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    taken: Mutex<Vec<Weak<State>>>,
    start: Instant,
}

/// The place of one connection, until dropped.
pub(crate) struct Place {
    state: Arc<State>,
    _permit: OwnedSemaphorePermit,
}

struct State {
    start: Instant,
    /// Requests under way.
    running: AtomicUsize,
    /// Since when there is none, in milliseconds after `start`.
    since: AtomicU64,
    /// Whether it was asked to leave already.
    asked: AtomicBool,
    leave: Notify,
}

impl Places {
    /// So many.
    pub(crate) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), taken: Mutex::default(), start: Instant::now() }
    }

    /// A place for who is here already. Waits where everybody else has something under way.
    pub(crate) async fn take(&self) -> Option<Place> {
        loop {
            let free = Arc::clone(&self.free).acquire_owned();
            match tokio::time::timeout(AGAIN, free).await {
                Ok(permit) => return Some(self.place(permit.ok()?)),
                Err(_) => self.ask_somebody_to_leave(),
            }
        }
    }

    fn place(&self, permit: OwnedSemaphorePermit) -> Place {
        let state = State {
            start: self.start,
            running: AtomicUsize::new(0),
            since: AtomicU64::new(0),
            asked: AtomicBool::new(false),
            leave: Notify::new(),
        };
        state.idles();
        let state = Arc::new(state);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|state| state.strong_count() > 0);
        taken.push(Arc::downgrade(&state));
        Place { state, _permit: permit }
    }

    fn ask_somebody_to_leave(&self) {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let idle =
            taken.iter().filter_map(Weak::upgrade).filter_map(|state| Some((state.idle_since()?, state)));
        let Some((since, longest)) = idle.min_by_key(|(since, _)| *since) else { return };
        if self.start.elapsed().saturating_sub(since) > LEFT_ALONE {
            longest.asked.store(true, Ordering::Relaxed);
            longest.leave.notify_one();
        }
    }
}

impl State {
    fn idles(&self) {
        let since = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Relaxed);
    }

    fn idle_since(&self) -> Option<Duration> {
        let is_idle = self.running.load(Ordering::Relaxed) == 0 && !self.asked.load(Ordering::Relaxed);
        is_idle.then(|| Duration::from_millis(self.since.load(Ordering::Relaxed)))
    }
}

impl Place {
    /// Done when it is wanted for another connection.
    pub(crate) async fn is_wanted(&self) {
        self.state.leave.notified().await;
    }

    /// A request is under way until what this gives is dropped.
    pub(crate) fn request(&self) -> Request {
        self.state.running.fetch_add(1, Ordering::Relaxed);
        Request(Arc::clone(&self.state))
    }
}

/// A request that is under way.
pub(crate) struct Request(Arc<State>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.idles();
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn who_has_been_idle_for_longest_makes_room() {
        let places = Places::new(2);
        let busy = places.take().await.unwrap();
        let asked = busy.request();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let idle = places.take().await.unwrap();
        let leaves = async {
            timeout(SOON, idle.is_wanted()).await.unwrap();
            drop(idle);
        };
        let (third, ()) = tokio::join!(timeout(SOON, places.take()), leaves);
        assert!(third.unwrap().is_some());
        drop(asked);
        assert!(timeout(SOON, async { tokio::join!(busy.is_wanted(), places.ask_again()) }).await.is_ok());
    }

    #[tokio::test]
    async fn nobody_leaves_while_something_is_under_way_or_there_is_room() {
        let places = Places::new(2);
        let first = places.take().await.unwrap();
        let second = places.take().await.unwrap();
        let _asked = first.request();
        assert!(timeout(2 * LEFT_ALONE, second.is_wanted()).await.is_err());
        let _asked_too = second.request();
        assert!(timeout(2 * LEFT_ALONE, places.take()).await.is_err());
    }

    impl Places {
        async fn ask_again(&self) {
            tokio::time::sleep(2 * LEFT_ALONE).await;
            self.ask_somebody_to_leave();
        }
    }
}
