//! The gateway: on the user's own machine, the Open Inference Protocol as any client speaks it on one side, a private
//! deployment on the other. A program that calls it need not know that anything is private.

mod batches;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use privet_deploy::Error;
use privet_deploy::caller::Answer;
use privet_deploy::oip::{InferReply, InferRequest, Metadata, Parameter, TensorMetadata};
use privet_deploy::tensors::{inputs_of, to_raw, wanted_of};
use privet_model::eval::check_inputs;
use privet_model::graph::Port;

use crate::deployed::Deployed;
use crate::service::Service;

use batches::Batches;
pub use batches::Batching;

/// The longest wait for the roles when a gateway is asked whether it is ready.
const READY: Duration = Duration::from_secs(2);

/// A deployment, as a model that any client can ask.
pub struct Gateway {
    deployed: Deployed,
    batches: Arc<Batches>,
    metadata: Metadata,
    /// The title of its trust card.
    trust: String,
}

impl Gateway {
    /// A gateway to this deployment.
    pub fn new(deployed: Deployed, batching: Batching) -> Result<Self, Error> {
        let metadata = metadata(&deployed)?;
        let batches = Batches::new(deployed.clone(), batching);
        let trust = deployed.public().trust_card().title;
        Ok(Self { deployed, batches, metadata, trust })
    }

    async fn answer(&self, request: InferRequest) -> Result<InferReply, Error> {
        let caller = self.deployed.caller();
        let ports: Vec<&Port> = caller.outputs().iter().collect();
        let wanted = wanted_of(&ports, &request.outputs)?;
        let rows = inputs_of(caller.inputs(), &request)?;
        check_inputs(caller.inputs(), &rows)?;
        let Answer { outputs, between, .. } = self.batches.ask(rows).await?;
        let count = |n: u64| Parameter::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let mut parameters = said(&self.deployed);
        parameters.push(("trust".into(), Parameter::Text(self.trust.clone())));
        parameters.push(("rounds".into(), count(1 + between.rounds)));
        parameters.push(("bytes_between".into(), count(between.bytes)));
        let outputs = wanted.into_iter().map(|at| to_raw(ports[at], &outputs[at])).collect();
        Ok(InferReply { id: request.id, parameters, outputs })
    }
}

impl Service for Gateway {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn infer(&self, request: InferRequest) -> BoxFuture<'_, Result<InferReply, Error>> {
        Box::pin(self.answer(request))
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.deployed.ready(READY))
    }
}

/// What stands in every reply: how it was made, and how wrong it can be.
fn said(deployed: &Deployed) -> Vec<(String, Parameter)> {
    let text = |name: &str, value: &str| (name.to_owned(), Parameter::Text(value.into()));
    let caller = deployed.caller();
    let bound = caller.bound().map(|bound| ("bound".to_owned(), Parameter::Double(bound)));
    let own = [text("kind", deployed.file().kind.name()), text("assurance", caller.assurance())];
    own.into_iter().chain(bound).collect()
}

/// The model as its exporter named it, with the trust card and the bound.
fn metadata(deployed: &Deployed) -> Result<Metadata, Error> {
    let (file, caller) = (deployed.file(), deployed.caller());
    let text = |name: &str, value: String| (name.to_owned(), Parameter::Text(value));
    let mut parameters = said(deployed);
    parameters.push(text("trust", deployed.public().trust_card().to_string()));
    parameters.push(text("bundle", file.digest.clone()));
    parameters.push(text("reveal", deployed.public().manifest().reveal.name().into()));
    let columns = caller.inputs().iter().chain(caller.outputs()).filter(|port| !port.columns.is_empty());
    let columns: std::collections::BTreeMap<_, _> = columns.map(|port| (&port.name, &port.columns)).collect();
    if !columns.is_empty() {
        let json = serde_json::to_string(&columns)
            .map_err(|e| Error::new(privet_deploy::Blame::Ours, "E900", format!("No JSON: {e}.")))?;
        parameters.push(text("columns", json));
    }
    Ok(Metadata {
        name: file.name.clone(),
        version: deployed.public().manifest().version.to_string(),
        platform: format!("privet_{}", file.kind.name()),
        inputs: caller.inputs().iter().map(TensorMetadata::from).collect(),
        outputs: caller.outputs().iter().map(TensorMetadata::from).collect(),
        parameters,
    })
}
