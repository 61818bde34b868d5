//! Drivers: how code that runs in a trusted execution environment gets evidence. Each speaks its kernel interface and nothing
//! else; there is no branch for tests in any of them.

pub mod simulated;

use std::time::Instant;

use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::statement::ReportData;

/// Produces evidence over 64 bytes of the caller's.
pub trait Attester: Send + Sync {
    /// What it produces.
    fn kind(&self) -> Kind;

    /// Evidence that binds exactly this report data, or an error before `deadline`. The statement is left empty.
    fn evidence(&self, report_data: &ReportData, deadline: Instant) -> Result<Evidence, AttestError>;
}

/// Why there is no evidence. Never evidence that is empty, short, or of other report data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestError {
    /// The interface is not on this machine.
    #[error("there is no {interface} here: {detail}")]
    Missing {
        /// Which, as `/sys/kernel/config/tsm/report`.
        interface: String,
        /// What came of looking.
        detail: String,
    },
    /// The interface answered with an error.
    #[error("{interface} refused: {detail}")]
    Refused {
        /// Which.
        interface: String,
        /// What it said.
        detail: String,
    },
    /// What it gave is not what was asked for.
    #[error("{interface} gave what cannot be used: {detail}")]
    Wrong {
        /// Which.
        interface: String,
        /// What is wrong.
        detail: String,
    },
    /// It did not answer in time.
    #[error("{interface} did not answer in time; the service behind it may be down")]
    Late {
        /// Which.
        interface: String,
    },
}

/// Stub.
pub fn open(name: &str) -> Result<Box<dyn Attester>, AttestError> {
    Err(AttestError::Late { interface: name.into() })
}
