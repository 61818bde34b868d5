//! Rounds and bytes, counted where they happen.

/// What one computation cost one party.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Times this party sent a message and waited for the answer. Taking what a party sent that waits for nobody is none:
    /// such a party is ahead by then, but for the one latency of its first message.
    pub rounds: u32,
    /// Bytes sent to peers, by step.
    pub sent: Vec<(String, usize)>,
}

impl Ledger {
    /// What was done at the same time, each in a lane of its own: of their rounds only the most count.
    pub(crate) fn add_lanes(&mut self, lanes: impl IntoIterator<Item = Self>) {
        let mut most = 0;
        for lane in lanes {
            most = most.max(lane.rounds);
            self.sent.extend(lane.sent);
        }
        self.rounds += most;
    }

    /// Bytes sent to peers.
    pub fn bytes_between(&self) -> usize {
        self.sent.iter().map(|(_, bytes)| bytes).sum()
    }
}
