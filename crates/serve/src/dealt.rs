//! A server of `dealer2` in the running program: its way to the dealer, and the thread that keeps its pool filled.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use privet_deploy::dealer2::pool::{Level, ToDealer};
use privet_deploy::dealer2::server::ServerHost;
use privet_deploy::oip::{Host, InferReply, InferRequest, Metadata};
use privet_deploy::{Blame, Error};

use crate::client::{Client, Endpoint, Trust};
use crate::on_disk::NO_ROOM;
use crate::public_key::PublicKey;
use crate::roles::InBackground;

/// How long the dealer may take for one order.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait after an order that failed, and where nothing is missing.
const AGAIN: Duration = Duration::from_millis(200);
const IDLE: Duration = Duration::from_secs(10);
/// How long after its start a server does not complain of a dealer that is not there yet.
const SETTLED: Duration = Duration::from_secs(3);

/// Calls to the dealer at this address, which holds this key.
pub(crate) fn to_dealer(address: &str, key: &PublicKey) -> Result<ToDealer, Error> {
    let trust = Trust::Pinned(key.clone());
    let client = Client::new(&Endpoint::new("dealer", address, trust))?;
    let runtime = InBackground::start()?;
    Ok(Arc::new(move |call| runtime.block_on(client.infer(call, Instant::now() + PATIENCE))))
}

/// Whether a dealer at this address, which holds this key, takes calls.
pub(crate) fn answers(address: &str, key: &PublicKey) -> Result<(), Error> {
    let trust = Trust::Pinned(key.clone());
    let client = Client::new(&Endpoint::new("dealer", address, trust))?;
    let ready = InBackground::start()?.block_on(client.ready(Instant::now() + SETTLED))?;
    let not_ready = || Error::new(Blame::Unreachable, "E306", "The dealer answers, but is not ready.");
    ready.then_some(()).ok_or_else(not_ready)
}

/// Why the pool could not be filled the last time.
type Trouble = Arc<Mutex<Option<Error>>>;

/// A server whose pool is filled again by a thread of its own, after its start and after each answer.
pub(crate) struct Refilled {
    host: Arc<ServerHost>,
    wake: SyncSender<()>,
    trouble: Trouble,
}

impl Refilled {
    /// Starts filling.
    pub(crate) fn new(host: ServerHost) -> Result<Self, Error> {
        let (host, (wake, woken)) = (Arc::new(host), sync_channel(1));
        let (of_thread, trouble) = (Arc::downgrade(&host), Trouble::default());
        let told = Arc::clone(&trouble);
        let body = move || keep_filled(&of_thread, &woken, &told);
        let spawned = thread::Builder::new().name("pool".into()).spawn(body);
        spawned.map_err(|e| Error::new(Blame::Ours, "E902", format!("A thread cannot be made: {e}.")))?;
        Ok(Self { host, wake, trouble })
    }
}

/// Until the server ends.
fn keep_filled(host: &Weak<ServerHost>, woken: &Receiver<()>, trouble: &Trouble) {
    let (began, mut told) = (Instant::now(), false);
    while let Some(host) = host.upgrade() {
        let filled = host.refill();
        *trouble.lock().unwrap_or_else(PoisonError::into_inner) = filled.as_ref().err().cloned();
        let wait = match filled {
            Ok(true) => continue,
            Ok(false) => {
                told = false;
                IDLE
            }
            Err(error) => {
                if !told && began.elapsed() > SETTLED {
                    tracing::warn!(%error, "the pool cannot be filled");
                    told = true;
                }
                AGAIN
            }
        };
        // Not held while waiting, so that the server can end.
        drop(host);
        if woken.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

/// Whoever asks is told that there is no ticket; why the pool's disk takes none concerns the operator.
fn in_private(error: Error) -> Error {
    if error.code != NO_ROOM {
        return error;
    }
    tracing::error!(%error, "the pool's disk takes no tape");
    let what =
        "What this server prepares ahead could not be kept. Its operator's log says why; ask again later.";
    Error::new(Blame::Unreachable, "E347", what)
}

impl Host for Refilled {
    fn metadata(&self) -> &Metadata {
        self.host.metadata()
    }

    fn waits(&self) -> bool {
        self.host.waits()
    }

    fn rows(&self, request: &InferRequest) -> usize {
        self.host.rows(request)
    }

    /// Not before something was prepared: until then, programs could not be asked.
    fn ready(&self) -> Result<(), Error> {
        if self.host.levels().iter().any(|level| level.ready > 0) {
            return Ok(());
        }
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Err(trouble.unwrap_or_else(|| {
            let what = "Nothing is prepared yet with the dealer. It is being made; ask again in a moment.";
            Error::new(Blame::Unreachable, "E347", what)
        }))
    }

    fn decline(&self, request: InferRequest) {
        self.host.decline(request);
    }

    fn pool(&self) -> Vec<Level> {
        self.host.levels()
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        let reply = self.host.infer(request).map_err(in_private);
        // Full means that it is woken already.
        let _ = self.wake.try_send(());
        reply
    }
}
