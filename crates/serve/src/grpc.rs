//! The protocol over gRPC.

use std::sync::Arc;

use privet_deploy::Error;
use tonic::{Code, Request, Response, Status};

use crate::call::Call;
use crate::codec::unreadable;
use crate::fault::{is_of_transport, to_status};
use crate::grpc_body::Read;
use crate::grpc_message::{message_from_metadata, message_from_reply, request_from_message};
use crate::limits::Limits;
use crate::proto::grpc_inference_service_server::{GrpcInferenceService, GrpcInferenceServiceServer};
use crate::proto::{
    ModelInferRequest, ModelInferResponse, ModelMetadataRequest, ModelMetadataResponse, ModelReadyRequest,
    ModelReadyResponse, ServerLiveRequest, ServerLiveResponse, ServerMetadataRequest, ServerMetadataResponse,
    ServerReadyRequest, ServerReadyResponse,
};
use crate::registry::Registry;

/// The gRPC service of these models.
pub fn service(registry: Arc<Registry>, limits: &Limits) -> GrpcInferenceServiceServer<Grpc> {
    GrpcInferenceServiceServer::new(Grpc { registry })
        .max_decoding_message_size(limits.message)
        .max_encoding_message_size(limits.message)
}

/// The most bytes of a message that has no tensors: a name and a version.
const NAMES: usize = 64 << 10;

/// The same for calls without tensors. The usual codec makes room for what a message announces before it is there; those with
/// tensors are read otherwise.
pub fn small(registry: Arc<Registry>, limits: &Limits) -> GrpcInferenceServiceServer<Grpc> {
    service(registry, limits).max_decoding_message_size(NAMES.min(limits.message))
}

/// The transport below refuses a message that is too long, or a body that is not one message, before this service sees it, in words
/// of its own: here it gets the code and the sentence that every refusal has. The second it would call the server's fault.
pub fn in_own_words<B: Default>(response: http::Response<B>) -> http::Response<B> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() == Code::OutOfRange => numbers(status.message())
            .map_or(response, |[length, limit]| {
                to_status(&too_large(&length.to_string(), limit)).into_http()
            }),
        Some(status) if status.code() == Code::Internal && is_of_transport(&status) => {
            to_status(&unreadable()).into_http()
        }
        _ => response,
    }
}

/// A request of so many bytes was refused.
pub(crate) fn too_large(length: &str, limit: usize) -> Error {
    Error::usage(
        "E155",
        format!(
            "The request has {length} bytes; this server takes at most {limit}. Send fewer rows at a time."
        ),
    )
}

/// Answers gRPC calls.
pub struct Grpc {
    registry: Arc<Registry>,
}

#[tonic::async_trait]
impl GrpcInferenceService for Grpc {
    async fn server_live(
        &self,
        _: Request<ServerLiveRequest>,
    ) -> Result<Response<ServerLiveResponse>, Status> {
        Ok(Response::new(ServerLiveResponse { live: true }))
    }

    async fn server_ready(
        &self,
        _: Request<ServerReadyRequest>,
    ) -> Result<Response<ServerReadyResponse>, Status> {
        Ok(Response::new(ServerReadyResponse { ready: self.registry.ready().await.is_ok() }))
    }

    async fn model_ready(
        &self,
        request: Request<ModelReadyRequest>,
    ) -> Result<Response<ModelReadyResponse>, Status> {
        let ModelReadyRequest { name, version } = request.into_inner();
        let service = self.registry.find(&name, &version).map_err(|error| to_status(&error))?;
        Ok(Response::new(ModelReadyResponse { ready: self.registry.ready_for(&*service).await.is_ok() }))
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Result<Response<ServerMetadataResponse>, Status> {
        Ok(Response::new(ServerMetadataResponse {
            name: NAME.into(),
            version: VERSION.into(),
            extensions: EXTENSIONS.map(String::from).into(),
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Result<Response<ModelMetadataResponse>, Status> {
        let ModelMetadataRequest { name, version } = request.into_inner();
        let service = self.registry.find(&name, &version).map_err(|error| to_status(&error))?;
        let versions = self.registry.models().versions(&name);
        Ok(Response::new(message_from_metadata(service.metadata(), versions)))
    }

    async fn model_infer(
        &self,
        request: Request<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        let (_, mut extensions, message) = request.into_parts();
        let message = extensions.remove::<Read>().map_or(message, |Read(message)| message);
        let call = extensions.remove::<Call>().unwrap_or_else(Call::of_anyone);
        self.infer(message, &call).await.map(Response::new).map_err(|error| to_status(&error))
    }
}

impl Grpc {
    async fn infer(&self, message: ModelInferRequest, call: &Call) -> Result<ModelInferResponse, Error> {
        let service = self.registry.find(&message.model_name, &message.model_version)?;
        let reply = self.registry.infer(&*service, request_from_message(message)?, call).await?;
        Ok(message_from_reply(reply, service.metadata()))
    }
}

fn numbers(text: &str) -> Option<[usize; 2]> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
    Some([numbers.next()?, numbers.next()?])
}

/// The server's name, in its metadata.
pub(crate) const NAME: &str = "privet";
/// The server's version, in its metadata.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What the server can do beyond the protocol.
pub(crate) const EXTENSIONS: [&str; 1] = ["binary_tensor_data"];
