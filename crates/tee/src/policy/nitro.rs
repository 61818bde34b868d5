//! Rules of this kind.

use serde::{Deserialize, Serialize};

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NitroRule {}
