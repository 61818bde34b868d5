//! One port for everything: HTTP/1.1 and HTTP/2 over TLS, REST and gRPC. Without TLS only for programs of the same machine.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
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
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::Status;
use tower::Service as _;
use tower_http::cors::CorsLayer;

use crate::access::{Access, Token};
use crate::call::Call;
use crate::callers::{Caller, Callers};
use crate::current::Current;
use crate::fault::to_status;
use crate::grpc_body::incoming;
use crate::house::{Guest, House};
use crate::limits::{Limits, http2};
use crate::peers::{Meshes, is_party};
use crate::places::{Place, Places};
use crate::registry::Registry;
use crate::rest::Refused;
use crate::rest_binary::HEADER;
use crate::tls::key_of;
use crate::trace::Trace;
use crate::{grpc, rest, telemetry, trace};

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
    tls: Option<Arc<Current<ServerConfig>>>,
    access: Arc<Current<Access>>,
    peers: Option<Arc<Meshes>>,
    origins: Vec<HeaderValue>,
    waits: bool,
}

impl Door {
    /// Over TLS.
    pub fn tls(config: ServerConfig) -> Self {
        Self::of(Some(config), Access::anyone())
    }

    /// In the clear, for programs of this machine alone: the listener must be a loopback address's.
    pub fn loopback() -> Self {
        Self::of(None, Access::Loopback)
    }

    fn of(tls: Option<ServerConfig>, access: Access) -> Self {
        let tls = tls.map(|config| Arc::new(Current::new(config)));
        Self { tls, access: Arc::new(Current::new(access)), peers: None, origins: Vec::new(), waits: false }
    }

    /// From now on, for new connections and requests, with this key and these rules.
    pub(crate) fn replace(&self, tls: ServerConfig, access: Access) {
        if let Some(current) = &self.tls {
            current.set(tls);
        }
        self.access.set(access);
    }

    /// The same, for pages of these origins too.
    pub fn with_origins(self, origins: &[String]) -> Result<Self, Error> {
        let origins = origins.iter().map(|origin| origin_header(origin)).collect::<Result<_, _>>()?;
        Ok(Self { origins, ..self })
    }

    /// The same, for a party: its peers come to the same port.
    #[must_use]
    pub fn with_peers(self, peers: Option<Arc<Meshes>>) -> Self {
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
        self.with_access(Access::Token(token))
    }

