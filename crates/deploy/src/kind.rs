//! Plain, mpc, tee, he; and what is revealed.

use serde::{Deserialize, Serialize};

pub use privet_model::private::Reveal;

/// The four ways to serve one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Ordinary model serving: the baseline.
    Plain,
    /// Secret sharing between servers of different organisations.
    Mpc,
    /// An attested trusted execution environment.
    Tee,
    /// On ciphertexts.
    He,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Mpc, Self::Tee, Self::He];

    /// As it is written in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Mpc => "mpc",
            Self::Tee => "tee",
            Self::He => "he",
        }
    }
}
