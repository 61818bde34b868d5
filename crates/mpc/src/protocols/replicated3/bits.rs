//! Shared bits, 64 to a word: x = x0 ⊕ x1 ⊕ x2, `P_i` holds `x_i` and `x_{i+1}`; and sums of products of them.
//!
//! A bit is λ ⊕ m, where P0 knows λ = x0 ⊕ x1 and the others know m = x2. A product of any number of bits expands into products of
//! λs, which P0 deals, times products of ms: one round whatever the number of factors. Chaudhari et al.: ASTRA, CCSW 2019 (two
//! factors); Patra, Schneider, Suresh, Yalame: ABY2.0, USENIX Security 2021 (more). Exact.
//!
//! | operation | rounds | bits an element, over all parties |
//! |---|---|---|
//! | exclusive or, not | 0 | 0 |
//! | and | 1 | 3: one from each party |
//! | sum of products | 1 | 2 for each sum, and 1 for each subset of at least two factors of a product |

use crate::Abort;
use crate::role::Role;
use crate::session::Session;
use crate::wiped::wiped_on_drop;

use super::deal::{deal, settle};
use super::form::Form;
use super::{P0, P1, P2};

/// `x_i` and `x_{i+1}` of a tensor of bits. Wiped on drop.
#[derive(Clone)]
pub struct Bits {
    /// How many; what stands in the last word beyond them is noise.
    pub n: usize,
    /// `x_i`.
    pub own: Vec<u64>,
    /// `x_{i+1}`.
    pub next: Vec<u64>,
}

privet_ring::not_shown!(Bits);
wiped_on_drop!(Bits: own, next);

impl Bits {
    /// Bits that P1 and P2 know. What P0 passes is not looked at.
    pub(in crate::protocols) fn of_common(me: Role, n: usize, plane: Vec<u64>) -> Self {
        let zeros = vec![0; plane.len()];
        match me {
            P0 => Self { n, own: zeros.clone(), next: zeros },
            P1 => Self { n, own: zeros, next: plane },
            _ => Self { n, own: plane, next: zeros },
        }
    }

    /// Bits that everyone knows.
    pub(super) fn public(me: Role, n: usize, plane: Vec<u64>) -> Self {
        Self::of_common(me, n, plane)
    }

    /// ¬x.
    pub(super) fn not(&self, me: Role) -> Self {
        self.xor(&Self::public(me, self.n, vec![u64::MAX; self.n.div_ceil(64)]))
    }

    /// x ⊕ y.
    pub(in crate::protocols) fn xor(&self, other: &Self) -> Self {
        debug_assert_eq!(self.n, other.n, "another number of bits");
        let xor = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(a, b)| a ^ b).collect();
        Self { n: self.n, own: xor(&self.own, &other.own), next: xor(&self.next, &other.next) }
    }

    /// Bit `indices[i]` at `i`.
    pub(in crate::protocols) fn gather(&self, indices: &[usize]) -> Self {
        let of = |words: &[u64]| packed(indices.iter().map(|&i| words[i / 64] >> (i % 64) & 1));
        Self { n: indices.len(), own: of(&self.own), next: of(&self.next) }
    }

    /// One after the other.
    pub(in crate::protocols) fn concat(parts: &[&Self]) -> Self {
        let all = |words: fn(&Self) -> &[u64]| packed(parts.iter().flat_map(|p| bits(words(p), p.n)));
        let n = parts.iter().map(|p| p.n).sum();
        Self { n, own: all(|p| &p.own), next: all(|p| &p.next) }
    }

    /// λ at P0, m at the others.
    pub(super) fn half(&self, me: Role) -> Vec<u64> {
        match me {
            P0 => self.own.iter().zip(&self.next).map(|(a, b)| a ^ b).collect(),
            P2 => self.own.clone(),
            _ => self.next.clone(),
        }
    }

    /// The part of λ that P1 or P2 holds.
    fn of_mask(&self, me: Role) -> &[u64] {
        if me == P1 { &self.own } else { &self.next }
    }
}

