//! A whole server behind its sockets: REST and gRPC calls, and whatever else comes over HTTP.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use privet_deploy::oip::Host;
use privet_deploy::plain::PlainHost;
use privet_serve::grpc::in_own_words;
use privet_serve::{Limits, Registry, server};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use super::world;
use crate::target::{Target, split};

pub(super) const TARGETS: &[Target] = &[Target::new("http", http, seeds).with_memory(8, 256)];

const PATHS: [&str; 12] = [
    "/v2/models/m/infer",
    "/inference.GRPCInferenceService/ModelInfer",
    "/v2/models/m/versions/1/infer",
    "/v2",
    "/v2/models/m",
    "/v2/models/other/infer",
    "/v2/health/ready",
    "/metrics",
    "/inference.GRPCInferenceService/ModelMetadata",
    "/inference.GRPCInferenceService/Other",
    "/v2/models/%ff/infer",
    "/",
];

static SERVER: LazyLock<(Runtime, Router)> = LazyLock::new(|| {
    let host: Arc<dyn Host> = Arc::new(PlainHost::new("m", world::linear(3, 2)));
    let registry = Registry::new(vec![host]).unwrap_or_else(|e| panic!("{e}"));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap_or_else(|e| panic!("{e}"));
    (runtime, server::router(Arc::new(registry), Limits::default()))
});

fn seeds() -> Vec<Vec<u8>> {
    let json = r#"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}"#;
    let binary = r#"{"parameters":{"binary_data_output":true},"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}}]}"#;
    let length = |n: usize| u8::try_from(n).unwrap_or(0);
    let message = world::grpc_of(&world::plain_request(2));
    let size = u32::try_from(message.len()).unwrap_or(0).to_be_bytes();
    vec![
        [&[0, 1, 0][..], json.as_bytes()].concat(),
        [&[0, 5, length(binary.len())][..], binary.as_bytes(), &[0; 12]].concat(),
        [&[1, 3, 0, 0][..], &size, &message].concat(),
        [&[8, 3, 0][..], &[0, 0, 0, 0, 3, 10, 1, b'm']].concat(),
        vec![3, 0, 0],
    ]
}

/// A path, a method with headers, where the JSON ends; then the body, in two frames.
fn http(bytes: &[u8]) {
    let (path, rest) = split(bytes);
    let (how, rest) = split(rest);
    let (length, body) = split(rest);
    let method = if how % 2 == 1 { Method::POST } else { Method::GET };
    let cut = (how >> 4) * body.len() / 16;
    let frames =
        [&body[..cut], &body[cut..]].map(|frame| Ok::<_, std::io::Error>(Bytes::copy_from_slice(frame)));
    let mut request = Request::new(Body::from_stream(stream::iter(frames)));
    *request.method_mut() = method;
    *request.uri_mut() = PATHS[path % PATHS.len()].parse().unwrap_or_default();
    if how & 2 != 0 {
        request.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        request.headers_mut().insert("te", HeaderValue::from_static("trailers"));
    }
    if how & 4 != 0 {
        request.headers_mut().insert("inference-header-content-length", HeaderValue::from(length));
    }
    if how & 8 != 0 {
        request.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
    }
    is_in_order(request);
}

fn is_in_order(request: Request<Body>) {
    let (runtime, router) = &*SERVER;
    let (status, grpc, size) = runtime.block_on(async {
        let Ok(response) = router.clone().oneshot(request).await;
        let (head, body) = in_own_words(response).into_parts();
        let whole = body.collect().await;
        let whole = whole.unwrap_or_else(|e| panic!("an answer that ends early: {e}"));
        let last = whole.trailers().and_then(|trailers| trailers.get("grpc-status")).cloned();
        let grpc = last.or_else(|| head.headers.get("grpc-status").cloned());
        (head.status, grpc, whole.to_bytes().len())
    });
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "a caller's bytes are called the server's fault");
    assert!(size < 64 << 10, "an answer of {size} bytes to a small question");
    // Internal, unknown, data loss.
    let wrong =
        grpc.filter(|status| ["13", "2", "15"].iter().any(|code| status.as_bytes() == code.as_bytes()));
    assert_eq!(wrong, None, "a caller's bytes are called the server's fault");
}
