//! Interfaces that may block for ever, asked on threads of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::AttestError;

/// Questions that may wait at a time. A service that hangs then costs this many threads and no more.
const MOST: usize = 4;

/// First pause before an interface that is busy is asked again; each is twice as long as the last.
const PAUSE: Duration = Duration::from_millis(5);

/// Counts the threads that wait for one interface.
#[derive(Clone, Default)]
pub(super) struct Waiting(Arc<AtomicUsize>);

/// One of them; given back when its work ends, however that is.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Waiting {
    /// What the work gives, or [`AttestError::Late`] at the deadline; the work then goes on without anyone who waits for it.
    pub(super) fn within<T: Send + 'static>(
        &self,
        interface: &str,
        deadline: Instant,
        work: impl FnOnce() -> Result<T, AttestError> + Send + 'static,
    ) -> Result<T, AttestError> {
        let late = || AttestError::Late { interface: interface.to_owned() };
        let taken = self.0.fetch_add(1, Ordering::AcqRel);
        let place = Place(Arc::clone(&self.0));
        if taken >= MOST {
            return Err(late());
        }
        let (sender, receiver) = sync_channel(1);
        let body = move || {
            let result = work();
            drop(place);
            // Nobody listens once the deadline has passed.
            let _ = sender.send(result);
        };
        std::thread::Builder::new()
            .spawn(body)
            .map_err(|e| AttestError::refused(interface, format!("no thread to wait for it: {e}")))?;
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(late()),
            Err(RecvTimeoutError::Disconnected) => {
                Err(AttestError::refused(interface, "its thread ended early"))
            }
        }
    }
}

/// Tries again, with growing pauses, while `busy` says so of the error; at most `tries` times and not past the deadline.
pub(super) fn patiently<T, E>(
    tries: u32,
    deadline: Instant,
    busy: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut pause = PAUSE;
    for _ in 1..tries {
        match attempt() {
            Err(e) if busy(&e) && Instant::now() + pause < deadline => std::thread::sleep(pause),
            result => return result,
        }
        pause *= 2;
    }
    attempt()
}
