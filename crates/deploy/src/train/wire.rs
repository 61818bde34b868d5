//! What owners ask of a party, and what it says: each is one call of the Open Inference Protocol, with a JSON text as the tensor `training`,
//! and shares beside it as other calls have them.

use privet_tee::statement::Hex;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::oip::{InferReply, InferRequest, RawTensor};

/// The tensor that says what is asked, and what is answered.
pub const TRAINING: &str = "training";
/// The tensor of tags that come with rows.
pub const TAGS: &str = "tags";
/// Bytes of a tag.
pub const TAG: usize = 16;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// How far the training is. By any owner.
    Status,
    /// The owner begins to send its rows; what it sent before and did not complete is forgotten.
    Begin,
    /// A chunk of rows, beside this. All chunks but the last are full.
    Rows,
    /// The owner has sent all of its rows.
    Complete {
        /// So many.
        rows: u64,
    },
    /// Steps from a state. By the lead.
    Run {
        /// The state.
        from: Hex<32>,
        /// How many.
        steps: u64,
        /// Random, the same for all parties.
        nonce: Hex<16>,
    },
    /// How good a state is on the rows that judge. By the lead.
    Judge {
        /// The state.
        of: Hex<32>,
        /// Random, the same for all parties.
        nonce: Hex<16>,
    },
    /// This state is the best one so far, and is kept. By the lead.
    Best {
        /// The state.
        of: Hex<32>,
    },
    /// This state is the result; nothing is trained after. By the lead.
    Finish {
        /// The state.
        of: Hex<32>,
    },
    /// The weights. By the owner to whom they are opened.
    Model {
        /// The state with which the training ended.
        of: Hex<32>,
        /// Random, the same for all parties.
        nonce: Hex<16>,
    },
    /// The public half of the bundle whose secret half each party keeps. By the lead.
    Bundle {
        /// As all parties will have it.
        public: String,
    },
}

/// A state of the training: after so many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateId {
    /// Steps.
    pub step: u64,
    /// Names the very run that made it.
    pub id: Hex<32>,
}

/// What an owner gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferStatus {
    /// The owner.
    pub owner: String,
    /// Rows so far.
    pub rows: u64,
    /// Whether that is all.
    pub complete: bool,
    /// Once all owners gave all: of what it gave. Where that differs between parties, this owner or a party lies.
    pub digest: Option<Hex<32>>,
}

/// How far a training is at a party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The agreement's digest.
    pub agreement: Hex<32>,
    /// What each owner gave.
    pub offers: Vec<OfferStatus>,
    /// Known once all gave all.
    pub data: Option<DataStatus>,
    /// The states that it has, the latest last.
    pub states: Vec<StateId>,
    /// The best one, as the lead said.
    pub best: Option<StateId>,
    /// The result.
    pub finished: Option<StateId>,
    /// Where the model is kept as shares: the salted digest of this party's half.
    pub half: Option<String>,
}

/// All rows together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataStatus {
    /// Of all that came from all owners: the same at all parties, or they never meet.
    pub digest: Hex<32>,
    /// Rows that are used.
    pub rows: u64,
    /// Of these, rows that judge.
    pub judging: u64,
    /// Steps of an epoch.
    pub batches: u64,
    /// Steps of all epochs.
    pub steps: u64,
}

/// What is answered, besides shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Say {
    /// How far it is.
    Status(Box<Status>),
    /// What was asked is done.
    Done,
    /// Steps were made.
    Ran {
        /// The new state.
        state: StateId,
        /// Rounds of all steps.
        rounds: u32,
        /// Bytes that this party sent to its peers.
        bytes: u64,
    },
    /// An answer is beside this, for the request of this point.
    Opened {
        /// The point.
        point: Hex<32>,
        /// Rounds.
        rounds: u32,
    },
}

impl Ask {
    /// As a call of the model of this name.
    pub fn call(&self, model: &str, beside: Vec<RawTensor>) -> InferRequest {
        // Plain data with text keys, which always can be written.
        let text = serde_json::to_vec(self).unwrap_or_default();
        let inputs = std::iter::once(RawTensor::bytes(TRAINING, text)).chain(beside).collect();
        InferRequest { model: model.into(), inputs, ..InferRequest::default() }
    }

    /// Whether parties compute together for it.
    pub(super) fn computes(&self) -> bool {
        matches!(self, Self::Run { .. } | Self::Judge { .. } | Self::Model { .. })
    }

    /// What a call asks, if it can be read.
    pub(super) fn peek(request: &InferRequest) -> Option<Self> {
        let raw = request.inputs.iter().find(|raw| raw.name == TRAINING)?;
        serde_json::from_slice(&raw.data).ok()
    }

    /// Out of a call.
    pub fn of(request: &mut InferRequest) -> Result<Self, Error> {
        let malformed =
            |what: String| Error::usage("E330", format!("This is not a message for a training: {what}."));
        let text =
            request.take(TRAINING).ok_or_else(|| malformed(format!("its tensor `{TRAINING}` is missing")))?;
        serde_json::from_slice(&text).map_err(|e| malformed(e.to_string()))
    }
}

impl Say {
    /// As a reply.
    pub fn reply(&self, id: String, beside: Vec<RawTensor>) -> InferReply {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let outputs = std::iter::once(RawTensor::bytes(TRAINING, text)).chain(beside).collect();
        InferReply { id, parameters: Vec::new(), outputs }
    }

    /// Out of a reply.
    pub fn of(reply: &InferReply) -> Result<Self, Error> {
        let wrong = || Error::integrity("E511", "A party's reply is none to what was asked of a training.");
        let raw = reply.outputs.iter().find(|raw| raw.name == TRAINING).ok_or_else(wrong)?;
        serde_json::from_slice(&raw.data).map_err(|_| wrong())
    }
}
