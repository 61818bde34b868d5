//! A message of the `he` kind, byte by byte. Version 1:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `PVH1` |
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

use bytes::Bytes;

use crate::error::Error;
use crate::oip::{InferRequest, RawTensor};

const MAGIC: &[u8; 4] = b"PVH1";
/// Where a head has its number of rows.
pub(crate) const ROWS: usize = 4;
/// The tensor of a request's head.
pub const HEAD: &str = "request";
/// The tensor of a key.
pub const KEY: &str = "key";
/// The tensor of ciphertexts.
pub const CIPHERTEXTS: &str = "ciphertexts";
/// The tensor of an answer.
pub const ANSWER: &str = "answer";

/// What is asked.
#[derive(Clone)]
pub struct Question {
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

privet_ring::not_shown!(Question);

/// The digest by which a key is referred to.
pub fn key_id(bundle: &[u8; 32], seed: &[u8; 32], key: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("privet 2026 digest of a public key of ciphertexts");
    *hasher.update(bundle).update(seed).update(key).finalize().as_bytes()
}

/// The digest that an answer begins with.
pub fn digest(head: &[u8]) -> [u8; 32] {
    *blake3::hash(head).as_bytes()
}

impl Question {
    /// Its head.
    pub fn head(&self) -> Vec<u8> {
        let numbers = [self.rows.to_le_bytes(), self.first.to_le_bytes()].concat();
        [&MAGIC[..], &numbers, &self.bundle, &self.seed, &self.id].concat()
    }

    /// The call that asks it, with its head made before.
    pub fn call(self, model: &str, head: Vec<u8>) -> InferRequest {
        let key = self.key.map(|key| RawTensor::bytes(KEY, key));
        let rest = [RawTensor::bytes(CIPHERTEXTS, self.ciphertexts)];
        InferRequest {
            model: model.into(),
            inputs: std::iter::once(RawTensor::bytes(HEAD, head)).chain(key).chain(rest).collect(),
            ..InferRequest::default()
        }
    }

    /// Reads a call. Nothing in it decides an allocation; lengths are compared with the parameters before use.
    pub fn read(request: &mut InferRequest) -> Result<(Self, [u8; 32]), Error> {
        let malformed =
            |what: &str| Error::usage("E340", format!("This is not a question on ciphertexts: {what}."));
        let unknown = |raw: &&RawTensor| ![HEAD, KEY, CIPHERTEXTS].contains(&raw.name.as_str());
        if let Some(extra) = request.inputs.iter().find(unknown) {
            return Err(malformed(&format!("it has a tensor `{}`", extra.name)));
        }
        if let Some(other) = request.inputs.iter().find(|raw| raw.datatype != "UINT8") {
            return Err(malformed(&format!(
                "its tensor `{}` is {} and not UINT8",
                other.name, other.datatype
            )));
        }
        let mut take = |name: &str| {
            let mut found = Vec::new();
            request.inputs.retain(|raw| {
                raw.name != name || {
                    found.push(raw.data.clone());
                    false
                }
            });
            let (first, more) = (found.pop(), found.pop());
            if more.is_some() {
                Err(malformed(&format!("its tensor `{name}` came twice")))
            } else {
                Ok(first)
            }
        };
        let head = take(HEAD)?.ok_or_else(|| malformed("its tensor `request` is missing"))?;
        let (key, ciphertexts) = (take(KEY)?, take(CIPHERTEXTS)?);
        if head.get(..4) != Some(MAGIC) {
            return Err(malformed("it does not start with `PVH1`, the mark of wire version 1"));
        }
        let parts = head[4..].split_first_chunk::<8>().and_then(|(numbers, rest)| {
            let (bundle, rest) = rest.split_first_chunk::<32>()?;
            let (seed, rest) = rest.split_first_chunk::<32>()?;
            Some((numbers, bundle, seed, <&[u8; 32]>::try_from(rest).ok()?))
        });
        let (numbers, bundle, seed, id) = parts.ok_or_else(|| malformed("its head has another length"))?;
        let [r0, r1, r2, r3, f0, f1, f2, f3] = *numbers;
        let question = Self {
            rows: u32::from_le_bytes([r0, r1, r2, r3]),
            first: u32::from_le_bytes([f0, f1, f2, f3]),
            bundle: *bundle,
            seed: *seed,
            id: *id,
            key,
            ciphertexts: ciphertexts.ok_or_else(|| malformed("its tensor `ciphertexts` is missing"))?,
        };
        Ok((question, digest(&head)))
    }
}
