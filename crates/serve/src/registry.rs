//! All models of one server, by name.

use std::collections::BTreeMap;
use std::fmt::Error as Unwritten;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use privet_deploy::oip::{Host, InferReply, InferRequest};
use privet_deploy::{Blame, Error};

use crate::metrics::Metrics;
use crate::service::{Here, Service};

/// All models of one server, by name, and whether it takes calls.
pub struct Registry {
    services: BTreeMap<String, Arc<dyn Service>>,
    ready: AtomicBool,
    metrics: Metrics,
}

impl Registry {
    /// These hosts, each under its own model name.
    pub fn new(hosts: Vec<Arc<dyn Host>>) -> Result<Self, Error> {
        Self::of(hosts.into_iter().map(|host| Arc::new(Here(host)) as Arc<dyn Service>).collect())
    }

    /// These services, each under its own model name.
    pub fn of(all: Vec<Arc<dyn Service>>) -> Result<Self, Error> {
        let mut services = BTreeMap::new();
        for service in all {
            let name = service.metadata().name.clone();
            if services.insert(name.clone(), service).is_some() {
                return Err(Error::usage(
                    "E158",
                    format!(
                        "Two models are called `{name}`; one server has each name once. Give one of them another name."
                    ),
                ));
            }
        }
        Ok(Self { services, ready: AtomicBool::new(true), metrics: Metrics::default() })
    }

    /// The service of this model; an empty version means whichever there is.
    pub fn find(&self, model: &str, version: &str) -> Result<&dyn Service, Error> {
        let service = self.services.get(model).ok_or_else(|| self.no_model(model))?;
        let have = &service.metadata().version;
        if version.is_empty() || version == have {
            return Ok(&**service);
        }
        Err(not_found(format!(
            "Model `{model}` has no version `{version}`; it has version `{have}`. Ask for that one or for none."
        )))
    }

    /// Whether all models could answer now, or why not.
    pub async fn ready(&self) -> Result<(), Error> {
        for service in self.services.values() {
            self.ready_for(&**service).await?;
        }
        self.takes_calls()
    }

    /// Whether this model could answer now, or why not.
    pub async fn ready_for(&self, service: &dyn Service) -> Result<(), Error> {
        self.takes_calls()?;
        service.ready().await
    }

    fn takes_calls(&self) -> Result<(), Error> {
        if self.ready.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Error::new(
            Blame::Unreachable,
            "E159",
            "This server is stopping and takes no more calls. Ask another one, or again after its restart.",
        ))
    }

    /// What the server counted and how full its pools are, as text.
    pub fn metrics(&self) -> Result<String, Unwritten> {
        for service in self.services.values() {
            self.metrics.filled(service.metadata(), &service.pool());
        }
        self.metrics.text()
    }

    /// Takes calls, or not.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// The service's answer, counted.
    pub async fn infer(&self, service: &dyn Service, request: InferRequest) -> Result<InferReply, Error> {
        let start = Instant::now();
        let id = request.id.clone();
        let answer = service.infer(request).await;
        self.metrics.answered(service.metadata(), start.elapsed(), answer.as_ref().err());
        answer.map(|reply| InferReply { id, ..reply })
    }

    fn no_model(&self, model: &str) -> Error {
        let have: Vec<_> = self.services.keys().map(|name| format!("`{name}`")).collect();
        not_found(format!("There is no model `{model}` here; this server has {}.", have.join(", ")))
    }
}

fn not_found(message: String) -> Error {
    Error::new(Blame::NotFound, "E154", message)
}
