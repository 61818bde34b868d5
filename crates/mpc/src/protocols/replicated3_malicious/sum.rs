//! A tensor as a product leaves it: one summand from each party, of the value and of its MAC, neither masked nor sent yet. So
//! inner products, and sums of them, cost one element of each.

use std::mem::take;

use crate::wiped::wipe;

use super::share::{Pair, Shared};
use super::word::Word;

/// A tensor to which every party has a summand.
pub enum Sum<W: Word> {
    /// Replicated already.
    Shared(Shared<W>),
    /// This party's summands.
    Summed(Summed<W>),
}

/// This party's summands. Wiped on drop.
pub struct Summed<W: Word> {
    pub(super) k: u32,
    /// Of the value.
    pub(super) z: Vec<W>,
    /// Of ρ times what is not in `plain`.
    pub(super) m: Vec<W>,
    /// What was added and has no MAC: a part of the value. The product with ρ comes when all is sent.
    pub(super) plain: Option<Pair<W>>,
}

impl<W: Word> Drop for Summed<W> {
    fn drop(&mut self) {
        wipe(&mut self.z);
        wipe(&mut self.m);
    }
}

impl<W: Word> From<Shared<W>> for Sum<W> {
    fn from(x: Shared<W>) -> Self {
        Self::Shared(x)
    }
}

impl<W: Word> From<&Shared<W>> for Sum<W> {
    fn from(x: &Shared<W>) -> Self {
        Self::Shared(x.clone())
    }
}

impl<W: Word> From<Summed<W>> for Sum<W> {
    fn from(x: Summed<W>) -> Self {
        Self::Summed(x)
    }
}

impl<W: Word> From<Shared<W>> for Summed<W> {
    fn from(mut x: Shared<W>) -> Self {
        let z = x.value.own.clone();
        match x.mac.take() {
            Some(mut mac) => Self { k: x.k, z, m: take(&mut mac.own), plain: None },
            None => Self { k: x.k, m: vec![W::default(); z.len()], z, plain: Some(x.value) },
        }
    }
}

impl<W: Word> Summed<W> {
    fn map(&self, k: u32, f: impl Fn(&[W]) -> Vec<W>) -> Self {
        Self { k, z: f(&self.z), m: f(&self.m), plain: self.plain.as_ref().map(|p| p.map(&f)) }
    }

    fn plain_or_zeros(&mut self) -> Pair<W> {
        let n = self.z.len();
        self.plain.take().unwrap_or_else(|| Pair::zeros(n))
    }

    fn plus(mut self, mut other: Self) -> Self {
        let add = |x: &mut [W], y: &[W]| x.iter_mut().zip(y).for_each(|(x, y)| *x = x.plus(*y));
        add(&mut self.z, &other.z);
        add(&mut self.m, &other.m);
        if let Some(more) = other.plain.take() {
            let mut plain = self.plain_or_zeros();
            add(&mut plain.own, &more.own);
            add(&mut plain.next, &more.next);
            self.plain = Some(plain);
        }
        self
    }

    fn append(&mut self, mut other: Self) {
        if self.plain.is_some() || other.plain.is_some() {
            let (mut plain, mut more) = (self.plain_or_zeros(), other.plain_or_zeros());
            plain.own.append(&mut more.own);
            plain.next.append(&mut more.next);
            self.plain = Some(plain);
        }
        self.z.append(&mut other.z);
        self.m.append(&mut other.m);
    }
}

impl<W: Word> Sum<W> {
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

    pub(super) fn into_summed(self) -> Summed<W> {
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

    /// One after the other.
    pub(super) fn concat(parts: Vec<Self>) -> Self {
        debug_assert!(parts.windows(2).all(|p| p[0].ring() == p[1].ring()), "another ring");
        let shared: Vec<&Shared<W>> =
            parts.iter().filter_map(|p| if let Self::Shared(x) = p { Some(x) } else { None }).collect();
        if shared.len() == parts.len() {
            return Shared::concat(&shared).into();
        }
        let mut parts = parts.into_iter().map(Self::into_summed);
        let first = parts.next().unwrap_or(Summed { k: 1, z: Vec::new(), m: Vec::new(), plain: None });
        parts
            .fold(first, |mut all, part| {
                all.append(part);
                all
            })
            .into()
    }

    /// All summands through `f`, which must be linear, into the ring 2^k.
    pub(super) fn mapped(&self, k: u32, f: impl Fn(&[W]) -> Vec<W>) -> Self {
        match self {
            Self::Shared(x) => x.map(f).in_ring(k).into(),
            Self::Summed(x) => x.map(k, f).into(),
        }
    }

    /// factor·x.
    pub(super) fn times(&self, factor: W) -> Self {
        self.mapped(self.ring(), |x| x.iter().map(|x| x.times(factor)).collect())
    }

    /// x·2^bits in the ring 2^k, of at most `bits` bits more.
    pub(super) fn shifted(&self, bits: u32, k: u32) -> Self {
        debug_assert!(k <= self.ring() + bits, "a ring does not grow by itself");
        self.mapped(k, |x| x.iter().map(|x| x.up(bits)).collect())
    }

    /// Modulo a smaller 2^k.
    pub(super) fn reduced(mut self, ring: u32) -> Self {
        debug_assert!(ring <= self.ring(), "a ring does not grow by reduction");
        match &mut self {
            Self::Shared(x) => x.k = ring,
            Self::Summed(x) => x.k = ring,
        }
        self
    }
}
