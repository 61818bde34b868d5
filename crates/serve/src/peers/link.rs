//! One computation's end of the connections.

use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use privet_mpc::Abort;
use privet_mpc::link::{Link, LinkError, Links};

use super::Side;
use super::frame::{FRAME, Head, Point};
use super::hub::Hub;
use super::sessions::{Dropped, RUNNING, Refusal};

/// How long a computation waits for a connection that is just being made.
const GRACE: Duration = Duration::from_millis(500);

/// The links of the computation of this point.
pub(super) fn meet(hub: &Arc<Hub>, point: &Point) -> Result<Links, Abort> {
    let connected = hub.connected(GRACE);
    let deadline = Instant::now() + hub.deadline;
    let woken = hub.begin(point).map_err(|why| {
        if why != Refusal::Running {
            give_up(hub, point);
        }
        refused(hub, why)
    })?;
    let seat = Arc::new(Seat { hub: Arc::clone(hub), point: *point, woken, deadline });
    // Here the seat is given up again: a peer that can be reached need not wait for this party.
    connected.map_err(|side| not_connected(hub, side))?;
    let to = |side| Box::new(PeerLink { seat: Arc::clone(&seat), side });
    Ok(Links { previous: to(Side::Previous), next: to(Side::Next) })
}

/// A computation that takes part; over with the last of its links.
struct Seat {
    hub: Arc<Hub>,
    point: Point,
    woken: Arc<Condvar>,
    deadline: Instant,
}

impl Drop for Seat {
    fn drop(&mut self) {
        give_up(&self.hub, &self.point);
    }
}

/// Peers are told: whoever still waits for this party need not wait until the deadline.
fn give_up(hub: &Hub, point: &Point) {
    hub.end(point);
    for side in Side::BOTH {
        let _ = hub.write(side, Head::end(*point), &[]);
    }
}

struct PeerLink {
    seat: Arc<Seat>,
    side: Side,
}

impl Link for PeerLink {
    fn send(&mut self, _: &str, bytes: &[u8]) -> Result<(), LinkError> {
        if bytes.len() > FRAME {
            return Err(LinkError::Length { expected: FRAME, got: bytes.len() });
        }
        self.seat.hub.send(&self.seat.point, self.side, bytes)
    }

    fn recv(&mut self, _: &str, exact_len: usize) -> Result<Vec<u8>, LinkError> {
        let Seat { hub, point, woken, deadline } = &*self.seat;
        let bytes = hub.receive(point, self.side, woken, *deadline)?;
        if bytes.len() == exact_len {
            return Ok(bytes);
        }
        Err(LinkError::Length { expected: exact_len, got: bytes.len() })
    }
}

fn of_peer(hub: &Hub, side: Side, what: impl Into<String>) -> Abort {
    Abort::Peer { peer: side.role(hub.me).index(), what: what.into() }
}

/// Why stands in this party's log and in `privet doctor --links`, as addresses are nothing for clients.
fn not_connected(hub: &Hub, side: Side) -> Abort {
    of_peer(hub, side, format!("is not connected to party {}; that party's log says why", hub.me.index()))
}

fn refused(hub: &Hub, why: Refusal) -> Abort {
    match why {
        Refusal::Busy => Abort::Busy(format!(
            "This party runs {RUNNING} computations with its peers, and takes no more at once. Ask again in a moment."
        )),
        Refusal::Running => Abort::Client(
            "The same request is already running. Wait for its answer, or ask anew, which draws another one.".into(),
        ),
        Refusal::Ran => Abort::Client(
            "The same request was computed already, and none is computed twice. Ask anew, which draws another one."
                .into(),
        ),
        Refusal::Dropped(Dropped::TooMuch(side)) => {
            of_peer(hub, side, "began more computations at once than this party keeps for later")
        }
        Refusal::Dropped(Dropped::Gone(side)) => of_peer(hub, side, "is gone"),
        Refusal::Dropped(Dropped::Expired(side)) => {
            of_peer(hub, side, "began this computation long before this party got the request, and has given up")
        }
    }
}
