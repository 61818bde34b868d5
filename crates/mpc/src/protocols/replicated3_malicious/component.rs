//! Functions of single components, which are local, and of the bits of all three.
//!
//! Component i of a tensor is known to `P_i` and to P_{i-1}, of whom one is honest: any function of it is a shared tensor
//! without a message, whose other components are zero. What a cheating holder does with it otherwise is an error of what it
//! sends, as with any share.
//!
//! From a bit `b_i` of each component, with H = b0 + b1 + b2: p = b0·b1, M = p + b2·(b0 + b1 - 2p) is the majority of the three, and
//! H - 2M their exclusive or. As integers of any ring, exact. Only P0 knows b0 and b1, and tells P2 a part of p; only P1 and P2 have a
//! summand of M.
//!
//! | gate | rounds | bits an element, over all parties |
//! |---|---|---|
//! | majority in the ring 2^k, not sent yet | 1 | k; 2k more when it is |

use crate::Abort;
use crate::protocols::replicated3::Bits;
use crate::protocols::replicated3::bits::bits;
use crate::role::Role;

use super::party::Malicious3;
use super::share::{Pair, Share, only};
use super::sum::Sum;

/// One bit of each component as integers of the ring 2^k.
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

/// The components of bits, as integers.
pub(super) fn of_bits(x: &Bits) -> Pair {
    let integers = |words: &[u64]| bits(words, x.n).collect();
    Pair { own: integers(&x.own), next: integers(&x.next) }
}

impl Malicious3 {
    /// `f` of component `at` of each element, as a tensor of the ring 2^k.
    pub(super) fn of_component(&self, x: &Pair, at: usize, k: u32, f: impl Fn(u64) -> u64) -> Share {
        let me = self.me();
        let of = |role: Role, x: &[u64]| -> Vec<u64> {
            if role.index() == at { x.iter().map(|&x| f(x)).collect() } else { vec![0; x.len()] }
        };
        Share::of(k, Pair { own: of(me, &x.own), next: of(me.next(), &x.next) }, only(at))
    }

    /// Bit `at` of each component, in the ring 2^k; 0 if there is none, for `at` = -1.
    pub(super) fn triple(&self, x: &Pair, at: i64, k: u32) -> Triple {
        let bit = |x: u64| u32::try_from(at).map_or(0, |at| x >> at & 1);
        Triple([0, 1, 2].map(|i| self.of_component(x, i, k, bit)))
    }

    /// The majority of each triple, as summands.
    pub(super) fn majorities(&mut self, triples: &[&Triple]) -> Result<Vec<Sum>, Abort> {
        let both = triples.iter().map(|t| self.times(&t.0[0], &t.0[1])).collect();
        let both = self.shares_of(both)?;
        let of_triple = |(t, both): (&&Triple, Share)| {
            let one = t.0[0].plus(&t.0[1]).minus(&both.times(2));
            self.times(&t.0[2], &one).plus(both)
        };
        Ok(triples.iter().zip(both).map(of_triple).collect())
    }
}
