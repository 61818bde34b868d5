//! One HTTP/2 connection to one endpoint, made again whenever it was lost.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, PingPong};
use http::{Request, Response};
use privet_deploy::{Blame, Error};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::body::Body;

use crate::counted::{Counted, Counts};
use crate::grpc_body::{Received, Waiting, Whole, outgoing};
use crate::limits::http2;
use crate::public_key::fingerprint;
use crate::tls::WrongKey;

/// The code of an answer that was not there in time.
pub(crate) const LATE: &str = "E305";

/// One HTTP/2 connection to one endpoint. Cloning it gives the same connection.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    who: String,
    address: String,
    server: ServerName<'static>,
    tls: TlsConnector,
    counts: Arc<Counts>,
    current: Mutex<Option<Sender>>,
}

/// Sends requests over one connection.
#[derive(Clone)]
struct Sender {
    requests: SendRequest<Bytes>,
    waiting: Waiting,
}

impl Link {
    /// Not connected yet. `who` and `address` (host:port) are what errors call the other side.
    pub fn new(who: &str, address: &str, tls: ClientConfig) -> Result<Self, Error> {
        let server = server_name(who, address)?;
        Ok(Self(Arc::new(Inner {
            who: who.into(),
            address: address.into(),
            server,
            tls: TlsConnector::from(Arc::new(tls)),
            counts: Arc::default(),
            current: Mutex::default(),
        })))
    }

    /// What errors call the other side.
    pub(crate) fn who(&self) -> &str {
        &self.0.who
    }

    /// Bytes that went over the network so far.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Where the other side is, as `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.0.address
    }

    /// Connects, unless it is connected.
    pub async fn ensure(&self) -> Result<(), Error> {
        self.sender().await.map(drop)
    }

    /// The other side did not answer in time.
    pub(crate) fn late(&self) -> Error {
        let Inner { who, address, .. } = &*self.0;
        Error::new(
            Blame::Unreachable,
            LATE,
            format!(
                "`{who}` at {address} did not answer before the deadline. The request can be sent again, with a later deadline if the network is slow."
            ),
        )
    }

    /// The connection went away before the answer was there.
    pub(crate) fn lost(&self) -> Error {
        let Inner { who, address, .. } = &*self.0;
        Error::new(
            Blame::Unreachable,
            "E304",
            format!(
                "The connection to `{who}` at {address} was lost before its answer was complete. The request can be sent again."
            ),
        )
    }

    /// A connection that is alive as far as is known. Whoever comes while it is being made waits for that one.
    async fn sender(&self) -> Result<Sender, Error> {
        let mut current = self.0.current.lock().await;
        if let Some(Sender { requests, waiting }) = current.take()
            && let Ok(requests) = requests.ready().await
        {
            return Ok(current.insert(Sender { requests, waiting }).clone());
        }
        Ok(current.insert(self.connect().await?).clone())
    }

    async fn send(self, request: Request<Body>) -> Result<Response<Received>, Error> {
        let (head, Whole { pieces }) = outgoing(request).await.map_err(|_| self.lost())?.into_parts();
        let Sender { mut requests, waiting } = self.sender().await?;
        let waits = waiting.one();
        let head = Request::from_parts(head, ());
        // Nothing waits for room on the way: all that a request has is here already.
        let (response, mut stream) =
            requests.send_request(head, pieces.is_empty()).map_err(|_| self.lost())?;
        let last = pieces.len().saturating_sub(1);
        for (at, piece) in pieces.into_iter().enumerate() {
            stream.send_data(piece, at == last).map_err(|_| self.lost())?;
        }
        let response = response.await.map_err(|_| self.lost())?;
        Ok(response.map(|body| Received::new(body, waits)))
    }

    async fn connect(&self) -> Result<Sender, Error> {
        let socket = self.secure().await?;
        let (requests, connection) = http().handshake(socket).await.map_err(|_| self.lost())?;
        let waiting = Waiting::default();
        // Its end shows in the sender; there is nobody else to tell.
        tokio::spawn(drive(connection, waiting.clone()));
        Ok(Sender { requests, waiting })
    }

    async fn secure(&self) -> Result<TlsStream<Counted<TcpStream>>, Error> {
        let Inner { address, server, tls, counts, .. } = &*self.0;
        let socket = TcpStream::connect(address.as_str()).await.map_err(|error| self.unreachable(&error))?;
        socket.set_nodelay(true).map_err(|error| self.unreachable(&error))?;
        let socket = Counted::new(socket, Arc::clone(counts));
        tls.connect(server.clone(), socket).await.map_err(|error| self.untrusted(&error))
    }

    fn unreachable(&self, error: &std::io::Error) -> Error {
        unreachable(&self.0.who, &self.0.address, &error.kind().to_string())
    }

    fn untrusted(&self, error: &std::io::Error) -> Error {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(problem)) => {
                untrusted(&self.0.who, &self.0.address, problem)
            }
            _ => self.unreachable(error),
        }
    }
}

