//! Frames between the untrusted host and the measured program, over the one stream that they share.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length of the payload, little-endian |
//! | 1 | [`FrameKind`] |
//! | 8 | id, little-endian: a reply has the id of what it replies to |
//! | … | payload |
//!
//! Each side holds the other for hostile. A kind that it does not take, or a length above the kind's own limit, ends the link before
//! anything is allocated; there is no way to find the next frame in a stream that lied once.

mod fault;
mod link;
mod reader;
mod start;

pub use fault::Fault;
pub use link::{Incoming, Link};
pub use reader::Reader;
pub use start::{Configuration, Start};

/// Bytes before a payload.
pub const HEADER: usize = 13;

/// Which end of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Starts the program and carries its messages.
    Host,
    /// The measured program.
    Enclave,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Host: what to serve, once and first.
    Start = 1,
    /// Host: a question for evidence.
    Ask = 2,
    /// Host: a sealed request.
    Call = 3,
    /// Host: the key service's reply.
    Relayed = 4,
    /// Enclave: it has opened the model; the payload is the name of its key.
    Started = 65,
    /// Enclave: evidence, behind the 16 bytes that name the key of which it speaks.
    Evidence = 66,
    /// Enclave: a sealed reply.
    Reply = 67,
    /// Enclave: a message for the key service.
    Relay = 68,
    /// Either: a [`Fault`] in place of a reply. With the id 0 it speaks of the whole program.
    Refused = 127,
}

impl FrameKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Start,
        Self::Ask,
        Self::Call,
        Self::Relayed,
        Self::Started,
        Self::Evidence,
        Self::Reply,
        Self::Relay,
        Self::Refused,
    ];

    /// The most bytes of its payload.
    pub const fn longest(self) -> usize {
        match self {
            Self::Start => 1 << 30,
            Self::Ask => 1 << 10,
            // A server takes 64 MiB in one message; the bucket above it, with what sealing adds, fits.
            Self::Call | Self::Reply => (1 << 28) + (1 << 12),
            Self::Relayed | Self::Relay | Self::Evidence => 8 << 20,
            Self::Started => 16,
            Self::Refused => Fault::BYTES,
        }
    }

    /// Whether this side may send it.
    pub const fn is_sent_by(self, side: Side) -> bool {
        match self {
            Self::Start | Self::Ask | Self::Call | Self::Relayed => matches!(side, Side::Host),
            Self::Started | Self::Evidence | Self::Reply | Self::Relay => matches!(side, Side::Enclave),
            Self::Refused => true,
        }
    }

    /// Whether it answers a frame of the other side.
    pub const fn is_reply(self) -> bool {
        matches!(self, Self::Relayed | Self::Started | Self::Evidence | Self::Reply | Self::Refused)
    }
}

impl From<FrameKind> for u8 {
    fn from(kind: FrameKind) -> Self {
        kind as Self
    }
}

/// One message.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: FrameKind,
    /// Which exchange it belongs to.
    pub id: u64,
    /// What it carries.
    pub payload: Vec<u8>,
}

privet_ring::not_shown!(Frame);

/// Why there are no more frames.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The other side closed the stream between two frames.
    #[error("the other side has ended")]
    Ended,
    /// The other side closed the stream within a frame.
    #[error("the other side ended within a frame")]
    Cut,
    /// A kind that does not exist, or that the other side may not send.
    #[error("a frame of kind {0} came, which the other side may not send")]
    UnknownKind(u8),
    /// A length above the kind's limit.
    #[error("a frame of kind {kind} with {length} bytes came, at most {longest} are taken")]
    TooLong {
        /// Its kind.
        kind: u8,
        /// What it claims.
        length: usize,
        /// What is taken.
        longest: usize,
    },
    /// More frames than are worked on at a time.
    #[error("more requests came at a time than are taken")]
    TooMany,
    /// Nothing came in time.
    #[error("nothing came in time")]
    Late,
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Failed(String),
    /// The program ended itself, and said why.
    #[error("{}", .0.message)]
    Stopped(Fault),
}

/// What stands before a payload, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What follows.
    pub kind: FrameKind,
    /// Which exchange it belongs to.
    pub id: u64,
    /// Bytes of the payload, within the kind's limit.
    pub length: usize,
}

impl Header {
    /// Reads a header that `from` sent.
    pub fn parse(bytes: &[u8; HEADER], from: Side) -> Result<Self, LinkError> {
        let [l0, l1, l2, l3, kind, id @ ..] = *bytes;
        let known = FrameKind::ALL.into_iter().find(|k| u8::from(*k) == kind && k.is_sent_by(from));
        let known = known.ok_or(LinkError::UnknownKind(kind))?;
        let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        let longest = known.longest();
        if length > longest {
            return Err(LinkError::TooLong { kind, length, longest });
        }
        Ok(Self { kind: known, id: u64::from_le_bytes(id), length })
    }

    /// The header of a payload in these parts; none if it is longer than the kind allows.
    pub fn of(kind: FrameKind, id: u64, parts: &[&[u8]]) -> Result<[u8; HEADER], LinkError> {
        let length = parts.iter().map(|p| p.len()).sum();
        let too_long = || LinkError::TooLong { kind: kind.into(), length, longest: kind.longest() };
        let short = u32::try_from(length).ok().filter(|_| length <= kind.longest()).ok_or_else(too_long)?;
        let mut out = [0; HEADER];
        let (len, rest) = out.split_at_mut(4);
        len.copy_from_slice(&short.to_le_bytes());
        let (name, number) = rest.split_at_mut(1);
        name.copy_from_slice(&[kind.into()]);
        number.copy_from_slice(&id.to_le_bytes());
        Ok(out)
    }
}
