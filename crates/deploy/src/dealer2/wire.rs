//! Messages of two servers, their dealer and their clients, byte by byte. Numbers are little-endian. Version 1:
//!
//! | from, to | bytes |
//! |---|---|
//! | server to dealer | `PVD1`, the server (1 or 2), 3 zero; rows, how many (4 each), first number (8); bundle, the server's nonce, seal (32 each) |
//! | its reply | the nonces of dealer, P1 and P2, seal (32 each); then by tape its length (8) and its bytes |
//! | client to server, for tickets | `PVK1`, the server, 3 zero; rows, how many (4 each); bundle (32); a nonce of the client's (16) |
//! | its reply | epoch (32), first number (8), then by ticket token (32) and seed (16); fewer than were asked for where they are large |
//! | client to server, with a ticket | `PVC1`, the server, `protect` (0 both, 1 input), 2 zero; rows (4), number (8), epoch, bundle, token, commitment (32 each), and for whoever holds the masked rows their salt (16) |
//! | its reply | the statement's point (32), and the packed share of the answer |
//!
//! A seal is a keyed hash of what stands before it, by the key of server and dealer; that of a reply covers the order's seal and the tapes too.
//! Masked rows are the call's second tensor.

use bytes::Bytes;
use privet_mpc::commitment::Salt;
use privet_mpc::protect::Protect;
use privet_ring::prg::Seed;
use zeroize::Zeroizing;

use super::epoch::{Epoch, EpochId, Nonce, TicketId};
use crate::error::Error;
use crate::oip::InferRequest;

/// The model name's tensor for any of these heads.
pub const HEAD: &str = crate::mpc::HEAD;
/// The tensor of masked rows.
pub const BODY: &str = crate::mpc::BODY;
/// The tensor of a reply with tapes.
pub const TAPES: &str = "tapes";
/// The tensor of a reply with tickets.
pub const TICKETS: &str = "tickets";

const ORDER: &[u8; 4] = b"PVD1";
const ASK: &[u8; 4] = b"PVK1";
const COMPUTE: &[u8; 4] = b"PVC1";
/// Bytes of a question for an answer, without the salt.
pub(crate) const COMPUTE_BYTES: usize = 8 + 4 + 8 + 4 * 32;
/// Bytes of a ticket in a reply.
const GIVEN_BYTES: usize = 32 + 16;
/// Where a question for tickets has its number of rows, and of tickets.
const ROWS: usize = 8;
const COUNT: usize = 12;

/// A server's order of tapes; of none, to say only that it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// 1 or 2.
    pub server: u8,
    /// Rows of each.
    pub rows: u32,
    /// How many.
    pub count: u32,
    /// The number of the first.
    pub first: u64,
    /// Which bundle.
    pub bundle: [u8; 32],
    /// The server's own.
    pub nonce: Nonce,
}

impl Order {
    /// Sealed with the key of this server and the dealer.
    pub fn seal(&self, key: &[u8; 32]) -> Vec<u8> {
        let mut bytes = self.unsealed();
        let seal = sealed(key, "order", &[&bytes]);
        bytes.extend_from_slice(&seal);
        bytes
    }

    fn unsealed(&self) -> Vec<u8> {
        let mut bytes = [&ORDER[..], &[self.server, 0, 0, 0]].concat();
        bytes.extend_from_slice(&self.rows.to_le_bytes());
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.bundle);
        bytes.extend_from_slice(&self.nonce);
        bytes
    }

    /// An order that its server sealed, and its seal. `key` is that of the server which it says it is from.
    pub fn open<'a>(
        bytes: &[u8],
        key: impl Fn(u8) -> Option<&'a [u8; 32]>,
    ) -> Result<(Self, [u8; 32]), Error> {
        let malformed = || Error::usage("E330", "This is not a server's order of tapes.");
        let mut reader = Reader(bytes);
        let server = reader.server(*ORDER).ok_or_else(malformed)?;
        let order = reader.order(server).ok_or_else(malformed)?;
        let seal: [u8; 32] = reader.last().ok_or_else(malformed)?;
        let expected = key(server).map(|key| sealed(key, "order", &[&order.unsealed()]));
        if expected.is_none_or(|expected| blake3::Hash::from(expected) != blake3::Hash::from(seal)) {
            return Err(Error::refused("E346", "This order was not sealed by a server of this bundle."));
        }
        Ok((order, seal))
    }
}

