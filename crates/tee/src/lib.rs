//! Evidence: producing it, appraising it against a policy, and a channel that only verified claims can open.
//!
//! The words are those of remote attestation (RFC 9334): an *attester* produces *evidence*, a *verifier* appraises it against
//! a *policy*, and gives a *verdict*. Sans-IO but for the drivers in [`attest`]: time, collateral and randomness are arguments.
//!
//! | module | what it holds |
//! |---|---|
//! | [`kind`] | the kinds of evidence, and what a verdict may call itself |
//! | [`evidence`] | evidence as it travels, with the statement that its report data binds |
//! | [`statement`] | what an enclave says of itself, and the report data made from it |
//! | [`verdict`] | the outcome: one check after another, each with its code |
//! | [`policy`] | whom to believe: a strict file |
//! | [`explain`](mod@explain) | evidence in words, and what it does not show |
//! | [`verify`] | evidence, policy, collateral and time to a verdict, by vendor |
//! | [`attest`] | drivers: the kernel's interfaces to evidence |
//! | [`channel`] | sealed requests and replies, which only [`Claims`](claims::Claims) open |
//! | [`frames`] | between the untrusted host and the measured program |
//! | [`hpke`](mod@hpke) | keys for messages to a public key |
//! | [`claims`] | what a verified enclave is known to be |
//! | [`seal`] | the model at rest |
//! | [`release`] | the owner's key service: who gets the model's key, and how often rows may be asked |
//! | [`token`] | who may ask, by the owner's word |
//! | [`simulator`] | a simulator's evidence, which proves nothing |

pub mod attest;
pub mod channel;
pub mod claims;
pub mod evidence;
#[cfg(feature = "verify")]
pub mod explain;
pub mod frames;
pub mod hpke;
pub mod kind;
#[cfg(feature = "verify")]
pub mod policy;
pub mod release;
pub mod seal;
pub mod simulator;
pub mod statement;
pub mod token;
pub mod verdict;
#[cfg(feature = "verify")]
pub mod verify;
