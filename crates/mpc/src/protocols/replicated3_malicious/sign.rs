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
//! | 2^2 | 2 | 9(1+s) |
//! | 2^k, k ≥ 3 | 3 + L | (9(k-1) + 9m + 6(2(m-1) - L))·(1+s) |
//!
//! that is, MACs of what the adders take, their carries, the products, and of each node of the tree the generated and (but for
//! the lowest of a level) the propagated carry. In the ring 2^32 that is 5.2 kB, of 41 bytes that `replicated3` takes, as each bit
//! is a word of 1+s. From summands one round and 6(k+s) bits more.

use crate::Abort;

use super::component::low_bits;
use super::party::Malicious3;
use super::share::{Bit, Pair, Share};
use super::sum::Sum;
use super::word::Word as _;

/// Bits of shares that are worked on at a time, so that memory is bounded.
const AT_ONCE: usize = 1 << 18;

impl Malicious3 {
    /// Whether x < 0.
    pub(super) fn sign(&mut self, x: &Share) -> Result<Bit, Abort> {
        let at_once = (AT_ONCE / x.k as usize).max(1);
        let bits = low_bits(x);
        let mut parts = Vec::new();
        for (own, next) in bits.own.chunks(at_once).zip(bits.next.chunks(at_once)) {
            let part = Pair { own: own.to_vec(), next: next.to_vec() };
            parts.push(self.sign_of(&part, x.k as usize)?);
        }
        Ok(Bit::concat(&parts.iter().collect::<Vec<_>>()))
    }

    fn sign_of(&mut self, x: &Pair<u128>, k: usize) -> Result<Bit, Abort> {
        let n = x.own.len();
        // a ⊕ b ⊕ c, place by place, as the parties hold it.
        let sum = Bit::plain(1, Pair { own: planes(&x.own, k), next: planes(&x.next, k) });
        let top = sum.rows(n, || k - 1..k);
        if k == 1 {
            return Ok(top);
        }
        let low = sum.rows(n, || 0..k - 1).value;
        let of = |components: [bool; 3]| Bit::plain(1, low.components(self.me(), components));
        let (left, right) = (of([true, true, false]), of([true, false, true]));
        let first = of([true, false, false]);
        // Those that the tree takes: all but the lowest, which has no carry, and the highest.
        let inner = sum.rows(n, || 1..k - 1);
        let [left, inner] = self.shares([left.into(), inner.into()])?;
        let carries = self.times(&left, &right).plus(first);
        let carries = self.share(carries)?;
        let top = top.plus(&carries.rows(n, || k - 2..k - 1));
        if k == 2 {
            return Ok(top);
        }
        let carries = carries.rows(n, || 0..k - 2);
        let generated = self.times(&inner, &carries);
        let generated = self.share(generated)?;
        let propagated = inner.plus(&carries).rows(n, || 1..k - 2);
        Ok(top.plus(&self.carry(generated, propagated, n)?))
    }

    /// The last carry: of n elements each, place by place, and of those but the lowest whether they propagate.
    fn carry(&mut self, mut generated: Bit, mut propagated: Bit, n: usize) -> Result<Bit, Abort> {
        let mut m = generated.len() / n.max(1);
        while m > 1 {
            let (nodes, odd) = (m / 2, m - m % 2..m);
            let place = |step: usize| (0..nodes).map(move |i| 2 * i + step);
            let high = propagated.rows(n, || place(0));
            let below = self.times(&high, &generated.rows(n, || place(0)));
            let below = below.plus(generated.rows(n, || place(1)));
            // Propagated are places 1, 2, …: those of a node are 2i and 2i + 1, from the second on.
            let upper = high.rows(n, || 1..nodes);
            let through = self.times(&upper, &propagated.rows(n, || (1..nodes).map(|i| 2 * i - 1)));
            let [g, p] = self.shares([below, through])?;
            generated = Bit::concat(&[&g, &generated.rows(n, || odd.clone())]);
            propagated = Bit::concat(&[&p, &propagated.rows(n, || odd.clone().map(|i| i - 1))]);
            m = m.div_ceil(2);
        }
        Ok(generated)
    }

    /// The other bit.
    pub(super) fn inverted(&self, x: &Bit) -> Bit {
        x.plus(&self.known(1, vec![1; x.len()]))
    }

    /// x ∧ y.
    pub(super) fn both(&mut self, x: &Bit, y: &Bit) -> Result<Bit, Abort> {
        let product: Sum<u64> = self.times(x, y);
        self.share(product)
    }
}

/// Bit j of element e at j·n + e, k of each.
fn planes(x: &[u128], k: usize) -> Vec<u64> {
    let mut planes = Vec::with_capacity(k * x.len());
    for j in 0..k {
        planes.extend(x.iter().map(|x| u64::low(x >> j) & 1));
    }
    planes
}
