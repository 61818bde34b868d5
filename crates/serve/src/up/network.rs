//! A slower network than this machine's own, for measurements: between each role and whoever talks to it stands a relay that lets
//! every byte wait as long as it would travel. It sees what a network sees: TLS.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// What lies between the roles, and between them and their clients.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Network {
    /// There and back.
    pub round_trip: Duration,
    /// What a connection carries in each direction; all that this machine can where there is none.
    pub bits_per_s: Option<f64>,
}

/// Bytes that are taken from a connection at once.
const CHUNK: usize = 1 << 16;
/// Chunks on their way at most, in each direction: 64 MiB.
const ON_THE_WAY: usize = 1 << 10;

impl Network {
    /// Whether nothing is imitated.
    pub fn is_this_machines(&self) -> bool {
        *self == Self::default()
    }

    fn on_the_line(&self, bytes: usize) -> Duration {
        self.bits_per_s.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(bytes as f64 * 8.0 / rate))
    }
}

/// A way to one address; it ends when this is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Relay {
    /// A new address behind which `target` answers, later.
    pub fn start(target: String, network: Network) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, ended) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let seen = Arc::clone(&ended);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                // Who cannot be connected is hung up on, as by the target itself.
                if let Ok(server) = TcpStream::connect(&target) {
                    let _ = carry_both(client, server, network);
                }
            }
        });
        Ok(Self { address, ended })
    }

    /// `HOST:PORT` of the near end.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that listens.
        let _ = TcpStream::connect(self.address);
    }
}

fn carry_both(client: TcpStream, server: TcpStream, network: Network) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    // A connection takes one round trip before its first byte; here it stands at once.
    carry(client.try_clone()?, server.try_clone()?, network, network.round_trip);
    carry(server, client, network, Duration::ZERO);
    Ok(())
}

/// One direction: a thread that takes, and one that gives when the time has come.
fn carry(from: TcpStream, to: TcpStream, network: Network, first: Duration) {
    let (send, receive) = sync_channel(ON_THE_WAY);
    thread::spawn(move || take(from, &send, network, first));
    thread::spawn(move || give(to, &receive));
}

/// A piece of a stream, and when it arrives.
type Piece = (Instant, Vec<u8>);

fn take(mut from: TcpStream, send: &SyncSender<Piece>, network: Network, first: Duration) {
    let mut line_is_free = Instant::now() + first;
    let mut buffer = vec![0; CHUNK];
    loop {
        let n = match from.read(&mut buffer) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Ok(n) if n > 0 => n,
            // The end travels as well: the channel closes behind what was sent.
            _ => return,
        };
        line_is_free = line_is_free.max(Instant::now()) + network.on_the_line(n);
        if send.send((line_is_free + network.round_trip / 2, buffer[..n].to_vec())).is_err() {
            return;
        }
    }
}

fn give(mut to: TcpStream, receive: &Receiver<Piece>) {
    for (arrives, bytes) in receive {
        thread::sleep(arrives.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Answers each byte with itself.
    fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
            }
        });
        address
    }

    fn asked(stream: &mut TcpStream, bytes: &[u8]) -> Duration {
        let start = Instant::now();
        stream.write_all(bytes).unwrap();
        let mut back = vec![0; bytes.len()];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, bytes);
        start.elapsed()
    }

    #[test]
    fn nothing_arrives_before_its_time_and_all_of_it_does() {
        let network = Network { round_trip: Duration::from_millis(30), bits_per_s: Some(8e6) };
        let relay = Relay::start(echo(), network).unwrap();
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        assert!(
            asked(&mut stream, b"first") >= 2 * network.round_trip,
            "a connection takes a round trip of its own"
        );
        assert!(asked(&mut stream, b"x") >= network.round_trip);
        let bytes: Vec<u8> = (0..=250u8).cycle().take(100_000).collect();
        // Twice over a line that carries a megabyte a second, the second time while the first goes on.
        assert!(asked(&mut stream, &bytes) >= network.round_trip + Duration::from_millis(100));
    }

    #[test]
    fn the_end_of_a_stream_is_passed_on() {
        let network = Network { round_trip: Duration::from_millis(4), bits_per_s: None };
        let relay = Relay::start(echo(), network).unwrap();
        let mut stream = TcpStream::connect(relay.address()).unwrap();
        stream.write_all(b"all").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).unwrap();
        assert_eq!(back, b"all");
    }

    #[test]
    fn a_relay_ends_with_its_owner() {
        let relay = Relay::start(echo(), Network::default()).unwrap();
        let address = relay.address();
        drop(relay);
        let gone = || TcpStream::connect(&address).is_err();
        assert!((0..200).any(|_| gone() || {
            thread::sleep(Duration::from_millis(10));
            false
        }));
    }
}
