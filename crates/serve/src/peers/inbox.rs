//! What one peer said in one computation, until it is read.

use std::collections::VecDeque;

use privet_mpc::link::LinkError;

use super::frame::Head;

/// What a message costs besides its bytes.
const MESSAGE: usize = 64;

/// What there is for who waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    Message(Vec<u8>),
    Over(LinkError),
    /// Nothing yet; and whether the peer said anything before.
    Nothing(bool),
}

/// Messages of one peer.
#[derive(Default)]
pub(super) struct Inbox {
    messages: VecDeque<Vec<u8>>,
    cost: usize,
    heard: u32,
    sent: u32,
    over: Option<LinkError>,
}

impl Inbox {
    /// What unread messages cost.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// The number of the next message to this peer.
    pub(super) fn number(&mut self) -> Result<u32, LinkError> {
        // A peer that has ended may be sent what it does not need any more: it did not wait for it.
        if let Some(why) = self.over.filter(|why| *why != LinkError::Ended) {
            return Err(why);
        }
        self.sent += 1;
        Ok(self.sent - 1)
    }

    /// The next message.
    pub(super) fn take(&mut self) -> Waiting {
        if let Some(message) = self.messages.pop_front() {
            self.cost -= message.len() + MESSAGE;
            return Waiting::Message(message);
        }
        self.over.map_or(Waiting::Nothing(self.heard > 0), Waiting::Over)
    }

    /// A frame came, and there is room for what costs so much.
    pub(super) fn put(&mut self, head: &Head, body: Vec<u8>, room: usize) {
        let cost = body.len() + MESSAGE;
        if self.over.is_some() {
            return;
        }
        if head.is_end() {
            self.over = Some(LinkError::Ended);
        } else if head.number != self.heard || cost > room {
            // One was lost, or more came than anybody waits for: no computation goes on from here.
            self.over = Some(LinkError::Unasked);
        } else {
            self.heard += 1;
            self.cost += cost;
            self.messages.push_back(body);
        }
    }

    /// The peer is gone. What it said before still counts.
    pub(super) fn lose(&mut self) {
        self.over.get_or_insert(LinkError::Closed);
    }
}
