//! The native client: gRPC over HTTP/2 over pinned TLS, with a deadline on every wait.

use std::error::Error as _;
use std::future::Future;
use std::time::Instant;

use privet_deploy::Error;
use privet_deploy::oip::{InferReply, InferRequest, Metadata};
use prost::Message as _;
use tokio::time::timeout_at;
use tonic::{Request, Response, Status};

use crate::fault::from_status;
use crate::grpc_body::Contents;
use crate::grpc_message::{message_from_request, metadata_from_message, reply_from_message};
use crate::limits;
use crate::link::Link;
use crate::proto::grpc_inference_service_client::GrpcInferenceServiceClient;
use crate::proto::{ModelMetadataRequest, ServerReadyRequest};
use crate::public_key::PublicKey;
use crate::tls::{authority_client, pinned_client};

/// Where a server is, what to call it, and how to know it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// What errors call it, as `party-1`.
    pub name: String,
    /// `HOST:PORT`.
    pub address: String,
    /// How to know it.
    pub trust: Trust,
}

/// How to know a server.
#[derive(Clone, Debug)]
pub enum Trust {
    /// It holds this key.
    Pinned(PublicKey),
    /// One of these certificates (PEM) vouches for its address.
    Authority(String),
}

/// A client of one server. Cloning it shares the connection.
#[derive(Clone)]
pub struct Client {
    link: Link,
    calls: GrpcInferenceServiceClient<Link>,
}

impl Client {
    /// A client that connects at its first call.
    pub fn new(endpoint: &Endpoint) -> Result<Self, Error> {
        let tls = match &endpoint.trust {
            Trust::Pinned(key) => pinned_client(key)?,
            Trust::Authority(certificates) => authority_client(certificates)?,
        };
        let link = Link::new(&endpoint.name, &endpoint.address, tls)?;
        let origin = format!("https://{}", endpoint.address).parse().map_err(|_| {
            Error::usage(
                "E303",
                format!(
                    "The address of `{}` is `{}`; expected `HOST:PORT`, as in `10.0.0.7:7101`.",
                    endpoint.name, endpoint.address
                ),
            )
        })?;
        let calls = GrpcInferenceServiceClient::with_origin(link.clone(), origin)
            .max_decoding_message_size(limits::MESSAGE)
            .max_encoding_message_size(limits::MESSAGE);
        Ok(Self { link, calls })
    }

    /// A client that is connected.
    pub async fn connect(endpoint: &Endpoint, deadline: Instant) -> Result<Self, Error> {
        let client = Self::new(endpoint)?;
        client.within(deadline, client.link.ensure()).await??;
        Ok(client)
    }

    /// One `ModelInfer` call.
    pub async fn infer(&self, request: InferRequest, deadline: Instant) -> Result<InferReply, Error> {
        let mut message = message_from_request(request);
        let (length, limit) = (message.encoded_len(), limits::MESSAGE);
        if length > limit {
            return Err(Error::usage(
                "E155",
                format!(
                    "The request has {length} bytes; at most {limit} can be sent at once. Send fewer rows at a time."
                ),
            ));
        }
        let contents = Contents::of(&mut message);
        let mut request = Request::new(message);
        request.extensions_mut().insert(contents);
        let mut calls = self.calls.clone();
        reply_from_message(self.call(deadline, calls.model_infer(request)).await?)
    }

    /// Whether the server takes calls.
    pub async fn ready(&self, deadline: Instant) -> Result<bool, Error> {
        let mut calls = self.calls.clone();
        Ok(self.call(deadline, calls.server_ready(ServerReadyRequest {})).await?.ready)
    }

    /// What the server says about one of its models.
    pub async fn metadata(&self, model: &str, deadline: Instant) -> Result<Metadata, Error> {
        let mut calls = self.calls.clone();
        let request = ModelMetadataRequest { name: model.into(), version: String::new() };
        metadata_from_message(self.call(deadline, calls.model_metadata(request)).await?)
    }

    /// Bytes sent so far, below TLS, over all connections.
    pub fn bytes_up(&self) -> u64 {
        self.link.counts().up()
    }

    /// Bytes received so far, below TLS, over all connections.
    pub fn bytes_down(&self) -> u64 {
        self.link.counts().down()
    }

    async fn call<T>(
        &self,
        deadline: Instant,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Error> {
        let answer = self.within(deadline, call).await?;
        answer.map(Response::into_inner).map_err(|status| self.error(&status))
    }

    async fn within<T>(&self, deadline: Instant, wait: impl Future<Output = T>) -> Result<T, Error> {
        timeout_at(deadline.into(), wait).await.map_err(|_| self.link.late())
    }

    /// What the server said, or what became of the connection.
    fn error(&self, status: &Status) -> Error {
        match status.source() {
            None => from_status(status),
            Some(source) => source.downcast_ref::<Error>().cloned().unwrap_or_else(|| self.link.lost()),
        }
    }
}
