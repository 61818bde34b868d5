//! Rounds and bytes, counted where they happen.

/// What one computation cost one party.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Times this party waited for a peer.
    pub rounds: u32,
    /// Bytes sent to peers, by step.
    pub sent: Vec<(String, usize)>,
}

impl Ledger {
    /// Bytes sent to peers.
    pub fn bytes_between(&self) -> usize {
        self.sent.iter().map(|(_, bytes)| bytes).sum()
    }
}
