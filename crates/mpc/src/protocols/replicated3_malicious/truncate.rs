//! x / 2^drop as a share in a ring of any size: truncation, and extension with `drop` = 0.
//!
//! Each component loses its low bits by itself. The three remainders together are S/2 to (S+3)/2 units, where S counts the
//! components whose remainder is half a unit or more; 1 + [S ≥ 2] is at most a unit away from all of that.
//!
//! Where the ring is wider than what is left, the wrap counts: with 2^(k-2) added, 0 ≤ x < 2^(k-1), so that x0 + x1 + x2 = x + w·2^k.
//! With `t_i` the two highest bits of `x_i`, T their sum, T/4 ≤ w + x/2^k < w + 1/2 and w ≤ w + x/2^k < (T+3)/4, so that
//! 4w - 2 ≤ T ≤ 4w + 1 and w = ⌊(T+2)/4⌋. With H the sum of the high bits and m the majority of the low ones, that is
//! ⌊(H+m+1)/2⌋ = M + (X ∨ m) = M + X + m - X·m, where M is the majority of the high bits and X = H - 2M their exclusive or.
//!
//! x / 2^drop = Σ `x_i` / 2^drop + 1 + [S ≥ 2] - w·2^(k-drop). Only single components are cut, which their two
//! holders cannot do differently unnoticed.
//!
//! | | |
//! |---|---|
//! | range | -2^(k-2) ≤ x < 2^(k-2); where ring ≤ k - drop, no wrap counts and \|x\| < 2^(k-1) - 2^drop is enough |
//! | error | -1 < result - x/2^drop ≤ 1; none with drop = 0 |
//!
//! With t = ring + drop - k bits of the wrap (if that is positive):
//!
//! | from shares | rounds | bits an element, over all parties |
//! |---|---|---|
//! | ring ≤ k - drop, drop = 0 | 0 | 0 |
//! | ring ≤ k - drop | 2 | 3 ring |
//! | drop = 0 | 3 | 6t + 3 ring |
//! | else | 3 | 6t + 4 ring |
//!
//! From summands one round and 3k bits more.

use crate::Abort;
use crate::role::PARTIES;

use super::component::Triple;
use super::party::Malicious3;
use super::share::{Pair, Share};
use super::sum::Sum;

/// What is needed of the wrap of components of k bits: the bits above, in the ring 2^bits.
pub(super) struct Wrap {
    pub(super) high: Triple,
    pub(super) low: Triple,
}

/// Each component without its lowest bits.
pub(super) fn floors(components: &Pair, drop: u32, ring: u32) -> Share {
    Share::of(ring, components.each(|x| x >> drop), [true; PARTIES])
}

impl Malicious3 {
    /// x / 2^drop in the ring 2^ring.
    pub(super) fn rescaled(&mut self, x: Sum, drop: u32, ring: u32) -> Result<Share, Abort> {
        let x = self.share(x)?;
        if ring + drop <= x.k {
            let cut = self.cut(&x, drop, ring)?;
            return self.share(cut);
        }
        let k = x.k;
        debug_assert!(drop + 2 <= k && ring <= 64, "{drop} bits of {k}");
        let x = self.plus_constant(&x, 1 << (k - 2));
        let bits = x.low_bits();
        let wrap = self.wrap_of(&bits, k, ring + drop - k);
        let half = self.half(&bits, drop, ring);
        let triples = [&wrap.high, &wrap.low].into_iter().chain(&half).collect::<Vec<_>>();
        let mut majorities = self.majorities(&triples)?;
        let rounded = majorities.split_off(2);
        let shares = self.shares_of(majorities)?;
        let wraps = self.wraps(&wrap, &shares[0], &shares[1]);
        let constant = u64::from(drop > 0).wrapping_sub(1 << (k - 2 - drop));
        let all = Sum::from(self.plus_constant(&floors(&bits, drop, ring), constant));
        let all = rounded.into_iter().fold(all, Sum::plus);
        self.share(all.plus(wraps.times(u64::MAX).shifted(k - drop, ring)))
    }

    /// x / 2^drop in the ring 2^ring, ring ≤ k - drop, not sent yet.
    pub(super) fn cut(&mut self, x: &Share, drop: u32, ring: u32) -> Result<Sum, Abort> {
        if drop == 0 {
            return Ok(x.clone().in_ring(ring).into());
        }
        let bits = x.low_bits();
        let half = self.half(&bits, drop, ring);
        let floors = self.plus_constant(&floors(&bits, drop, ring), 1);
        let rounded = self.majorities(&half.iter().collect::<Vec<_>>())?;
        Ok(rounded.into_iter().fold(floors.into(), Sum::plus))
    }

    /// Whether the remainder of each component is half a unit or more; nothing with drop = 0.
    pub(super) fn half(&self, components: &Pair, drop: u32, ring: u32) -> Option<Triple> {
        (drop > 0).then(|| self.triple(components, i64::from(drop) - 1, ring))
    }

    /// The same constant added to every element.
    pub(super) fn plus_constant(&self, x: &Share, constant: u64) -> Share {
        x.plus(&self.known(x.k, vec![constant; x.len()]))
    }

    /// From components of k bits.
    pub(super) fn wrap_of(&self, bits: &Pair, k: u32, ring: u32) -> Wrap {
        let at = i64::from(k) - 1;
        Wrap { high: self.triple(bits, at, ring), low: self.triple(bits, at - 1, ring) }
    }

    /// How often the components wrap, from the majorities of the high bits and of the low ones.
    pub(super) fn wraps(&mut self, wrap: &Wrap, high: &Share, low: &Share) -> Sum {
        let both = self.times(low, &wrap.high.odd(high));
        // M + X + m = H - M + m.
        Sum::from(low.minus(high)).plus(both.times(u64::MAX)).plus(wrap.high.sum())
    }
}

#[cfg(test)]
mod tests {
    /// The formula for the wraps, with every three components of small rings.
    #[test]
    fn the_two_highest_bits_tell_the_wraps() {
        for k in 2..=6 {
            let all = 1u32 << k;
            for (a, b, c) in (0..all * all * all).map(|i| (i % all, i / all % all, i / all / all)) {
                let (x, wraps) = ((a + b + c) % all, (a + b + c) / all);
                let top = |x: u32| x >> (k - 2);
                if x < all / 2 {
                    assert_eq!((top(a) + top(b) + top(c) + 2) / 4, wraps, "{a} {b} {c} of {k} bits");
                }
            }
        }
    }
}
