//! The sign of x = x0 + x1 + x2: the highest bit of a sum of three numbers, each of whose bits two parties know.
//!
//! A layer of full adders makes two numbers of three: a ⊕ b ⊕ c, which is local, and (a⊕b)·(a⊕c) ⊕ a, one place higher. Of these
//! the carry into the highest place, by a tree of generate and propagate (Kogge, Stone 1973; only what the last carry needs).
//! Exact.
//!
//! With m = k - 2 places under the tree and L = ⌈log2 m⌉ levels, from shares:
//!
//! | ring | rounds | bits an element, over all parties |
//! |---|---|---|
//! | 2^1 | 0 | 0 |
//! | 2^2 | 1 | 3 |
//! | 2^k, k ≥ 3 | 2 + L | 3(k-1) + 3m + 3(2(m-1) - L) |
//!
//! that is, the adders' carries, the products, and of each node of the tree the generated and (but for the lowest of a level) the
//! propagated carry; elements are sent 64 at a time. In the ring 2^32 that is 342 bits, where `replicated3` takes 326. From summands
//! one round and 3k bits more.
//!
//! Equality with zero needs no tree of carries: of u + v = 0 modulo 2^k place j says that `u_j ⊕ v_j` is the carry of u + v - 1 + 1 below,
//! `u_{j-1} ∨ v_{j-1}` (Cortadella, Llabería 1992), and all places together are one and. With k ≤ 8:
//!
//! | ring | rounds | bits an element, over all parties |
//! |---|---|---|
//! | 2^1 | 0 | 0 |
//! | 2^2 | 2 | 6 |
//! | 2^k, k ≥ 3 | 2 + ⌈log2 k⌉ | 9k - 12 |

use crate::Abort;
use crate::protocols::replicated3::Bits;
use crate::protocols::replicated3::planes::planes;

use super::bits::Planes;
use super::party::Malicious3;
use super::share::{Pair, Share};

/// Bits of shares that are worked on at a time, so that memory is bounded.
const AT_ONCE: usize = 1 << 20;

impl Malicious3 {
    /// Whether x < 0.
    pub(super) fn sign(&mut self, x: &Share) -> Result<Bits, Abort> {
        self.in_parts(x, Self::sign_of)
    }

    /// Whether x = 0.
    pub(super) fn zero(&mut self, x: &Share) -> Result<Bits, Abort> {
        self.in_parts(x, Self::zero_of)
    }

    /// A bit of each element, from the planes of bits of its components.
    fn in_parts(
        &mut self,
        x: &Share,
        of: impl Fn(&mut Self, &Planes, usize) -> Result<Planes, Abort>,
    ) -> Result<Bits, Abort> {
        let k = x.k as usize;
        let at_once = (AT_ONCE / k).next_multiple_of(64);
        let bits = x.low_bits();
        let mut all = Planes::default();
        for (own, next) in bits.own.chunks(at_once).zip(bits.next.chunks(at_once)) {
            let components = Planes { own: flat(own, x.k), next: flat(next, x.k) };
            all.extend(&of(self, &components, k)?);
        }
        Ok(all.into_bits(x.len()))
    }

    fn sign_of(&mut self, x: &Planes, k: usize) -> Result<Planes, Abort> {
        let n = x.own.len() / k;
        let top = x.rows(n, || k - 1..k);
        if k == 1 {
            return Ok(top);
        }
        let carries = self.carries(&x.rows(n, || 0..k - 1))?;
        let top = top.xor(&carries.rows(n, || k - 2..k - 1));
        if k == 2 {
            return Ok(top);
        }
        // Those that the tree takes: all but the lowest, which has no carry, and the highest.
        let (inner, carries) = (x.rows(n, || 1..k - 1), carries.rows(n, || 0..k - 2));
        let generated = self.ands(&inner, &carries)?;
        let propagated = inner.xor(&carries).rows(n, || 1..k - 2);
        Ok(top.xor(&self.carry(generated, propagated, n)?))
    }

    /// Of each place the carry of its three bits, of which each component has one.
    fn carries(&mut self, x: &Planes) -> Result<Planes, Abort> {
        let me = self.me();
        let (left, right) = (x.components(me, [true, true, false]), x.components(me, [true, false, true]));
        Ok(self.ands(&left, &right)?.xor(&x.component(me, 0)))
    }

    /// The last carry: of n words each, place by place, and of those but the lowest whether they propagate.
    fn carry(&mut self, mut generated: Planes, mut propagated: Planes, n: usize) -> Result<Planes, Abort> {
        let mut m = generated.own.len() / n.max(1);
        while m > 1 {
            let (nodes, odd) = (m / 2, m - m % 2..m);
            let place = |step: usize| (0..nodes).map(move |i| 2 * i + step);
            // Propagated are places 1, 2, …: those of a node are 2i and 2i + 1, from the second on.
            let high = propagated.rows(n, || place(0));
            let left = Pair::concat(&[&high, &high.rows(n, || 1..nodes)]);
            let lower = propagated.rows(n, || (1..nodes).map(|i| 2 * i - 1));
            let right = Pair::concat(&[&generated.rows(n, || place(0)), &lower]);
            let both = self.ands(&left, &right)?;
            let below = both.rows(n, || 0..nodes).xor(&generated.rows(n, || place(1)));
            let through = both.rows(n, || nodes..2 * nodes - 1);
            generated = Pair::concat(&[&below, &generated.rows(n, || odd.clone())]);
            propagated = Pair::concat(&[&through, &propagated.rows(n, || odd.clone().map(|i| i - 1))]);
            m = m.div_ceil(2);
        }
        Ok(generated)
    }

    #[allow(clippy::many_single_char_names)] // the names of the header
    fn zero_of(&mut self, x: &Planes, k: usize) -> Result<Planes, Abort> {
        let n = x.own.len() / k;
        let lowest = x.rows(n, || 0..1);
        let mut places = if k == 1 {
            lowest
        } else {
            // u is the sum of the components' bits without carries, and v what is carried.
            let v = self.carries(&x.rows(n, || 0..k - 1))?;
            let u = x.rows(n, || 1..k - 1);
            let upper = v.rows(n, || 0..k - 2);
            let ors = self.ands(&u, &upper)?.xor(&u).xor(&upper);
            let below = Pair::concat(&[&lowest, &ors]);
            Pair::concat(&[&lowest, &x.rows(n, || 1..k).xor(&v).xor(&below)])
        };
        places = self.negated(&places);
        let mut m = k;
        while m > 1 {
            let halves = |from: usize| (0..m / 2).map(move |i| from + i);
            let both = self.ands(&places.rows(n, || halves(0)), &places.rows(n, || halves(m / 2)))?;
            places = Pair::concat(&[&both, &places.rows(n, || m - m % 2..m)]);
            m = m.div_ceil(2);
        }
        Ok(places)
    }

    fn negated(&self, x: &Planes) -> Planes {
        x.xor(&x.each(|_| u64::MAX).component(self.me(), 2))
    }
}

/// Plane j holds bit j of all elements, one plane after the other.
fn flat(x: &[u64], k: u32) -> Vec<u64> {
    planes(x, k).concat()
}
