//! All models of one server, by name.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use privet_deploy::oip::{Host, InferReply, InferRequest};
use privet_deploy::{Blame, Error};

use crate::compute::{INLINE, compute};

/// All models of one server, by name, and whether it takes calls.
pub struct Registry {
    hosts: BTreeMap<String, Arc<dyn Host>>,
    ready: AtomicBool,
}

impl Registry {
    /// These hosts, each under its own model name.
    pub fn new(all: Vec<Arc<dyn Host>>) -> Result<Self, Error> {
        let mut hosts = BTreeMap::new();
        for host in all {
            let name = host.metadata().name.clone();
            if hosts.insert(name.clone(), host).is_some() {
                return Err(Error::usage(
                    "E158",
                    format!(
                        "Two models are called `{name}`; one server has each name once. Give one of them another name."
                    ),
                ));
            }
        }
        Ok(Self { hosts, ready: AtomicBool::new(true) })
    }

    /// The host of this model; an empty version means whichever there is.
    pub fn find(&self, model: &str, version: &str) -> Result<&Arc<dyn Host>, Error> {
        let host = self.hosts.get(model).ok_or_else(|| self.no_model(model))?;
        let have = &host.metadata().version;
        if version.is_empty() || version == have {
            return Ok(host);
        }
        Err(not_found(format!(
            "Model `{model}` has no version `{version}`; it has version `{have}`. Ask for that one or for none."
        )))
    }

    /// Whether calls are taken: not any more after the order to stop.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Takes calls, or not.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// The host's answer. A panic in the host becomes an error: one caller's request must not take the others'
    /// connections down.
    pub fn infer(host: &dyn Host, request: InferRequest) -> Result<InferReply, Error> {
        let long =
            host.waits() || request.inputs.iter().map(|input| input.data.len()).sum::<usize>() > INLINE;
        let id = request.id.clone();
        let answer = || catch_unwind(AssertUnwindSafe(|| host.infer(request)));
        let mut reply = compute(long, answer).unwrap_or_else(|_| {
            Err(Error::new(Blame::Ours, "E901", "The model's host stopped on an unexpected state; that is a bug of this program. The server goes on. Please report it with the server's log."))
        })?;
        reply.id = id;
        Ok(reply)
    }

    fn no_model(&self, model: &str) -> Error {
        let have: Vec<_> = self.hosts.keys().map(|name| format!("`{name}`")).collect();
        not_found(format!("There is no model `{model}` here; this server has {}.", have.join(", ")))
    }
}

fn not_found(message: String) -> Error {
    Error::new(Blame::NotFound, "E154", message)
}
