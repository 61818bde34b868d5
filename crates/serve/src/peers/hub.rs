//! What all threads of a party share, under one lock: computations here, connections in `connections`. Nothing is read or
//! written while it is held.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use privet_mpc::link::LinkError;
use privet_mpc::role::Role;

use super::Side;
use super::frame::{HEAD, Head, Point};
use super::inbox::Waiting;
use super::refusal::Refusal;
use super::sessions::Sessions;
use super::way::Way;
use super::wire::Writer;
use crate::service::Peer;

/// What all threads of a party share.
pub(super) struct Hub {
    pub(super) me: Role,
    /// Where there are peers that compute along.
    pub(super) sides: Vec<Side>,
    /// How long a computation may take.
    pub(super) deadline: Duration,
    pub(super) state: Mutex<State>,
    /// A connection came or went.
    pub(super) changed: Condvar,
    writers: [Mutex<Option<Writer>>; 2],
    /// Bytes of frames to and from each side.
    traffic: [[AtomicU64; 2]; 2],
    pub(super) began: Instant,
}

/// What the lock guards.
pub(super) struct State {
    pub(super) sessions: Sessions,
    pub(super) ways: [Way; 2],
    connections: u64,
    /// Whether peers may connect for computations.
    pub(super) open: bool,
    pub(super) closed: bool,
}

impl Hub {
    pub(super) fn new(me: Role, sides: &[Side], deadline: Duration) -> Self {
        let ways = Default::default();
        let state = State { sessions: Sessions::new(), ways, connections: 0, open: false, closed: false };
        let (changed, began, sides) = (Condvar::new(), Instant::now(), sides.to_vec());
        let (writers, traffic) = Default::default();
        Self { me, sides, deadline, state: Mutex::new(state), changed, writers, traffic, began }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, point: &Point) -> Result<Arc<Condvar>, Refusal> {
        self.state().sessions.begin(point, Instant::now())
    }

    pub(super) fn end(&self, point: &Point) {
        self.state().sessions.end(point);
    }

    pub(super) fn wants(&self, point: &Point) -> bool {
        self.state().sessions.wants(point)
    }

    pub(super) fn deliver(&self, from: Side, head: &Head, body: Vec<u8>) {
        self.count(from, 1, body.len());
        self.state().sessions.deliver(from, head, body, Instant::now());
    }

    /// Sends a computation's next message.
    pub(super) fn send(&self, point: &Point, lane: u8, to: Side, body: &[u8]) -> Result<(), LinkError> {
        let number = self.state().sessions.number(point, lane, to)?;
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        self.write(to, Head { point: *point, lane, number, length }, body)
    }

    /// Writes a frame to whoever is there.
    pub(super) fn write(&self, to: Side, head: Head, body: &[u8]) -> Result<(), LinkError> {
        let mut slot = self.writer(to);
        let writer = slot.as_mut().ok_or(LinkError::Closed)?;
        let Err(error) = writer.frame(head, body) else {
            self.count(to, 0, body.len());
            return Ok(());
        };
        let id = writer.id;
        *slot = None;
        drop(slot);
        self.lost(to, id, &error.to_string());
        Err(LinkError::Closed)
    }

    fn count(&self, side: Side, direction: usize, body: usize) {
        self.traffic[side.index()][direction].fetch_add((HEAD + body) as u64, Ordering::Relaxed);
    }

    /// How it stands with a peer.
    pub(super) fn peer(&self, side: Side) -> Peer {
        let [sent, received] =
            self.traffic[side.index()].each_ref().map(|bytes| bytes.load(Ordering::Relaxed));
        let party = u8::from(side.role(self.me)).into();
        Peer { party, up: self.state().ways[side.index()].is_up(), sent, received }
    }

    /// The next message of a peer, until the deadline.
    pub(super) fn receive(
        &self,
        (point, lane): (&Point, u8),
        from: Side,
        woken: &Condvar,
        deadline: Instant,
    ) -> Result<Vec<u8>, LinkError> {
        let mut state = self.state();
        loop {
            let heard = match state.sessions.take(point, lane, from) {
                Waiting::Message(message) => return Ok(message),
                Waiting::Over(why) => return Err(why),
                Waiting::Nothing(heard) => heard,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(if heard { LinkError::Late } else { LinkError::Unmet });
            }
            (state, _) = woken.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn writer(&self, side: Side) -> MutexGuard<'_, Option<Writer>> {
        self.writers[side.index()].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The next connection's number.
    pub(super) fn next(&mut self) -> u64 {
        self.connections += 1;
        self.connections
    }

    /// Nothing goes on with this peer.
    pub(super) fn lose(&mut self, side: Side) {
        self.ways[side.index()].end();
        self.sessions.lose(side);
    }
}
