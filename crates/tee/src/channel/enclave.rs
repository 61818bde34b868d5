//! The side that has the key: an epoch, from the making of its key to its end.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use privet_ring::entropy::{Entropy, EntropyFailed, draw};

use super::client::{reply_context, request_context};
use super::layout::{
    REPLY_HEAD, REQUEST_HEAD, ReplyHead, RequestHead, bucket_of, content, fill_padded, request_digest,
};
use super::{ChannelError, info, key_id};
use crate::hpke::{Exporter, Receiver, ReplySecret, TAG};
use crate::statement::sha256;

/// Senders' contexts that are kept, so that a sender's second request costs no key agreement. Which are kept decides nothing.
const CONTEXTS: usize = 1024;
/// Pieces of evidence that one epoch gives. When they are used up the epoch is over; none is forgotten.
const EVIDENCE: usize = 1 << 16;

/// One key pair, what was sealed to it, and how often it may still be used. Replicas never share one.
pub struct Epoch {
    receiver: Receiver,
    key_id: [u8; 16],
    bundle: [u8; 32],
    limit: usize,
    contexts: Mutex<HashMap<[u8; 32], Arc<Exporter>>>,
    state: Mutex<State>,
}

privet_ring::not_shown!(Epoch);

#[derive(Default)]
struct State {
    /// Digests of the evidence that was given in this epoch.
    evidence: HashSet<[u8; 32]>,
    /// Requests that were taken. Full means over: nothing is forgotten, or it could be replayed.
    seen: HashSet<[u8; 16]>,
}

impl Epoch {
    /// A fresh pair for at most `limit` requests about `bundle`.
    pub fn begin(bundle: [u8; 32], limit: usize, entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        let receiver = Receiver::generate(entropy)?;
        Ok(Self {
            key_id: key_id(&receiver.public()),
            receiver,
            bundle,
            limit,
            contexts: Mutex::default(),
            state: Mutex::default(),
        })
    }

    /// The public key, for the statement.
    pub fn public(&self) -> [u8; 32] {
        self.receiver.public()
    }

    /// The pair, for what a key service seals to it.
    pub fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// The key's name.
    pub fn key_id(&self) -> [u8; 16] {
        self.key_id
    }

    /// Whether new clients need another epoch: it takes no more requests, or gives no more evidence.
    pub fn is_over(&self) -> bool {
        let state = lock(&self.state);
        state.seen.len() >= self.limit || state.evidence.len() >= EVIDENCE
    }

    /// Remembers evidence over this epoch's key: requests must name it.
    pub fn gave(&self, evidence: [u8; 32]) -> Result<(), ChannelError> {
        if self.is_over() {
            return Err(ChannelError::Ended);
        }
        lock(&self.state).evidence.insert(evidence);
        Ok(())
    }

    /// Opens a request in place, once. The content borrows from `request`.
    pub fn open<'a>(&self, request: &'a mut [u8]) -> Result<(&'a [u8], Answering), ChannelError> {
        let head = RequestHead::read(request)?;
        self.check(&head)?;
        let context = self.context(&head.encapsulated)?;
        let digest = request_digest(request);
        let (aad, sealed) = request.split_at_mut(REQUEST_HEAD);
        let padded =
            context.key(&request_context(&head.nonce)).open(aad, sealed).ok_or(ChannelError::Broken)?;
        // Only what was sealed by a client counts, so that nobody else can fill the cache.
        self.admit(&head)?;
        let answering = Answering {
            secret: context.reply_secret(&reply_context(&head.nonce)),
            digest,
            bound: [head.evidence, head.bundle].concat(),
        };
        Ok((content(padded)?, answering))
    }

    fn check(&self, head: &RequestHead) -> Result<(), ChannelError> {
        if head.key_id != self.key_id {
            return Err(ChannelError::UnknownKey);
        }
        if head.bundle != self.bundle {
            return Err(ChannelError::AnotherBundle);
        }
        if !lock(&self.state).evidence.contains(&head.evidence) {
            return Err(ChannelError::UnknownEvidence);
        }
        Ok(())
    }

    /// Counts a request; refuses one that came before.
    fn admit(&self, head: &RequestHead) -> Result<(), ChannelError> {
        let mut name = [0; 16];
        name.copy_from_slice(&sha256(&[&head.encapsulated[..], &head.nonce].concat())[..16]);
        let mut state = lock(&self.state);
        if state.seen.contains(&name) {
            return Err(ChannelError::Replayed);
        }
        if state.seen.len() >= self.limit {
            return Err(ChannelError::Ended);
        }
        state.seen.insert(name);
        Ok(())
    }

    fn context(&self, encapsulated: &[u8; 32]) -> Result<Arc<Exporter>, ChannelError> {
        if let Some(known) = lock(&self.contexts).get(encapsulated) {
            return Ok(Arc::clone(known));
        }
        let info = info(&self.public(), &self.bundle);
        let context = Arc::new(self.receiver.open(encapsulated, &info).ok_or(ChannelError::Broken)?);
        let mut contexts = lock(&self.contexts);
        if contexts.len() >= CONTEXTS {
            contexts.clear();
        }
        contexts.insert(*encapsulated, Arc::clone(&context));
        Ok(context)
    }
}

/// A panic elsewhere ends this process; a lock that it held protects nothing half-done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What seals the reply to one request, once.
pub struct Answering {
    secret: ReplySecret,
    digest: [u8; 32],
    bound: Vec<u8>,
}

privet_ring::not_shown!(Answering);

impl Answering {
    /// Seals what `fill` writes, of at most `longest` bytes: a bound that must not depend on what the answer is.
    pub fn reply(
        self,
        longest: usize,
        entropy: &mut dyn Entropy,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Vec<u8>, ChannelError> {
        let nonce = draw::<16>(entropy)?;
        let bucket = bucket_of(longest)?;
        let mut message = Vec::with_capacity(REPLY_HEAD + bucket as usize + TAG);
        ReplyHead { nonce, request: self.digest }.write(bucket, &mut message);
        let aad = [message.as_slice(), &self.bound].concat();
        fill_padded(&mut message, longest, fill)?;
        let key = self.secret.key(&nonce).ok_or(ChannelError::TooLong)?;
        let tag = key.seal(&aad, &mut message[REPLY_HEAD..]).ok_or(ChannelError::TooLong)?;
        message.extend_from_slice(&tag);
        Ok(message)
    }
}
