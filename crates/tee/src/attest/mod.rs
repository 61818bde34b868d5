//! Drivers: how code that runs in a trusted execution environment gets evidence. Each speaks its kernel interface and nothing
//! else; there is no branch for tests in any of them.

pub mod configfs;
mod deadline;
pub mod gramine;
pub mod machine;
pub mod nsm;
mod report_data;
pub mod simulated;
mod sys;
pub mod tpm;

use std::path::Path;
use std::time::Instant;

pub use configfs::ConfigfsTsm;
pub use gramine::Gramine;
pub use nsm::Nsm;
pub use report_data::{Quote, report_data_of};
pub use sys::with_standard_descriptors_only;
pub use tpm::Tpm;

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

impl AttestError {
    /// An interface that is there and said no.
    fn refused(interface: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Refused { interface: interface.into(), detail: detail.to_string() }
    }

    /// Something that was given and is not what was asked for.
    fn wrong(interface: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Wrong { interface: interface.into(), detail: detail.to_string() }
    }

    /// Something that is not here.
    fn missing(interface: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Missing { interface: interface.into(), detail: detail.to_string() }
    }
}

/// The names of the drivers, as configurations have them.
pub const DRIVERS: [&str; 4] = [configfs::NAME, gramine::NAME, nsm::NAME, tpm::NAME];

/// The kernel's own path of the driver of this name.
pub fn path(name: &str) -> Option<&'static str> {
    match name {
        configfs::NAME => Some(configfs::PATH),
        gramine::NAME => Some(gramine::PATH),
        nsm::NAME => Some(nsm::PATH),
        tpm::NAME => Some(tpm::PATH),
        _ => None,
    }
}

/// The driver of this name, at the kernel's own path.
pub fn open(name: &str) -> Result<Box<dyn Attester>, AttestError> {
    match name {
        configfs::NAME => Ok(Box::new(ConfigfsTsm::open(Path::new(configfs::PATH))?)),
        gramine::NAME => Ok(Box::new(Gramine::open(Path::new(gramine::PATH))?)),
        nsm::NAME => Ok(Box::new(Nsm::open(Path::new(nsm::PATH))?)),
        tpm::NAME => Ok(Box::new(Tpm::open(Path::new(tpm::PATH), &tpm::Selection::default())?)),
        _ => Err(AttestError::missing(
            format!("driver called `{name}`"),
            format!("expected one of {}", DRIVERS.join(", ")),
        )),
    }
}

/// Every driver, and whether it can be opened here: as which kind, or why not.
pub fn available() -> Vec<(&'static str, Result<Kind, AttestError>)> {
    DRIVERS.iter().map(|name| (*name, open(name).map(|driver| driver.kind()))).collect()
}
