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
//! | bit to the ring 2^k | 3 | 18(k+s) |
//! | bit·x | 4 | 24(k+s), and 3(k+s) if x has no MAC |
//! | rectifier | sign in the ring 2^(k-drop), and 4 | 18(ring+s) + `y` + 6(ring+s) |
//! | rectifier, ring > k - drop | sign, and 5 | 18(ring+s) + `y` + 36(t+s) + 6(ring+s) |
//!
//! where `y`, the truncation, is 18(ring+s), and without wrap and drop 3(ring+s) for a share without MAC, and with wrap and without drop
//! 6(ring+s); t = ring + drop - k. From summands one round and 6(k+s) bits more.

use crate::Abort;

use super::component::{Triple, low_bits};
use super::party::Malicious3;
use super::share::{Bit, Pair, Share, Shared};
use super::sum::Sum;

impl Malicious3 {
    /// 0 or 1 in the ring 2^k.
    pub(super) fn as_integers(&mut self, bit: &Bit, k: u32) -> Result<Share, Abort> {
        let triple = self.triple(&low_bits(bit), 0, k);
        let majority = self.majorities(&[&triple])?.swap_remove(0);
        self.share(majority.times(2u128.wrapping_neg()).plus(triple.sum()))
    }

    /// x where the bit is set, else 0.
    pub(super) fn chosen(&mut self, bit: &Bit, x: &Share) -> Result<Share, Abort> {
        let bit = self.as_integers(bit, x.k)?;
        let product = self.times(&bit, x);
        self.share(product)
    }

    /// max(x / 2^drop, 0) in the ring 2^ring.
    pub(super) fn rectified(&mut self, x: Sum<u128>, drop: u32, ring: u32) -> Result<Share, Abort> {
        let x = self.components(x)?;
        let x = if drop == 0 { x } else { self.plus_constant(&x, 1 << drop) };
        let bits = low_bits(&x);
        let left = x.k - drop;
        let negative = self.sign(&Shared::plain(left, bits.each(|x| x >> drop)))?;
        let positive = self.triple(&low_bits(&self.inverted(&negative)), 0, ring);
        let selected = if ring <= left {
            let floors = if drop == 0 { x } else { Shared::plain(ring, bits.each(|x| x >> drop)) };
            self.narrowed(&positive, &bits, floors.in_ring(ring), drop)?
        } else {
            self.widened(&positive, &bits, (x.k, drop, ring))?
        };
        self.share(selected)
    }

    /// bit·x / 2^drop where no wrap counts.
    fn narrowed(
        &mut self,
        bit: &Triple,
        components: &Pair<u128>,
        floors: Share,
        drop: u32,
    ) -> Result<Sum<u128>, Abort> {
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
        components: &Pair<u128>,
        (k, drop, ring): (u32, u32, u32),
    ) -> Result<Sum<u128>, Abort> {
        let wrap = self.wrap_of(components, k, ring + drop - k);
        let half = self.half(components, drop, ring);
        let triples = [bit, &wrap.high, &wrap.low].into_iter().chain(&half).collect::<Vec<_>>();
        let mut majorities = self.majorities(&triples)?;
        let rounded = majorities.split_off(3);
        let shares = self.shares_of(majorities)?;
        let wraps = self.wraps(&wrap, &shares[1], &shares[2]).times(u128::MAX).shifted(k - drop, ring);
        let floors = Sum::from(Shared::plain(ring, components.each(|x| x >> drop)));
        let whole = self.share(rounded.into_iter().fold(floors, Sum::plus).plus(wraps))?;
        Ok(self.times(&whole, &bit.odd(&shares[0])))
    }
}
