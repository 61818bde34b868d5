//! Shared tensors modulo 2^k, and what a party does with its part of them alone.
//!
//! A tensor is x = x0 + x1 + x2, of which `P_i` holds `x_i` and x_{i+1}. A function of one component that two parties know is a
//! tensor whose other components are zero, which all parties know: products then cost less.

use std::sync::Arc;

use crate::protocols::replicated3::Replicated;
use crate::role::{PARTIES, Role};
use crate::wiped::wiped_on_drop;

/// `x_i` and `x_{i+1}`. Wiped on drop.
#[derive(Clone, Default)]
pub(super) struct Pair {
    pub(super) own: Vec<u64>,
    pub(super) next: Vec<u64>,
}

wiped_on_drop!(Pair: own, next);

impl Pair {
    pub(super) fn len(&self) -> usize {
        self.own.len()
    }

    /// Both through `f`.
    pub(super) fn map(&self, f: impl Fn(&[u64]) -> Vec<u64>) -> Self {
        Self { own: f(&self.own), next: f(&self.next) }
    }

    /// Each component through `f`.
    pub(super) fn each(&self, f: impl Fn(u64) -> u64) -> Self {
        self.map(|x| x.iter().map(|&x| f(x)).collect())
    }

    pub(super) fn zip(&self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Self {
        let zip = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect();
        Self { own: zip(&self.own, &other.own), next: zip(&self.next, &other.next) }
    }

    /// Exclusive or.
    pub(super) fn xor(&self, other: &Self) -> Self {
        self.zip(other, |x, y| x ^ y)
    }

    /// One after the other.
    pub(super) fn concat(parts: &[&Self]) -> Self {
        let all = |part: fn(&Self) -> &[u64]| parts.iter().map(|p| part(p)).collect::<Vec<_>>().concat();
        Self { own: all(|p| &p.own), next: all(|p| &p.next) }
    }

    /// The same, in place.
    pub(super) fn extend(&mut self, other: &Self) {
        self.own.extend_from_slice(&other.own);
        self.next.extend_from_slice(&other.next);
    }

    /// The rows of so many elements that are named, one after the other.
    pub(super) fn rows<I: Iterator<Item = usize>>(&self, n: usize, rows: impl Fn() -> I) -> Self {
        self.map(|x| rows().map(|r| &x[r * n..(r + 1) * n]).collect::<Vec<_>>().concat())
    }

    /// Component `at` alone; the others are zero.
    pub(super) fn component(&self, me: Role, at: usize) -> Self {
        self.components(me, only(at))
    }

    /// Those components alone.
    pub(super) fn components(&self, me: Role, kept: Components) -> Self {
        let of = |role: Role, x: &[u64]| if kept[role.index()] { x.to_vec() } else { vec![0; x.len()] };
        Self { own: of(me, &self.own), next: of(me.next(), &self.next) }
    }
}

/// For each component, or party, a yes or no that all know.
pub(super) type Components = [bool; PARTIES];

/// One of them.
pub(super) fn only(at: usize) -> Components {
    [0, 1, 2].map(|i| i == at)
}

pub(super) fn either(a: Components, b: Components) -> Components {
    [0, 1, 2].map(|i| a[i] || b[i])
}

/// A tensor in the ring 2^k.
#[derive(Clone)]
pub struct Share {
    pub(super) k: u32,
    pub(super) value: Arc<Pair>,
    /// Components that may be other than zero.
    pub(super) kept: Components,
}

privet_ring::not_shown!(Pair, Share);

impl Share {
    pub(super) fn of(k: u32, value: Pair, kept: Components) -> Self {
        Self { k, value: Arc::new(value), kept }
    }

    /// Elements.
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The components through `f`, which must be linear.
    pub(super) fn map(&self, f: impl Fn(&[u64]) -> Vec<u64>) -> Self {
        Self::of(self.k, self.value.map(f), self.kept)
    }

    /// Two tensors through `f`, which must be linear.
    pub(super) fn zip(&self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Self {
        debug_assert_eq!((self.k, self.len()), (other.k, other.len()), "another ring or length");
        Self::of(self.k, self.value.zip(&other.value, f), either(self.kept, other.kept))
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        self.zip(other, u64::wrapping_add)
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.zip(other, u64::wrapping_sub)
    }

    /// factor·x.
    pub(super) fn times(&self, factor: u64) -> Self {
        self.map(|x| x.iter().map(|x| x.wrapping_mul(factor)).collect())
    }

    /// Element `indices[i]` at `i`.
    pub(super) fn gather(&self, indices: &[usize]) -> Self {
        self.map(|x| indices.iter().map(|&i| x[i]).collect())
    }

    /// One after the other.
    pub(super) fn concat(parts: &[&Self]) -> Self {
        let k = parts.first().map_or(1, |p| p.k);
        debug_assert!(parts.iter().all(|p| p.k == k), "another ring");
        let values: Vec<&Pair> = parts.iter().map(|p| &*p.value).collect();
        let kept = parts.iter().fold([false; PARTIES], |kept, p| either(kept, p.kept));
        Self::of(k, Pair::concat(&values), kept)
    }

    /// Modulo another 2^k, which is smaller, or whose bits are known not to count.
    pub(super) fn in_ring(mut self, k: u32) -> Self {
        self.k = k;
        self
    }

    /// The lowest k bits of each component.
    pub(super) fn low_bits(&self) -> Pair {
        self.value.each(|x| privet_ring::reduce(x, self.k))
    }
}

impl From<&Replicated> for Share {
    fn from(x: &Replicated) -> Self {
        Self::of(x.k, Pair { own: x.own.clone(), next: x.next.clone() }, [true; PARTIES])
    }
}

impl From<&Share> for Replicated {
    fn from(x: &Share) -> Self {
        Self { k: x.k, own: x.value.own.clone(), next: x.value.next.clone() }
    }
}
