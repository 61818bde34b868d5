//! Plain, mpc, tee, he; and what is revealed.

use serde::{Deserialize, Serialize};

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

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reveal {
    /// The last linear output, before the activation, which the client applies.
    Score,
    /// The probability only.
    Probability,
    /// The class only.
    Label,
}

impl Reveal {
    /// As it is written in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Probability => "probability",
            Self::Label => "label",
        }
    }

    /// What it tells the client, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Score => "the client learns the exact score, from which it computes probability and label",
            Self::Probability => "the client learns the probability",
            Self::Label => "the client learns the class and nothing else",
        }
    }
}
