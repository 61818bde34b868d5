//! The model at rest: chunks of AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, "Online
//! Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015): the nonce holds a chunk's number and whether it
//! is the last, so that chunks cannot be swapped, dropped, repeated or cut off. A key seals one file.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `PVS1` |
//! | 4 | length of the header, little-endian |
//! | … | the header, JSON; associated data of every chunk |
//! | 7 | random part of the nonces |
//! | 65,536 + 16 each | chunks; the last may be shorter |

use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::statement::Hex;

const MAGIC: &[u8; 4] = b"PVS1";
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const PREFIX: usize = 7;
/// Longest header, in bytes.
const LONGEST_HEADER: usize = 4096;

/// What anyone may read about a sealed model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The model's name.
    pub name: String,
    /// The owner's number of this version.
    pub version: u64,
    /// Salted digest of what is sealed.
    pub digest: Hex<32>,
    /// Which key opens it: a random name.
    pub key_id: Hex<16>,
    /// When it was sealed, seconds since 1970.
    pub created: u64,
}

/// Opens one sealed model. Wiped on drop.
pub struct ModelKey(Zeroizing<[u8; 32]>);

privet_ring::not_shown!(ModelKey);

impl ModelKey {
    /// A fresh key.
    pub fn generate(entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        draw(entropy).map(|key| Self(Zeroizing::new(key)))
    }

    /// From where it was kept.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// For where it is kept.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, self.0.as_slice()).ok().map(LessSafeKey::new)
    }
}

/// Why sealed bytes were not opened: nothing of them is used then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes are no sealed model.
    #[error("this is no sealed model of format `PVS1`")]
    Malformed,
    /// A chunk or the header was changed, moved, dropped or cut off, or the key is another's.
    #[error("it was changed since it was sealed, or this is not its key")]
    Broken,
    /// What is inside is not what the header says.
    #[error("its content is not the one that its header names")]
    AnotherContent,
    /// More than one file holds.
    #[error("it is longer than one sealed file can be")]
    TooLong,
}

/// Seals `content`. The key must not have sealed anything before.
pub fn seal(
    header: &Header,
    content: &[u8],
    key: &ModelKey,
    entropy: &mut dyn Entropy,
) -> Result<Result<Vec<u8>, SealError>, EntropyFailed> {
    let prefix = draw::<PREFIX>(entropy)?;
    Ok(seal_with(header, content, key, prefix).ok_or(SealError::TooLong))
}

fn seal_with(header: &Header, content: &[u8], key: &ModelKey, prefix: [u8; PREFIX]) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(header).ok().filter(|json| json.len() <= LONGEST_HEADER)?;
    let cipher = key.cipher()?;
    let mut out = Vec::with_capacity(content.len() + json.len() + (content.len() / CHUNK + 2) * TAG + 32);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&u32::try_from(json.len()).ok()?.to_le_bytes());
    out.extend_from_slice(&json);
    out.extend_from_slice(&prefix);
    let count = content.len().div_ceil(CHUNK).max(1);
    for number in 0..count {
        let from = number * CHUNK;
        let chunk = &content[from..content.len().min(from + CHUNK)];
        let start = out.len();
        out.extend_from_slice(chunk);
        let nonce = nonce(prefix, number, number + 1 == count)?;
        let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(&json), &mut out[start..]).ok()?;
        out.extend_from_slice(tag.as_ref());
    }
    Some(out)
}

fn nonce(prefix: [u8; PREFIX], number: usize, last: bool) -> Option<Nonce> {
    let mut nonce = [0; 12];
    nonce[..PREFIX].copy_from_slice(&prefix);
    nonce[PREFIX..11].copy_from_slice(&u32::try_from(number).ok()?.to_be_bytes());
    nonce[11] = u8::from(last);
    Some(Nonce::assume_unique_for_key(nonce))
}

/// The header and the content, all of it verified.
pub fn open(sealed: &[u8], key: &ModelKey) -> Result<(Header, Zeroizing<Vec<u8>>), SealError> {
    let (json, prefix, mut chunks) = split(sealed).ok_or(SealError::Malformed)?;
    let header: Header = serde_json::from_slice(json).map_err(|_| SealError::Malformed)?;
    let cipher = key.cipher().ok_or(SealError::Malformed)?;
    let mut content = Zeroizing::new(Vec::with_capacity(chunks.len()));
    for number in 0.. {
        let (chunk, rest) = chunks.split_at(chunks.len().min(CHUNK + TAG));
        let mut chunk = Zeroizing::new(chunk.to_vec());
        let nonce = nonce(prefix, number, rest.is_empty()).ok_or(SealError::TooLong)?;
        let opened =
            cipher.open_in_place(nonce, Aad::from(json), &mut chunk).map_err(|_| SealError::Broken)?;
        content.extend_from_slice(opened);
        chunks = rest;
        if chunks.is_empty() {
            break;
        }
    }
    if crate::statement::sha256(&content) != header.digest.0 {
        return Err(SealError::AnotherContent);
    }
    Ok((header, content))
}

/// The header of a sealed model, of which nothing is verified.
pub fn header(sealed: &[u8]) -> Result<Header, SealError> {
    let (json, ..) = split(sealed).ok_or(SealError::Malformed)?;
    serde_json::from_slice(json).map_err(|_| SealError::Malformed)
}

fn split(sealed: &[u8]) -> Option<(&[u8], [u8; PREFIX], &[u8])> {
    let rest = sealed.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|&n| n <= LONGEST_HEADER)?;
    let (json, rest) = rest.split_at_checked(length)?;
    let (prefix, chunks) = rest.split_first_chunk::<PREFIX>()?;
    Some((json, *prefix, chunks))
}
