//! One HTTP/2 connection to one endpoint, made again whenever it was lost.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use privet_deploy::{Blame, Error};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::body::Body;

use crate::counted::{Counted, Counts};
use crate::limits::http2;
use crate::public_key::fingerprint;
use crate::tls::WrongKey;

/// One HTTP/2 connection to one endpoint. Cloning it gives the same connection.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    who: String,
    address: String,
    server: ServerName<'static>,
    tls: TlsConnector,
    counts: Arc<Counts>,
    current: Mutex<Option<SendRequest<Body>>>,
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

    /// Bytes that went over the network so far.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
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
            "E305",
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
    async fn sender(&self) -> Result<SendRequest<Body>, Error> {
        let mut current = self.0.current.lock().await;
        if let Some(sender) = current.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        *current = None;
        Ok(current.insert(self.connect().await?).clone())
    }

    async fn send(self, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        let unsent = match self.sender().await?.try_send_request(request).await {
            Ok(response) => return Ok(response),
            Err(mut error) => error.take_message().ok_or_else(|| self.lost())?,
        };
        // The connection ended before it took the request: nothing was sent yet, so a new one may.
        *self.0.current.lock().await = None;
        self.sender().await?.try_send_request(unsent).await.map_err(|_| self.lost())
    }

    async fn connect(&self) -> Result<SendRequest<Body>, Error> {
        let io = TokioIo::new(self.secure().await?);
        let (sender, connection) = http().handshake(io).await.map_err(|_| self.lost())?;
        // Its end shows in the sender; there is nobody else to tell.
        tokio::spawn(connection);
        Ok(sender)
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
    type Response = Response<Incoming>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, Error>> + Send>>;

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

fn http() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .initial_stream_window_size(http2::STREAM_WINDOW)
        .initial_connection_window_size(http2::CONNECTION_WINDOW)
        .max_frame_size(http2::FRAME)
        .max_send_buf_size(http2::SEND_BUFFER)
        // A peer that vanished without a word is noticed while a request waits for it.
        .keep_alive_interval(Duration::from_secs(2))
        .keep_alive_timeout(Duration::from_secs(3));
    http
}
