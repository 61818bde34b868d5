//! Why a file is no policy.

/// Why a file is no policy: nothing in it is used then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(String);

impl PolicyError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}
