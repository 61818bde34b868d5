//! Reciprocal, square roots and logarithm of what may be of any magnitude: brought to one octave (two for roots), where a short
//! series answers. The error is relative, and one unit of the result; that of the logarithm is absolute.

use privet_ring::fixed::power_of_two;
use serde::{Deserialize, Serialize};

use super::Format;
use super::smooth::Approximation;
use crate::series::fit::Domain;
use crate::series::smooth::Smooth;

/// Fraction bits of the normalised argument beyond those of the accuracy.
const GUARD: u32 = 3;

/// Which function of what was normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inverse {
    /// `1/x`.
    Reciprocal,
    /// `√x`.
    SquareRoot,
    /// `1/√x`.
    InverseSquareRoot,
    /// `ln x`.
    Logarithm,
}

impl Inverse {
    fn smooth(self) -> Smooth {
        match self {
            Self::Reciprocal => Smooth::Reciprocal,
            Self::SquareRoot => Smooth::SquareRoot,
            Self::InverseSquareRoot => Smooth::InverseSquareRoot,
            Self::Logarithm => Smooth::Log,
        }
    }

    /// Bits of magnitude in a step: roots go by two.
    pub fn step(self) -> u32 {
        if matches!(self, Self::Reciprocal | Self::Logarithm) { 1 } else { 2 }
    }
}

/// A planned evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normal {
    /// Which function.
    pub f: Inverse,
    /// Fraction bits of the argument.
    pub fraction_bits: u32,
    /// How the result is held.
    pub output: Format,
    /// How often the bits of a step are doubled: the fewer steps, the longer the series.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub doublings: u32,
    /// 1 where the argument is doubled first, so that a root of the unit is a power of two.
    pub lift: u32,
    /// Then it is from 2^low to below 2^(low + step·steps), where step is [`Self::step`].
    pub low: u32,
    /// So many steps.
    pub steps: u32,
    /// Ring of the normalised argument and its fraction bits.
    pub held: Format,
    /// In 1..2^step.
    pub inner: Approximation,
    /// By how many bits the last product is cut, or raised if negative.
    pub last_drop: i64,
    /// |result - f| ≤ relative·f + absolute.
    pub relative: f64,
    /// One unit of the result; all of the error of a logarithm.
    pub absolute: f64,
}

/// A planned evaluation of what may come finer than it needs to be, and down to zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Positive {
    /// Bits that the argument loses first.
    pub drop: u32,
    /// Whether what is below the least argument of the plan is raised to it.
    pub raises: bool,
    /// What is evaluated then.
    pub normal: Normal,
}

impl Normal {
    /// For arguments from 2^low to below 2^high units, in a ring of at least high + 3 bits. What is asked for of a logarithm is
    /// absolute.
    pub fn plan(f: Inverse, input: Format, range: [u32; 2], relative: f64, output: Format) -> Option<Self> {
        Self::plan_by(f, 0, input, range, relative, output)
    }

    /// The same with steps of more bits.
    pub fn plan_by(
        f: Inverse,
        doublings: u32,
        input: Format,
        range: [u32; 2],
        relative: f64,
        output: Format,
    ) -> Option<Self> {
        let (step, [low, high]) = (f.step() << doublings, range);
        let lift = u32::from(f.step() == 2 && (low + input.fraction_bits) % 2 == 1);
        let steps = (high + lift).checked_sub(low)?.max(1).div_ceil(step);
        let held = normal_format(f, step, relative)?;
        let (inner, relative) = inner(f, held, step, steps, relative)?;
        let is_log = f == Inverse::Logarithm;
        let top = low + step * steps;
        let exponent = exponent(
            f,
            i64::from(step),
            i64::from(input.fraction_bits + lift),
            i64::from(low),
            i64::from(top),
        );
        let last_drop = i64::from(held.fraction_bits) - exponent - i64::from(output.fraction_bits);
        // The octaves of a logarithm are rounded once.
        let (relative, beside) = if is_log { (0.0, relative + held.unit()) } else { (relative, 0.0) };
        let fits = top + 2 <= input.ring
            && inner.output.ring <= 64
            && held.ring <= 64
            && last_drop + 2 <= i64::from(inner.output.ring);
        let absolute = output.unit() + beside;
        let fraction_bits = input.fraction_bits;
        fits.then_some(Self {
            f,
            fraction_bits,
            output,
            doublings,
            lift,
            low,
            steps,
            held,
            inner,
            last_drop,
            relative,
            absolute,
        })
    }