/// A dealer's reply: who is there, and the tapes.
pub struct Dealt {
    /// As the dealer knows it.
    pub epoch: Epoch,
    /// As they were ordered.
    pub tapes: Vec<Zeroizing<Vec<u8>>>,
}

privet_ring::not_shown!(Dealt);

impl Dealt {
    /// In reply to the order of this seal.
    pub fn seal(&self, key: &[u8; 32], order: &[u8; 32]) -> Vec<u8> {
        let mut tapes = Vec::new();
        for tape in &self.tapes {
            tapes.extend_from_slice(&(tape.len() as u64).to_le_bytes());
            tapes.extend_from_slice(tape);
        }
        let mut bytes = nonces(&self.epoch);
        let seal = sealed(key, "tapes", &[order, &bytes, &tapes]);
        bytes.extend_from_slice(&seal);
        bytes.append(&mut tapes);
        bytes
    }

    /// The dealer's reply to the order of this seal.
    pub fn open(bytes: &[u8], key: &[u8; 32], order: &[u8; 32]) -> Result<Self, Error> {
        let wrong =
            |what: &str| Error::integrity("E513", format!("The dealer's reply {what}. It was not used."));
        let mut reader = Reader(bytes);
        let short = || wrong("is too short");
        let dealer = reader.take().ok_or_else(short)?;
        let servers = [reader.take().ok_or_else(short)?, reader.take().ok_or_else(short)?];
        let epoch = Epoch { dealer, servers };
        let seal: [u8; 32] = reader.take().ok_or_else(short)?;
        let expected = sealed(key, "tapes", &[order, &nonces(&epoch), reader.0]);
        if blake3::Hash::from(expected) != blake3::Hash::from(seal) {
            return Err(wrong("is not sealed by the dealer of this bundle"));
        }
        let mut tapes = Vec::new();
        while !reader.0.is_empty() {
            let tape = reader.tape().ok_or_else(|| wrong("ends within a tape"))?;
            tapes.push(Zeroizing::new(tape.to_vec()));
        }
        Ok(Self { epoch, tapes })
    }
}

fn nonces(epoch: &Epoch) -> Vec<u8> {
    [epoch.dealer, epoch.servers[0], epoch.servers[1]].concat()
}

fn sealed(key: &[u8; 32], what: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(b"privet 2026 dealer2 seal of ").update(what.as_bytes()).update(&[0]);
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// What a client asks a server.
pub enum Question {
    /// For tickets.
    Tickets(Ask),
    /// For an answer.
    Compute(Box<Compute>),
}

/// A client's question for tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Rows of each.
    pub rows: u32,
    /// How many.
    pub count: u32,
    /// Which bundle.
    pub bundle: [u8; 32],
    /// By which the servers find each other: drawn for this question.
    pub nonce: [u8; 16],
}

/// Masked rows, with the ticket whose mask it is.
pub struct Compute {
    /// Which.
    pub ticket: TicketId,
    /// What is hidden.
    pub protect: Protect,
    /// Which bundle.
    pub bundle: [u8; 32],
    /// Of the ticket.
    pub token: [u8; 32],
    /// To the masked rows, the same for both servers.
    pub commitment: [u8; 32],
    /// For a server that gets them.
    pub masked: Option<(Salt, Bytes)>,
}

privet_ring::not_shown!(Compute, Question);

impl Ask {
    /// The head for a server.
    pub fn head(&self, server: u8) -> Vec<u8> {
        let mut head = [&ASK[..], &[server, 0, 0, 0]].concat();
        head.extend_from_slice(&self.rows.to_le_bytes());
        head.extend_from_slice(&self.count.to_le_bytes());
        head.extend_from_slice(&self.bundle);
        head.extend_from_slice(&self.nonce);
        head
    }

    /// Where the servers find each other about it, at each try.
    pub fn point(&self, attempt: u8) -> [u8; 32] {
        let mut hasher =
            blake3::Hasher::new_derive_key("privet 2026 dealer2 point of a question for tickets");
        *hasher.update(&self.head(0)).update(&[attempt]).finalize().as_bytes()
    }
}

/// Rows that the tickets of this call are for; 0 for any other call.
pub(crate) fn rows_of_tickets(request: &InferRequest) -> usize {
    let head = request.inputs.iter().find(|raw| raw.name == HEAD);
    if !head.is_some_and(|raw| raw.data.starts_with(ASK)) {
        return 0;
    }
    let number = |at| request.number_in(HEAD, at).map_or(1, |number| number as usize);
    number(ROWS).saturating_mul(number(COUNT))
}

