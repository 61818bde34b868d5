//! Secret shares, sessions, and the protocols that run a planned model between parties that do not trust each other.
//!
//! Protocol code is synchronous and straight-line, whole tensors per round, and knows no transport.
//!
//! | module | what it holds |
//! |---|---|
//! | [`role`] | which party one is |
//! | [`protect`] | what is hidden from the parties |
//! | [`request`] | the client's side: splitting rows into shares, and adding answers up |
//! | [`unverified`] | the client's check of a linear model's answers, where parties may cheat |
//! | [`weights`] | the owner's side: splitting the model into shares |
//! | [`commitment`] | what binds the three parties to the same request |
//! | [`correlated`] | randomness that two parties share |
//! | [`session`] | one party's view of one computation; the only way to an answer |
//! | [`link`] | messages between parties |
//! | [`tape`] | a dealer's messages, said ahead of time |
//! | [`ledger`] | rounds and bytes, counted |
//! | [`protocols`] | the protocols, one file or folder each, and what a program needs of one |
//! | [`fss`] | functions shared between two parties by a dealer: comparisons of masked numbers |
//! | [`functions`] | what programs compute, over any protocol |
//! | [`run`] | private programs, step by step, over any protocol |
//! | [`train`] | a training step on shared rows |
//! | [`world`] | all parties in one process, with an adversary as a value |
//! | [`meeting`] | where the parties of a world meet, computation by computation |

pub mod commitment;
pub mod correlated;
pub mod fss;
pub mod functions;
pub mod ledger;
pub mod link;
pub mod meeting;
pub mod protect;
pub mod protocols;
pub mod request;
pub mod role;
pub mod run;
pub mod session;
pub mod tape;
pub mod train;
pub mod unverified;
pub mod weights;
mod wiped;
pub mod world;

/// Why a party stopped without an answer, and who is to blame where that is known. Safe to log and to send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Abort {
    /// The client's message is not one that this protocol has.
    #[error("{0}")]
    Client(String),
    /// As many computations as this party takes are running.
    #[error("{0}")]
    Busy(String),
    /// Whoever asked is gone.
    #[error("Whoever asked for this computation went before it was over. Ask anew, and wait for the answer.")]
    Left,
    /// A peer left, was late, or sent something of another length.
    #[error("party {peer} {what}")]
    Peer {
        /// Which party.
        peer: usize,
        /// What it did.
        what: String,
    },
    /// One of the parties cheated, and nothing that was computed may be used: which one cannot be known.
    #[error("{0}")]
    Cheated(String),
}
