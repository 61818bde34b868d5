//! The simulator's attester. What it is and what isolates it, its launcher says; nobody vouches for either.

use std::time::Instant;

use super::{AttestError, Attester};
use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::simulator;
use crate::statement::ReportData;

/// Signs with the key that everyone has.
pub struct SimulatedAttester {
    /// SHA-256 of the program, as the launcher measured it.
    pub measurement: [u8; 32],
    /// What isolates the process, in words.
    pub isolation: Vec<String>,
}

impl Attester for SimulatedAttester {
    fn kind(&self) -> Kind {
        Kind::SimProcess
    }

    fn evidence(&self, report_data: &ReportData, _: Instant) -> Result<Evidence, AttestError> {
        let body = simulator::sign(self.measurement, &self.isolation, report_data);
        Ok(Evidence::recorded(Kind::SimProcess, body))
    }
}
