//! Shared tensors of integers modulo 2^k, and what a party does with its part of them alone.

use std::mem::take;

use crate::role::Role;
use crate::session::{Additive, Session};
use crate::wiped::{wipe, wiped_on_drop};

use super::{P0, P1, P2};

/// `x_i` and `x_{i+1}` of a tensor, modulo 2^k. Wiped on drop.
#[derive(Clone)]
pub struct Replicated {
    /// Bits of the ring; what stands above them is noise.
    pub k: u32,
    /// `x_i`.
    pub own: Vec<u64>,
    /// `x_{i+1}`.
    pub next: Vec<u64>,
}

/// A tensor as a product leaves it. Used once, as its mask masks one message. Wiped on drop.
pub enum Sum {
    /// Replicated already.
    Shared(Replicated),
    /// One summand from each party, **masked by a zero share**, so that two of them may meet.
    Summed {
        /// Bits of the ring.
        k: u32,
        /// This party's summand.
        z: Vec<u64>,
    },
}

privet_ring::not_shown!(Replicated, Sum);
wiped_on_drop!(Replicated: own, next);

impl Drop for Sum {
    fn drop(&mut self) {
        // A share wipes itself.
        if let Self::Summed { z, .. } = self {
            wipe(z);
        }
    }
}

impl From<&Replicated> for Sum {
    fn from(x: &Replicated) -> Self {
        Self::Shared(x.clone())
    }
}

impl Replicated {
    /// Each summand of two tensors through `f`, which must be linear.
    pub(super) fn zip(&self, other: &Self, f: impl Fn(u64, u64) -> u64) -> Self {
        debug_assert_eq!((self.k, self.own.len()), (other.k, other.own.len()), "another ring or length");
        let zip = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect();
        Self { k: self.k, own: zip(&self.own, &other.own), next: zip(&self.next, &other.next) }
    }

    /// Both tensors of summands through `f`, which must be linear.
    pub(super) fn map(&self, k: u32, f: impl Fn(&[u64]) -> Vec<u64>) -> Self {
        Self { k, own: f(&self.own), next: f(&self.next) }
    }

    /// The same summands in another ring.
    pub(super) fn in_ring(&self, k: u32) -> Self {
        Self { k, own: self.own.clone(), next: self.next.clone() }
    }

    /// x + y.
    pub(in crate::protocols) fn plus(&self, other: &Self) -> Self {
        self.zip(other, u64::wrapping_add)
    }

    /// factor·x.
    pub(super) fn times(&self, factor: u64) -> Self {
        self.map(self.k, |x| x.iter().map(|x| x.wrapping_mul(factor)).collect())
    }

    /// One after the other.
    pub(super) fn concat(parts: &[&Self]) -> Self {
        let k = parts.first().map_or(1, |p| p.k);
        debug_assert!(parts.iter().all(|p| p.k == k), "another ring");
        let all = |part: fn(&Self) -> &[u64]| parts.iter().flat_map(|p| part(p)).copied().collect();
        Self { k, own: all(|p| &p.own), next: all(|p| &p.next) }
    }

    /// What P1 and P2 both know, as a share: it is x2, the other summands are zero.
    /// What P0 passes is not looked at.
    pub(in crate::protocols) fn of_common(me: Role, k: u32, values: Vec<u64>) -> Self {
        let zeros = vec![0; values.len()];
        match me {
            P0 => Self { k, own: zeros.clone(), next: zeros },
            P1 => Self { k, own: zeros, next: values },
            _ => Self { k, own: values, next: zeros },
        }
    }

    /// What everyone knows.
    pub(super) fn public(me: Role, k: u32, values: Vec<u64>) -> Self {
        Self::of_common(me, k, values)
    }

    /// a at P0, b at the others.
    pub(super) fn half(&self, me: Role) -> Vec<u64> {
        match me {
            P0 => self.own.iter().zip(&self.next).map(|(a, b)| a.wrapping_add(*b)).collect(),
            P2 => self.own.clone(),
            _ => self.next.clone(),
        }
    }
}

impl Sum {
    /// Bits of the ring.
    pub fn ring(&self) -> u32 {
        match self {
            Self::Shared(x) => x.k,
            Self::Summed { k, .. } => *k,
        }
    }

    /// Elements.
    pub fn len(&self) -> usize {
        self.summands().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.summands().is_empty()
    }

    /// This party's summands, as a session gives them to the client.
    pub fn into_output(self) -> Additive {
        Additive(self.into_summands())
    }

    fn summands(&self) -> &[u64] {
        match self {
            Self::Shared(x) => &x.own,
            Self::Summed { z, .. } => z,
        }
    }

    /// As a share if it is one.
    pub(super) fn into_share(mut self) -> Result<Replicated, Self> {
        match &mut self {
            Self::Shared(Replicated { k, own, next }) => {
                Ok(Replicated { k: *k, own: take(own), next: take(next) })
            }
            Self::Summed { .. } => Err(self),
        }
    }

    pub(super) fn into_summands(mut self) -> Vec<u64> {
        match &mut self {
            Self::Shared(x) => take(&mut x.own),
            Self::Summed { z, .. } => take(z),
        }
    }

    /// x + y; shared if both are, else masked as one of them is.
    #[allow(clippy::needless_pass_by_value)] // by value, so that no mask is used twice
    pub(super) fn plus(self, other: Self) -> Self {
        debug_assert_eq!((self.ring(), self.len()), (other.ring(), other.len()), "another ring or length");
        if let (Self::Shared(x), Self::Shared(y)) = (&self, &other) {
            return Self::Shared(x.plus(y));
        }
        let k = self.ring();
        let mut z = self.into_summands();
        z.iter_mut().zip(other.summands()).for_each(|(z, y)| *z = z.wrapping_add(*y));
        Self::Summed { k, z }
    }

    /// One after the other; shared if all are, else with a mask for those that had none.
    pub(super) fn concat(session: &mut Session, parts: Vec<Self>) -> Self {
        let k = parts.first().map_or(1, Self::ring);
        debug_assert!(parts.iter().all(|p| p.ring() == k), "another ring");
        let shared: Vec<&Replicated> =
            parts.iter().filter_map(|p| if let Self::Shared(x) = p { Some(x) } else { None }).collect();
        if shared.len() == parts.len() {
            return Self::Shared(Replicated::concat(&shared));
        }
        let mut z = session.zero_share(parts.iter().map(Self::len).sum());
        let summands = parts.into_iter().flat_map(Self::into_summands);
        z.iter_mut().zip(summands).for_each(|(z, x)| *z = z.wrapping_add(x));
        Self::Summed { k, z }
    }

    /// All summands through `f`, which must be linear.
    #[allow(clippy::needless_pass_by_value)] // by value, so that no mask is used twice
    pub(super) fn mapped(self, k: u32, f: impl Fn(&[u64]) -> Vec<u64>) -> Self {
        match &self {
            Self::Shared(x) => Self::Shared(x.map(k, f)),
            Self::Summed { z, .. } => Self::Summed { k, z: f(z) },
        }
    }

    /// Modulo a smaller 2^k.
    pub(super) fn reduced(mut self, ring: u32) -> Self {
        debug_assert!(ring <= self.ring(), "a ring does not grow by reduction");
        match &mut self {
            Self::Shared(Replicated { k, .. }) | Self::Summed { k, .. } => *k = ring,
        }
        self
    }
}
