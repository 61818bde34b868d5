//! The computations of this party, by their points: those that run, those that a peer began before the client's message
//! was here, and, remembered for a while, those that are over. Nothing here waits or touches a socket.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use privet_mpc::link::LinkError;

use super::Side;
use super::frame::{Head, Point};
use super::inbox::{Inbox, Waiting};
use super::memory::Memory;
use super::refusal::{Dropped, Refusal};

/// The most computations that one peer may begin before their requests are here.
pub(super) const EARLY: usize = 1024;
/// The most bytes of one peer that wait for requests.
pub(super) const EARLY_BYTES: usize = 128 << 20;
/// The most bytes of one peer that wait for any computation.
pub(super) const UNREAD: usize = 256 << 20;
/// The most computations that run at the same time: each has a thread.
pub(super) const RUNNING: usize = 256;

/// All computations.
pub(super) struct Sessions {
    open: HashMap<Point, Session>,
    /// By who began them, in the order in which they came.
    early: [BTreeMap<u64, Point>; 2],
    early_bytes: [usize; 2],
    unread: [usize; 2],
    running: usize,
    count: u64,
    ran: Memory<()>,
    dropped: Memory<Dropped>,
}

struct Session {
    woken: Arc<Condvar>,
    since: Instant,
    /// Who began it, as the how-manieth; none once its request is here.
    early: Option<(Side, u64)>,
    from: [Inbox; 2],
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self {
            open: HashMap::new(),
            early: Default::default(),
            early_bytes: [0; 2],
            unread: [0; 2],
            running: 0,
            count: 0,
            ran: Memory::new(),
            dropped: Memory::new(),
        }
    }

    /// The request is here. What wakes its thread.
    pub(super) fn begin(&mut self, point: &Point, now: Instant) -> Result<Arc<Condvar>, Refusal> {
        if self.ran.get(point).is_some() {
            return Err(Refusal::Ran);
        }
        if let Some(why) = self.dropped.get(point) {
            return Err(Refusal::Dropped(why));
        }
        if self.running >= RUNNING {
            return Err(Refusal::Busy);
        }
        let session = self.open.entry(*point);
        let session = session.or_insert_with(|| Session::new(now, Some((Side::Previous, 0))));
        let (side, number) = session.early.take().ok_or(Refusal::Running)?;
        self.early[side.index()].remove(&number);
        for side in Side::BOTH {
            self.early_bytes[side.index()] -= session.from[side.index()].cost();
        }
        self.running += 1;
        Ok(Arc::clone(&session.woken))
    }

    /// The computation is over, whatever became of it: what still comes for it is thrown away.
    pub(super) fn end(&mut self, point: &Point) {
        self.remove(point);
        self.ran.keep(*point, ());
    }

    /// The number of the next message to a peer.
    pub(super) fn number(&mut self, point: &Point, lane: u8, to: Side) -> Result<u32, LinkError> {
        self.inbox(point, to).ok_or(LinkError::Closed)?.number(lane)
    }

    /// The next message of a peer.
    pub(super) fn take(&mut self, point: &Point, lane: u8, from: Side) -> Waiting {
        let Some(inbox) = self.inbox(point, from) else { return Waiting::Over(LinkError::Closed) };
        let before = inbox.cost();
        let there = inbox.take(lane);
        let freed = before - inbox.cost();
        self.unread[from.index()] -= freed;
        there
    }

    /// Of a computation that runs.
    fn inbox(&mut self, point: &Point, side: Side) -> Option<&mut Inbox> {
        let running = self.open.get_mut(point).filter(|session| session.early.is_none())?;
        Some(&mut running.from[side.index()])
    }

    /// Whether anything is kept for this point.
    pub(super) fn wants(&self, point: &Point) -> bool {
        self.ran.get(point).is_none() && self.dropped.get(point).is_none()
    }

    /// A frame came.
    pub(super) fn deliver(&mut self, from: Side, head: &Head, body: Vec<u8>, now: Instant) {
        if !self.wants(&head.point) {
            return;
        }
        self.begin_early(&head.point, from, now);
        let Some(session) = self.open.get_mut(&head.point) else { return };
        let (at, inbox) = (from.index(), &mut session.from[from.index()]);
        let before = inbox.cost();
        inbox.put(head, body, UNREAD - self.unread[at]);
        let cost = inbox.cost() - before;
        self.unread[at] += cost;
        if session.early.is_some() {
            self.early_bytes[at] += cost;
        }
        session.woken.notify_all();
        self.keep_within(from, &head.point);
    }

    /// A peer is gone: nothing that it takes part in goes on.
    pub(super) fn lose(&mut self, side: Side) {
        let mut begun = Vec::new();
        for (point, session) in &mut self.open {
            session.from[side.index()].lose();
            session.woken.notify_all();
            if session.early.is_some() {
                begun.push(*point);
            }
        }
        for point in begun {
            self.drop_early(&point, Dropped::Gone(side));
        }
    }

    /// Forgets what peers began so long ago that they have given up.
    pub(super) fn sweep(&mut self, now: Instant, age: Duration) {
        let old = |s: &Session| now.saturating_duration_since(s.since) > age;
        let early = self.open.iter().filter_map(|(point, s)| Some((*point, s.early?.0, s)));
        let expired: Vec<_> = early.filter(|(.., s)| old(s)).map(|(point, side, _)| (point, side)).collect();
        for (point, side) in expired {
            self.drop_early(&point, Dropped::Expired(side));
        }
    }

    /// Ends everything.
    pub(super) fn close(&mut self) {
        for side in Side::BOTH {
            self.lose(side);
        }
    }

    fn begin_early(&mut self, point: &Point, by: Side, now: Instant) {
        if !self.open.contains_key(point) {
            self.count += 1;
            self.early[by.index()].insert(self.count, *point);
            self.open.insert(*point, Session::new(now, Some((by, self.count))));
        }
    }

    /// A peer that is too far ahead loses what it began first, or what it is sending to.
    fn keep_within(&mut self, side: Side, sent_to: &Point) {
        let at = side.index();
        while self.early[at].len() > EARLY || self.early_bytes[at] > EARLY_BYTES {
            let oldest = self.early[at].first_key_value().map_or(*sent_to, |(_, point)| *point);
            self.drop_early(&oldest, Dropped::TooMuch(side));
        }
    }

    fn drop_early(&mut self, point: &Point, why: Dropped) {
        self.remove(point);
        self.dropped.keep(*point, why);
    }

    fn remove(&mut self, point: &Point) {
        let Some(session) = self.open.remove(point) else { return };
        for side in Side::BOTH {
            let cost = session.from[side.index()].cost();
            self.unread[side.index()] -= cost;
            if session.early.is_some() {
                self.early_bytes[side.index()] -= cost;
            }
        }
        match session.early {
            Some((side, number)) => drop(self.early[side.index()].remove(&number)),
            None => self.running -= 1,
        }
    }
}

impl Session {
    fn new(since: Instant, early: Option<(Side, u64)>) -> Self {
        Self { woken: Arc::default(), since, early, from: Default::default() }
    }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
