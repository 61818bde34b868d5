//! The connections of a party: which are in use, and what happens when one comes or goes.

use std::net::TcpStream;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use privet_deploy::{Blame, Error};
use privet_mpc::role::Role;

use super::Side;
use super::hub::{Hub, State};
use super::way::{Socket, Way};
use super::wire::Writer;

/// How long after its start a party does not complain of others that are not there yet.
const SETTLED: Duration = Duration::from_secs(3);

impl Hub {
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
        let way = &mut state.ways[side.index()];
        way.told &= way.trouble.as_ref() == Some(&error);
        // Parties start one after the other, so the first seconds say nothing.
        if !way.told && self.began.elapsed() > SETTLED {
            tracing::warn!(peer = side.role(self.me).index(), %error, "a party cannot be reached");
            way.told = true;
        }
        way.trouble = Some(error);
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
        let down = |state: &State| self.sides.iter().copied().find(|s| !state.ways[s.index()].is_up());
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
}

fn deaf_to(peer: Role) -> Error {
    let what = format!(
        "Party {0} can be reached and does not connect to this one. Check the `[peers]` of party {0}.",
        peer.index()
    );
    Error::new(Blame::Unreachable, "E304", what)
}
