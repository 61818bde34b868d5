//! A message of the `he` kind, byte by byte. Version 1:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `PVH1` for scores, `PVM1` for tickets |
//! | 4, 4 | rows; number of the public polynomial of the first ciphertext (little-endian) |
//! | 32 | the bundle's digest |
//! | 32 | the seed of the key's public polynomials |
//! | 32 | the key: the digest of bundle, seed and b |
//!
//! is the tensor `request`. `ciphertexts` holds c0 of one ciphertext after the other: by prime, residues in values, packed as
//! [`privet_ring::pack`] does, each in as many bits as its prime has. `key` holds b alike; it comes until the server has answered once, and
//! where the server says that it does not know the key. Public polynomials are numbered: 0 is the key's, ciphertexts have 1 to 4096, each once.
//! All tensors are `UINT8`.
//!
//! The key's digest is BLAKE3's, in its mode for key derivation, of bundle, seed and `key`. The answer is the tensor `answer`: the 32 bytes of the
//! BLAKE3 digest of `request`, then for each ciphertext and each product with it all of c1 and the answers' coefficients of c0, by row and then
//! by score. Of so many numbers of d bits, first the 48 low bits of each are packed, padded to whole bytes, and then the d - 48 others of each.
//!
//! A question under a [ticket](super::tickets) has another head,
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `PVO1` |
//! | 4, 4 | rows; the first of them among the ticket's (little-endian) |
//! | 32 | the bundle's digest |
//! | 32 | the ticket: the BLAKE3 digest of the `request` that it was asked for with and the digest of its `ciphertexts` |
//!
//! and beside `request` the tensor `masked`: columns less their masks, of k bits each, packed by row. Its answer is the digest of `request`, and
//! then scores less their masks, packed likewise.

use bytes::Bytes;

use crate::error::Error;
use crate::oip::{InferRequest, RawTensor};

const SCORES: &[u8; 4] = b"PVH1";
const TICKETS: &[u8; 4] = b"PVM1";
const UNDER_TICKET: &[u8; 4] = b"PVO1";
/// Where a head has its number of rows.
pub(crate) const ROWS: usize = 4;
/// Bytes of the head of a question on ciphertexts.
pub(crate) const HEAD_BYTES: usize = 4 + 8 + 3 * 32;
/// The tensor of a request's head.
pub const HEAD: &str = "request";
/// The tensor of a key.
pub const KEY: &str = "key";
/// The tensor of ciphertexts.
pub const CIPHERTEXTS: &str = "ciphertexts";
/// The tensor of masked rows.
pub const MASKED: &str = "masked";
/// The tensor of an answer.
pub const ANSWER: &str = "answer";

/// What the answers to ciphertexts are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The rows' scores.
    Scores,
    /// Products of masks, themselves masked by the server.
    Tickets,
}

/// What a call asks.
pub enum Message {
    /// On ciphertexts.
    Question(Question),
    /// On masked rows.
    UnderTicket(UnderTicket),
}

/// What is asked on masked rows.
#[derive(Clone)]
pub struct UnderTicket {
    /// How many.
    pub rows: u32,
    /// The first of them among the ticket's.
    pub place: u32,
    /// The bundle's digest.
    pub bundle: [u8; 32],
    /// Which ticket.
    pub ticket: [u8; 32],
    /// Packed.
    pub masked: Bytes,
}

/// What is asked on ciphertexts.
#[derive(Clone)]
pub struct Question {
    /// What the answers are to be.
    pub wanted: Wanted,
    /// Rows in all ciphertexts together.
    pub rows: u32,
    /// The number of the first ciphertext's public polynomial; each further one has the next.
    pub first: u32,
    /// The bundle's digest.
    pub bundle: [u8; 32],
    /// Of the key's public polynomials.
    pub seed: [u8; 32],
    /// Which key.
    pub id: [u8; 32],
    /// The key, where it comes with the question.
    pub key: Option<Bytes>,
    /// One after the other.
    pub ciphertexts: Bytes,
}

privet_ring::not_shown!(Question, UnderTicket, Message);

/// The digest by which a key is referred to.
pub fn key_id(bundle: &[u8; 32], seed: &[u8; 32], key: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("privet 2026 digest of a public key of ciphertexts");
    *hasher.update(bundle).update(seed).update(key).finalize().as_bytes()
}

/// The digest that an answer begins with.
pub fn digest(head: &[u8]) -> [u8; 32] {
    *blake3::hash(head).as_bytes()
}

/// The digest by which tickets are referred to: of the question that they were asked for with, ciphertexts included.
pub fn ticket(head: &[u8], ciphertexts: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(head).update(blake3::hash(ciphertexts).as_bytes()).finalize().as_bytes()
}

impl Question {
    /// Its head.
    pub fn head(&self) -> Vec<u8> {
        let mark = if self.wanted == Wanted::Scores { SCORES } else { TICKETS };
        head(*mark, [self.rows, self.first], &[&self.bundle, &self.seed, &self.id])
    }