impl Compute {
    /// The head for a server.
    pub fn head(&self, server: u8) -> Vec<u8> {
        let protect = u8::from(self.protect == Protect::Input);
        let mut head = [&COMPUTE[..], &[server, protect, 0, 0]].concat();
        head.extend_from_slice(&self.ticket.rows.to_le_bytes());
        head.extend_from_slice(&self.ticket.number.to_le_bytes());
        for part in [&self.ticket.epoch, &self.bundle, &self.token, &self.commitment] {
            head.extend_from_slice(part);
        }
        if let Some((salt, _)) = &self.masked {
            head.extend_from_slice(salt.expose());
        }
        head
    }
}

impl Question {
    /// What a client's message asks of server `me`. Nothing in it decides an allocation.
    pub fn decode(me: u8, head: &[u8], body: Option<Bytes>) -> Result<Self, Error> {
        let malformed = || Error::usage("E330", "This is not a message for a server of this protocol.");
        let mut reader = Reader(head);
        let mark: [u8; 4] = reader.take().ok_or_else(malformed)?;
        let [to, protect, rest @ ..]: [u8; 4] = reader.take().ok_or_else(malformed)?;
        if to != me {
            return Err(Error::usage("E331", format!("This message is for party {to}; this is party {me}.")));
        }
        let question = match (&mark, protect, rest, body) {
            (ASK, 0, [0, 0], None) => reader.ask().map(Self::Tickets),
            (COMPUTE, 0 | 1, [0, 0], body) => {
                let protect = if protect == 0 { Protect::Both } else { Protect::Input };
                reader.compute(protect, body).map(|compute| Self::Compute(Box::new(compute)))
            }
            _ => None,
        };
        question.filter(|_| reader.0.is_empty()).ok_or_else(malformed)
    }
}

/// A ticket as one server gives it.
pub struct Given {
    /// What shows that it was given.
    pub token: [u8; 32],
    /// Of one part of the mask.
    pub seed: Seed,
}

privet_ring::not_shown!(Given);

/// A reply with tickets of consecutive numbers.
pub fn write_tickets(epoch: &EpochId, first: u64, tickets: &[Given]) -> Vec<u8> {
    let mut bytes = [&epoch[..], &first.to_le_bytes()].concat();
    for given in tickets {
        bytes.extend_from_slice(&given.token);
        bytes.extend_from_slice(given.seed.expose());
    }
    bytes
}

