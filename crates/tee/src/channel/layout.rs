//! The bytes of sealed messages, version 1.
//!
//! | request | bytes | reply | bytes |
//! |---|---|---|---|
//! | `PVE1` | 4 | `PVE1` | 4 |
//! | direction: 1 | 1 | direction: 2 | 1 |
//! | id of the epoch's key | 16 | the enclave's nonce | 16 |
//! | encapsulated key (HPKE) | 32 | digest of the request | 32 |
//! | the client's nonce | 16 | bucket, little-endian | 4 |
//! | digest of the evidence | 32 | sealed content | bucket |
//! | digest of the bundle | 32 | tag | 16 |
//! | bucket, little-endian | 4 | | |
//! | sealed content | bucket | | |
//! | tag | 16 | | |
//!
//! Everything before the sealed content is associated data; a reply's also covers the digests of evidence and bundle. Content is
//! its length (4 bytes), itself, and zeros up to the bucket; how many rows it has is inside. The digest of a request is SHA-256 of
//! its head and tag.

use crate::channel::ChannelError;
use crate::hpke::TAG;
use crate::statement::sha256;

const MAGIC: &[u8; 4] = b"PVE1";
const TO_ENCLAVE: u8 = 1;
const TO_CLIENT: u8 = 2;

/// Bytes before the sealed content of a request.
pub const REQUEST_HEAD: usize = 4 + 1 + 16 + 32 + 16 + 32 + 32 + 4;
/// Bytes before the sealed content of a reply.
pub const REPLY_HEAD: usize = 4 + 1 + 16 + 32 + 4;
/// Bytes of the length in front of the content.
pub const LENGTH: usize = 4;
/// Most bytes of a padded content.
pub const LONGEST: usize = 1 << 28;

/// What stands before the sealed content of a request.
#[derive(Clone, Copy)]
pub struct RequestHead {
    /// Of the epoch's key.
    pub key_id: [u8; 16],
    /// HPKE's.
    pub encapsulated: [u8; 32],
    /// The client's, fresh.
    pub nonce: [u8; 16],
    /// Of the evidence that the client verified.
    pub evidence: [u8; 32],
    /// Of the bundle that the client means.
    pub bundle: [u8; 32],
}

impl RequestHead {
    /// Its bytes, for a content of this bucket.
    pub(super) fn write(&self, bucket: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(MAGIC);
        out.push(TO_ENCLAVE);
        for part in [&self.key_id[..], &self.encapsulated, &self.nonce, &self.evidence, &self.bundle] {
            out.extend_from_slice(part);
        }
        out.extend_from_slice(&bucket.to_le_bytes());
    }

    /// The head of a whole request.
    pub fn read(message: &[u8]) -> Result<Self, ChannelError> {
        let mut reader = Reader(message);
        reader.mark(TO_ENCLAVE)?;
        let head = Self {
            key_id: reader.take()?,
            encapsulated: reader.take()?,
            nonce: reader.take()?,
            evidence: reader.take()?,
            bundle: reader.take()?,
        };
        reader.bucket()?;
        Ok(head)
    }
}

/// What stands before the sealed content of a reply.
#[derive(Clone, Copy)]
pub(super) struct ReplyHead {
    pub(super) nonce: [u8; 16],
    pub(super) request: [u8; 32],
}

impl ReplyHead {
    pub(super) fn write(&self, bucket: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(MAGIC);
        out.push(TO_CLIENT);
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.request);
        out.extend_from_slice(&bucket.to_le_bytes());
    }

    pub(super) fn read(message: &[u8]) -> Result<Self, ChannelError> {
        let mut reader = Reader(message);
        reader.mark(TO_CLIENT)?;
        let head = Self { nonce: reader.take()?, request: reader.take()? };
        reader.bucket()?;
        Ok(head)
    }
}

/// SHA-256 of a request's head and tag.
pub(super) fn request_digest(message: &[u8]) -> [u8; 32] {
    let (head, rest) = message.split_at(REQUEST_HEAD.min(message.len()));
    sha256(&[head, &rest[rest.len().saturating_sub(TAG)..]].concat())
}

/// Appends length, what `fill` writes, and zeros up to the bucket of `longest` bytes; what `fill` wrote is never cut.
pub(super) fn fill_padded(
    out: &mut Vec<u8>,
    longest: usize,
    fill: impl FnOnce(&mut Vec<u8>),
) -> Result<(), ChannelError> {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    fill(out);
    let length = out.len() - start - LENGTH;
    if length > longest {
        return Err(ChannelError::TooLong);
    }
    out[start..start + LENGTH].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    out.resize(start + super::padding::bucket(LENGTH + longest), 0);
    Ok(())
}

/// The bucket for contents of at most `longest` bytes.
pub(super) fn bucket_of(longest: usize) -> Result<u32, ChannelError> {
    let bucket = super::padding::bucket(LENGTH.saturating_add(longest));
    u32::try_from(bucket).ok().filter(|_| bucket <= LONGEST).ok_or(ChannelError::TooLong)
}

/// The content of an opened message: what its length says, followed by nothing but zeros.
pub(super) fn content(padded: &[u8]) -> Result<&[u8], ChannelError> {
    let (length, rest) =
        padded.split_first_chunk::<LENGTH>().ok_or(ChannelError::Malformed("it has no length"))?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (content, zeros) =
        rest.split_at_checked(length).ok_or(ChannelError::Malformed("its length is wrong"))?;
    if zeros.iter().any(|&z| z != 0) {
        return Err(ChannelError::Malformed("its padding is not zero"));
    }
    Ok(content)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ChannelError> {
        let (bytes, rest) =
            self.0.split_first_chunk::<N>().ok_or(ChannelError::Malformed("it ends early"))?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn mark(&mut self, direction: u8) -> Result<(), ChannelError> {
        if self.take::<4>()? != *MAGIC {
            return Err(ChannelError::Malformed("it does not start with the mark"));
        }
        if self.take::<1>()? != [direction] {
            return Err(ChannelError::Malformed("it goes in the other direction"));
        }
        Ok(())
    }

    /// The bucket, which must be what follows, less the tag.
    fn bucket(&mut self) -> Result<(), ChannelError> {
        let bucket = usize::try_from(u32::from_le_bytes(self.take()?)).unwrap_or(usize::MAX);
        if bucket > LONGEST || Some(self.0.len()) != bucket.checked_add(TAG) {
            return Err(ChannelError::Malformed("its length is not what it says"));
        }
        Ok(())
    }
}
