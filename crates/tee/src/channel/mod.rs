//! Sealed requests and replies, over whatever carries them. Only [`Claims`] open a channel: sending without attesting does not
//! compile.
//!
//! ```compile_fail
//! # fn have<T>() -> T { unimplemented!() }
//! // A statement that nobody appraised is not enough; nor can claims be made by hand.
//! let statement: privet_tee::statement::Statement = have();
//! let channel = privet_tee::channel::Channel::open(&statement, have());
//! ```
//!
//! ```compile_fail
//! # fn have<T>() -> T { unimplemented!() }
//! // Neither is a simulator, until it was accepted by name.
//! let simulated: privet_tee::claims::SimulatedClaims = have();
//! let channel = privet_tee::channel::Channel::open(simulated, have());
//! ```
//!
//! ```no_run
//! # fn have<T>() -> T { unimplemented!() }
//! let simulated: privet_tee::claims::SimulatedClaims = have();
//! let channel = privet_tee::channel::Channel::open(simulated.dangerous_accept_simulated(), have());
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`client`] | the side that sends rows |
//! | [`enclave`] | the side that has the key: epochs, replay |
//! | [`layout`] | the bytes |
//! | [`padding`] | sizes that tell little |
//!
//! A channel is one HPKE context (RFC 9180) to the epoch's key; each request is sealed under a key exported with its own random
//! nonce, each reply under one exported with the request's and the enclave's own (the shape of RFC 9458). There is no
//! forward secrecy within an epoch: who gets the epoch's key can read what was recorded since it began.

pub mod client;
pub mod enclave;
pub mod layout;
pub mod padding;

pub use client::{Awaiting, Channel};
pub use enclave::{Answering, Epoch};

use crate::claims::Claims;

/// Why something sealed was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The bytes are no such message.
    #[error("this is not a sealed message of version `PVE1`: {0}")]
    Malformed(&'static str),
    /// Sealed to a key that is not, or no longer, this enclave's.
    #[error("the key that this was sealed to is not, or no longer, here; attest again")]
    UnknownKey,
    /// Sealed under evidence that this epoch did not give.
    #[error("this names evidence that was not given in this epoch; attest again")]
    UnknownEvidence,
    /// Meant for another bundle.
    #[error("this was sealed for another bundle")]
    AnotherBundle,
    /// Changed on the way, or sealed by somebody else.
    #[error("the seal does not verify: it was changed on the way")]
    Broken,
    /// Came before.
    #[error("this request came before; a request is answered once")]
    Replayed,
    /// The epoch's keys were used as often as they may be.
    #[error("this epoch is over; attest again")]
    Ended,
    /// Belongs to another request.
    #[error("the reply belongs to another request")]
    AnotherRequest,
    /// No randomness.
    #[error("the operating system gave no randomness")]
    NoEntropy,
    /// The key is no usable point.
    #[error("the enclave's key cannot be used")]
    BadKey,
    /// More than one message holds.
    #[error("this is more than one sealed message holds")]
    TooLong,
}

impl From<privet_ring::entropy::EntropyFailed> for ChannelError {
    fn from(_: privet_ring::entropy::EntropyFailed) -> Self {
        Self::NoEntropy
    }
}

/// What both sides mix into the context: protocol, direction of the statement, key, bundle.
fn info(key: &[u8; 32], bundle: &[u8; 32]) -> Vec<u8> {
    [b"privet tee channel v1".as_slice(), key, bundle].concat()
}

/// The name of an epoch's key: by it a front routes a request.
pub fn key_id(key: &[u8; 32]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&crate::statement::sha256(key)[..16]);
    id
}