/// What such a reply says, if it is one with up to so many tickets, and at least one.
pub fn read_tickets(bytes: &[u8], most: usize) -> Option<(EpochId, u64, Vec<Given>)> {
    let mut reader = Reader(bytes);
    let (epoch, first) = (reader.take()?, u64::from_le_bytes(reader.take()?));
    let count = reader.0.len() / GIVEN_BYTES;
    if !(1..=most).contains(&count) {
        return None;
    }
    let given = (0..count).map(|_| {
        Some(Given { token: reader.take()?, seed: Seed::from_bytes(*Zeroizing::new(reader.take::<16>()?)) })
    });
    let given = given.collect::<Option<Vec<_>>>()?;
    reader.0.is_empty().then_some((epoch, first, given))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// What ends it.
    fn last<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take().filter(|_| self.0.is_empty())
    }

    fn number(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn server(&mut self, mark: [u8; 4]) -> Option<u8> {
        let [server, rest @ ..] =
            self.take::<4>().filter(|got| *got == mark).and_then(|_| self.take::<4>())?;
        (rest == [0; 3]).then_some(server)
    }

    fn order(&mut self, server: u8) -> Option<Order> {
        let (rows, count) = (self.number()?, self.number()?);
        let first = u64::from_le_bytes(self.take()?);
        Some(Order { server, rows, count, first, bundle: self.take()?, nonce: self.take()? })
    }

    fn tape(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u64::from_le_bytes(self.take()?)).ok()?;
        let (tape, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(tape)
    }

    fn ask(&mut self) -> Option<Ask> {
        Some(Ask { rows: self.number()?, count: self.number()?, bundle: self.take()?, nonce: self.take()? })
    }

    fn compute(&mut self, protect: Protect, body: Option<Bytes>) -> Option<Compute> {
        let rows = self.number()?;
        let (number, epoch) = (u64::from_le_bytes(self.take()?), self.take()?);
        let ticket = TicketId { epoch, rows, number };
        let (bundle, token, commitment) = (self.take()?, self.take()?, self.take()?);
        let masked = match body {
            Some(bytes) => Some((Salt::from_bytes(*Zeroizing::new(self.take::<16>()?)), bytes)),
            None => None,
        };
        Some(Compute { ticket, protect, bundle, token, commitment, masked })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn compute(masked: Option<(Salt, Bytes)>) -> Compute {
        Compute {
            ticket: TicketId { epoch: [1; 32], rows: 4, number: 7 },
            protect: Protect::Input,
            bundle: [2; 32],
            token: [3; 32],
            commitment: [4; 32],
            masked,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let body = Bytes::from_static(b"masked");
        for masked in [None, Some((Salt::from_bytes([5; 16]), body.clone()))] {
            let sent = compute(masked);
            let head = sent.head(2);
            assert_eq!(head.len(), COMPUTE_BYTES + 16 * usize::from(sent.masked.is_some()));
            let body = sent.masked.is_some().then(|| body.clone());
            let Ok(Question::Compute(got)) = Question::decode(2, &head, body) else {
                panic!("another question")
            };
            assert_eq!((got.ticket, got.protect, got.bundle), (sent.ticket, sent.protect, sent.bundle));
            assert_eq!((got.token, got.commitment), (sent.token, sent.commitment));
            assert_eq!(got.masked.is_some(), sent.masked.is_some());
        }
        let ask = Ask { rows: 8, count: 2, bundle: [2; 32], nonce: [9; 16] };
        let Ok(Question::Tickets(got)) = Question::decode(1, &ask.head(1), None) else {
            panic!("another question")
        };
        assert_eq!(got, ask);
        assert_ne!(ask.point(0), ask.point(1));
    }

    #[test]
    fn tickets_are_read_whole_or_not_at_all() {
        let given = |byte| Given { token: [byte; 32], seed: Seed::from_bytes([byte; 16]) };
        let bytes = write_tickets(&[1; 32], 5, &[given(2), given(3)]);
        let (epoch, first, all) = read_tickets(&bytes, 2).unwrap();
        assert_eq!((epoch, first, all[1].token, *all[1].seed.expose()), ([1; 32], 5, [3; 32], [3; 16]));
        assert_eq!(read_tickets(&bytes, 9).unwrap().2.len(), 2, "fewer than were asked for");
        assert!([0, 1].iter().all(|&most| read_tickets(&bytes, most).is_none()));
        let whole = |end: &usize| read_tickets(&bytes[..*end], 2).is_some();
        assert_eq!((0..bytes.len()).filter(whole).collect::<Vec<_>>(), [bytes.len() - GIVEN_BYTES]);
    }

    #[test]
    fn a_dealers_reply_is_for_one_order_and_whole() {
        let epoch = Epoch { dealer: [1; 32], servers: [[2; 32], [3; 32]] };
        let tapes = vec![Zeroizing::new(vec![1, 2, 3]), Zeroizing::new(Vec::new())];
        let sealed = Dealt { epoch, tapes }.seal(&[7; 32], &[8; 32]);
        let got = Dealt::open(&sealed, &[7; 32], &[8; 32]).unwrap();
        assert_eq!((got.epoch, got.tapes.len(), got.tapes[0].as_slice()), (epoch, 2, &[1, 2, 3][..]));
        assert!(
            Dealt::open(&sealed, &[6; 32], &[8; 32]).is_err()
                && Dealt::open(&sealed, &[7; 32], &[9; 32]).is_err()
        );
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(Dealt::open(&altered, &[7; 32], &[8; 32]).is_err(), "byte {at}");
            assert!(Dealt::open(&sealed[..at], &[7; 32], &[8; 32]).is_err(), "{at} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read_without_harm(
            mark in 0usize..4,
            rest in proptest::collection::vec(any::<u8>(), 0..260),
            body in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
        ) {
            let marks: [&[u8]; 4] = [ORDER, ASK, COMPUTE, b""];
            let bytes = [marks[mark], &rest].concat();
            let _ = Question::decode(1, &bytes, body.map(Bytes::from));
            prop_assert!(Order::open(&bytes, |_| Some(&[0; 32])).is_err());
            prop_assert!(Dealt::open(&bytes, &[0; 32], &[0; 32]).is_err());
            let _ = read_tickets(&bytes, rest.len());
        }
    }
}
