//! A shared bit as an integer, a choice by it, and the rectifier with its truncation and its change of ring.
//!
//! The lowest bits of the components of a bit have the bit as their exclusive or, H - 2M ([`super::component`]).
//!
//! The rectifier: of x + 2^drop each component loses its low bits, which leaves x' with x/2^drop - 2 < x' ≤ x/2^drop + 1. Its sign decides,
//! so that x is not told from 0 if it is less than a unit away, and then the result is at most a unit. What it multiplies is the
//! truncation of x + 2^drop ([`super::truncate`]) less 1; the wrap needs no known sign, as where x + 2^drop < 0 it does not count.
//!
//! | | |
//! |---|---|
//! | range | \|x\| < 2^(k-1) - 2^drop |
//! | error | at most 1 unit of the result, none with drop = 0 |
//!
//! | gate, from shares | rounds | bits an element, over all parties |
//! |---|---|---|
//! | bit to the ring 2^k | 2 | 3k |
//! | bit·x | 3 | 6k |
//! | rectifier | sign in the ring 2^(k-drop), and 3 | 9 ring; 6 ring with drop = 0 |
//! | rectifier, ring > k - drop | sign, and 4 | 10 ring + 6t; 9 ring + 6t with drop = 0 |
//!
//! with t = ring + drop - k. From summands one round and 3k bits more.

use crate::Abort;
use crate::protocols::replicated3::Bits;

use super::component::{Triple, of_bits};
use super::party::Malicious3;
use super::share::{Pair, Share};
use super::sum::Sum;
use super::truncate::floors;

impl Malicious3 {
    /// 0 or 1 in the ring 2^k.
    pub(super) fn as_integers(&mut self, bit: &Bits, k: u32) -> Result<Share, Abort> {
        let triple = self.triple(&of_bits(bit), 0, k);
        let majority = self.majorities(&[&triple])?.swap_remove(0);
        self.share(majority.times(2u64.wrapping_neg()).plus(triple.sum()))
    }

    /// x where the bit is set, else 0.
    pub(super) fn chosen(&mut self, bit: &Bits, x: &Share) -> Result<Share, Abort> {
        let bit = self.as_integers(bit, x.k)?;
        let product = self.times(&bit, x);
        self.share(product)
    }

    /// max(x / 2^drop, 0) in the ring 2^ring.
    pub(super) fn rectified(&mut self, x: Sum, drop: u32, ring: u32) -> Result<Share, Abort> {
        let x = self.share(x)?;
        let x = if drop == 0 { x } else { self.plus_constant(&x, 1 << drop) };
        let bits = x.low_bits();
        let left = x.k - drop;
        let negative = self.sign(&floors(&bits, drop, left))?;
        let positive = self.triple(&of_bits(&self.inverted(&negative)), 0, ring);
        let selected = if ring <= left {
            let floors = if drop == 0 { x } else { floors(&bits, drop, ring) };
            self.narrowed(&positive, &bits, floors.in_ring(ring), drop)?
        } else {
            self.widened(&positive, &bits, (x.k, drop, ring))?
        };
        self.share(selected)
    }

    /// bit·x / 2^drop where no wrap counts.
    fn narrowed(&mut self, bit: &Triple, components: &Pair, floors: Share, drop: u32) -> Result<Sum, Abort> {
        let half = self.half(components, drop, floors.k);
        let mut majorities = self.majorities(&[bit].into_iter().chain(&half).collect::<Vec<_>>())?;
        let rounded = majorities.split_off(1);
        majorities.push(rounded.into_iter().fold(floors.into(), Sum::plus));
        let shares = self.shares_of(majorities)?;
        Ok(self.times(&shares[1], &bit.odd(&shares[0])))
    }

    /// bit·x / 2^drop with the wrap put back, from components of k bits.
    fn widened(
        &mut self,
        bit: &Triple,
        components: &Pair,
        (k, drop, ring): (u32, u32, u32),
    ) -> Result<Sum, Abort> {
        let wrap = self.wrap_of(components, k, ring + drop - k);
        let half = self.half(components, drop, ring);
        let triples = [bit, &wrap.high, &wrap.low].into_iter().chain(&half).collect::<Vec<_>>();
        let mut majorities = self.majorities(&triples)?;
        let rounded = majorities.split_off(3);
        let shares = self.shares_of(majorities)?;
        let wraps = self.wraps(&wrap, &shares[1], &shares[2]).times(u64::MAX).shifted(k - drop, ring);
        let floors = Sum::from(floors(components, drop, ring));
        let whole = self.share(rounded.into_iter().fold(floors, Sum::plus).plus(wraps))?;
        Ok(self.times(&whole, &bit.odd(&shares[0])))
    }
}
