//! Connections on this machine: the same TLS as between roles, on blocking sockets with nothing above them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use privet_serve::keys::MachineKey;
use privet_serve::tls::{pinned_client, server_config};
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};

use crate::process::cpu_seconds;

/// A small request, about as long as one row of the reference workload, and its answer.
const REQUEST: usize = 2048;
const ANSWER: usize = 128;
/// Bytes of a transfer, and of one write of it.
const TRANSFER: usize = 128 << 20;
const WRITE: usize = 1 << 20;

/// Both ends' configuration.
pub(super) struct Tls {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

type Client = StreamOwned<ClientConnection, TcpStream>;
type Server = StreamOwned<ServerConnection, TcpStream>;

impl Tls {
    pub(super) fn new() -> Option<Self> {
        let key = MachineKey::generate("probe").ok()?;
        let server = server_config(&key, &key.certificate(&[]).ok()?).ok()?;
        Some(Self { server: server.into(), client: pinned_client(key.public(), None).ok()?.into() })
    }

    /// Seconds until `servers` that are asked at once have all answered: the least of many.
    pub(super) fn round_trip(&self, servers: usize) -> Option<f64> {
        let mut connections = (0..servers).map(|_| self.to(echo)).collect::<io::Result<Vec<_>>>().ok()?;
        let (request, mut answer) = ([7; REQUEST], [0; ANSWER]);
        let mut once = || -> io::Result<f64> {
            let start = Instant::now();
            connections.iter_mut().try_for_each(|one| one.write_all(&request).and_then(|()| one.flush()))?;
            connections.iter_mut().try_for_each(|one| one.read_exact(&mut answer))?;
            Ok(start.elapsed().as_secs_f64())
        };
        let mut seconds = (0..400).map(|_| once()).collect::<io::Result<Vec<f64>>>().ok()?;
        seconds.sort_by(f64::total_cmp);
        // Not the least: a round trip that no thread had to be woken for is luck.
        Some(seconds[seconds.len() / 10])
    }

    /// Bytes per second of processor time, of both ends together.
    pub(super) fn bytes_per_cpu_s(&self) -> Option<f64> {
        let (arrived, has_arrived) = channel();
        let (end, ended) = channel::<()>();
        let mut connection = self
            .to(move |mut server: Server| {
                let mut block = vec![0; WRITE];
                (0..TRANSFER / WRITE).try_for_each(|_| server.read_exact(&mut block))?;
                let _ = arrived.send(());
                // A thread's processor time is only known while it lives.
                let _ = ended.recv();
                Ok(())
            })
            .ok()?;
        let block = vec![7; WRITE];
        let before = cpu_seconds(std::process::id())?;
        for _ in 0..TRANSFER / WRITE {
            connection.write_all(&block).ok()?;
        }
        connection.flush().ok()?;
        has_arrived.recv().ok()?;
        let took = cpu_seconds(std::process::id())? - before;
        drop(end);
        Some(TRANSFER as f64 / took)
    }

    /// A connection to a new server that does this with it.
    fn to(&self, serve: impl FnOnce(Server) -> io::Result<()> + Send + 'static) -> io::Result<Client> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, config) = (listener.local_addr()?, Arc::clone(&self.server));
        thread::spawn(move || -> io::Result<()> {
            let (socket, _) = listener.accept()?;
            socket.set_nodelay(true)?;
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            serve(StreamOwned::new(connection, socket))
        });
        self.connect(address)
    }

    fn connect(&self, address: SocketAddr) -> io::Result<Client> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        let name = address.ip().into();
        let connection = ClientConnection::new(Arc::clone(&self.client), name).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, socket))
    }
}

fn echo(mut server: Server) -> io::Result<()> {
    let (mut request, answer) = ([0; REQUEST], [7; ANSWER]);
    loop {
        server.read_exact(&mut request)?;
        server.write_all(&answer)?;
        server.flush()?;
    }
}

/// Bytes per second through one TCP connection.
pub(super) fn loopback() -> io::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let sender = thread::spawn(move || -> io::Result<()> {
        let (mut socket, block) = (TcpStream::connect(address)?, vec![0u8; WRITE]);
        (0..TRANSFER / WRITE).try_for_each(|_| socket.write_all(&block))
    });
    let (mut socket, _) = listener.accept()?;
    let mut block = vec![0u8; WRITE];
    let start = Instant::now();
    (0..TRANSFER / WRITE).try_for_each(|_| socket.read_exact(&mut block))?;
    let seconds = start.elapsed().as_secs_f64();
    let _ = sender.join();
    Ok(TRANSFER as f64 / seconds)
}
