//! The protocol over REST.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use privet_deploy::oip::{Metadata, TensorMetadata};
use privet_deploy::{Blame, Error};
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::{blame_name, http_status};
use crate::grpc::{self, EXTENSIONS, NAME, VERSION};
use crate::house::Guest;
use crate::limits::Limits;
use crate::metrics::CONTENT_TYPE;
use crate::registry::Registry;
use crate::rest_binary::{HEADER, read};
use crate::rest_reply::{json_parameters, respond};
use crate::server::late;

/// The REST routes of these models.
pub fn router(registry: Arc<Registry>, limits: Limits) -> Router {
    Router::new()
        .route("/v2", get(server_metadata))
        .route("/v2/health/live", get(async || axum::Json(json!({ "live": true }))))
        .route("/v2/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/v2/models/{model}", get(model_metadata))
        .route("/v2/models/{model}/ready", get(model_ready))
        .route("/v2/models/{model}/infer", post(infer))
        .route("/v2/models/{model}/versions/{version}", get(model_metadata))
        .route("/v2/models/{model}/versions/{version}/ready", get(model_ready))
        .route("/v2/models/{model}/versions/{version}/infer", post(infer))
        .with_state(Rest { registry, limits })
}

/// An error as a REST response.
pub struct Refused(pub StatusCode, pub Error);

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(http_status(error.blame), error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, error) = self;
        let body =
            json!({ "error": error.to_string(), "code": error.code, "blame": blame_name(error.blame) });
        let mut response = (status, axum::Json(body)).into_response();
        if let Some(seconds) = error.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[derive(Clone)]
struct Rest {
    registry: Arc<Registry>,
    limits: Limits,
}

/// Model and version as the path names them; no version means whichever there is.
#[derive(serde::Deserialize)]
struct Which {
    model: String,
    #[serde(default)]
    version: String,
}

type Named = Result<Path<Which>, axum::extract::rejection::PathRejection>;

async fn server_metadata() -> axum::Json<Value> {
    axum::Json(json!({ "name": NAME, "version": VERSION, "extensions": EXTENSIONS }))
}

async fn ready(State(rest): State<Rest>) -> Result<axum::Json<Value>, Refused> {
    rest.registry.ready().await.map_err(not_ready)?;
    Ok(axum::Json(json!({ "ready": true })))
}

/// Whatever the reason is, those who balance load know one status for it.
fn not_ready(error: Error) -> Refused {
    Refused(StatusCode::SERVICE_UNAVAILABLE, error)
}

async fn metrics(State(rest): State<Rest>, request: Request) -> Result<Response, Refused> {
    call_of(&request.into_parts().0).client.may_read_metrics()?;
    let unwritten = |_| Error::new(Blame::Ours, "E900", "The counts cannot be written.");
    let text = rest.registry.metrics().map_err(unwritten)?;
    Ok(([(http::header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

async fn model_ready(State(rest): State<Rest>, path: Named) -> Result<axum::Json<Value>, Refused> {
    let Which { model, version } = which(path)?;
    let service = rest.registry.find(&model, &version)?;
    rest.registry.ready_for(&*service).await.map_err(not_ready)?;
    Ok(axum::Json(json!({ "name": model, "ready": true })))
}

async fn model_metadata(State(rest): State<Rest>, path: Named) -> Result<axum::Json<Value>, Refused> {
    let Which { model, version } = which(path)?;
    let service = rest.registry.find(&model, &version)?;
    Ok(axum::Json(metadata(service.metadata(), &rest.registry.models().versions(&model))))
}

async fn infer(State(rest): State<Rest>, path: Named, request: Request) -> Result<Response, Refused> {
    let Which { model, version } = which(path)?;
    let (head, body) = request.into_parts();
    let call = call_of(&head);
    let service = match rest.registry.find(&model, &version) {
        Ok(service) => service,
        Err(error) => {
            tokio::spawn(discard(body, rest.limits.patience));
            return Err(error.into());
        }
    };
    let body = rest.body(&head.headers, body, call.guest.as_deref()).await?;
    let json_length = head.headers.get(HEADER).map(|value| value.to_str().unwrap_or("not text"));
    let (request, wanted) = read(&model, json_length, &body)?;
    let reply = rest.registry.infer(&*service, request, &call).await?;
    Ok(respond(&reply, service.metadata(), &wanted)?)
}

/// What is known of the caller.
fn call_of(head: &Parts) -> Call {
    head.extensions.get::<Call>().cloned().unwrap_or_else(Call::of_anyone)
}

impl Rest {
    /// The whole body, unless it is too long: then nothing of it is kept.
    async fn body(&self, headers: &HeaderMap, body: Body, guest: Option<&Guest>) -> Result<Bytes, Refused> {
        if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|e| *e != "identity") {
            let encoding: String = encoding.to_str().unwrap_or_default().chars().take(20).collect();
            let error = Error::usage(
                "E156",
                format!(
                    "The request is encoded as `{encoding}`, which this server does not read. Send it as it is."
                ),
            );
            return Err(Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
        }
        let limit = self.limits.message;
        if let Some(length) = declared(headers).filter(|length| *length > limit as u64) {
            if !headers.contains_key(EXPECT) {
                tokio::spawn(discard(body, self.limits.patience));
            }
            return Err(too_large(&length.to_string(), limit));
        }
        // What a request says of its length takes room at once, and else the most that it may have.
        let length = declared(headers).and_then(|length| usize::try_from(length).ok()).unwrap_or(limit);
        if let Err(error) = guest.map_or(Ok(()), |guest| guest.hold(length)) {
            tokio::spawn(discard(body, self.limits.patience));
            return Err(error.into());
        }
        let read = Limited::new(body, limit).collect();
        let Ok(read) = tokio::time::timeout(self.limits.patience, read).await else {
            return Err(Refused(StatusCode::REQUEST_TIMEOUT, late(self.limits.patience)));
        };
        match read {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                Err(too_large(&format!("more than {limit}"), limit))
            }
            Err(_) => {
                Err(Error::usage("E153", "The request broke off before its end. Send it again.").into())
            }
        }
    }
}

/// Reads on for a while without keeping anything. A client that only listens after it has sent everything would
/// otherwise see a broken connection instead of the refusal.
pub(crate) async fn discard<B: hyper::body::Body + Unpin>(mut body: B, patience: Duration) {
    let read = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(patience, read).await;
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(length: &str, limit: usize) -> Refused {
    Refused(StatusCode::PAYLOAD_TOO_LARGE, grpc::too_large(length, limit))
}

fn which(path: Named) -> Result<Which, Refused> {
    let bad = |_| {
        Error::usage("E150", "The path's model or version is not UTF-8. Write it as in the model's metadata.")
    };
    Ok(path.map_err(bad)?.0)
}

fn metadata(metadata: &Metadata, versions: &[String]) -> Value {
    let tensors = |all: &[TensorMetadata]| -> Vec<Value> {
        all.iter()
            .map(|TensorMetadata { name, datatype, shape }| json!({ "name": name, "datatype": datatype, "shape": shape }))
            .collect()
    };
    json!({
        "name": metadata.name,
        "versions": versions,
        "platform": metadata.platform,
        "inputs": tensors(&metadata.inputs),
        "outputs": tensors(&metadata.outputs),
        "parameters": json_parameters(&metadata.parameters),
    })
}
