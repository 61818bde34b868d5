//! The connection in: a peer by its key, with the same bundle, gets a thread that reads what it sends.

use std::io;
use std::net::TcpStream as Blocking;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use privet_mpc::role::Role;
use rustls::server::ClientHello;
use rustls::{ServerConnection, StreamOwned};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::{StartHandshake, TlsStream};

use super::frame::{ALPN, HELLO, Purpose, Verdict, parse_hello};
use super::measure::answer;
use super::reader::read_all;
use super::report::report;
use super::wire::Wire;
use super::{Mesh, Meshes, Side, spawn};
use crate::tls::key_of;

/// Whether a party knocks, and not a client.
pub fn is_party(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == ALPN))
}

impl Meshes {
    /// Lets a peer in. Whatever goes wrong is told here; it concerns nobody else.
    pub async fn admit(&self, knock: StartHandshake<TcpStream>) {
        if let Err(error) = self.greet(knock).await {
            tracing::warn!(%error, "a connection to the port for parties was refused");
        }
    }

    async fn greet(&self, knock: StartHandshake<TcpStream>) -> io::Result<()> {
        let mut stream = knock.into_stream(self.tls()).await?;
        let mut hello = [0; HELLO];
        stream.read_exact(&mut hello).await?;
        let hello = parse_hello(&hello).ok_or_else(|| io::Error::other("its greeting is none of a party"))?;
        let mesh =
            self.of_bundle(&hello.2).ok_or_else(|| io::Error::other("there is no bundle of parties here"))?;
        mesh.greeted(&hello, stream).await
    }
}

impl Mesh {
    async fn greeted(
        &self,
        hello: &(Purpose, Role, [u8; 32]),
        mut stream: TlsStream<TcpStream>,
    ) -> io::Result<()> {
        let side = self.side(&stream)?;
        let verdict = self.judge(side, hello);
        let measuring = self.measuring(hello.0, verdict);
        stream.write_all(&verdict.to_bytes()).await?;
        stream.flush().await?;
        if verdict != Verdict::Welcome {
            let _ = stream.shutdown().await;
            return Err(io::Error::other(format!("party {}: {verdict:?}", side.role(self.hub.me).index())));
        }
        if hello.0 == Purpose::Report {
            return stream.write_all(&report(&self.hub)).await;
        }
        match measuring {
            Some(measuring) => answer_all(side, stream, measuring),
            None => self.read(side, stream),
        }
    }

    /// Which peer holds the key that was shown.
    fn side(&self, stream: &TlsStream<TcpStream>) -> io::Result<Side> {
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let key = shown.and_then(|certificate| key_of(certificate).ok());
        let side = Side::BOTH.into_iter().zip(&self.pins).find(|(_, pin)| Some(*pin.tls()) == key);
        side.map(|(side, _)| side).ok_or_else(|| io::Error::other("no peer's key was shown"))
    }

    fn judge(&self, side: Side, hello: &(Purpose, Role, [u8; 32])) -> Verdict {
        let (purpose, role, bundle) = hello;
        if *role != side.role(self.hub.me) {
            return Verdict::AnotherRole;
        }
        if *bundle != self.bundle {
            return Verdict::AnotherBundle(self.bundle);
        }
        let free = match purpose {
            Purpose::Compute => self.hub.is_open(),
            Purpose::Measure => !self.measured.swap(true, Ordering::AcqRel),
            Purpose::Report => true,
        };
        if free { Verdict::Welcome } else { Verdict::NotNow }
    }

    fn measuring(&self, purpose: Purpose, verdict: Verdict) -> Option<Measuring> {
        let begins = purpose == Purpose::Measure && verdict == Verdict::Welcome;
        begins.then(|| Measuring(Arc::clone(&self.measured)))
    }

    fn read(&self, side: Side, stream: TlsStream<TcpStream>) -> io::Result<()> {
        let mut stream = blocking(stream)?;
        let Some(id) = self.hub.receives_by(side, stream.sock.handle()?) else { return Ok(()) };
        let hub = Arc::clone(&self.hub);
        spawn("from", side, move || read_all(&hub, side, id, &mut stream)).map_err(io::Error::other)
    }
}

fn answer_all(side: Side, stream: TlsStream<TcpStream>, measuring: Measuring) -> io::Result<()> {
    let mut stream = blocking(stream)?;
    let body = move || {
        let _measuring = measuring;
        answer(&mut stream);
    };
    spawn("measure", side, body).map_err(io::Error::other)
}

/// Measuring, until dropped.
struct Measuring(Arc<AtomicBool>);

impl Drop for Measuring {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The same connection, for a thread. What TLS has read already stays in it.
fn blocking(stream: TlsStream<TcpStream>) -> io::Result<StreamOwned<ServerConnection, Wire>> {
    let (socket, connection) = stream.into_inner();
    let socket: Blocking = socket.into_std()?;
    Ok(StreamOwned::new(connection, Wire::new(socket)?))
}
