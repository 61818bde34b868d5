//! What is said on a connection between parties: one greeting, then frames. A frame is the computation's point (32 bytes),
//! the message's number in its lane (3 bytes) and the lane (1 byte), its length (4 bytes; all little-endian), and so many bytes.

use privet_mpc::role::Role;

/// The name of this protocol in a TLS handshake, by which a server tells parties from clients.
pub const ALPN: &[u8] = b"privet-party/1";
/// The most bytes of one message between parties.
pub const FRAME: usize = 64 << 20;
/// The most that is read at a time, and made room for before it is there.
pub(super) const PIECE: usize = 1 << 20;
/// Bytes before a frame's own.
pub(super) const HEAD: usize = 40;

/// Which computation.
pub(super) type Point = [u8; 32];

/// No hash of a request, so that a ping is no message of any.
const PING: Point = [0; 32];
/// In place of a lane: the sender ended this computation.
const END: u8 = u8::MAX;
/// Messages that a lane has at most.
pub(super) const NUMBERS: u32 = 1 << 24;

/// What a frame says before its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) point: Point,
    pub(super) lane: u8,
    pub(super) number: u32,
    pub(super) length: u32,
}

impl Head {
    pub(super) fn ping() -> Self {
        Self { point: PING, lane: 0, number: 0, length: 0 }
    }

    pub(super) fn end(point: Point) -> Self {
        Self { point, lane: END, number: 0, length: 0 }
    }

    pub(super) fn is_ping(&self) -> bool {
        self.point == PING
    }

    pub(super) fn is_end(&self) -> bool {
        self.lane == END
    }

    pub(super) fn to_bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..32].copy_from_slice(&self.point);
        let number = self.number & (NUMBERS - 1) | u32::from(self.lane) << 24;
        bytes[32..36].copy_from_slice(&number.to_le_bytes());
        bytes[36..].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    pub(super) fn parse(bytes: &[u8; HEAD]) -> Self {
        let (mut point, mut number, mut length) = ([0; 32], [0; 4], [0; 4]);
        point.copy_from_slice(&bytes[..32]);
        number.copy_from_slice(&bytes[32..36]);
        length.copy_from_slice(&bytes[36..]);
        let [.., lane] = number;
        let number = u32::from_le_bytes(number) & (NUMBERS - 1);
        Self { point, lane, number, length: u32::from_le_bytes(length) }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Messages of computations, from who connected.
    Compute,
    /// To be answered, each frame with an empty one, for who measures the way.
    Measure,
    /// To be told how it stands with this party's own peers.
    Report,
}

const MAGIC: [u8; 4] = *b"PVP1";
/// Bytes of a greeting: mark, purpose, role, the bundle's digest.
pub(super) const HELLO: usize = 38;
/// Bytes of what is said back: mark, verdict, the bundle's digest.
pub(super) const REPLY: usize = 37;

pub(super) fn hello(purpose: Purpose, me: Role, bundle: &[u8; 32]) -> [u8; HELLO] {
    let mut bytes = [0; HELLO];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4] = purpose as u8;
    bytes[5] = me.into();
    bytes[6..].copy_from_slice(bundle);
    bytes
}

/// Purpose, role and bundle of who greets.
pub(super) fn parse_hello(bytes: &[u8; HELLO]) -> Option<(Purpose, Role, [u8; 32])> {
    let purpose = match bytes[4] {
        0 => Purpose::Compute,
        1 => Purpose::Measure,
        2 => Purpose::Report,
        _ => return None,
    };
    let role = Role::new(bytes[5].into())?;
    let bundle = bytes[6..].try_into().ok()?;
    (bytes[..4] == MAGIC).then_some((purpose, role, bundle))
}

/// What a party says to who greets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Welcome,
    /// It has the bundle of this digest.
    AnotherBundle([u8; 32]),
    /// The key is another party's than the role.
    AnotherRole,
    /// Its program needs no peers, or it is being measured already.
    NotNow,
}

impl Verdict {
    pub(super) fn to_bytes(self) -> [u8; REPLY] {
        let mut bytes = [0; REPLY];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = match self {
            Self::Welcome => 0,
            Self::AnotherBundle(_) => 1,
            Self::AnotherRole => 2,
            Self::NotNow => 3,
        };
        if let Self::AnotherBundle(digest) = self {
            bytes[5..].copy_from_slice(&digest);
        }
        bytes
    }

    pub(super) fn parse(bytes: &[u8; REPLY]) -> Option<Self> {
        let verdict = match bytes[4] {
            0 => Self::Welcome,
            1 => Self::AnotherBundle(bytes[5..].try_into().ok()?),
            2 => Self::AnotherRole,
            3 => Self::NotNow,
            _ => return None,
        };
        (bytes[..4] == MAGIC).then_some(verdict)
    }
}
