//! The connections to one peer: which are in use, and what is wrong if none is.

use std::net::{Shutdown, TcpStream};

use privet_deploy::Error;

/// A connection by its number, and the means to end it.
pub(super) struct Socket {
    pub(super) id: u64,
    pub(super) socket: TcpStream,
}

/// Both directions of one peer.
#[derive(Default)]
pub(super) struct Way {
    pub(super) sending: Option<Socket>,
    pub(super) receiving: Option<Socket>,
    pub(super) trouble: Option<Error>,
    /// Whether the trouble was told to the operator.
    pub(super) told: bool,
}

impl Way {
    pub(super) fn is_up(&self) -> bool {
        self.sending.is_some() && self.receiving.is_some()
    }

    pub(super) fn uses(&self, id: u64) -> bool {
        self.sends_by(id) || self.receiving.as_ref().is_some_and(|socket| socket.id == id)
    }

    pub(super) fn sends_by(&self, id: u64) -> bool {
        self.sending.as_ref().is_some_and(|socket| socket.id == id)
    }

    /// Ends both directions: what is lost in one is waited for in the other.
    pub(super) fn end(&mut self) {
        for socket in [self.sending.take(), self.receiving.take()].into_iter().flatten() {
            // Whoever reads or writes there stops at once.
            let _ = socket.socket.shutdown(Shutdown::Both);
        }
    }
}
