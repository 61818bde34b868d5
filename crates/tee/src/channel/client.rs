//! The side that sends rows.

use privet_ring::entropy::{Entropy, draw};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::layout::{
    REPLY_HEAD, REQUEST_HEAD, ReplyHead, RequestHead, bucket_of, content, fill_padded, request_digest,
};
use super::{ChannelError, Claims, info, key_id};
use crate::hpke::{Exporter, ReplySecret, TAG, send_to};

/// A channel to one enclave for as long as its evidence is good. Shared by requests; each has its own keys.
pub struct Channel {
    claims: Claims,
    key_id: [u8; 16],
    encapsulated: [u8; 32],
    context: Exporter,
}

privet_ring::not_shown!(Channel);

impl Channel {
    /// Opens a channel. Nothing is sent: the first request carries what the enclave needs.
    pub fn open(claims: Claims, entropy: &mut dyn Entropy) -> Result<Self, ChannelError> {
        let key = claims.statement().encryption_key.0;
        let info = info(&key, &claims.statement().bundle.0);
        let (encapsulated, context) = send_to(&key, &info, entropy)?.ok_or(ChannelError::BadKey)?;
        Ok(Self { key_id: key_id(&key), encapsulated, context, claims })
    }

    /// What is known about the other side.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Seals what `fill` writes, of at most `longest` bytes: their bucket is all that can be seen of its size.
    pub fn request(
        &self,
        longest: usize,
        entropy: &mut dyn Entropy,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(Vec<u8>, Awaiting), ChannelError> {
        let nonce = draw(entropy)?;
        let statement = self.claims.statement();
        let head = RequestHead {
            key_id: self.key_id,
            encapsulated: self.encapsulated,
            nonce,
            evidence: self.claims.evidence(),
            bundle: statement.bundle.0,
        };
        let bucket = bucket_of(longest)?;
        let mut message = Vec::with_capacity(REQUEST_HEAD + bucket as usize + TAG);
        head.write(bucket, &mut message);
        fill_padded(&mut message, longest, fill)?;
        let (aad, sealed) = message.split_at_mut(REQUEST_HEAD);
        let tag =
            self.context.key(&request_context(&nonce)).seal(aad, sealed).ok_or(ChannelError::TooLong)?;
        message.extend_from_slice(&tag);
        let awaiting = Awaiting {
            secret: self.context.reply_secret(&reply_context(&nonce)),
            digest: request_digest(&message),
            bound: [head.evidence, head.bundle].concat(),
        };
        Ok((message, awaiting))
    }
}

/// What opens the reply to one request, once.
pub struct Awaiting {
    secret: ReplySecret,
    digest: [u8; 32],
    bound: Vec<u8>,
}

privet_ring::not_shown!(Awaiting);

impl Awaiting {
    /// The content of the reply, if it is the reply to this request.
    pub fn open(self, mut reply: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, ChannelError> {
        let head = ReplyHead::read(&reply)?;
        if !bool::from(head.request.ct_eq(&self.digest)) {
            return Err(ChannelError::AnotherRequest);
        }
        let (head_bytes, sealed) = reply.split_at_mut(REPLY_HEAD);
        let aad = [&*head_bytes, &self.bound].concat();
        let key = self.secret.key(&head.nonce).ok_or(ChannelError::Broken)?;
        let padded = key.open(&aad, sealed).ok_or(ChannelError::Broken)?;
        let content = Zeroizing::new(content(padded)?.to_vec());
        Ok(content)
    }
}

pub(super) fn request_context(nonce: &[u8; 16]) -> Vec<u8> {
    [b"privet tee request".as_slice(), nonce].concat()
}

pub(super) fn reply_context(nonce: &[u8; 16]) -> Vec<u8> {
    [b"privet tee reply".as_slice(), nonce].concat()
}
