//! Reciprocal, quotient and square roots of what may be of any magnitude: it is brought to one first.
//!
//! Bits of `S ≥ 2^j`, all at once, give the power of two C with which N = S·C lies within one octave (two for roots), as whole
//! numbers, so that nothing is lost; a short series answers there, and a power of two of the same bits takes it back. Catrina, Saxena
//! (FC 2010) normalise so for division, and Aly, Smart (ACNS 2019) for roots; both then iterate where this evaluates a series.
//! The error is relative, and one unit of the result.
//!
//! | function | rounds with `replicated3` and a ring of at most 42 bits |
//! |---|---|
//! | [`invert`] | 9, and 6 where the range is one octave |
//! | [`quotient`] | 2 more |

use privet_model::series::fit::Domain;
use privet_model::series::smooth::Smooth;
use privet_ring::fixed::power_of_two;

use crate::Abort;
use crate::functions::Format;
use crate::functions::smooth::{Approximation, smooth};
use crate::protocols::protocol::Protocol;

/// Fraction bits of the normalised argument beyond those of the accuracy.
const GUARD: u32 = 3;

/// Which function of what was normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inverse {
    /// `1/x`.
    Reciprocal,
    /// `√x`.
    SquareRoot,
    /// `1/√x`.
    InverseSquareRoot,
}

impl Inverse {
    fn smooth(self) -> Smooth {
        match self {
            Self::Reciprocal => Smooth::Reciprocal,
            Self::SquareRoot => Smooth::SquareRoot,
            Self::InverseSquareRoot => Smooth::InverseSquareRoot,
        }
    }

    /// Bits of magnitude in a step: roots go by two.
    fn step(self) -> u32 {
        if self == Self::Reciprocal { 1 } else { 2 }
    }
}

/// A planned evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Normal {
    f: Inverse,
    output: Format,
    /// 1 where the argument is doubled first, so that a root of the unit is a power of two.
    lift: u32,
    /// Then it is from 2^low to below 2^(low + step·steps).
    low: u32,
    steps: u32,
    /// Ring of the normalised argument and its fraction bits.
    held: Format,
    /// In 1..2^step.
    inner: Approximation,
    /// By how many bits the last product is cut, or raised if negative.
    last_drop: i64,
    /// |result - f| ≤ relative·f + absolute.
    pub relative: f64,
    /// One unit of the result.
    pub absolute: f64,
}

impl Normal {
    /// For arguments from 2^low to below 2^high units, in a ring of at least high + 3 bits.
    pub fn plan(f: Inverse, input: Format, range: [u32; 2], relative: f64, output: Format) -> Option<Self> {
        let (step, [low, high]) = (f.step(), range);
        let lift = u32::from(step == 2 && (low + input.fraction_bits) % 2 == 1);
        let steps = (high + lift).checked_sub(low)?.max(1).div_ceil(step);
        let held = normal_format(step, relative)?;
        let (inner, relative) = inner(f, held, steps, relative)?;
        let top = low + step * steps;
        let exponent = exponent(f, i64::from(input.fraction_bits + lift), i64::from(low), i64::from(top));
        let last_drop = i64::from(held.fraction_bits) - exponent - i64::from(output.fraction_bits);
        let fits = top + 2 <= input.ring
            && inner.output.ring <= 64
            && held.ring <= 64
            && last_drop + 2 <= i64::from(inner.output.ring);
        let absolute = output.unit();
        fits.then_some(Self { f, output, lift, low, steps, held, inner, last_drop, relative, absolute })
    }

    fn top(&self) -> u32 {
        self.low + self.f.step() * self.steps
    }
}

/// Enough fraction bits for the error that is asked for; `None` beyond what float64 could plan.
fn normal_format(step: u32, relative: f64) -> Option<Format> {
    let fraction_bits = (2..48).find(|&b| power_of_two(-i64::from(b)) <= relative)? + GUARD;
    // The finer the period can be chosen the fewer the terms.
    Some(Format { ring: fraction_bits + step + 6, fraction_bits })
}

/// The series on the octave, and the relative error with which it answers.
fn inner(f: Inverse, held: Format, steps: u32, relative: f64) -> Option<(Approximation, f64)> {
    let cut = held.unit();
    let (lo, hi) = (1.0 - cut, power_of_two(f.step().into()) + cut);
    let domain = Domain { lo, hi, fraction_bits: held.fraction_bits, ring: held.ring };
    let value = |x: f64| f.smooth().value(x);
    let least = value(lo).min(value(hi));
    // The argument is cut to a unit, and no function here changes faster, relative to itself, than its argument.
    let of_cut = cut / lo;
    let output = Format { ring: held.fraction_bits + steps + 4, ..held };
    let plan = Approximation::plan(f.smooth(), &domain, (relative - of_cut) * least, output)?;
    let relative = plan.error / least + of_cut;
    Some((plan, relative))
}

/// The result is f(n)·B·2^exponent, where n is the normalised argument and B the power of two that takes it back.
fn exponent(f: Inverse, fraction_bits: i64, low: i64, top: i64) -> i64 {
    match f {
        // 2^fraction/S = 2^fraction·C/N, and N = n·2^(top - 1)
        Inverse::Reciprocal => fraction_bits - top + 1,
        Inverse::SquareRoot => (low - fraction_bits) / 2,
        Inverse::InverseSquareRoot => (fraction_bits - top) / 2 + 1,
    }
}

/// f(x) for each element in the planned range.
pub fn invert<P: Protocol>(p: &mut P, x: &P::Share, plan: &Normal) -> Result<P::Share, Abort> {
    let Normal { f, held, .. } = plan;
    let (step, top) = (f.step(), plan.top());
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
    let back = if *f == Inverse::SquareRoot { reached.rising(p, ring) } else { reached.falling(p, 1, ring) };
    let product = p.multiply(&value, &back);
    let result = p.truncate(product, u32::try_from(plan.last_drop).unwrap_or(0), plan.output.ring)?;
    Ok(P::scale(&result, 1 << plan.last_drop.min(0).unsigned_abs()))
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
        let limits = (1..plan.steps).map(|i| 1u64 << (plan.low + plan.f.step() * i));
        let over: Vec<S> = limits.map(|t| p.add_public(&x, &vec![t.wrapping_neg(); elements])).collect();
        let below = p.is_negative(&P::concat(&over.iter().collect::<Vec<_>>()), 0)?;
        let ring = plan.inner.output.ring.max(plan.top() + 2);
        let bits = p.bit_to_arith(&p.not(&below), ring)?;
        let part = |i: usize| P::gather(&bits, &(i * elements..(i + 1) * elements).collect::<Vec<_>>());
        Ok(Self { bits: (0..over.len()).map(part).collect(), elements })
    }

    /// 2^(by·(steps - 1 - i)) where i limits are reached.
    fn falling<P: Protocol<Share = S>>(&self, p: &P, by: u32, ring: u32) -> S {
        let power = |i: usize| 1u64 << (by as usize * (self.bits.len() - i));
        self.combined(p, power(0), ring, |i| power(i + 1).wrapping_sub(power(i)))
    }

    /// 2^i.
    fn rising<P: Protocol<Share = S>>(&self, p: &P, ring: u32) -> S {
        self.combined(p, 1, ring, |i| 1 << i)
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