    /// The same, for those whom this lets in.
    #[must_use]
    pub fn with_access(self, access: Access) -> Self {
        Self { access: Arc::new(Current::new(access)), ..self }
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

    /// The room for requests; pages need none.
    fn house(&self) -> Option<Arc<House>> {
        match self {
            Self::Models(registry) => Some(Arc::clone(registry.house())),
            Self::Pages(_) => None,
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
        house: content.house(),
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
        .allow_headers([CONTENT_TYPE, AUTHORIZATION, sizes.clone()])
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
    house: Option<Arc<House>>,
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

    async fn connection(self, socket: TcpStream, address: IpAddr, (place, _caller): (Place, Caller)) {
        let Some(tls) = self.door.tls.as_ref().map(|tls| tls.get()) else {
            return self.requests(socket, None, address, place).await;
        };
        let mut stopping = self.stopping.clone();
        let shaken = tokio::select! {
            shaken = timeout(self.limits.patience, self.shake(socket, &tls)) => shaken,
            () = place.is_wanted() => return,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        match shaken {
            Ok(Ok(Some(stream))) => {
                let key = shown_key(&stream);
                self.requests(stream, key, address, place).await;
            }
            Ok(Ok(None)) => {}
            _ => tracing::debug!("a TLS handshake failed or took too long"),
        }
    }

    /// Answers what comes over one connection.
    async fn requests(
        mut self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        key: Option<[u8; 32]>,
        address: IpAddr,
        place: Place,
    ) {
        let patience = self.limits.patience;
        let asked = AtomicBool::new(false);
        // A party's answer may wait for its peers, and a gateway's for its roles, after the request itself was waited for.
        let whole = if self.door.waits { patience + self.limits.peers } else { patience };
        let service = service_fn(|request| {
            asked.store(true, Ordering::Relaxed);
            let (router, house, access) = (self.router.clone(), self.house.clone(), self.door.access.get());
            let from = (key, address, self.door.peers.is_some());
            let under_way = place.request();
            async move {
                let _under_way = under_way;
                Ok::<_, Infallible>(answer(router, house, &access, from, request, whole).await)
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let first = tokio::time::sleep(patience);
        tokio::pin!(first);
        let is_wanted = loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended { tracing::debug!(%error, "a connection ended early"); }
                    return;
                }
                () = &mut first, if !asked.load(Ordering::Relaxed) && !first.is_elapsed() => {
                    if !asked.load(Ordering::Relaxed) { return; }
                }
                () = place.is_wanted() => break true,
                _ = self.stopping.wait_for(|stop| *stop) => break false,
            }
        };
        connection.as_mut().graceful_shutdown();
        if is_wanted {
            // At most an answer is still on its way; who does not hear that it shall go is hung up on.
            let _ = timeout(patience, connection).await;
        } else {
            let _ = connection.await;
        }
    }
}

async fn accept_all(listener: &TcpListener, server: &Server, connections: &mut JoinSet<()>) {
    let places = Places::new(server.limits.connections);
    let callers = Callers::new(server.limits.connections_per_address);
    loop {
        match listener.accept().await {
            // One address that takes all connections would leave none to the others; it hears of it by the end of this one.
            Ok((socket, from)) => {
                if let Some(caller) = callers.enter(from.ip()) {
                    // Answers are small and waited for.
                    let _ = socket.set_nodelay(true);
                    let Some(place) = places.take().await else { return };
                    connections.spawn(server.clone().connection(socket, from.ip(), (place, caller)));
                }
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

/// The key that a client showed in the handshake.
fn shown_key(stream: &TlsStream<TcpStream>) -> Option<[u8; 32]> {
    let certificate = stream.get_ref().1.peer_certificates()?.first()?;
    key_of(certificate).ok()
}

/// The answer to whatever comes, in time.
async fn answer(
    mut router: Router,
    house: Option<Arc<House>>,
    access: &Access,
    (key, address, has_peers): (Option<[u8; 32]>, IpAddr, bool),
    mut request: Request<Incoming>,
    patience: Duration,
) -> Response {
    let is_grpc = is_grpc(&request);
    if let Err((status, error)) = admit(&mut request, house, access, key.as_ref(), address, has_peers) {
        // A client that listens only after it has sent everything is to see the refusal, and not the end of the connection.
        tokio::spawn(rest::discard(request.into_body(), patience));
        return refuse(is_grpc, status, error);
    }
    let Ok(answer) = timeout(patience, router.call(request.map(Body::new))).await else {
        return refuse(is_grpc, StatusCode::REQUEST_TIMEOUT, late(patience));
    };
    let Ok(response) = answer;
    if is_grpc { grpc::in_own_words(response) } else { response }
}

/// A request that did not come, or was not answered, in time.
pub(crate) fn late(patience: Duration) -> Error {
    let seconds = patience.as_secs();
    let what = format!("The request was not complete or not answered within {seconds} s. Send it again.");
    Error::new(Blame::Unreachable, "E157", what)
}

/// Adds to the request what is known of its caller, if that may go on and there is room.
fn admit(
    request: &mut Request<Incoming>,
    house: Option<Arc<House>>,
    access: &Access,
    key: Option<&[u8; 32]>,
    address: IpAddr,
    has_peers: bool,
) -> Result<(), (StatusCode, Error)> {
    let path = request.uri().path();
    if HEALTH.iter().any(|health| path.starts_with(health)) {
        return Ok(());
    }
    let asks = path.ends_with(INFER[0]) || path.ends_with(INFER[1]);
    let client = access.check(request, key, address)?;
    let (guest, refused) = match house.filter(|_| asks) {
        Some(house) => entered(&house, has_peers)?,
        None => (None, None),
    };
    let given = request.headers().get(trace::HEADER).and_then(|text| Trace::parse(text.to_str().ok()?));
    let trace = given.map(|trace| trace.child()).or_else(telemetry::begin);
    request.extensions_mut().insert(Call { client, trace, guest, refused });
    Ok(())
}

/// A request's room, and why it is refused all the same.
type Entered = (Option<Arc<Guest>>, Option<Error>);

/// The room of a request. Where peers wait for it too, it is let in also to be refused, so that they can be told.
fn entered(house: &Arc<House>, has_peers: bool) -> Result<Entered, (StatusCode, Error)> {
    match house.enter() {
        Ok(guest) => Ok((Some(Arc::new(guest)), None)),
        Err(full) if has_peers => Ok((Some(Arc::new(house.enter_declined())), Some(full))),
        Err(full) => Err((StatusCode::TOO_MANY_REQUESTS, full)),
    }
}

/// What whoever balances load may ask without being known.
const HEALTH: [&str; 3] = [
    "/v2/health/",
    "/inference.GRPCInferenceService/ServerLive",
    "/inference.GRPCInferenceService/ServerReady",
];
/// How paths end that bring rows.
const INFER: [&str; 2] = ["/infer", "/ModelInfer"];

/// All routes of a server, REST and gRPC, as they are behind its sockets.
pub fn router(registry: Arc<Registry>, limits: Limits) -> Router {
    let calls = grpc::service(Arc::clone(&registry), &limits);
    let infer = tower::service_fn(move |request| {
        let mut calls = calls.clone();
        async move {
            match timeout(limits.patience, incoming(request, limits.message)).await {
                Ok(Ok(request)) => calls.call(request).await,
                Ok(Err(error)) => Ok(to_status(&error).into_http()),
                Err(_) => Ok(to_status(&late(limits.patience)).into_http()),
            }
        }
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
