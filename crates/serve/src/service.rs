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

    /// The answer to one call.
    fn infer(&self, request: InferRequest) -> BoxFuture<'_, Result<InferReply, Error>>;

    /// Whether it could answer now, or who is missing.
    fn ready(&self) -> BoxFuture<'_, Result<(), Error>>;
}

/// A model that is here.
pub(crate) struct Here(pub(crate) Arc<dyn Host>);

impl Service for Here {
    fn metadata(&self) -> &Metadata {
        self.0.metadata()
    }

    fn pool(&self) -> Vec<Level> {
        self.0.pool()
    }

    /// A panic in the host becomes an error: one caller's request must not take the others' connections down.
    fn infer(&self, request: InferRequest) -> BoxFuture<'_, Result<InferReply, Error>> {
        Box::pin(async move {
            let bytes = request.inputs.iter().map(|input| input.data.len()).sum::<usize>();
            let answer = || catch_unwind(AssertUnwindSafe(|| self.0.infer(request)));
            compute(self.0.waits() || bytes > INLINE, answer).unwrap_or_else(|_| Err(Error::new(Blame::Ours, "E901", "The model's host stopped on an unexpected state; that is a bug of this program. The server goes on. Please report it with the server's log.")))
        })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(ready(Ok(())))
    }
}
