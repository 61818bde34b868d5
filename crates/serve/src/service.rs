//! What a server answers for: a model that is here, or one that it asks others about.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use privet_deploy::dealer2::pool::Level;
use privet_deploy::oip::{Host, InferReply, InferRequest, Metadata};
use privet_deploy::{Blame, Error};

use crate::compute::{INLINE, compute};

/// One model of a server.
pub trait Service: Send + Sync {
    /// What it is.
    fn metadata(&self) -> &Metadata;

    /// How full its pool is, if it has one.
    fn pool(&self) -> Vec<Level> {
        Vec::new()
    }

    /// How it stands with its peers, if it has any.
    fn peers(&self) -> Vec<Peer> {
        Vec::new()
    }

    /// What its evidence depends on, by name, and when that runs out, in seconds since 1970.
    fn expires(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    /// Rows that a call asks about, as far as it shows them.
    fn rows(&self, request: &InferRequest) -> usize {
        let _ = request;
        1
    }

    /// Bytes of memory that its answer takes while it is computed, beyond the call's own.
    fn memory(&self, request: &InferRequest) -> usize {
        let _ = request;
        0
    }

    /// Whether this call keeps a processor busy for long, and so waits for its turn.
    fn takes_a_turn(&self, request: &InferRequest) -> bool {
        let _ = request;
        false
    }

    /// The answer to one call.
    fn infer(&self, request: InferRequest) -> BoxFuture<'_, Result<InferReply, Error>>;

    /// Whether an answer waits for others, who compute along.
    fn waits(&self) -> bool {
        false
    }

    /// Tells whoever would compute along that this call is not answered here.
    fn decline(&self, request: InferRequest) {
        let _ = request;
    }

    /// Whether it could answer now, or who is missing.
    fn ready(&self) -> BoxFuture<'_, Result<(), Error>>;
}

/// How it stands with another party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Which.
    pub party: u32,
    /// Whether it is connected, in both directions.
    pub up: bool,
    /// Bytes of messages to it so far.
    pub sent: u64,
    /// Bytes of messages from it so far.
    pub received: u64,
}

/// What knows of the peers of a model that is here.
pub(crate) trait Company: Send + Sync {
    /// How it stands with them.
    fn peers(&self) -> Vec<Peer>;

    /// Whether all are here, or who is missing.
    fn ready(&self) -> Result<(), Error>;
}

/// A model that is here.
pub(crate) struct Here {
    pub(crate) host: Arc<dyn Host>,
    /// Those with whom it computes.
    pub(crate) company: Option<Arc<dyn Company>>,
}

fn bytes(request: &InferRequest) -> usize {
    request.inputs.iter().map(|input| input.data.len()).sum()
}

impl Service for Here {
    fn metadata(&self) -> &Metadata {
        self.host.metadata()
    }

    fn pool(&self) -> Vec<Level> {
        self.host.pool()
    }

    fn peers(&self) -> Vec<Peer> {
        self.company.as_ref().map_or_else(Vec::new, |company| company.peers())
    }

    fn expires(&self) -> Vec<(String, u64)> {
        self.host.expires()
    }

    fn rows(&self, request: &InferRequest) -> usize {
        self.host.rows(request)
    }

    fn waits(&self) -> bool {
        self.host.waits()
    }

    fn memory(&self, request: &InferRequest) -> usize {
        self.host.memory(request)
    }

    /// What waits for others must not wait for a turn as well: each of them could have its turns taken by what another one's wait for.
    fn takes_a_turn(&self, request: &InferRequest) -> bool {
        !self.host.waits() && bytes(request) > INLINE
    }

    /// A panic in the host becomes an error: one caller's request must not take the others' connections down.
    fn infer(&self, request: InferRequest) -> BoxFuture<'_, Result<InferReply, Error>> {
        Box::pin(async move {
            let long = self.host.waits() || bytes(&request) > INLINE;
            let answer = || catch_unwind(AssertUnwindSafe(|| self.host.infer(request)));
            compute(long, answer).unwrap_or_else(|_| Err(Error::new(Blame::Ours, "E901", "The model's host stopped on an unexpected state; that is a bug of this program. The server goes on. Please report it with the server's log.")))
        })
    }

    fn decline(&self, request: InferRequest) {
        if self.host.waits() {
            let _ = compute(true, || catch_unwind(AssertUnwindSafe(|| self.host.decline(request))));
        }
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        let company = self.company.as_ref().map_or(Ok(()), |company| company.ready());
        Box::pin(ready(company.and_then(|()| self.host.ready())))
    }
}
