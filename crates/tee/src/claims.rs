//! What a verified enclave is known to be. Only [`verify::appraise`](crate::verify::appraise) makes these, and only from
//! evidence that passed every check on a live channel; [`channel`](crate::channel) opens with nothing else.

use crate::kind::{Assurance, Kind};
use crate::statement::Statement;

/// A verified enclave. Cannot be made by hand, copied from elsewhere or read from a file.
#[derive(Debug)]
pub struct Claims {
    pub(crate) kind: Kind,
    pub(crate) assurance: Assurance,
    pub(crate) statement: Statement,
    /// SHA-256 of the envelope.
    pub(crate) evidence: [u8; 32],
    pub(crate) age_limit: Option<u64>,
}

impl Claims {
    /// Which kind of evidence.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What replies over a channel with these claims may say that they ran under.
    pub fn assurance(&self) -> Assurance {
        self.assurance
    }

    /// What the enclave said of itself.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// SHA-256 of the evidence.
    pub fn evidence(&self) -> [u8; 32] {
        self.evidence
    }

    /// The time (seconds since 1970) after which the evidence is too old by the policy, where it has one.
    pub fn until(&self) -> Option<u64> {
        self.age_limit
    }
}

/// A simulator that passed every check. It is not an enclave, and opens no channel by itself.
#[derive(Debug)]
pub struct SimulatedClaims(pub(crate) Claims);

impl SimulatedClaims {
    /// The second of the two deliberate acts (the first is the policy's): from here on rows go to a process whose owner can
    /// read them.
    pub fn dangerous_accept_simulated(self) -> Claims {
        self.0
    }
}

/// What an appraisal on a live channel ended in, where every check passed.
#[derive(Debug)]
pub enum Appraised {
    /// A vendor's hardware, or a measured boot: see [`Claims::assurance`].
    Verified(Claims),
    /// A simulator.
    Simulated(SimulatedClaims),
}