impl tower::Service<Request<Body>> for Link {
    type Response = Response<Received>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Received>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

/// The host of `HOST:PORT`, as TLS takes it.
pub(crate) fn server_name(who: &str, address: &str) -> Result<ServerName<'static>, Error> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned()).map_err(|_| {
        Error::usage(
            "E303",
            format!("The address of `{who}` is `{address}`; expected `HOST:PORT`, as in `10.0.0.7:7101`."),
        )
    })
}

pub(crate) fn unreachable(who: &str, address: &str, why: &str) -> Error {
    Error::new(
        Blame::Unreachable,
        "E304",
        format!(
            "`{who}` at {address} is not answering: {why}. Check that it runs and that no firewall is in between; the request can be sent again."
        ),
    )
}

pub(crate) fn untrusted(who: &str, address: &str, problem: &rustls::CertificateError) -> Error {
    if let Some(WrongKey { expected, got }) = wrong_key(problem) {
        let (expected, got) = (fingerprint(expected), fingerprint(got));
        return Error::integrity(
            "E311",
            format!(
                "The key offered at {address} is not the one pinned for `{who}` (expected {expected}, got {got}). If `{who}` made a new key on purpose, exchange its public line again."
            ),
        );
    }
    Error::integrity(
        "E311",
        format!(
            "The certificate offered at {address} is not accepted for `{who}` ({problem}). Give the certificate file that `{who}` serves with, or its authority's."
        ),
    )
}

fn wrong_key(problem: &rustls::CertificateError) -> Option<&WrongKey> {
    let rustls::CertificateError::Other(other) = problem else { return None };
    other.0.downcast_ref()
}

/// Works for a connection until it ends, or until the other side has vanished.
async fn drive(mut connection: Connection<TlsStream<Counted<TcpStream>>, Bytes>, waiting: Waiting) {
    let pings = connection.ping_pong();
    tokio::select! {
        _ = connection => {}
        () = vanished(pings, waiting) => {}
    }
}

/// How often a peer is asked for a sign of life while a request waits for it, and how long it may take.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
const NO_SIGN: Duration = Duration::from_secs(3);

/// Done when a peer, for which a request waits, gives no sign of life: it may have vanished without a word.
async fn vanished(pings: Option<PingPong>, waiting: Waiting) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        sleep(SIGN_OF_LIFE).await;
        if waiting.is_anyone() && !matches!(timeout(NO_SIGN, pings.ping(Ping::opaque())).await, Ok(Ok(_))) {
            return;
        }
    }
}

fn http() -> Builder {
    let mut http = Builder::new();
    http.initial_window_size(http2::STREAM_WINDOW)
        .initial_connection_window_size(http2::CONNECTION_WINDOW)
        .max_frame_size(http2::FRAME)
        .enable_push(false);
    http
}
