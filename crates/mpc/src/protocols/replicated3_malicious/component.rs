//! Functions of single components, which are local, and of the bits of all three.
//!
//! Component i of a tensor is known to `P_i` and to P_{i-1}, of whom one is honest: any function of it is a shared tensor
//! without a message, whose other components are zero. What a cheating holder does with it otherwise is an error of what it
//! sends, as with any share.
//!
//! From a bit `b_i` of each component, with H = b0 + b1 + b2: p = b0·b1, M = p + b2·(b0 + b1 - 2p) is the majority of the three, and
//! H - 2M their exclusive or. As integers of any ring, exact.
//!
//! | gate | rounds | bits an element, over all parties |
//! |---|---|---|
//! | majority in the ring 2^k, not sent yet | 2 | 12(k+s) |

use crate::Abort;

use super::party::Malicious3;
use super::share::{Pair, Share, Shared};
use super::sum::Sum;
use super::word::{SECURITY, Word};

/// One bit of each component as integers of the ring 2^k, without MAC.
pub(super) struct Triple([Share; 3]);

impl Triple {
    /// b0 + b1 + b2.
    pub(super) fn sum(&self) -> Share {
        self.0[0].plus(&self.0[1]).plus(&self.0[2])
    }

    /// The exclusive or, of which the majority is a share.
    pub(super) fn odd(&self, majority: &Share) -> Share {
        self.sum().minus(&majority.times(2))
    }
}

/// The lowest k bits of each component.
pub(super) fn low_bits<W: Word>(x: &Shared<W>) -> Pair<u128> {
    let mask = u128::MAX >> (u128::BITS - x.k.min(u128::BITS - SECURITY));
    x.value.each(|x| x.wide() & mask)
}

impl Malicious3 {
    /// `f` of component `at` of each element, as a tensor of the ring 2^k.
    pub(super) fn of_component<V: Word, W: Word>(
        &self,
        x: &Pair<V>,
        at: usize,
        k: u32,
        f: impl Fn(V) -> W,
    ) -> Shared<W> {
        Shared::plain(k, x.each(f).component(self.me(), at))
    }

    /// Bit `at` of each component, in the ring 2^k; 0 if there is none, for `at` = -1.
    pub(super) fn triple(&self, x: &Pair<u128>, at: i64, k: u32) -> Triple {
        let bit = |x: u128| u32::try_from(at).map_or(0, |at| x >> at & 1);
        Triple([0, 1, 2].map(|i| self.of_component(x, i, k, bit)))
    }

    /// The majority of each triple, as summands.
    pub(super) fn majorities(&mut self, triples: &[&Triple]) -> Result<Vec<Sum<u128>>, Abort> {
        let ends = triples.iter().flat_map(|t| [Sum::from(&t.0[0]), Sum::from(&t.0[2])]).collect();
        let ends = self.shares_of(ends)?;
        let pairs = || ends.chunks_exact(2).zip(triples);
        let both = pairs().map(|(ends, t)| self.times(&ends[0], &t.0[1])).collect();
        let both = self.shares_of(both)?;
        let of_triple = |((ends, t), both): ((&[Share], &&Triple), Share)| {
            let one = t.0[0].plus(&t.0[1]).minus(&both.times(2));
            self.times(&ends[1], &one).plus(both)
        };
        Ok(pairs().zip(both).map(of_triple).collect())
    }
}