/// The first `n` bits of a plane.
pub(in crate::protocols) fn bits(words: &[u64], n: usize) -> impl Iterator<Item = u64> + '_ {
    (0..n).map(|i| words[i / 64] >> (i % 64) & 1)
}

/// A plane of bits.
pub(in crate::protocols) fn packed(bits: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut words = Vec::new();
    for (i, bit) in bits.enumerate() {
        if i % 64 == 0 {
            words.push(0);
        }
        words[i / 64] |= bit << (i % 64);
    }
    words
}

/// x ∧ y.
pub(super) fn and(session: &mut Session, x: &Bits, y: &Bits) -> Result<Bits, Abort> {
    let sums = Sums { factors: vec![x.clone(), y.clone()], products: vec![vec![0b11]] };
    sums.evaluate(session).map(|mut sums| sums.swap_remove(0))
}

/// Sums of products of bits; a product is the set of its factors, as a mask over their indices (at most 32).
pub(super) struct Sums {
    pub(super) factors: Vec<Bits>,
    /// By sum.
    pub(super) products: Vec<Vec<u32>>,
}

impl Sums {
    /// A tensor for each sum, in one round.
    pub(super) fn evaluate(&self, session: &mut Session) -> Result<Vec<Bits>, Abort> {
        let me = session.me();
        let n = self.factors.first().map_or(0, |x| x.n);
        let halves: Vec<Vec<u64>> = self.factors.iter().map(|x| x.half(me)).collect();
        let subsets = self.dealt_subsets();
        let form = Form::Bits { planes: subsets.len(), n };
        let [dealt] =
            deal(session, [form], || [subsets.iter().flat_map(|&s| product(&halves, s, n)).collect()])?;
        let form = Form::Bits { planes: self.products.len(), n };
        let [sums] = settle(session, [form], || {
            let of_subset = |subset: u32| match subset.count_ones() {
                0 => vec![if me == P1 { u64::MAX } else { 0 }; n.div_ceil(64)],
                1 => self.factors[subset.trailing_zeros() as usize].of_mask(me).to_vec(),
                _ => dealt.plane(subsets.partition_point(|&s| s < subset)).to_vec(),
            };
            [self.products.iter().flat_map(|p| expanded(p, &halves, n, &of_subset)).collect()]
        })?;
        Ok(sums.into_bits())
    }

    /// Subsets of at least two factors of a product, ascending, each once.
    fn dealt_subsets(&self) -> Vec<u32> {
        let products = self.products.iter().flatten();
        let mut subsets: Vec<u32> =
            products.flat_map(|&p| subsets_of(p)).filter(|s| s.count_ones() > 1).collect();
        subsets.sort_unstable();
        subsets.dedup();
        subsets
    }
}

/// This party's summand of ⊕_p Π_{i∈p} (`λ_i` ⊕ `m_i`) = ⊕_p ⊕_{s⊆p} Π_{i∈s} `λ_i` · Π_{i∈p∖s} `m_i`.
fn expanded(
    products: &[u32],
    halves: &[Vec<u64>],
    n: usize,
    of_subset: &impl Fn(u32) -> Vec<u64>,
) -> Vec<u64> {
    let mut sum = vec![0; n.div_ceil(64)];
    for &p in products {
        for s in subsets_of(p) {
            let (lambda, m) = (of_subset(s), product(halves, p & !s, n));
            sum.iter_mut().zip(lambda).zip(m).for_each(|((sum, lambda), m)| *sum ^= lambda & m);
        }
    }
    sum
}

/// Of the planes in the set.
fn product(planes: &[Vec<u64>], set: u32, n: usize) -> Vec<u64> {
    let mut product = vec![u64::MAX; n.div_ceil(64)];
    for (_, plane) in planes.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1) {
        product.iter_mut().zip(plane).for_each(|(product, x)| *product &= x);
    }
    product
}

/// All of them, the empty one and the whole included.
fn subsets_of(set: u32) -> impl Iterator<Item = u32> {
    let mut next = Some(set);
    std::iter::from_fn(move || {
        let subset = next?;
        next = (subset != 0).then(|| (subset - 1) & set);
        Some(subset)
    })
}
