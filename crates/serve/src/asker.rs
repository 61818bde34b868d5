//! Whether whoever asked still waits for the answer. Clients come and go: parties that compute for one who has gone would wait for a party
//! that was not asked any more, until the deadline, and keep places that others need.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

tokio::task_local! {
    static CURRENT: Asker;
}

/// Whoever asked for what is computed.
#[derive(Clone, Default)]
pub(crate) struct Asker(Arc<State>);

#[derive(Default)]
struct State {
    gone: AtomicBool,
    /// Wakes who waits for others meanwhile.
    wake: Mutex<Option<Box<dyn Fn() + Send>>>,
}

/// A call that is waited for; when it is dropped, its asker is gone.
struct Waits(Asker);

impl Asker {
    /// Of the call that the running task computes; one that stays, where there is none.
    pub(crate) fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_default()
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.gone.load(Ordering::SeqCst)
    }

    /// Does this when the asker goes. It may have gone already.
    pub(crate) fn when_gone(&self, wake: impl Fn() + Send + 'static) {
        *self.wake() = Some(Box::new(wake));
    }

    fn wake(&self) -> MutexGuard<'_, Option<Box<dyn Fn() + Send>>> {
        self.0.wake.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.gone.store(true, Ordering::SeqCst);
        if let Some(wake) = self.0.wake().take() {
            wake();
        }
    }
}

/// Does the work in a task of its own, which comes to its end though its asker goes; [`Asker::current`] says so there.
pub(crate) async fn until_gone<F>(work: F) -> Option<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    let asker = Asker::default();
    let _waits = Waits(asker.clone());
    tokio::spawn(CURRENT.scope(asker, work)).await.ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn work_is_told_that_its_asker_is_gone_and_ends_by_itself() {
        let (begun, begins) = tokio::sync::oneshot::channel();
        let (ended, ends) = mpsc::channel();
        let work = async move {
            let asker = Asker::current();
            let woken = Arc::new(tokio::sync::Notify::new());
            let wake = Arc::clone(&woken);
            asker.when_gone(move || wake.notify_one());
            let before = asker.is_gone();
            begun.send(()).unwrap();
            woken.notified().await;
            ended.send((before, asker.is_gone())).unwrap();
        };
        let asked = tokio::spawn(until_gone(work));
        begins.await.unwrap();
        asked.abort();
        let said = tokio::task::spawn_blocking(move || ends.recv_timeout(SOON)).await.unwrap();
        assert_eq!(said, Ok((false, true)));
    }

    #[tokio::test]
    async fn who_waits_gets_the_answer_and_who_has_no_asker_computes_for_one_that_stays() {
        assert_eq!(until_gone(async { 7 - i32::from(Asker::current().is_gone()) }).await, Some(7));
        assert!(!Asker::current().is_gone());
    }
}
