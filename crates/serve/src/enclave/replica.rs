//! One replica: a program that is started again when it ends. A new one has new keys, so that clients must appraise it anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use privet_deploy::Error;
use privet_tee::frames::{FrameKind, LinkError, Start};

use super::{Image, KeyId, Relay, Routes, Running, ended, expect};

/// How long opening the model may take: evidence from a slow platform, and the owner's key service.
const START: Duration = Duration::from_secs(60);
/// A program that ended sooner than this after its start is started again more slowly each time.
const LIVED: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How a replica is started.
pub(super) struct Plan {
    pub(super) image: Image,
    pub(super) start: Start,
    pub(super) relay: Relay,
}

impl Plan {
    /// A running program that has opened the model, and the name of its key.
    fn run(&self) -> Result<(Running, KeyId), Error> {
        let running = Running::launch(&self.image, Arc::clone(&self.relay))?;
        let parts = [&self.start.head()[..], &self.start.model];
        let deadline = Instant::now().checked_add(START);
        let frame = running.link().ask(FrameKind::Start, &parts, deadline).map_err(|why| ended(&why))?;
        let key = expect(frame, FrameKind::Started)?;
        let key = key.try_into().map_err(|_| ended(&LinkError::Cut))?;
        Ok((running, key))
    }
}

/// One replica, and the thread that watches it.
pub(super) struct Replica {
    shared: Arc<Shared>,
    watcher: Option<JoinHandle<()>>,
}

struct Shared {
    now: Mutex<Result<Arc<Running>, Error>>,
    stop: AtomicBool,
}

impl Replica {
    /// Starts it, and comes back when it has opened the model.
    pub(super) fn start(plan: Arc<Plan>, routes: Arc<Routes>) -> Result<Self, Error> {
        let (running, key) = plan.run()?;
        let running = Arc::new(running);
        routes.add(key, &running);
        let shared = Arc::new(Shared { now: Mutex::new(Ok(running)), stop: AtomicBool::new(false) });
        let theirs = Arc::clone(&shared);
        let watcher = std::thread::Builder::new()
            .name("enclave watcher".into())
            .spawn(move || watch(&theirs, &plan, &routes))
            .map_err(|e| {
                let text = format!("No thread can be started to watch the enclave: {e}.");
                Error::new(privet_deploy::Blame::Ours, "E371", text)
            })?;
        Ok(Self { shared, watcher: Some(watcher) })
    }

    /// The program that runs now, or why there is none.
    pub(super) fn running(&self) -> Result<Arc<Running>, Error> {
        let now = lock(&self.shared.now).clone()?;
        now.link().ended().map_or(Ok(now), |why| Err(ended(&why)))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Ok(running) = &*lock(&self.shared.now) {
            running.kill();
        }
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            let _ = watcher.join();
        }
    }
}

/// Waits for the program's end and starts another, until told to stop.
fn watch(shared: &Shared, plan: &Plan, routes: &Routes) {
    let mut pause = FIRST_PAUSE;
    while !shared.stop.load(Ordering::SeqCst) {
        let now = lock(&shared.now).clone();
        if let Ok(running) = now {
            let begun = Instant::now();
            running.wait();
            routes.forget(&running);
            *lock(&shared.now) = Err(ended(&LinkError::Ended));
            if begun.elapsed() >= LIVED {
                pause = FIRST_PAUSE;
            }
        }
        std::thread::park_timeout(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let next = plan.run().map(|(running, key)| {
            let running = Arc::new(running);
            routes.add(key, &running);
            running
        });
        *lock(&shared.now) = next;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
