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
    /// Anything else worth a line, as the mode of the channel.
    pub notes: Vec<String>,
}

impl Verdict {
    /// Whether it was accepted.
    pub fn is_accepted(&self) -> bool {
        self.outcome == Outcome::Accepted
    }

    /// Nothing was checked yet.
    #[cfg(feature = "verify")]
    pub(crate) fn begin(policy: crate::statement::Hex<32>, now: crate::verify::Time) -> Self {
        Self {
            outcome: Outcome::Refused,
            kind: None,
            assurance: Assurance::None,
            checks: Vec::new(),
            policy: policy.to_string(),
            at: crate::verify::rfc3339(now),
            measurements: Vec::new(),
            platform: None,
            expires: Vec::new(),
            advisories: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Refused, for this reason among others.
    #[cfg(feature = "verify")]
    pub(crate) fn refuse(mut self, reason: Check) -> Self {
        self.checks.push(reason);
        self.conclude(Assurance::None)
    }

    /// What the evidence says.
    #[cfg(feature = "verify")]
    pub(crate) fn take(&mut self, facts: crate::verify::Facts) {
        use crate::statement::hex;
        let register = |(name, value): (&'static str, Vec<u8>)| (name.to_owned(), hex(&value));
        self.measurements = facts.measurements.into_iter().map(register).collect();
        self.platform = facts.platform.as_deref().map(hex);
        let mut expires = facts.expires;
        expires.sort_by_key(|(_, at)| *at);
        self.expires = expires.into_iter().map(|(name, at)| (name, crate::verify::rfc3339(at))).collect();
        self.advisories = facts.advisories;
        self.notes.extend(facts.remarks);
    }

    /// Accepted if there were checks and all passed; then it may say that it ran under `assurance`.
    #[cfg(feature = "verify")]
    pub(crate) fn conclude(mut self, assurance: Assurance) -> Self {
        if !self.checks.is_empty() && self.checks.iter().all(|c| c.ok) {
            (self.outcome, self.assurance) = (Outcome::Accepted, assurance);
        }
        self
    }

    /// The first reason to refuse.
    pub fn reason(&self) -> Option<&Check> {
        self.checks.iter().find(|c| !c.ok)
    }
}
