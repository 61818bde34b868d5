//! What the parties hold while they train, and what each keeps of it between runs.

use privet_model::training::numbers::RING;

use super::Trains;
use crate::protocols::protocol::Protocol;
use crate::protocols::replicated3::Replicated;

/// What the parties hold between steps.
#[derive(Clone)]
pub struct State<S> {
    /// Weights, one for each column.
    pub weights: S,
    /// Adam's sums of gradients and of their squares.
    pub sums: [S; 2],
    /// Steps so far.
    pub step: u64,
}

/// Rows and labels of a step, in the ring of 2^64.
pub struct Batch<S> {
    /// Row by row, with [`ROWS`](privet_model::training::numbers::ROWS) fraction bits.
    pub rows: S,
    /// With [`labels`](privet_model::training::numbers::Numbers::labels) fraction bits.
    pub labels: S,
}

/// A party's components of a state, as it keeps them between runs.
#[derive(Clone)]
pub struct Stored {
    /// Of the weights, and of both sums.
    pub parts: [Replicated; 3],
    /// Steps so far.
    pub step: u64,
}

privet_ring::not_shown!(Stored);

impl<S> State<S> {
    /// All weights zero.
    pub fn new<P: Protocol<Share = S>>(p: &P, columns: usize) -> Self {
        let zeros = || p.public(&vec![0; columns], RING);
        Self { weights: zeros(), sums: [zeros(), zeros()], step: 0 }
    }

    /// What to keep.
    pub fn stored<P: Trains<Share = S>>(&self) -> Stored {
        let [first, second] = &self.sums;
        Stored { parts: [&self.weights, first, second].map(P::stored), step: self.step }
    }

    /// From what was kept: three tensors of the same length, in the ring of 2^64.
    pub fn of_stored<P: Trains<Share = S>>(stored: Stored) -> Self {
        let [weights, first, second] = stored.parts.map(P::share);
        Self { weights, sums: [first, second], step: stored.step }
    }
}
