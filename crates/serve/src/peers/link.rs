//! One computation's end of the connections.

use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use privet_mpc::Abort;
use privet_mpc::link::{Link, LinkError, Links};

use super::Side;
use super::frame::{FRAME, Head, Point};
use super::hub::Hub;
use super::refusal::{Refusal, not_connected};
use crate::asker::Asker;

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
        why.abort(hub.me)
    })?;
    let asker = Asker::current();
    asker.when_gone(wakes(hub, &woken));
    let seat = Arc::new(Seat { hub: Arc::clone(hub), point: *point, woken, asker, deadline });
    // Here the seat is given up again: a peer that can be reached need not wait for this party.
    connected.map_err(|side| not_connected(hub.me, side))?;
    let to = |side| Box::new(PeerLink { seat: Arc::clone(&seat), lane: 0, side });
    Ok(Links { previous: to(Side::Previous), next: to(Side::Next) })
}

/// A computation that takes part; over with the last of its links.
struct Seat {
    hub: Arc<Hub>,
    point: Point,
    woken: Arc<Condvar>,
    asker: Asker,
    deadline: Instant,
}

impl Drop for Seat {
    fn drop(&mut self) {
        give_up(&self.hub, &self.point);
    }
}

/// Wakes this computation. Whoever is about to wait holds the lock, and so waits by then.
fn wakes(hub: &Arc<Hub>, woken: &Arc<Condvar>) -> impl Fn() + Send + 'static {
    let (hub, woken) = (Arc::clone(hub), Arc::clone(woken));
    move || {
        drop(hub.state());
        woken.notify_all();
    }
}

/// Peers are told: whoever still waits for this party need not wait until the deadline.
fn give_up(hub: &Hub, point: &Point) {
    hub.end(point);
    for &side in &hub.sides {
        let _ = hub.write(side, Head::end(*point), &[]);
    }
}

struct PeerLink {
    seat: Arc<Seat>,
    lane: u8,
    side: Side,
}

impl Link for PeerLink {
    fn send(&mut self, _: &str, bytes: &[u8]) -> Result<(), LinkError> {
        if bytes.len() > FRAME {
            return Err(LinkError::Length { expected: FRAME, got: bytes.len() });
        }
        self.seat.hub.send(&self.seat.point, self.lane, self.side, bytes)
    }

    fn recv(&mut self, _: &str, exact_len: usize) -> Result<Vec<u8>, LinkError> {
        let Seat { hub, point, woken, asker, deadline } = &*self.seat;
        let bytes = hub.receive((point, self.lane), self.side, woken, asker, *deadline)?;
        if bytes.len() == exact_len {
            return Ok(bytes);
        }
        Err(LinkError::Length { expected: exact_len, got: bytes.len() })
    }

    fn lane(&mut self, number: u8) -> Box<dyn Link> {
        Box::new(Self { seat: Arc::clone(&self.seat), lane: number, side: self.side })
    }
}
