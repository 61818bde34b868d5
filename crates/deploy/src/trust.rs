//! Trust cards: who could see what, and what is not protected. Printed by `check`, served in metadata, and kept beside
//! every number that a benchmark shows.

use std::fmt;

use privet_mpc::protect::Protect;
use privet_mpc::protocols::Header;
use serde::Serialize;

use crate::kind::Kind;

/// Who sees what in one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustCard {
    /// What it is about, as `mpc / replicated3, semi-honest`.
    pub title: String,
    /// Who, and what they see.
    pub lines: Vec<(String, String)>,
}

/// True of every kind, so it stands on every card.
const REPEATED_QUERIES: &str =
    "in any kind: a linear model of n weights follows from n + 1 rows and their scores (or probabilities)";

impl TrustCard {
    /// The card of a kind; for parties, of a protocol and what it hides.
    pub fn of(kind: Kind, parties: Option<(&Header, Protect)>) -> Self {
        let (title, lines): (&str, &[(&str, &str)]) = match (kind, parties) {
            (Kind::Plain, _) => ("plain: ordinary serving", PLAIN),
            (Kind::Mpc, Some((Header { has_dealer: true, .. }, Protect::Input))) => {
                ("mpc / dealer2, semi-honest, protects the input", DEALER_INPUT)
            }
            (Kind::Mpc, Some((Header { has_dealer: true, .. }, _))) => {
                ("mpc / dealer2, semi-honest", DEALER_BOTH)
            }
            (Kind::Mpc, Some((Header { finds_cheats: true, .. }, _))) => {
                ("mpc / replicated3-malicious, cheats are found out", CHECKED_BOTH)
            }
            (Kind::Mpc, Some((_, Protect::Input))) => {
                ("mpc / replicated3, semi-honest, protects the input", MPC_INPUT)
            }
            (Kind::Mpc, Some((_, Protect::Model))) => {
                ("mpc / replicated3, semi-honest, protects the model", MPC_MODEL)
            }
            (Kind::Mpc, _) => ("mpc / replicated3, semi-honest", MPC_BOTH),
            (Kind::Tee, _) => ("tee: an attested enclave", TEE),
            (Kind::He, _) => ("he: ciphertexts, no third party", HE),
        };
        let own = |&(who, what): &(&str, &str)| (who.to_owned(), what.to_owned());
        let always = [("repeated questions", REPEATED_QUERIES)];
        Self { title: title.into(), lines: lines.iter().chain(&always).map(own).collect() }
    }
}

const PLAIN: &[(&str, &str)] = &[
    ("the client", "sees its input and the answer"),
    ("the server", "sees the input, the model and the answer"),
];

const TEE: &[(&str, &str)] = &[
    ("the client", "sees its input and the answer; it does not see the model"),
    ("the measured program", "sees everything; it is what the policy names, and shows nothing to its host"),
    ("the host", "sees sealed messages: how many, when, and their padded sizes"),
    ("the chip's maker", "is trusted: its keys, its patches, and that nobody extracted a key"),
    ("who can touch the machine", "is trusted: interposers on the memory bus have extracted such keys"),
    (
        "a simulated enclave",
        "is an ordinary process: its owner can read everything, and every reply says `simulated`",
    ),
    ("not protected", "against side channels that vendors have not patched; the host can refuse to serve"),
];

const HE: &[(&str, &str)] = &[
    (
        "the client",
        "sees its input and the answer; it does not see the model, even if it sends what is no honest ciphertext",
    ),
    (
        "the server",
        "has the model; it sees neither the input nor the answer, by the hardness of ring learning with errors",
    ),
    ("a cheating server", "can answer something else than the model's score, unnoticed"),
    (
        "whoever hands an answer back to the server",
        "may hand it any one number that it chose of this input: give scores only to whom you trust with that",
    ),
    ("not protected", "how often you ask, how large a batch is, names and ranges of features"),
];

const MPC_BOTH: &[(&str, &str)] = &[
    ("the client", "sees its input and the answer; it does not see the model"),
    ("each party", "sees the model's shape, sizes and times; not the input, the weights or the answer"),
    ("two parties together", "see everything"),
    ("a cheating party", "can change the answer unnoticed"),
    ("not protected", "how often you ask, how large a batch is, names and ranges of features"),
];

const DEALER_BOTH: &[(&str, &str)] = &[
    ("the client", "sees its input and the answer; it does not see the model"),
    (
        "each of the two servers",
        "sees the model's shape, sizes and times; not the input, the weights or the answer",
    ),
    (
        "the dealer",
        "sees the model's shape and how many rows are prepared; no client, no input, no answer, no weights",
    ),
    ("any two of the three together", "see everything"),
    ("a cheating server or dealer", "can change the answer unnoticed"),
    ("not protected", "how often you ask, how large a batch is, names and ranges of features"),
];

const CHECKED_BOTH: &[(&str, &str)] = &[
    ("the client", "sees its input and the answer; it does not see the model"),
    ("each party", "sees the model's shape, sizes and times; not the input, the weights or the answer"),
    ("two parties together", "see everything"),
    ("a cheating party", "can refuse to answer; a wrong answer passes with probability at most 2^-40"),
    ("not protected", "how often you ask, how large a batch is, names and ranges of features"),
];

const DEALER_INPUT: &[(&str, &str)] = &[
    ("the client", "sees its input and the answer; it does not see the model"),
    ("each of the two servers", "knows the model's weights; it does not see the input or the answer"),
    (
        "the dealer",
        "knows the model's weights and how many rows are prepared; no client, no input, no answer",
    ),
    ("any two of the three together", "see everything"),
    ("a cheating server or dealer", "can change the answer unnoticed"),
    ("not protected", "how often you ask, how large a batch is, names and ranges of features"),
];

const MPC_INPUT: &[(&str, &str)] = &[
    ("the client", "sees its input and the answer; it does not see the model"),
    ("each party", "knows the model's weights; it does not see the input or the answer"),
    ("two parties together", "see no more than one; all three together see everything"),
    ("a cheating party", "can change the answer unnoticed"),
    ("not protected", "how often you ask, how large a batch is, names and ranges of features"),
];

const MPC_MODEL: &[(&str, &str)] = &[
    ("the client", "sees its input and the answer; it does not see the model"),
    ("each party", "sees the input; it does not see the weights or the answer"),
    ("two parties together", "see the input; all three together see everything"),
    ("a cheating party", "can change the answer unnoticed"),
    ("not protected", "the input, how often you ask, names and ranges of features"),
];

impl fmt::Display for TrustCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        let width = self.lines.iter().map(|(who, _)| who.len()).max().unwrap_or(0);
        for (who, what) in &self.lines {
            writeln!(f, "  {who:width$}  {what}")?;
        }
        Ok(())
    }
}
