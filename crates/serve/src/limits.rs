//! How much is too much, and how long is too long. Every number is public and named in the refusal.

use std::time::Duration;

/// What a server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one request or reply.
    pub message: usize,
    /// The most connections at the same time; the next one waits.
    pub connections: usize,
    /// The most connections of one address at the same time; the next one is closed.
    pub connections_per_address: usize,
    /// The most requests at the same time, whether they are read, wait or are computed; the next one is refused.
    pub requests: usize,
    /// The most bytes of these requests together.
    pub request_bytes: usize,
    /// The most bytes that computing them takes, where parties run a program.
    pub computing_bytes: usize,
    /// The most rows of one request.
    pub rows: Option<usize>,
    /// The longest time for a TLS handshake, for a request's headers, and for a whole request.
    pub patience: Duration,
    /// The longest time that running requests get after the order to stop.
    pub drain: Duration,
    /// The longest time that a computation of several parties may take.
    pub peers: Duration,
    /// The most rows that are answered in a minute, whoever asks.
    pub rows_per_minute: Option<u32>,
    /// The most requests in a minute of one client, or of one address where clients are not told apart.
    pub requests_per_minute: Option<u32>,
    /// The most bytes of what a server of `dealer2` has prepared ahead.
    pub pool: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: MESSAGE,
            connections: 4096,
            connections_per_address: 2048,
            requests: 1024,
            request_bytes: 1 << 30,
            computing_bytes: 4 << 30,
            rows: None,
            patience: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            peers: Duration::from_secs(30),
            rows_per_minute: None,
            requests_per_minute: None,
            pool: 256 << 20,
        }
    }
}

/// The most bytes of one message: both sides' default.
pub const MESSAGE: usize = 64 << 20;

/// HTTP/2 windows and frames, the same on both sides. Windows hold several large messages, so that a sender far
/// away need not wait for a round trip in the middle of one.
pub(crate) mod http2 {
    pub(crate) const STREAM_WINDOW: u32 = 16 << 20;
    pub(crate) const CONNECTION_WINDOW: u32 = 64 << 20;
    pub(crate) const FRAME: u32 = 1 << 20;
    /// What a sender may hold ready for the socket, per stream.
    pub(crate) const SEND_BUFFER: usize = 1 << 20;
    pub(crate) const STREAMS: u32 = 256;
}
