//! The outcome of an appraisal: one check after another, each with its code, whether it passed or not.

use serde::Serialize;

use crate::kind::{Assurance, Kind};

/// One check. Where it failed, `code` is the reason: stable, for scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked (`signature`, `debug`), or the reason of a refusal (`signature-invalid`, `debug-enabled`).
    pub code: &'static str,
    /// Whether it passed.
    pub ok: bool,
    /// What was expected and what came, in words.
    pub detail: String,
}

impl Check {
    /// A check that passed.
    pub fn passed(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, ok: true, detail: detail.into() }
    }

    /// A reason to refuse.
    pub fn failed(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, ok: false, detail: detail.into() }
    }
}

/// Accepted or refused: refused unless every check passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every check passed.
    Accepted,
    /// Some check did not.
    Refused,
}

/// What came of an appraisal; attached to refusals too.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The outcome.
    #[serde(rename = "verdict")]
    pub outcome: Outcome,
    /// The kind of evidence; `None` where it is of no known kind.
    pub kind: Option<Kind>,
    /// What it may be believed to have run under. [`Assurance::None`] where it was refused.
    pub assurance: Assurance,
    /// Every check that was made, in order.
    pub checks: Vec<Check>,
    /// SHA-256 of the policy file, in hexadecimal.
    pub policy: String,
    /// The time it was appraised at, RFC 3339.
    pub at: String,
    /// What the evidence measured, by register, in hexadecimal.
    pub measurements: Vec<(String, String)>,
    /// Which machine, as far as the evidence tells, in hexadecimal.
    pub platform: Option<String>,
    /// When some input of this verdict runs out (a certificate, collateral), RFC 3339, with its name; earliest first.
    pub expires: Vec<(String, String)>,
    /// Advisories that the vendor lists for this machine's state.
    pub advisories: Vec<String>,
}

impl Verdict {
    /// Whether it was accepted.
    pub fn is_accepted(&self) -> bool {
        self.outcome == Outcome::Accepted
    }

    /// The first reason to refuse.
    pub fn reason(&self) -> Option<&Check> {
        self.checks.iter().find(|c| !c.ok)
    }
}
