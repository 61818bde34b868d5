//! Reciprocal, quotient, square roots and logarithm of what may be of any magnitude: it is brought to one first.
//!
//! Bits of `S ≥ 2^j`, all at once, give the power of two C with which N = S·C lies within one octave (two for roots), as whole
//! numbers, so that nothing is lost; a short series answers there, and a power of two of the same bits takes it back. Catrina, Saxena
//! (FC 2010) normalise so for division, and Aly, Smart (ACNS 2019) for roots; both then iterate where this evaluates a series.
//! The error is relative, and one unit of the result; that of the logarithm, which adds octaves instead, is absolute.
//!
//! | function | rounds with `replicated3` and a ring of at most 42 bits |
//! |---|---|
//! | [`invert`] | 9, and 6 where the range is one octave |
//! | [`quotient`] | 2 more |
//! | [`positive`], whose result is not truncated | 7, and what it takes to bring the argument to its ring |

pub use privet_model::approx::normal::{Inverse, Normal, Positive};

use crate::Abort;
use crate::functions::extremes::at_least;
use crate::functions::smooth::smooth;
use crate::protocols::protocol::Protocol;

/// f(x) for each element in the planned range.
pub fn invert<P: Protocol>(p: &mut P, x: &P::Share, plan: &Normal) -> Result<P::Share, Abort> {
    let product = wide(p, x, plan)?;
    let result = p.truncate(product, u32::try_from(plan.last_drop).unwrap_or(0), plan.output.ring)?;
    Ok(P::scale(&result, 1 << plan.last_drop.min(0).unsigned_abs()))
}

/// f(x) of what may come finer than the plan takes it, with [`Normal::wide_fraction`] bits in the ring of the inner series.
pub fn positive<P: Protocol>(p: &mut P, x: P::Sum, plan: &Positive) -> Result<P::Sum, Abort> {
    let Positive { drop, raises, normal } = plan;
    let ring = normal.top() + 2;
    let x = p.truncate(x, *drop, ring)?;
    let x = if *raises { at_least(p, &x, 1 << normal.low)? } else { x };
    wide(p, &x, normal)
}

/// f(x) before its last bits are cut.
fn wide<P: Protocol>(p: &mut P, x: &P::Share, plan: &Normal) -> Result<P::Sum, Abort> {
    let Normal { f, held, .. } = plan;
    let (step, top) = (plan.step(), plan.top());
    debug_assert!(P::ring(x) >= plan.top() + 2, "the ring has room for the product");
    let x = P::scale(x, 1 << plan.lift);
    let reached = Reached::of(p, &x, plan)?;
    let product = p.multiply(&P::reduce(&x, top + 2), &reached.falling(p, step, top + 2));
    let fraction_bits = top - step;
    let drop = fraction_bits.saturating_sub(held.fraction_bits);
    let n = p.truncate(product, drop, held.ring)?;
    let n = P::scale(&n, 1 << (held.fraction_bits + drop - fraction_bits));
    let value = smooth(p, &n, &plan.inner)?;
    let ring = plan.inner.output.ring;
    Ok(match f {
        Inverse::Logarithm => P::Sum::from(&P::add(&value, &reached.octaves(p, plan))),
        // Of a root's argument every other bit.
        Inverse::SquareRoot => p.multiply(&value, &reached.rising(p, step / 2, ring)),
        Inverse::InverseSquareRoot => p.multiply(&value, &reached.falling(p, step / 2, ring)),
        Inverse::Reciprocal => p.multiply(&value, &reached.falling(p, step, ring)),
    })
}

/// For each limit 2^(low + step·i), 0 < i < steps, whether it is reached, as integers.
struct Reached<S> {
    bits: Vec<S>,
    elements: usize,
}

impl<S: Clone> Reached<S> {
    fn of<P: Protocol<Share = S>>(p: &mut P, x: &S, plan: &Normal) -> Result<Self, Abort> {
        let elements = P::len(x);
        if plan.steps == 1 {
            return Ok(Self { bits: Vec::new(), elements });
        }
        let x = P::reduce(x, plan.top() + 1);
        let limits = (1..plan.steps).map(|i| 1u64 << (plan.low + plan.step() * i));
        let over: Vec<S> = limits.map(|t| p.add_public(&x, &vec![t.wrapping_neg(); elements])).collect();
        let ring = plan.inner.output.ring.max(plan.top() + 2);
        let below = p.negative(&P::concat(&over.iter().collect::<Vec<_>>()), ring)?;
        let bits = p.add_public(&P::scale(&below, u64::MAX), &vec![1; P::len(&below)]);
        let part = |i: usize| P::gather(&bits, &(i * elements..(i + 1) * elements).collect::<Vec<_>>());
        Ok(Self { bits: (0..over.len()).map(part).collect(), elements })
    }

    /// 2^(by·(steps - 1 - i)) where i limits are reached.
    fn falling<P: Protocol<Share = S>>(&self, p: &P, by: u32, ring: u32) -> S {
        let power = |i: usize| 1u64 << (by as usize * (self.bits.len() - i));
        self.combined(p, power(0), ring, |i| power(i + 1).wrapping_sub(power(i)))
    }

    /// 2^(by·i).
    fn rising<P: Protocol<Share = S>>(&self, p: &P, by: u32, ring: u32) -> S {
        let power = |i: usize| 1u64 << (by as usize * i);
        self.combined(p, 1, ring, |i| power(i + 1).wrapping_sub(power(i)))
    }

    /// `(low + i - fraction bits)·ln 2`, to half a unit of the series.
    fn octaves<P: Protocol<Share = S>>(&self, p: &P, plan: &Normal) -> S {
        let held = plan.inner.output;
        let octave = |i: usize| {
            let from = f64::from(plan.low) - f64::from(plan.fraction_bits);
            held.element((from + f64::from(plan.step()) * i as f64) * std::f64::consts::LN_2)
        };
        self.combined(p, octave(0), held.ring, |i| octave(i + 1).wrapping_sub(octave(i)))
    }

    fn combined<P: Protocol<Share = S>>(
        &self,
        p: &P,
        first: u64,
        ring: u32,
        weight: impl Fn(usize) -> u64,
    ) -> S {
        let first = p.public(&vec![first; self.elements], ring);
        let terms = self.bits.iter().enumerate().map(|(i, bit)| P::scale(&P::reduce(bit, ring), weight(i)));
        terms.fold(first, |sum, term| P::add(&sum, &term))
    }
}

/// `x/y`: the reciprocal as it was planned for y, times x, less `drop` bits. x is in the ring of the plan's result, and the product
/// fits it with two bits to spare.
pub fn quotient<P: Protocol>(
    p: &mut P,
    x: &P::Share,
    y: &P::Share,
    plan: &Normal,
    drop: u32,
) -> Result<P::Share, Abort> {
    let reciprocal = invert(p, y, plan)?;
    let product = p.multiply(x, &reciprocal);
    p.truncate(product, drop, P::ring(x))
}
