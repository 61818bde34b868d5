//! `kind = "sim-process"`: a simulator proves nothing; that it is named here is the first of two deliberate acts.

use serde::Deserialize;

use super::values::{Bytes, expect_some};

/// Which simulated enclave.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatorRule {
    /// SHA-256 of the program, as its launcher measured it.
    #[serde(default)]
    pub measurement: Vec<Bytes>,
}

impl SimulatorRule {
    pub(super) fn check(&self) -> Result<(), String> {
        expect_some(&self.measurement, "measurement", &[32])
    }
}
