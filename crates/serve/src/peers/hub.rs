//! Computations and connections, under one lock. Nothing is read or written while it is held.

use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use privet_deploy::{Blame, Error};
use privet_mpc::link::LinkError;
use privet_mpc::role::Role;

use super::Side;
use super::frame::{Head, Point};
use super::inbox::Waiting;
use super::sessions::{Refusal, Sessions};
use super::way::{Socket, Way};
use super::wire::Writer;

/// What all threads of a party share.
pub(super) struct Hub {
    pub(super) me: Role,
    /// How long a computation may take.
    pub(super) deadline: Duration,
    state: Mutex<State>,
    /// A connection came or went.
    changed: Condvar,
    writers: [Mutex<Option<Writer>>; 2],
}

struct State {
    sessions: Sessions,
    ways: [Way; 2],
    connections: u64,
    /// Whether peers may connect for computations.
    open: bool,
    closed: bool,
}

impl Hub {
    pub(super) fn new(me: Role, deadline: Duration) -> Self {
        let ways = Default::default();
        let state = State { sessions: Sessions::new(), ways, connections: 0, open: false, closed: false };
        Self { me, deadline, state: Mutex::new(state), changed: Condvar::new(), writers: Default::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Connections.

    pub(super) fn open(&self) {
        self.state().open = true;
    }

    pub(super) fn is_open(&self) -> bool {
        let state = self.state();
        state.open && !state.closed
    }

    /// Messages to this peer go here from now on. The connection's number, unless the party is ending.
    pub(super) fn sends_by(&self, side: Side, writer: Writer, socket: TcpStream) -> Option<u64> {
        let mut slot = self.writer(side);
        let mut state = self.state();
        if state.closed {
            return None;
        }
        let id = state.next();
        let way = &mut state.ways[side.index()];
        (way.sending, way.trouble) = (Some(Socket { id, socket }), None);
        *slot = Some(Writer { id, ..writer });
        self.changed.notify_all();
        Some(id)
    }

    /// Messages from this peer come here from now on. If they came from elsewhere until now, then that is over, also for
    /// computations that wait.
    pub(super) fn receives_by(&self, side: Side, socket: TcpStream) -> Option<u64> {
        let mut state = self.state();
        if state.closed || !state.open {
            return None;
        }
        if state.ways[side.index()].receiving.is_some() {
            state.lose(side);
        }
        let id = state.next();
        state.ways[side.index()].receiving = Some(Socket { id, socket });
        self.changed.notify_all();
        Some(id)
    }

    /// A connection ended. One that is not in use any more changes nothing.
    pub(super) fn lost(&self, side: Side, id: u64, why: &str) {
        let mut state = self.state();
        if !state.ways[side.index()].uses(id) {
            return;
        }
        state.lose(side);
        let peer = side.role(self.me).index();
        if !state.closed {
            tracing::warn!(peer, why, "the connection to a party is lost; it is made again");
        }
        let what = format!("The connection to party {peer} was lost: {why}. It is made again by itself.");
        state.ways[side.index()].trouble = Some(Error::new(Blame::Unreachable, "E304", what));
        self.changed.notify_all();
    }

    /// The number of the connection on which this peer sends.
    pub(super) fn receives(&self, side: Side) -> Option<u64> {
        self.state().ways[side.index()].receiving.as_ref().map(|socket| socket.id)
    }

    /// Whether this connection still is the one to this peer.
    pub(super) fn sends(&self, side: Side, id: u64) -> bool {
        self.state().ways[side.index()].sends_by(id)
    }

    /// What is wrong with this peer, told once as long as it stays the same.
    pub(super) fn trouble(&self, side: Side, error: Error) {
        let mut state = self.state();
        let trouble = &mut state.ways[side.index()].trouble;
        if trouble.as_ref() != Some(&error) {
            tracing::warn!(peer = side.role(self.me).index(), %error, "a party cannot be reached");
            *trouble = Some(error);
        }
    }

    pub(super) fn troubles(&self) -> [Option<Error>; 2] {
        let state = self.state();
        Side::BOTH.map(|side| {
            let way = &state.ways[side.index()];
            let deaf = way.sending.is_some() && way.receiving.is_none();
            way.trouble.clone().or_else(|| deaf.then(|| deaf_to(side.role(self.me))))
        })
    }

    /// Waits until both peers are connected; otherwise, which one is not.
    pub(super) fn connected(&self, patience: Duration) -> Result<(), Side> {
        let down = |state: &State| Side::BOTH.into_iter().find(|s| !state.ways[s.index()].is_up());
        let waits = |state: &mut State| !state.closed && down(state).is_some();
        let waited = self.changed.wait_timeout_while(self.state(), patience, waits);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        down(&state).map_or(Ok(()), Err)
    }

    /// Waits for so long, less if `until` comes true; it is asked whenever something changed. Whether to go on.
    pub(super) fn pause(&self, side: Side, wait: Duration, until: impl Fn(&Way) -> bool) -> bool {
        let waits = |state: &mut State| !state.closed && !until(&state.ways[side.index()]);
        let waited = self.changed.wait_timeout_while(self.state(), wait, waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.sessions.sweep(Instant::now(), self.deadline);
        !state.closed
    }

    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.ways.iter_mut().for_each(Way::end);
        state.sessions.close();
        self.changed.notify_all();
    }

    // Computations.

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
        self.state().sessions.deliver(from, head, body, Instant::now());
    }

    /// Sends a computation's next message.
    pub(super) fn send(&self, point: &Point, to: Side, body: &[u8]) -> Result<(), LinkError> {
        let number = self.state().sessions.number(point, to)?;
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        self.write(to, Head { point: *point, number, length }, body)
    }

    /// Writes a frame to whoever is there.
    pub(super) fn write(&self, to: Side, head: Head, body: &[u8]) -> Result<(), LinkError> {
        let mut slot = self.writer(to);
        let writer = slot.as_mut().ok_or(LinkError::Closed)?;
        let Err(error) = writer.frame(head, body) else { return Ok(()) };
        let id = writer.id;
        *slot = None;
        drop(slot);
        self.lost(to, id, &error.to_string());
        Err(LinkError::Closed)
    }

    /// The next message of a peer, until the deadline.
    pub(super) fn receive(
        &self,
        point: &Point,
        from: Side,
        woken: &Condvar,
        deadline: Instant,
    ) -> Result<Vec<u8>, LinkError> {
        let mut state = self.state();
        loop {
            let heard = match state.sessions.take(point, from) {
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

    fn writer(&self, side: Side) -> MutexGuard<'_, Option<Writer>> {
        self.writers[side.index()].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn deaf_to(peer: Role) -> Error {
    let what = format!(
        "Party {0} can be reached and does not connect to this one. Check the `[peers]` of party {0}.",
        peer.index()
    );
    Error::new(Blame::Unreachable, "E304", what)
}

impl State {
    fn next(&mut self) -> u64 {
        self.connections += 1;
        self.connections
    }

    fn lose(&mut self, side: Side) {
        self.ways[side.index()].end();
        self.sessions.lose(side);
    }
}
