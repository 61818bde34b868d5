//! A tensor as products leave it: one summand from each party, neither masked nor sent yet, and what it is the sum of, so that
//! what is sent can be proven. So inner products, and sums of them, cost one element.

use crate::role::PARTIES;
use crate::wiped::wiped_on_drop;

use super::products::Term;
use super::share::{Components, Share, either};

/// A tensor to which every party has a summand.
pub enum Sum {
    /// Replicated already.
    Shared(Share),
    /// This party's summands.
    Summed(Summed),
}

/// This party's summands. Wiped on drop.
pub struct Summed {
    pub(super) k: u32,
    /// `Σ` of the terms' summands, and the party's own component of what was added.
    pub(super) z: Vec<u64>,
    pub(super) terms: Vec<Term>,
    /// Shares that were added.
    pub(super) linear: Option<Share>,
}

wiped_on_drop!(Summed: z);
privet_ring::not_shown!(Sum, Summed);

impl From<Share> for Sum {
    fn from(x: Share) -> Self {
        Self::Shared(x)
    }
}

impl From<&Share> for Sum {
    fn from(x: &Share) -> Self {
        Self::Shared(x.clone())
    }
}

impl From<Summed> for Sum {
    fn from(x: Summed) -> Self {
        Self::Summed(x)
    }
}

impl From<Share> for Summed {
    fn from(x: Share) -> Self {
        Self { k: x.k, z: x.value.own.clone(), terms: Vec::new(), linear: Some(x) }
    }
}

impl Summed {
    /// Whose summands may be other than zero, besides what was added.
    pub(super) fn active(&self) -> Components {
        self.terms.iter().fold([false; PARTIES], |active, term| either(active, term.active()))
    }

    fn plus(mut self, mut other: Self) -> Self {
        self.z.iter_mut().zip(&other.z).for_each(|(x, y)| *x = x.wrapping_add(*y));
        self.terms.append(&mut other.terms);
        self.linear = match (self.linear.take(), other.linear.take()) {
            (Some(x), Some(y)) => Some(x.plus(&y)),
            (x, y) => x.or(y),
        };
        self
    }

    fn times(mut self, factor: u64) -> Self {
        self.z.iter_mut().for_each(|x| *x = x.wrapping_mul(factor));
        self.terms.iter_mut().for_each(|term| term.factor = term.factor.wrapping_mul(factor));
        self.linear = self.linear.take().map(|x| x.times(factor));
        self
    }

    fn gathered(self, indices: &[usize]) -> Self {
        if indices.len() == self.z.len() && indices.iter().enumerate().all(|(i, &at)| i == at) {
            return self;
        }
        let z = indices.iter().map(|&i| self.z[i]).collect();
        let terms = self.terms.iter().map(|term| term.gathered(indices)).collect();
        let linear = self.linear.as_ref().map(|x| x.gather(indices));
        Self { k: self.k, z, terms, linear }
    }

    fn in_ring(mut self, k: u32) -> Self {
        self.k = k;
        self.linear = self.linear.take().map(|x| x.in_ring(k));
        self
    }
}

impl Sum {
    /// Bits of the ring.
    pub fn ring(&self) -> u32 {
        match self {
            Self::Shared(x) => x.k,
            Self::Summed(x) => x.k,
        }
    }

    /// Elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Shared(x) => x.len(),
            Self::Summed(x) => x.z.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn into_summed(self) -> Summed {
        match self {
            Self::Shared(x) => x.into(),
            Self::Summed(x) => x,
        }
    }

    /// x + y.
    pub(super) fn plus(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        debug_assert_eq!((self.ring(), self.len()), (other.ring(), other.len()), "another ring or length");
        match (self, other) {
            (Self::Shared(x), Self::Shared(y)) => x.plus(&y).into(),
            (x, y) => x.into_summed().plus(y.into_summed()).into(),
        }
    }

    /// factor·x.
    pub(super) fn times(self, factor: u64) -> Self {
        match self {
            Self::Shared(x) => x.times(factor).into(),
            Self::Summed(x) => x.times(factor).into(),
        }
    }

    /// Element `indices[i]` at `i`.
    pub(super) fn gathered(self, indices: &[usize]) -> Self {
        match self {
            Self::Shared(x) => x.gather(indices).into(),
            Self::Summed(x) => x.gathered(indices).into(),
        }
    }

    /// x·2^bits in the ring 2^k, of at most `bits` bits more.
    pub(super) fn shifted(self, bits: u32, k: u32) -> Self {
        debug_assert!(k <= self.ring() + bits, "a ring does not grow by itself");
        match self.times(1u64.checked_shl(bits).unwrap_or(0)) {
            Self::Shared(x) => x.in_ring(k).into(),
            Self::Summed(x) => x.in_ring(k).into(),
        }
    }

    /// Modulo a smaller 2^k.
    pub(super) fn reduced(self, ring: u32) -> Self {
        debug_assert!(ring <= self.ring(), "a ring does not grow by reduction");
        self.shifted(0, ring)
    }
}
