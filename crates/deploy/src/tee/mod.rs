//! Both sides of the `tee` kind: rows travel sealed to a key that was made inside an enclave, and only an enclave whose evidence
//! was verified gets any.
//!
//! | module | what it holds |
//! |---|---|
//! | [`attestation`] | the question for evidence, and what is presented |
//! | [`content`] | what is inside a sealed message |
//! | [`model`] | the model as it is sealed |
//! | [`package`] | what the owner makes of a model |
//! | [`enclave`] | the side that runs inside |
//! | [`caller`] | the client |
//!
//! Over the Open Inference calls, evidence is asked for by the tensor `challenge` and comes as `evidence`; a request is the tensor
//! `sealed`, and so is its reply. The host in between can read neither.

pub mod attestation;
mod budget;
#[cfg(feature = "verify")]
pub mod caller;
pub mod content;
pub mod enclave;
mod fault;
pub mod model;
pub mod package;
mod release;

use bytes::Bytes;
use privet_tee::channel::ChannelError;

use crate::caller::OPEN_AGAIN;
use crate::error::{Blame, Error};
use crate::oip::{InferReply, InferRequest, RawTensor};

/// The tensor that asks for evidence.
pub const CHALLENGE: &str = "challenge";
/// The tensor that brings it.
pub const EVIDENCE: &str = "evidence";
/// The tensor of a sealed request, and of its reply.
pub const SEALED: &str = "sealed";

/// A call with one tensor of bytes.
pub fn call(model: &str, name: &str, data: impl Into<Bytes>) -> InferRequest {
    InferRequest {
        model: model.into(),
        inputs: vec![RawTensor::bytes(name, data)],
        ..InferRequest::default()
    }
}

/// The bytes of a reply's tensor.
pub fn reply_bytes(reply: InferReply, name: &str) -> Option<Bytes> {
    reply.outputs.into_iter().find(|raw| raw.name == name).map(|raw| raw.data)
}

/// A channel's error on the side of the enclave, for the client.
pub(crate) fn refused(error: ChannelError) -> Error {
    let text = format!("The enclave did not take the request: {error}.");
    match error {
        ChannelError::UnknownKey | ChannelError::UnknownEvidence | ChannelError::Ended => {
            Error::refused(OPEN_AGAIN, text)
        }
        ChannelError::Malformed(_) | ChannelError::TooLong => Error::usage("E360", text),
        ChannelError::NoEntropy => Error::new(Blame::Ours, "E901", text),
        ChannelError::AnotherBundle => Error::refused("E333", text),
        ChannelError::Broken
        | ChannelError::Replayed
        | ChannelError::AnotherRequest
        | ChannelError::BadKey => Error::integrity("E364", text),
    }
}
