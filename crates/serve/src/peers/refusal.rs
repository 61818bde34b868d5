//! Why a computation cannot begin here, in words.

use privet_mpc::Abort;
use privet_mpc::role::Role;

use super::Side;
use super::sessions::RUNNING;

/// Why a computation never began here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    /// The peer was too far ahead.
    TooMuch(Side),
    /// The peer began it and then was gone.
    Gone(Side),
    /// The request did not come for so long that the peer has given up.
    Expired(Side),
}

/// Why a computation cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Busy,
    Running,
    Ran,
    Dropped(Dropped),
}

impl Refusal {
    /// The same in words, said by `me`.
    pub(super) fn abort(self, me: Role) -> Abort {
        match self {
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
            of_peer(me, side, "began more computations at once than this party keeps for later")
        }
        Refusal::Dropped(Dropped::Gone(side)) => of_peer(me, side, "is gone"),
        Refusal::Dropped(Dropped::Expired(side)) => {
            of_peer(me, side, "began this computation long before this party got the request, and has given up")
        }
    }
    }
}

/// Why stands in this party's log and in `privet doctor --links`, as addresses are nothing for clients.
pub(super) fn not_connected(me: Role, side: Side) -> Abort {
    of_peer(me, side, format!("is not connected to party {}; that party's log says why", me.index()))
}

fn of_peer(me: Role, side: Side, what: impl Into<String>) -> Abort {
    Abort::Peer { peer: side.role(me).index(), what: what.into() }
}
