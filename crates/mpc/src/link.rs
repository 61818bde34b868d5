//! Messages between parties. Blocking; a receiver says how many bytes it expects, so that a peer's length field never
//! decides anything.

use crate::Abort;
use crate::role::Role;

/// Why a message did not come or go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The peer is gone.
    Closed,
    /// The peer did not answer before the deadline.
    Late,
    /// The peer said nothing at all in this computation before the deadline.
    Unmet,
    /// The peer ended this computation by itself, without the message that was waited for.
    Ended,
    /// Whoever asked for this computation is gone, so that nobody waits for what it gives.
    Left,
    /// The peer sent more than any step asked for.
    Unasked,
    /// A message of another length came.
    Length {
        /// Bytes expected.
        expected: usize,
        /// Bytes that came.
        got: usize,
    },
}

/// The most lanes of a computation besides its main one.
pub const LANES: u8 = 8;

/// The connection to one peer, in both directions.
pub trait Link: Send {
    /// Sends one message.
    fn send(&mut self, path: &str, bytes: &[u8]) -> Result<(), LinkError>;

    /// The peer's next message, which has `exact_len` bytes.
    fn recv(&mut self, path: &str, exact_len: usize) -> Result<Vec<u8>, LinkError>;

    /// Another way to the same peer, whose messages have an order of their own: of this number, from 1 to [`LANES`], at both ends,
    /// and asked for once.
    fn lane(&mut self, number: u8) -> Box<dyn Link>;
}

/// A party's links to its two peers.
pub struct Links {
    /// To `P_{i-1}`.
    pub previous: Box<dyn Link>,
    /// To `P_{i+1}`.
    pub next: Box<dyn Link>,
}

impl Links {
    /// For programs in which no party talks to another: any attempt fails.
    pub fn none() -> Self {
        Self { previous: Box::new(Unlinked), next: Box::new(Unlinked) }
    }

    /// Lane `number` of both.
    #[must_use]
    pub fn lane(&mut self, number: u8) -> Self {
        Self { previous: self.previous.lane(number), next: self.next.lane(number) }
    }

    /// The link to `peer`, seen from `me`.
    pub fn to(&mut self, me: Role, peer: Role) -> &mut dyn Link {
        if peer == me.next() { &mut *self.next } else { &mut *self.previous }
    }
}

/// Where a party meets its peers: computations that run at the same time, each with its own links.
pub trait Peers: Send + Sync {
    /// The links of the computation that `point` names: the hash of the whole request, the same at all parties that were
    /// told the same. Where a client told them different things nobody comes, and the wait ends at the deadline.
    fn meet(&self, point: &[u8; 32]) -> Result<Links, Abort>;
}

struct Unlinked;

impl Link for Unlinked {
    fn send(&mut self, _: &str, _: &[u8]) -> Result<(), LinkError> {
        Err(LinkError::Closed)
    }

    fn recv(&mut self, _: &str, _: usize) -> Result<Vec<u8>, LinkError> {
        Err(LinkError::Closed)
    }

    fn lane(&mut self, _: u8) -> Box<dyn Link> {
        Box::new(Self)
    }
}