    /// The same function times a positive factor, whose power of two costs nothing.
    #[must_use]
    pub fn times(mut self, gain: f64) -> Option<Self> {
        let whole = privet_ring::fixed::outward_exponent(gain) - 1;
        let mantissa = gain / power_of_two(whole);
        let inner = &mut self.inner;
        inner.series.constant *= mantissa;
        for term in &mut inner.series.terms {
            term.sine *= mantissa;
            term.cosine *= mantissa;
        }
        // At most 2: one bit more, also of what coefficients are rounded to.
        inner.bits.ring += 1;
        inner.output.ring += 1;
        self.last_drop -= whole;
        let fits = inner.bits.ring <= 64
            && inner.output.ring <= 64
            && (-63..=63).contains(&self.last_drop)
            && self.last_drop + 2 <= i64::from(inner.output.ring);
        fits.then_some(self)
    }

    /// As [`Approximation::wish`].
    pub(crate) fn wish(output: Format) -> Self {
        let (f, inner) = (Inverse::Reciprocal, Approximation::wish(output));
        let held = output;
        let (relative, absolute) = (0.0, 0.0);
        Self {
            f,
            fraction_bits: 0,
            output,
            doublings: 0,
            lift: 0,
            low: 0,
            steps: 1,
            held,
            inner,
            last_drop: 0,
            relative,
            absolute,
        }
    }

    /// Whether numbers that came from outside are ones that can be shifted by.
    pub fn is_sound(&self) -> bool {
        self.lift <= 1
            && self.doublings <= 2
            && self.low < 64
            && (1..=62).contains(&self.steps)
            && self.top() + 2 <= 64
            && self.fraction_bits < 64
            && (1..=64).contains(&self.held.ring)
            && self.held.fraction_bits < 64
            && (1..=64).contains(&self.output.ring)
            && (-63..=63).contains(&self.last_drop)
    }

    /// Fraction bits of the result before its last bits are cut.
    pub fn wide_fraction(&self) -> i64 {
        i64::from(self.output.fraction_bits) + self.last_drop
    }

    /// Bits of magnitude in a step.
    pub fn step(&self) -> u32 {
        self.f.step() << self.doublings
    }

    /// The exponent above the greatest argument.
    pub fn top(&self) -> u32 {
        self.low + self.step() * self.steps
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's own form
fn is_zero(x: &u32) -> bool {
    *x == 0
}

/// Enough fraction bits for the error that is asked for; `None` beyond what float64 could plan.
fn normal_format(f: Inverse, step: u32, relative: f64) -> Option<Format> {
    // What is least over a longer step is smaller.
    let guard = GUARD + (step - f.step()) / 2;
    let fraction_bits = (2..48).find(|&b| power_of_two(-i64::from(b)) <= relative)? + guard;
    // The finer the period can be chosen the fewer the terms.
    Some(Format { ring: fraction_bits + step + 6, fraction_bits })
}

/// The series on the octave, and the relative error with which it answers.
fn inner(f: Inverse, held: Format, step: u32, steps: u32, relative: f64) -> Option<(Approximation, f64)> {
    let cut = held.unit();
    let (lo, hi) = (1.0 - cut, power_of_two(step.into()) + cut);
    let domain = Domain { lo, hi, fraction_bits: held.fraction_bits, ring: held.ring };
    let value = |x: f64| f.smooth().value(x);
    let least = if f == Inverse::Logarithm { 1.0 } else { value(lo).min(value(hi)) };
    // The argument is cut to a unit, and no function here changes faster, relative to itself, than its argument.
    let of_cut = cut / lo;
    // What takes it back has half the bits of its argument where it is a root.
    let back = step / f.step() * steps;
    let output = Format { ring: held.fraction_bits + back + 4, ..held };
    let plan = Approximation::plan(f.smooth(), &domain, (relative - of_cut) * least, output)?;
    let relative = plan.error / least + of_cut;
    Some((plan, relative))
}

/// The result is f(n)·B·2^exponent, where n is the normalised argument and B the power of two that takes it back.
fn exponent(f: Inverse, step: i64, fraction_bits: i64, low: i64, top: i64) -> i64 {
    match f {
        // 2^fraction/S = 2^fraction·C/N, and N = n·2^(top - step)
        Inverse::Reciprocal => fraction_bits - top + step,
        Inverse::SquareRoot => (low - fraction_bits) / 2,
        Inverse::InverseSquareRoot => (fraction_bits - top) / 2 + step / 2,
        Inverse::Logarithm => 0,
    }
}
