//! Who speaks for the machine, and what that needs of it.

use privet_deploy::{Blame, Error};
use privet_tee::attest::{self, Attester};
use privet_tee::statement::Hex;

use crate::sandbox::Needs;

/// The name of the simulator in a configuration.
const SIMULATED: &str = "simulated";

/// What this attester needs of the machine once the sandbox is closed.
pub(crate) fn needs(name: &str) -> Needs {
    // Gramine runs programs on a kernel of its own, inside SGX, which has none of Linux's sandboxes; there the hardware keeps the
    // host out.
    Needs { path: attest::path(name), isolation: name != attest::gramine::NAME }
}

/// The attester of this name.
pub(crate) fn open(
    name: &str,
    measured: Option<Hex<32>>,
    remarks: &[String],
) -> Result<Box<dyn Attester>, Error> {
    if name != SIMULATED {
        return attest::open(name).map_err(|e| {
            Error::new(Blame::Unreachable, "E366", format!("The enclave has no evidence to show: {e}."))
        });
    }
    let measurement = measured.ok_or_else(|| {
        Error::usage("E374", "A simulated enclave is measured by its launcher, and this one was not.")
    })?;
    Ok(Box::new(attest::simulated::SimulatedAttester {
        measurement: measurement.0,
        isolation: remarks.to_vec(),
    }))
}
