//! A party's message, byte by byte. Version 1:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `PVT1` |
//! | 1 | the party it is for |
//! | 1 | `protect`: 0 both, 1 input, 2 model |
//! | 2 | zero |
//! | 4, 4 | rows of this chunk; number of the chunk (little-endian) |
//! | 32 | the bundle's digest |
//! | 3 × 32 | commitments |
//! | 16 each | per component that the party holds: a seed, or the salt of the explicit share |
//!
//! The explicit share, where the party holds it, is the second tensor of the call. An answer is the 32 bytes of the
//! point at which the party drew its zero share, and the packed answer share.

use bytes::Bytes;
use privet_mpc::commitment::{Salt, Statement};
use privet_mpc::protect::Protect;
use privet_mpc::request::{Held, PartyRequest};
use privet_mpc::role::Role;
use privet_ring::prg::Seed;
use zeroize::Zeroizing;

use crate::error::Error;

const MAGIC: &[u8; 4] = b"PVT1";
/// Where a message has its number of rows.
pub(crate) const ROWS: usize = 8;
const FIXED: usize = 4 + 4 + 8 + 32 + 96;

/// The head and, where the party holds the explicit share, the body.
pub fn encode(role: Role, request: &PartyRequest) -> (Bytes, Option<Bytes>) {
    let Statement { bundle, protect, rows, chunk, commitments } = &request.statement;
    let mut head = Vec::with_capacity(FIXED + 16 * request.held.len());
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&[u8::from(role), protect_code(*protect), 0, 0]);
    head.extend_from_slice(&rows.to_le_bytes());
    head.extend_from_slice(&chunk.to_le_bytes());
    head.extend_from_slice(bundle);
    for commitment in commitments {
        head.extend_from_slice(commitment);
    }
    let mut body = None;
    for held in &request.held {
        match held {
            Held::Seed(seed) => head.extend_from_slice(seed.expose()),
            Held::Packed { salt, bytes } => {
                head.extend_from_slice(salt.expose());
                body = Some(bytes.clone());
            }
        }
    }
    (head.into(), body)
}

/// The message for party `me`. Nothing in it decides an allocation; lengths are compared by the protocol.
pub fn decode(me: Role, head: &[u8], body: Option<Bytes>) -> Result<PartyRequest, Error> {
    let malformed = |what: &str| Error::usage("E330", format!("This is not a message for a party: {what}."));
    let mut reader = Reader(head);
    if reader.take::<4>().as_ref() != Some(MAGIC) {
        return Err(malformed("it does not start with `PVT1`, the mark of wire version 1"));
    }
    let [to, protect, reserved @ ..] = reader.take::<4>().ok_or_else(|| malformed("it ends early"))?;
    if reserved != [0; 2] {
        return Err(malformed("its reserved bytes are not zero"));
    }
    if to != u8::from(me) {
        return Err(Error::usage(
            "E331",
            format!("This message is for party {to}; this is party {}.", me.index()),
        ));
    }
    let protect = protect_of(protect).ok_or_else(|| malformed("its `protect` is unknown"))?;
    let statement = reader.statement(protect).ok_or_else(|| malformed("it ends early"))?;
    let mut body = body;
    let mut components = Vec::new();
    for component in protect.components(me) {
        let secret = Zeroizing::new(reader.take::<16>().ok_or_else(|| malformed("it ends early"))?);
        components.push(if component.is_seeded() {
            Held::Seed(Seed::from_bytes(*secret))
        } else {
            let bytes = body.take().ok_or_else(|| malformed("its explicit share is missing"))?;
            Held::Packed { salt: Salt::from_bytes(*secret), bytes }
        });
    }
    if !reader.0.is_empty() || body.is_some() {
        return Err(malformed("it is longer than expected"));
    }
    Ok(PartyRequest { statement, held: components })
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn statement(&mut self, protect: Protect) -> Option<Statement> {
        Some(Statement {
            protect,
            rows: u32::from_le_bytes(self.take()?),
            chunk: u32::from_le_bytes(self.take()?),
            bundle: self.take()?,
            commitments: [self.take()?, self.take()?, self.take()?],
        })
    }
}

fn protect_code(protect: Protect) -> u8 {
    match protect {
        Protect::Both => 0,
        Protect::Input => 1,
        Protect::Model => 2,
    }
}

fn protect_of(code: u8) -> Option<Protect> {
    Protect::ALL.into_iter().find(|&p| protect_code(p) == code)
}
