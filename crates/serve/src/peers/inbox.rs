//! What one peer said in one computation, until it is read: lane by lane.

use std::collections::VecDeque;

use privet_mpc::link::{LANES, LinkError};

use super::frame::{Head, NUMBERS};

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
    lanes: [Lane; LANES as usize + 1],
    cost: usize,
    over: Option<LinkError>,
}

#[derive(Default)]
struct Lane {
    messages: VecDeque<Vec<u8>>,
    heard: u32,
    sent: u32,
}

impl Inbox {
    /// What unread messages cost.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// The number of the next message to this peer.
    pub(super) fn number(&mut self, lane: u8) -> Result<u32, LinkError> {
        // A peer that has ended may be sent what it does not need any more: it did not wait for it.
        if let Some(why) = self.over.filter(|why| *why != LinkError::Ended) {
            return Err(why);
        }
        let lane = self.lanes.get_mut(usize::from(lane)).filter(|lane| lane.sent < NUMBERS);
        let lane = lane.ok_or(LinkError::Closed)?;
        lane.sent += 1;
        Ok(lane.sent - 1)
    }

    /// The next message.
    pub(super) fn take(&mut self, lane: u8) -> Waiting {
        let message = self.lanes.get_mut(usize::from(lane)).and_then(|lane| lane.messages.pop_front());
        if let Some(message) = message {
            self.cost -= message.len() + MESSAGE;
            return Waiting::Message(message);
        }
        let heard = self.lanes.iter().any(|lane| lane.heard > 0);
        self.over.map_or(Waiting::Nothing(heard), Waiting::Over)
    }

    /// A frame came, and there is room for what costs so much.
    pub(super) fn put(&mut self, head: &Head, body: Vec<u8>, room: usize) {
        let cost = body.len() + MESSAGE;
        if self.over.is_some() {
            return;
        }
        if head.is_end() {
            self.over = Some(LinkError::Ended);
            return;
        }
        match self.lanes.get_mut(usize::from(head.lane)) {
            Some(lane) if head.number == lane.heard && cost <= room => {
                lane.heard += 1;
                self.cost += cost;
                lane.messages.push_back(body);
            }
            // One was lost, or more came than anybody waits for: no computation goes on from here.
            _ => self.over = Some(LinkError::Unasked),
        }
    }

    /// The peer is gone. What it said before still counts.
    pub(super) fn lose(&mut self) {
        self.over.get_or_insert(LinkError::Closed);
    }
}
