//! Polynomials in v variables on the grid {0, 1, ∞}^v, where ∞ stands for the coefficient of the square.
//!
//! A vector of 2^v elements is the multilinear polynomial that takes its values on {0, 1}^v; the product of two of them has
//! degree 2 in each variable, so that its values on the grid are the whole of it. Values that are bits are bits on the grid too,
//! and integers integers: the value at ∞ is that at 1 less that at 0. Toom's and Cook's points; that the first variables of
//! sumcheck need nothing larger: Bagad, Domb, Thaler, eprint 2024/1046.
//!
//! Point p has digit t in base 3 for variable t, 2 standing for ∞; element j has bit t.

use super::algebra::Algebra;

/// Points of the grid of so many variables.
pub(super) fn points(v: u32) -> usize {
    3usize.pow(v)
}

/// The points that are an element, in the order of elements.
pub(super) fn elements(v: u32) -> Vec<usize> {
    (0..1 << v).map(|j: usize| (0..v).map(|t| (j >> t & 1) * points(t)).sum()).collect()
}

/// The points at ∞ in some variable, ascending.
pub(super) fn at_infinity(v: u32) -> Vec<usize> {
    let infinite = |p: &usize| (0..v).any(|t| p / points(t) % 3 == 2);
    (0..points(v)).filter(infinite).collect()
}

/// What each point counts for the value at a challenge: (1 - r, r, r² - r) in each variable.
pub(super) fn point_weights<A: Algebra>(challenge: &[A::Element]) -> Vec<A::Element> {
    tensor::<A>(challenge, |r| {
        let less = A::minus(&A::of_integer(1), r);
        vec![less, *r, A::minus(&A::of_integer(0), &A::times(r, &less))]
    })
}

/// What each element counts for the value at a challenge: (1 - r, r) in each variable.
pub(super) fn element_weights<A: Algebra>(challenge: &[A::Element]) -> Vec<A::Element> {
    tensor::<A>(challenge, |r| vec![A::minus(&A::of_integer(1), r), *r])
}

fn tensor<A: Algebra>(
    challenge: &[A::Element],
    of: impl Fn(&A::Element) -> Vec<A::Element>,
) -> Vec<A::Element> {
    challenge
        .iter()
        .fold(vec![A::of_integer(1)], |low, r| of(r).iter().flat_map(|x| A::scaled(&low, x)).collect())
}

/// Those of groups b and after, of a row of so many; 0 where there is none.
#[inline(always)]
pub(super) fn lanes<const N: usize>(row: &[u64], b: usize, length: usize) -> [u64; N] {
    let mut lanes = [0; N];
    let row = &row[b.min(length)..length.min(b + N)];
    lanes[..row.len()].copy_from_slice(row);
    lanes
}
