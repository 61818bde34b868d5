//! Rules of this kind.

use serde::Deserialize;

/// A rule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TpmRule {}

impl TpmRule {
    pub(super) fn check(&self) -> Result<(), String> {
        Err("not written yet".into())
    }

    pub(super) fn pins_platform(&self) -> bool {
        false
    }
}
