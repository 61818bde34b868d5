//! One port for everything: HTTP/1.1 and HTTP/2 over TLS, REST and gRPC. Without TLS only for programs of the same machine.

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
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use privet_deploy::{Blame, Error};
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::Status;
use tower::Service as _;
use tower_http::cors::CorsLayer;

use crate::access::{Access, Token};
use crate::fault::to_status;
use crate::grpc_body::incoming;
use crate::limits::{Limits, http2};
use crate::peers::{Mesh, is_party};
use crate::registry::Registry;
use crate::rest::Refused;
use crate::rest_binary::HEADER;
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
    serve_behind(listener, Door::tls(tls), Content::Models(registry), limits, shutdown).await
}

/// How connections come in.
#[derive(Clone)]
pub struct Door {
    tls: Option<Arc<ServerConfig>>,
    peers: Option<Arc<Mesh>>,
    access: Access,
    origins: Vec<HeaderValue>,
    waits: bool,
}

impl Door {
    /// Over TLS.
    pub fn tls(config: ServerConfig) -> Self {
        Self {
            tls: Some(Arc::new(config)),
            peers: None,
            access: Access::Anyone,
            origins: Vec::new(),
            waits: false,
        }
    }

    /// In the clear, for programs of this machine alone: the listener must be a loopback address's.
    pub fn loopback() -> Self {
        Self { tls: None, peers: None, access: Access::Loopback, origins: Vec::new(), waits: false }
    }

    /// The same, for pages of these origins too.
    pub fn with_origins(self, origins: &[String]) -> Result<Self, Error> {
        let origins = origins.iter().map(|origin| origin_header(origin)).collect::<Result<_, _>>()?;
        Ok(Self { origins, ..self })
    }

    /// The same, for a party: its peers come to the same port.
    #[must_use]
    pub fn with_peers(self, peers: Option<Arc<Mesh>>) -> Self {
        Self { waits: peers.is_some(), peers, ..self }
    }

    /// The same, where an answer waits for others.
    #[must_use]
    pub fn waiting(self) -> Self {
        Self { waits: true, ..self }
    }

    /// The same, for holders of a token.
    #[must_use]
    pub fn with_token(self, token: Token) -> Self {
        Self { access: Access::Token(token), ..self }
    }
}

/// What is served.
#[derive(Clone)]
pub enum Content {
    /// Models, by the Open Inference Protocol.
    Models(Arc<Registry>),
    /// Pages.
    Pages(Router),
}

impl Content {
    fn router(&self, limits: Limits) -> Router {
        match self {
            Self::Models(registry) => router(Arc::clone(registry), limits),
            Self::Pages(router) => router.clone(),
        }
    }

    fn stop(&self) {
        if let Self::Models(registry) = self {
            registry.set_ready(false);
        }
    }
}

/// The same, however connections come in, and whatever is served.
pub async fn serve_behind(
    listener: TcpListener,
    door: Door,
    content: Content,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let server = Server {
        router: pages(content.router(limits), &door.origins),
        door,
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
    content.stop();
    stop.send_replace(true);
    let drained = timeout(limits.drain, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(open = connections.len(), "requests were still running at the end of the drain time");
        connections.shutdown().await;
    }
    Ok(())
}

/// Tells browsers about pages of other origins that ask here: which may, and what they may send and read. Where there are none, nothing is
/// said, and browsers let no page ask.
fn pages(router: Router, origins: &[HeaderValue]) -> Router {
    if origins.is_empty() {
        return router;
    }
    let sizes = HeaderName::from_static(HEADER);
    let told = CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([CONTENT_TYPE, sizes.clone()])
        .expose_headers([sizes])
        .max_age(Duration::from_secs(600));
    router.layer(told)
}

/// A page's origin, as browsers name it.
pub(crate) fn origin_header(origin: &str) -> Result<HeaderValue, Error> {
    // A page that was saved to a file has the origin `null`.
    if origin == "null" {
        return Ok(HeaderValue::from_static("null"));
    }
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://localhost:"));
    let good = authority.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '*', ' ', ',']));
    HeaderValue::from_str(origin).ok().filter(|_| good).ok_or_else(|| {
        let what =
            format!("`{origin}` is no origin of a page; expected `https://HOST` or `https://HOST:PORT`.");
        Error::usage("E168", what)
    })
}

/// Everything that a connection needs.
#[derive(Clone)]
struct Server {
    door: Door,
    router: Router,
    http: auto::Builder<TokioExecutor>,
    limits: Limits,
    stopping: watch::Receiver<bool>,
}

impl Server {
    /// A client's connection; a party's goes where it belongs.
    async fn shake(
        &self,
        socket: TcpStream,
        tls: &Arc<ServerConfig>,
    ) -> io::Result<Option<TlsStream<TcpStream>>> {
        let knock = LazyConfigAcceptor::new(Acceptor::default(), socket).await?;
        match &self.door.peers {
            Some(peers) if is_party(&knock.client_hello()) => {
                peers.admit(knock).await;
                Ok(None)
            }
            _ => knock.into_stream(Arc::clone(tls)).await.map(Some),
        }
    }

    async fn connection(self, socket: TcpStream, _permit: OwnedSemaphorePermit) {
        let Some(tls) = self.door.tls.clone() else { return self.requests(socket).await };
        let mut stopping = self.stopping.clone();
        let shaken = tokio::select! {
            shaken = timeout(self.limits.patience, self.shake(socket, &tls)) => shaken,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        match shaken {
            Ok(Ok(Some(stream))) => self.requests(stream).await,
            Ok(Ok(None)) => {}
            _ => tracing::debug!("a TLS handshake failed or took too long"),
        }
    }

    /// Answers what comes over one connection.
    async fn requests(mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let patience = self.limits.patience;
        let asked = AtomicBool::new(false);
        // A party's answer may wait for its peers, and a gateway's for its roles, after the request itself was waited for.
        let whole = if self.door.waits { patience + self.limits.peers } else { patience };
        let service = service_fn(|request| {
            asked.store(true, Ordering::Relaxed);
            answer(self.router.clone(), request, self.door.access.clone(), whole)
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
    access: Access,
    patience: Duration,
) -> Result<Response, Infallible> {
    let is_grpc = is_grpc(&request);
    if let Err((status, error)) = access.check(&request) {
        return Ok(refuse(is_grpc, status, error));
    }
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

/// All routes of a server, REST and gRPC, as they are behind its sockets.
pub fn router(registry: Arc<Registry>, limits: Limits) -> Router {
    let calls = grpc::service(Arc::clone(&registry), &limits);
    let infer = tower::service_fn(move |request| {
        let mut calls = calls.clone();
        async move { calls.call(incoming(request, limits.message).await).await }
    });
    rest::router(Arc::clone(&registry), limits)
        .route_service("/inference.GRPCInferenceService/ModelInfer", infer)
        .route_service("/inference.GRPCInferenceService/{call}", grpc::small(registry, &limits))
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
    match (grpc, status) {
        (false, _) => Refused(status, error).into_response(),
        (true, StatusCode::UNAUTHORIZED) => Status::unauthenticated(error.to_string()).into_http(),
        (true, StatusCode::FORBIDDEN) => Status::permission_denied(error.to_string()).into_http(),
        (true, _) => to_status(&error).into_http(),
    }
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
