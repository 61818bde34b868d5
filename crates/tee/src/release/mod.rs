//! The owner's key service: who gets the model's key, and how often rows may be asked. Both sides, sans-IO.
//!
//! | message | reply | what for |
//! |---|---|---|
//! | [`Ask::Hello`] | [`Reply::Challenge`] | a nonce to make evidence for |
//! | [`Ask::Claim`] | [`Reply::Released`] | evidence, for the model's key |
//! | [`Ask::Stamp`] | [`Reply::Stamp`] | a signed time, for an epoch's evidence |
//! | [`Ask::Grant`] | [`Reply::Granted`] | rows of a token, counted before they are granted |
//!
//! The enclave believes the key that the bundle names and nobody else: what carries these messages can be lost or late, not forged.
//! The released key is sealed to the key in the evidence (HPKE), and signed, so that neither the host nor another enclave can use
//! or replace it. Messages are JSON; each has a longest length.
//!
//! | module | what it holds |
//! |---|---|
//! | [`asker`] | the enclave's side |
//! | [`service`] | the owner's side: who gets what |
//! | [`message`] | the messages |
//! | [`resource`] | what the owner keeps per model |
//! | [`log`] | what was released, in a chain that cannot be edited unseen |

pub mod asker;
pub mod log;
pub mod message;
pub mod resource;
#[cfg(feature = "verify")]
pub mod service;

pub use asker::{GrantSession, Released};
pub use message::{Ask, Reply};
pub use resource::Resource;

/// The code of a refusal after which an enclave shows evidence again: the key service was started anew since.
pub const SESSION_UNKNOWN: &str = "session-unknown";

/// What both sides bind a release to.
fn bound(nonce: &[u8; 32], evidence: &[u8; 32], bundle: &[u8; 32]) -> Vec<u8> {
    [b"privet tee release v1 keys-to-enclave".as_slice(), nonce, evidence, bundle].concat()
}
