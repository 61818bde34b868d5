//! The links between parties: one TLS connection each way between any two, over which all computations run.
//!
//! | module | what it holds |
//! |---|---|
//! | `frame` | what is said on a connection |
//! | `sessions`, `inbox`, `memory` | the computations of this party, by their points |
//! | `hub`, `connections`, `way` | computations and connections, under one lock |
//! | `link`, `refusal` | one computation's end of the connections, or why it has none |
//! | `wire`, `tls`, `dial`, `keeper` | the connection out: made, held, and made again |
//! | `meshes`, `admit`, `reader` | the connection in: to which bundle's parties, let in, and read |
//! | [`recorded`] | what a peer sends, from bytes instead of a connection |
//! | `measure`, `report` | how far a peer is and what it says of the others, for `privet doctor --links` |
//!
//! Connections are blocking and have threads to themselves. A message is written by the thread of the computation that
//! sends it, and read by the one thread that reads for all; that thread never waits for a computation, so no computation
//! can hold up another. A connection is used in one direction only: no write ever waits for a read.

mod admit;
mod connections;
mod dial;
mod frame;
mod hub;
mod inbox;
mod keeper;
mod link;
mod measure;
mod memory;
mod meshes;
mod reader;
pub mod recorded;
mod refusal;
mod report;
mod sessions;
mod tls;
mod way;
mod wire;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

pub use self::admit::is_party;
use self::dial::Target;
pub use self::frame::{ALPN, FRAME};
use self::hub::Hub;
pub use self::measure::{Measured, measure};
pub use self::meshes::Meshes;
pub use self::report::{Told, ask};
use crate::keys::MachineKey;
use crate::public_key::PublicKey;
use crate::service::{Company, Peer};
use privet_deploy::Error;
use privet_mpc::Abort;
use privet_mpc::link::{Links, Peers};
use privet_mpc::role::Role;

/// How often a party says that it is still there, and how long it may say nothing.
const PING: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(3);

/// One of a party's two peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `P_{i-1}`.
    Previous,
    /// `P_{i+1}`.
    Next,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Previous, Self::Next];

    /// Its role, seen from `me`.
    pub fn role(self, me: Role) -> Role {
        match self {
            Self::Previous => me.previous(),
            Self::Next => me.next(),
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// Who a party is among its peers.
pub struct Identity<'a> {
    /// Which party.
    pub me: Role,
    /// The bundle's digest: peers of another bundle are refused.
    pub bundle: [u8; 32],
    /// This machine's key.
    pub key: &'a MachineKey,
    /// A certificate (PEM) for it.
    pub certificate: &'a str,
    /// The keys of all parties, as the bundle names them.
    pub parties: &'a [PublicKey],
}

/// A party among its peers. Dropping it ends its connections.
pub struct Mesh {
    hub: Arc<Hub>,
    pins: [PublicKey; 2],
    bundle: [u8; 32],
    /// At most one way is measured at a time: it takes a thread and much of the network.
    measured: Arc<AtomicBool>,
}

impl Mesh {
    /// A party that others may measure their way to, and nothing else, until it is [connected](Self::connect).
    /// Computations end after `deadline`.
    pub fn new(identity: &Identity<'_>, deadline: Duration) -> Result<Self, Error> {
        Self::between(identity, &Side::BOTH, deadline)
    }

    /// The same, where only the peers on these sides compute along.
    pub fn between(identity: &Identity<'_>, sides: &[Side], deadline: Duration) -> Result<Self, Error> {
        let pins = Side::BOTH.map(|side| identity.parties.get(side.role(identity.me).index()).cloned());
        let [Some(previous), Some(next)] = pins else {
            return Err(Error::refused("E230", "The bundle does not name three parties."));
        };
        let pins = [previous, next];
        let hub = Arc::new(Hub::new(identity.me, sides, deadline));
        Ok(Self { hub, pins, bundle: identity.bundle, measured: Arc::default() })
    }

    /// Connects to its peers, at `HOST:PORT` of the previous and the next one, now and whenever a connection was lost.
    pub fn connect(&self, identity: &Identity<'_>, addresses: [&str; 2]) -> Result<(), Error> {
        self.hub.open();
        for &side in &self.hub.sides {
            let target = Target::new(identity, side, addresses[side.index()])?;
            let hub = Arc::clone(&self.hub);
            spawn("to", side, move || keeper::keep(&hub, side, &target))?;
        }
        Ok(())
    }

    /// What is wrong with the way to each peer, the previous one first.
    pub fn troubles(&self) -> [Option<Error>; 2] {
        self.hub.troubles()
    }

    /// The bundle whose parties these are.
    pub fn bundle(&self) -> &[u8; 32] {
        &self.bundle
    }

    /// Whether both peers are connected, in both directions; waits for it.
    pub fn connected(&self, patience: Duration) -> bool {
        self.hub.connected(patience).is_ok()
    }
}

impl Peers for Mesh {
    fn meet(&self, point: &[u8; 32]) -> Result<Links, Abort> {
        link::meet(&self.hub, point)
    }
}

impl Company for Mesh {
    fn peers(&self) -> Vec<Peer> {
        self.hub.sides.iter().map(|&side| self.hub.peer(side)).collect()
    }

    fn ready(&self) -> Result<(), Error> {
        let Err(side) = self.hub.connected(Duration::ZERO) else { return Ok(()) };
        let [previous, next] = self.troubles();
        let trouble = if side == Side::Previous { previous } else { next };
        Err(trouble.unwrap_or_else(|| {
            let party = side.role(self.hub.me).index();
            let what =
                format!("Party {party} is not connected to this one yet. It is tried again by itself.");
            Error::new(privet_deploy::Blame::Unreachable, "E304", what)
        }))
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        self.hub.close();
    }
}

fn spawn(what: &str, side: Side, body: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let spawned = thread::Builder::new().name(format!("{what}-{side:?}")).spawn(body);
    spawned
        .map(drop)
        .map_err(|e| Error::new(privet_deploy::Blame::Ours, "E902", format!("A thread cannot be made: {e}.")))
}
