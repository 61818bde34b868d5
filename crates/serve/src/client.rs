//! The native client: gRPC over HTTP/2 over pinned TLS, with a deadline on every wait.

use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub use http::StatusCode;
use http_body_util::{BodyExt as _, Limited};
use privet_deploy::Error;
use privet_deploy::oip::{InferReply, InferRequest, Metadata};
use prost::Message as _;
use tokio::time::timeout_at;
use tonic::body::Body;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Request, Response, Status};
use tower::Service as _;
use zeroize::Zeroizing;

use crate::fault::from_status;
use crate::grpc_body::Contents;
use crate::grpc_message::{message_from_request, metadata_from_message, reply_from_message};
use crate::keys::MachineKey;
use crate::limits;
use crate::link::Link;
use crate::proto::grpc_inference_service_client::GrpcInferenceServiceClient;
use crate::proto::{ModelMetadataRequest, ServerReadyRequest};
use crate::public_key::PublicKey;
use crate::telemetry::{self, Attribute, Side, Span};
use crate::tls::{authority_client, pinned_client};
use crate::trace::{self, Trace};

/// Where a server is, what to call it, and how to know it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// What errors call it, as `party-1`.
    pub name: String,
    /// `HOST:PORT`.
    pub address: String,
    /// How to know it.
    pub trust: Trust,
    /// What it is shown, where it tells clients apart.
    pub shown: Shown,
}

impl Endpoint {
    /// A server that is shown nothing.
    pub fn new(name: impl Into<String>, address: impl Into<String>, trust: Trust) -> Self {
        Self { name: name.into(), address: address.into(), trust, shown: Shown::default() }
    }
}

/// What a client shows of itself. Both halves are secrets.
#[derive(Clone, Default)]
pub struct Shown {
    /// The key that it shows in the TLS handshake.
    pub key: Option<Arc<MachineKey>>,
    /// The token that it sends with each call.
    pub token: Option<Arc<Zeroizing<String>>>,
}

privet_ring::not_shown!(Shown);

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
    bearer: Option<MetadataValue<Ascii>>,
}

impl Client {
    /// A client that connects at its first call.
    pub fn new(endpoint: &Endpoint) -> Result<Self, Error> {
        let own = endpoint.shown.key.as_deref();
        let tls = match &endpoint.trust {
            Trust::Pinned(key) => pinned_client(key, own)?,
            Trust::Authority(certificates) => authority_client(certificates, own)?,
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
        let bearer = endpoint.shown.token.as_ref().map(|token| bearer(token)).transpose()?;
        Ok(Self { link, calls, bearer })
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
        let trace = trace::current().map(|trace| trace.child());
        let (start, began) = (Instant::now(), SystemTime::now());
        let mut request = self.request(message);
        request.extensions_mut().insert(contents);
        if let Some(value) = trace.and_then(|trace| trace.header().parse().ok()) {
            request.metadata_mut().insert(trace::HEADER, value);
        }
        let mut calls = self.calls.clone();
        let reply = self.call(deadline, calls.model_infer(request)).await.and_then(reply_from_message);
        self.told(trace, began, start.elapsed(), reply.as_ref().err());
        reply
    }

    /// The step in which this role was asked, where traces are collected.
    fn told(&self, trace: Option<Trace>, start: SystemTime, took: Duration, error: Option<&Error>) {
        let Some(trace) = trace else { return };
        let attributes = vec![("privet.role", Attribute::Text(self.link.who().into()))];
        let failed = error.map(|error| error.code);
        telemetry::record(|| Span {
            trace,
            name: "ask",
            side: Side::Client,
            start,
            took,
            attributes,
            failed,
        });
    }

    /// A call that shows who makes it.
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        request
    }

    /// Whether the server takes calls.
    pub async fn ready(&self, deadline: Instant) -> Result<bool, Error> {
        let mut calls = self.calls.clone();
        Ok(self.call(deadline, calls.server_ready(self.request(ServerReadyRequest {}))).await?.ready)
    }

    /// What the server says about one of its models.
    pub async fn metadata(&self, model: &str, deadline: Instant) -> Result<Metadata, Error> {
        let mut calls = self.calls.clone();
        let request = ModelMetadataRequest { name: model.into(), version: String::new() };
        metadata_from_message(self.call(deadline, calls.model_metadata(self.request(request))).await?)
    }

    /// What stands at a path of the server, as text: `/metrics`, say.
    pub async fn text(&self, path: &str, deadline: Instant) -> Result<(StatusCode, String), Error> {
        let uri = format!("https://{}{path}", self.link.address());
        let mut request = http::Request::get(uri);
        if let Some(bearer) = self.bearer.as_ref().and_then(|bearer| bearer.to_str().ok()) {
            request = request.header("authorization", bearer);
        }
        let request = request.body(Body::empty()).map_err(|_| self.link.lost())?;
        let read = async {
            let response = self.link.clone().call(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), limits::MESSAGE).collect().await;
            let bytes = body.map_err(|_| self.link.lost())?.to_bytes();
            Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
        };
        self.within(deadline, read).await?
    }

    /// Bytes sent so far, below TLS, over all connections.
    pub fn bytes_up(&self) -> u64 {
        self.link.counts().up()
    }

    /// Bytes received so far, below TLS, over all connections.
    pub fn bytes_down(&self) -> u64 {
        self.link.counts().down()
    }

    /// The server did not answer in time.
    pub(crate) fn late(&self) -> Error {
        self.link.late()
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

/// The header that shows a token; it is kept out of logs and indices.
fn bearer(token: &Zeroizing<String>) -> Result<MetadataValue<Ascii>, Error> {
    let header = Zeroizing::new(format!("Bearer {}", token.trim()));
    let mut value: MetadataValue<Ascii> = header.parse().map_err(|_| {
        Error::usage("E164", "The token has characters that no header may have. Take it as it was made.")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
