//! What is wrong with a model, or with somebody's rows, in words for the person whose turn it is.

use std::fmt;

use serde::Serialize;

/// One thing that stands in the way, at one node of the owner's model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The exporter's own name of the node.
    pub node: String,
    /// The exporter's operator.
    pub op: String,
    /// What is wrong.
    pub reason: String,
    /// What would help.
    pub hint: String,
}

/// *All* that stands in the way, found in one pass. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "E201 {count} node{} of this model cannot be used:", if count == 1 { "" } else { "s" })?;
        for Problem { node, op, reason, hint } in &self.0 {
            write!(f, "\n  `{node}` ({op}): {reason}")?;
            if !hint.is_empty() {
                write!(f, " {hint}")?;
            }
        }
        Ok(())
    }
}

/// A row, a model or an accuracy that is refused before anything is computed. The message is safe to show to
/// whoever asked; it names a row and a feature, never a value of somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} {message}")]
pub struct Refusal {
    /// Stable, for searching: `E1xx` rows, `E2xx` models, `E21x` plans.
    pub code: &'static str,
    /// What was expected, what came, and the next step.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
