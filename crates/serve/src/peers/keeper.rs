//! Holds the connection to one peer: makes it, says now and then that this party is still there, and makes it again.

use std::time::Duration;

use super::dial::Target;
use super::frame::{Head, Purpose};
use super::hub::Hub;
use super::way::Way;
use super::wire::Writer;
use super::{PING, Side};

/// How long to wait before the next try: longer each time, but never so long that a peer which is back is not met within two seconds.
const FIRST: Duration = Duration::from_millis(50);
const LAST: Duration = Duration::from_millis(250);

/// Until the party ends.
pub(super) fn keep(hub: &Hub, side: Side, target: &Target) {
    let mut wait = FIRST;
    loop {
        match connect(hub, side, target) {
            Ok(Some(id)) => {
                wait = FIRST;
                hold(hub, side, id);
            }
            Ok(None) => return,
            Err(error) => hub.trouble(side, error),
        }
        // A peer that just connected to us is there: no need to wait.
        let was_here = hub.receives(side);
        if !hub.pause(side, wait, |way| way.receiving.as_ref().map(|s| s.id) > was_here) {
            return;
        }
        wait = LAST.min(2 * wait);
    }
}

fn connect(hub: &Hub, side: Side, target: &Target) -> Result<Option<u64>, privet_deploy::Error> {
    let stream = target.dial(Purpose::Compute)?;
    let socket = stream.sock.handle().map_err(|e| target.unreachable(&e))?;
    let id = hub.sends_by(side, Writer::new(stream), socket);
    if id.is_some() {
        tracing::info!(peer = side.role(hub.me).index(), "connected to a party");
    }
    Ok(id)
}

/// As long as the connection is in use.
fn hold(hub: &Hub, side: Side, id: u64) {
    let gone = |way: &Way| !way.sends_by(id);
    while hub.pause(side, PING, gone) && hub.sends(side, id) {
        // An error ends the connection, which is seen above.
        let _ = hub.write(side, Head::ping(), &[]);
    }
}
