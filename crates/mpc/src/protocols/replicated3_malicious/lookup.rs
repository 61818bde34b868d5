//! Tables over a small ring 2^r, r ≤ 8: which of 2^r the first component is, turned by the second, picked by the third.
//!
//! With e the 2^r bits that say which x0 is, turned by x1 they say which x0 + x1 is: P0 knows both, and of the MAC ρ·e every component is
//! turned by those who know x1. Then table[x] = `Σ_v` [x0 + x1 = v]·table[v + x2], an inner product with what is a function of x2
//! alone. Turning takes r steps whatever the amount. Exact.
//!
//! | gate, from shares | rounds | bits an element, over all parties |
//! |---|---|---|
//! | table of elements of the ring 2^k | 3 | (9·2^r + 6)·(k+s) |
//! | equal to zero | 3 | (9·2^r + 6)·(1+s) |
//!
//! From summands one round and 6(r+s) bits more.

use crate::Abort;

use super::component::low_bits;
use super::party::Malicious3;
use super::products::rows;
use super::share::{Pair, Share, Shared};
use super::sum::{Sum, Summed};
use super::word::Word;
use crate::protocols::replicated3_malicious::{P0, P1};

/// Words of tables that are worked on at a time, so that memory is bounded.
const AT_ONCE: usize = 1 << 19;

impl Malicious3 {
    /// `table[x]`, in the ring 2^k.
    pub(super) fn looked_up<W: Word>(&mut self, x: &Share, table: &[W], k: u32) -> Result<Shared<W>, Abort> {
        debug_assert_eq!(Some(table.len()), 1usize.checked_shl(x.k), "an element for each of the ring");
        let bits = low_bits(x);
        let at_once = (AT_ONCE / table.len().max(1)).max(1);
        let mut parts = Vec::new();
        for (own, next) in bits.own.chunks(at_once).zip(bits.next.chunks(at_once)) {
            let part = Pair { own: own.to_vec(), next: next.to_vec() };
            parts.push(self.picked(&part, table, k)?);
        }
        let mut all = Shared::concat(&parts.iter().collect::<Vec<_>>());
        all.k = k;
        Ok(all)
    }

    fn picked<W: Word>(&mut self, x: &Pair<u128>, table: &[W], k: u32) -> Result<Shared<W>, Abort> {
        let size = table.len();
        let me = self.me();
        let mut first = vec![W::default(); size];
        first[0] = W::of(1);
        let one_hot = |x: &[u128]| turned_all(&first.repeat(x.len()), x, size);
        let e = Pair { own: one_hot(&x.own), next: one_hot(&x.next) }.component(me, 0);
        let e = self.share(Shared::plain(k, e))?;
        let both = self.share(turned_by_second(&e, x, size, me == P0, me == P1))?;
        // table[v + x2] is the table turned by -x2.
        let picks = |x: &[u128]| {
            let back: Vec<u128> = x.iter().map(|&x| (size as u128).wrapping_sub(x)).collect();
            turned_all(&table.repeat(x.len()), &back, size)
        };
        let picks = Pair { own: picks(&x.own), next: picks(&x.next) }.component(me, 2);
        let sum: Sum<W> = self.product(&both, &Shared::plain(k, picks), x.own.len(), rows(size)).into();
        self.share(sum)
    }
}

/// The summands of e turned by x1: P0 has x1 as its next component, P1 as its own.
fn turned_by_second<W: Word>(e: &Shared<W>, x: &Pair<u128>, size: usize, p0: bool, p1: bool) -> Summed<W> {
    let zeros = vec![W::default(); e.len()];
    let (value, mac) = (&e.value, e.mac.as_ref().unwrap_or(&e.value));
    let summands = |of: &Pair<W>| match (p0, p1) {
        (true, _) => turned_all(&of.own, &x.next, size),
        (_, true) => {
            let both: Vec<W> = of.own.iter().zip(&of.next).map(|(a, b)| a.plus(*b)).collect();
            turned_all(&both, &x.own, size)
        }
        _ => zeros.clone(),
    };
    Summed { k: e.k, z: summands(value), m: summands(mac), plain: None }
}

/// Each `size` neighbours turned by their own amount.
fn turned_all<W: Word>(x: &[W], by: &[u128], size: usize) -> Vec<W> {
    let mut out = x.to_vec();
    for (part, &by) in out.chunks_exact_mut(size.max(1)).zip(by) {
        turn(part, by);
    }
    out
}

/// What stood at i then stands at i + by, modulo the length, which is a power of two; by a path that does not depend on `by`.
fn turn<W: Word>(x: &mut [W], by: u128) {
    let mut turned = x.to_vec();
    for bit in 0..x.len().ilog2() {
        let choice = W::low(by >> bit & 1);
        for (i, turned) in turned.iter_mut().enumerate() {
            let from = x[(i + x.len() - (1 << bit)) % x.len()];
            *turned = x[i].plus(choice.times(from.minus(x[i])));
        }
        x.copy_from_slice(&turned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_moves_every_element() {
        for size in [1, 2, 8, 32usize] {
            for by in 0..2 * size {
                let mut x: Vec<u64> = (0..size as u64).collect();
                turn(&mut x, by as u128);
                assert!((0..size).all(|i| x[(i + by) % size] == i as u64), "{size} by {by}");
            }
        }
    }
}
