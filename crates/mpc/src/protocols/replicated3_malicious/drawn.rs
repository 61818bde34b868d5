//! Random replicated tensors, a block at a time, so that they never lie in memory: masks.

use privet_ring::prg::Stream;

use crate::session::Session;

use super::proof::drawn;
use super::share::Pair;

/// Elements of a block: with its words, what stays in the nearest cache.
pub(super) const BLOCK: usize = 512;

/// This party's two of three streams.
pub(super) struct Drawn([Stream; 2]);

impl Drawn {
    /// The next draw of a session.
    pub(super) fn of(session: &mut Session) -> Self {
        Self(session.random())
    }

    /// The next elements.
    pub(super) fn block(&mut self, n: usize) -> Pair {
        let [own, next] = self.0.each_mut().map(|stream| drawn(stream, n));
        Pair { own, next }
    }
}
