//! One port for everything: HTTP/1.1 and HTTP/2 over TLS, REST and gRPC.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use privet_deploy::{Blame, Error};
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Service as _;

use crate::fault::to_status;
use crate::grpc_body::incoming;
use crate::limits::{Limits, http2};
use crate::peers::{Mesh, is_party};
use crate::registry::Registry;
use crate::rest::Refused;
use crate::{grpc, rest};

/// Serves these models until `shutdown` is done; then takes no more connections, lets running requests end, and
/// returns. An error of one connection ends that connection only.
pub async fn serve(
    listener: TcpListener,
    tls: ServerConfig,
    registry: Arc<Registry>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_party(listener, tls, None, registry, limits, shutdown).await
}

/// The same, for a party: its peers come to the same port.
pub async fn serve_party(
    listener: TcpListener,
    tls: ServerConfig,
    peers: Option<Arc<Mesh>>,
    registry: Arc<Registry>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let server = Server {
        tls: Arc::new(tls),
        peers,
        router: router(Arc::clone(&registry), limits),
        http: http(limits),
        limits,
        stopping,
    };
    let mut connections = JoinSet::new();
    tokio::select! {
        () = accept_all(&listener, &server, &mut connections) => {}
        () = shutdown => {}
    }
    drop(listener);
    registry.set_ready(false);
    stop.send_replace(true);
    let drained = timeout(limits.drain, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(open = connections.len(), "requests were still running at the end of the drain time");
        connections.shutdown().await;
    }
    Ok(())
}

/// Everything that a connection needs.
#[derive(Clone)]
struct Server {
    tls: Arc<ServerConfig>,
    peers: Option<Arc<Mesh>>,
    router: Router,
    http: auto::Builder<TokioExecutor>,
    limits: Limits,
    stopping: watch::Receiver<bool>,
}

impl Server {
    /// A client's connection; a party's goes where it belongs.
    async fn shake(&self, socket: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        let knock = LazyConfigAcceptor::new(Acceptor::default(), socket).await?;
        match &self.peers {
            Some(peers) if is_party(&knock.client_hello()) => {
                peers.admit(knock).await;
                Ok(None)
            }
            _ => knock.into_stream(Arc::clone(&self.tls)).await.map(Some),
        }
    }

    async fn connection(mut self, socket: TcpStream, _permit: OwnedSemaphorePermit) {
        let patience = self.limits.patience;
        let mut stopping = self.stopping.clone();
        let shaken = tokio::select! {
            shaken = timeout(patience, self.shake(socket)) => shaken,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let stream = match shaken {
            Ok(Ok(Some(stream))) => stream,
            Ok(Ok(None)) => return,
            _ => {
                tracing::debug!("a TLS handshake failed or took too long");
                return;
            }
        };
        let asked = AtomicBool::new(false);
        // A party's answer may wait for its peers, after the request itself was waited for.
        let whole = patience + self.peers.as_ref().map_or(Duration::ZERO, |_| self.limits.peers);
        let service = service_fn(|request| {
            asked.store(true, Ordering::Relaxed);
            answer(self.router.clone(), request, whole)
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let first = tokio::time::sleep(patience);
        tokio::pin!(first);
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended { tracing::debug!(%error, "a connection ended early"); }
                    return;
                }
                () = &mut first, if !asked.load(Ordering::Relaxed) && !first.is_elapsed() => {
                    if !asked.load(Ordering::Relaxed) { return; }
                }
                _ = self.stopping.wait_for(|stop| *stop) => break,
            }
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

async fn accept_all(listener: &TcpListener, server: &Server, connections: &mut JoinSet<()>) {
    let free = Arc::new(Semaphore::new(server.limits.connections));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((socket, _)) => {
                // Answers are small and waited for.
                let _ = socket.set_nodelay(true);
                connections.spawn(server.clone().connection(socket, permit));
            }
            Err(error) => {
                // The peer left already, or this process is out of file handles: others may go on.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    mut router: Router,
    request: Request<Incoming>,
    patience: Duration,
) -> Result<Response, Infallible> {
    let is_grpc = is_grpc(&request);
    let Ok(answer) = timeout(patience, router.call(request.map(Body::new))).await else {
        let error = Error::new(
            Blame::Unreachable,
            "E157",
            format!(
                "The request was not complete or not answered within {} s. Send it again.",
                patience.as_secs()
            ),
        );
        return Ok(refuse(is_grpc, StatusCode::REQUEST_TIMEOUT, error));
    };
    answer.map(|response| if is_grpc { grpc::in_own_words(response) } else { response })
}

fn router(registry: Arc<Registry>, limits: Limits) -> Router {
    let calls = grpc::service(Arc::clone(&registry), &limits);
    let infer = {
        let calls = calls.clone();
        tower::service_fn(move |request| {
            let mut calls = calls.clone();
            async move { calls.call(incoming(request, limits.message).await).await }
        })
    };
    rest::router(registry, limits)
        .route_service("/inference.GRPCInferenceService/ModelInfer", infer)
        .route_service("/inference.GRPCInferenceService/{call}", calls)
        .method_not_allowed_fallback(async || {
            let error = Error::usage(
                "E156",
                "This path exists, but not with this method. Use `GET`, and `POST` for `infer`.",
            );
            Refused(StatusCode::METHOD_NOT_ALLOWED, error)
        })
        .fallback(async |request: Request<Body>| {
            let path: String = request.uri().path().chars().take(100).collect();
            let error = Error::new(
                Blame::NotFound,
                "E154",
                format!(
                    "There is nothing at `{path}`. The Open Inference Protocol's paths begin with `/v2`."
                ),
            );
            refuse(is_grpc(&request), StatusCode::NOT_FOUND, error)
        })
}

fn is_grpc<B>(request: &Request<B>) -> bool {
    request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn refuse(grpc: bool, status: StatusCode, error: Error) -> Response {
    if grpc { to_status(&error).into_http() } else { Refused(status, error).into_response() }
}

fn http(limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(limits.patience);
    http.http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(http2::STREAM_WINDOW)
        .initial_connection_window_size(http2::CONNECTION_WINDOW)
        .max_frame_size(http2::FRAME)
        .max_send_buf_size(http2::SEND_BUFFER)
        .max_concurrent_streams(http2::STREAMS)
        .keep_alive_interval(limits.patience)
        .keep_alive_timeout(limits.patience);
    http
}
