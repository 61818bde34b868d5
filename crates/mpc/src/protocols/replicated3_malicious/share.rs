//! Shared tensors modulo 2^(k+s) with their MACs, and what a party does with its part of them alone.
//!
//! A tensor is x = x0 + x1 + x2, of which `P_i` holds `x_i` and x_{i+1}; only its lowest k bits count. Its MAC is ρ·x, shared alike,
//! where ρ is drawn in each run and nobody knows it. What nobody multiplied yet (inputs, what everyone knows, functions of
//! single components) has no MAC before it needs one.

use crate::protocols::replicated3::{Bits, Replicated};
use crate::role::{PARTIES, Role};
use crate::wiped::wipe;

use super::word::Word;

/// `x_i` and `x_{i+1}`. Wiped on drop.
#[derive(Clone, Default)]
pub(super) struct Pair<W: Word> {
    pub(super) own: Vec<W>,
    pub(super) next: Vec<W>,
}

impl<W: Word> Drop for Pair<W> {
    fn drop(&mut self) {
        wipe(&mut self.own);
        wipe(&mut self.next);
    }
}

impl<W: Word> Pair<W> {
    pub(super) fn zeros(n: usize) -> Self {
        Self { own: vec![W::default(); n], next: vec![W::default(); n] }
    }

    pub(super) fn map(&self, f: impl Fn(&[W]) -> Vec<W>) -> Self {
        Self { own: f(&self.own), next: f(&self.next) }
    }

    /// Each component through `f`.
    pub(super) fn each<V: Word>(&self, f: impl Fn(W) -> V) -> Pair<V> {
        let each = |x: &[W]| x.iter().map(|&x| f(x)).collect();
        Pair { own: each(&self.own), next: each(&self.next) }
    }

    fn zip(&self, other: &Self, f: impl Fn(W, W) -> W) -> Self {
        let zip = |a: &[W], b: &[W]| a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect();
        Self { own: zip(&self.own, &other.own), next: zip(&self.next, &other.next) }
    }

    fn concat(parts: &[&Self]) -> Self {
        let all = |part: fn(&Self) -> &[W]| parts.iter().map(|p| part(p)).collect::<Vec<_>>().concat();
        Self { own: all(|p| &p.own), next: all(|p| &p.next) }
    }

    /// Component `at` alone; the others are zero.
    pub(super) fn component(&self, me: Role, at: usize) -> Self {
        self.components(me, [0, 1, 2].map(|i| i == at))
    }

    /// Those components alone.
    pub(super) fn components(&self, me: Role, kept: [bool; PARTIES]) -> Self {
        let of = |role: Role, x: &[W]| {
            if kept[role.index()] { x.to_vec() } else { vec![W::default(); x.len()] }
        };
        Self { own: of(me, &self.own), next: of(me.next(), &self.next) }
    }
}

/// A tensor in the ring 2^k, and its MAC if it has one.
#[derive(Clone)]
pub struct Shared<W: Word> {
    pub(super) k: u32,
    pub(super) value: Pair<W>,
    pub(super) mac: Option<Pair<W>>,
}

/// Integers.
pub type Share = Shared<u128>;
/// Bits: integers of which only the lowest bit counts, so that their sum is the exclusive or.
pub type Bit = Shared<u64>;

impl<W: Word> Shared<W> {
    pub(super) fn plain(k: u32, value: Pair<W>) -> Self {
        Self { k, value, mac: None }
    }

    /// Elements.
    pub fn len(&self) -> usize {
        self.value.own.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.value.own.is_empty()
    }

    /// All tensors of components through `f`, which must be linear.
    pub(super) fn map(&self, f: impl Fn(&[W]) -> Vec<W>) -> Self {
        Self { k: self.k, value: self.value.map(&f), mac: self.mac.as_ref().map(|m| m.map(&f)) }
    }

    /// Two tensors through `f`, which must be linear; without a MAC if one has none.
    pub(super) fn zip(&self, other: &Self, f: impl Fn(W, W) -> W) -> Self {
        debug_assert_eq!((self.k, self.len()), (other.k, other.len()), "another ring or length");
        let mac = self.mac.as_ref().zip(other.mac.as_ref()).map(|(a, b)| a.zip(b, &f));
        Self { k: self.k, value: self.value.zip(&other.value, &f), mac }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        self.zip(other, W::plus)
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.zip(other, W::minus)
    }

    /// factor·x.
    pub(super) fn times(&self, factor: W) -> Self {
        self.map(|x| x.iter().map(|x| x.times(factor)).collect())
    }

    /// Element `indices[i]` at `i`.
    pub(super) fn gather(&self, indices: &[usize]) -> Self {
        self.map(|x| indices.iter().map(|&i| x[i]).collect())
    }

    /// The rows of so many elements that are named, one after the other.
    pub(super) fn rows<I: Iterator<Item = usize>>(&self, n: usize, rows: impl Fn() -> I) -> Self {
        let named = |x: &[W]| rows().map(|r| &x[r * n..(r + 1) * n]).collect::<Vec<_>>().concat();
        self.map(named)
    }

    /// One after the other; without a MAC if one has none.
    pub(super) fn concat(parts: &[&Self]) -> Self {
        let k = parts.first().map_or(1, |p| p.k);
        debug_assert!(parts.iter().all(|p| p.k == k), "another ring");
        let macs: Option<Vec<&Pair<W>>> = parts.iter().map(|p| p.mac.as_ref()).collect();
        let values: Vec<&Pair<W>> = parts.iter().map(|p| &p.value).collect();
        Self { k, value: Pair::concat(&values), mac: macs.map(|m| Pair::concat(&m)) }
    }

    /// Modulo another 2^k, which is smaller, or whose bits are known not to count.
    pub(super) fn in_ring(mut self, k: u32) -> Self {
        self.k = k;
        self
    }
}

/// The components that both holders have, k bits of each: what stands above counts in no ring.
impl From<&Replicated> for Share {
    fn from(x: &Replicated) -> Self {
        let lift = |x: &[u64], k| x.iter().map(|&x| privet_ring::reduce(x, k).into()).collect();
        Self::plain(x.k, Pair { own: lift(&x.own, x.k), next: lift(&x.next, x.k) })
    }
}

impl From<&Bits> for Bit {
    fn from(x: &Bits) -> Self {
        let lift = |words: &[u64]| (0..x.n).map(|i| words[i / 64] >> (i % 64) & 1).collect();
        Self::plain(1, Pair { own: lift(&x.own), next: lift(&x.next) })
    }
}

/// What this party's part stands for: the lowest k bits.
impl From<&Share> for Replicated {
    fn from(x: &Share) -> Self {
        let low = |x: &[u128]| x.iter().map(|&x| u64::low(x)).collect();
        Self { k: x.k, own: low(&x.value.own), next: low(&x.value.next) }
    }
}

impl From<&Bit> for Bits {
    fn from(x: &Bit) -> Self {
        let plane = |x: &[u64]| {
            let word = |bits: &[u64]| bits.iter().rev().fold(0, |word, bit| word << 1 | bit & 1);
            x.chunks(64).map(word).collect()
        };
        Self { n: x.len(), own: plane(&x.value.own), next: plane(&x.value.next) }
    }
}