    /// The call that asks it, with its head made before.
    pub fn call(self, model: &str, head: Vec<u8>) -> InferRequest {
        let key = self.key.map(|key| RawTensor::bytes(KEY, key));
        let rest = [RawTensor::bytes(CIPHERTEXTS, self.ciphertexts)];
        call(model, std::iter::once(RawTensor::bytes(HEAD, head)).chain(key).chain(rest).collect())
    }
}

impl UnderTicket {
    /// Its head.
    pub fn head(&self) -> Vec<u8> {
        head(*UNDER_TICKET, [self.rows, self.place], &[&self.bundle, &self.ticket])
    }

    /// The call that asks it, with its head made before.
    pub fn call(self, model: &str, head: Vec<u8>) -> InferRequest {
        call(model, vec![RawTensor::bytes(HEAD, head), RawTensor::bytes(MASKED, self.masked)])
    }
}

fn head(mark: [u8; 4], numbers: [u32; 2], rest: &[&[u8; 32]]) -> Vec<u8> {
    let numbers = numbers.map(u32::to_le_bytes).concat();
    [&mark[..], &numbers].into_iter().chain(rest.iter().map(|part| &part[..])).collect::<Vec<_>>().concat()
}

fn call(model: &str, inputs: Vec<RawTensor>) -> InferRequest {
    InferRequest { model: model.into(), inputs, ..InferRequest::default() }
}

fn malformed(what: &str) -> Error {
    Error::usage("E340", format!("This is not a question on ciphertexts: {what}."))
}

impl Message {
    /// Reads a call, and says the digest of its head. Nothing in it decides an allocation; lengths are compared with the parameters
    /// before use.
    pub fn read(request: InferRequest) -> Result<(Self, [u8; 32]), Error> {
        let mut tensors = Tensors::of(request)?;
        let head = tensors.take(HEAD).ok_or_else(|| malformed("its tensor `request` is missing"))?;
        let mark = head.first_chunk::<4>();
        let message = match mark {
            Some(SCORES) => Self::Question(question(Wanted::Scores, &head, &mut tensors)?),
            Some(TICKETS) => Self::Question(question(Wanted::Tickets, &head, &mut tensors)?),
            Some(UNDER_TICKET) => Self::UnderTicket(under_ticket(&head, &mut tensors)?),
            _ => {
                let what = "it does not start with `PVH1`, `PVM1` or `PVO1`, the marks of wire version 1";
                return Err(malformed(what));
            }
        };
        tensors.nothing_left()?;
        Ok((message, digest(&head)))
    }
}

fn question(wanted: Wanted, head: &[u8], tensors: &mut Tensors) -> Result<Question, Error> {
    let ([rows, first], [bundle, seed, id]) = parts(head)?;
    let (key, ciphertexts) = (tensors.take(KEY), tensors.take(CIPHERTEXTS));
    let ciphertexts = ciphertexts.ok_or_else(|| malformed("its tensor `ciphertexts` is missing"))?;
    Ok(Question { wanted, rows, first, bundle, seed, id, key, ciphertexts })
}

fn under_ticket(head: &[u8], tensors: &mut Tensors) -> Result<UnderTicket, Error> {
    let ([rows, place], [bundle, ticket]) = parts(head)?;
    let masked = tensors.take(MASKED).ok_or_else(|| malformed("its tensor `masked` is missing"))?;
    Ok(UnderTicket { rows, place, bundle, ticket, masked })
}

/// Two numbers and N digests behind the mark.
fn parts<const N: usize>(head: &[u8]) -> Result<([u32; 2], [[u8; 32]; N]), Error> {
    let behind = head.get(4..).and_then(|rest| rest.split_first_chunk::<8>());
    let found = behind.and_then(|(numbers, rest)| {
        let (digests, rest) = rest.as_chunks::<32>();
        let digests = <[[u8; 32]; N]>::try_from(digests).ok().filter(|_| rest.is_empty())?;
        let (first, second) = (numbers.first_chunk::<4>()?, numbers.last_chunk::<4>()?);
        Some(([u32::from_le_bytes(*first), u32::from_le_bytes(*second)], digests))
    });
    found.ok_or_else(|| malformed("its head has another length"))
}

/// The tensors of a call, by name, each there once.
struct Tensors(std::collections::BTreeMap<String, Bytes>);

impl Tensors {
    fn of(request: InferRequest) -> Result<Self, Error> {
        let mut tensors = std::collections::BTreeMap::new();
        for RawTensor { name, datatype, data, .. } in request.inputs {
            if datatype != "UINT8" {
                return Err(malformed(&format!("its tensor `{name}` is {datatype} and not UINT8")));
            }
            if tensors.insert(name.clone(), data).is_some() {
                return Err(malformed(&format!("its tensor `{name}` came twice")));
            }
        }
        Ok(Self(tensors))
    }

    fn take(&mut self, name: &str) -> Option<Bytes> {
        self.0.remove(name)
    }

    fn nothing_left(&self) -> Result<(), Error> {
        let extra = self.0.keys().next();
        extra.map_or(Ok(()), |name| Err(malformed(&format!("it has a tensor `{name}`"))))
    }
}
