//! Plans of the series that stand for functions: what is asked for, made once.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use privet_ring::fixed::{outward_exponent, power_of_two};
use serde::{Deserialize, Serialize};

use super::numbers::Numbers;
use super::smooth::{Domain, STEEPEST, moved, smooth_of};
use crate::approx::Format;
use crate::approx::normal::{Inverse, Normal, Positive};
use crate::approx::smooth::{Approximation, Saturated};
use crate::approx::softmax::Softmax;
use crate::graph::Function;
use crate::series::fit;
use crate::series::smooth::Smooth;

/// How a step that parties approximate is evaluated. Public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Plan {
    /// A smooth function; its result is wide.
    Smooth(Saturated),
    /// One of positive values of very different magnitude; its result is wide.
    Positive(Positive),
    /// The inverse root of sums of squares, by which values are multiplied; the result is wide.
    Unit(Positive),
    /// Normalised exponentials.
    Softmax(Softmax),
}

impl Plan {
    /// At least |result - f(x')|, where |f| is at most `size` and x' is the argument less what the plan drops of it.
    pub(crate) fn error(&self, size: f64) -> f64 {
        match self {
            Self::Smooth(plan) => plan.error,
            Self::Positive(plan) | Self::Unit(plan) => plan.normal.relative * size + plan.normal.absolute,
            Self::Softmax(plan) => plan.error,
        }
    }

    /// How far the plan itself moves its argument, beyond what `error` says: what it drops, and to where it raises what is less.
    pub(crate) fn argument(&self) -> f64 {
        let Self::Positive(Positive { raises, normal, .. }) = self else { return 0.0 };
        let unit = power_of_two(-i64::from(normal.fraction_bits));
        unit + if *raises { unit * power_of_two(normal.low.into()) } else { 0.0 }
    }

    /// Fraction bits of a result that is wide.
    pub(crate) fn wide_fraction(&self) -> Option<u32> {
        match self {
            Self::Smooth(plan) => Some(plan.inside.bits.sines + plan.inside.bits.coefficients),
            Self::Positive(plan) => u32::try_from(plan.normal.wide_fraction()).ok(),
            Self::Unit(_) | Self::Softmax(_) => None,
        }
    }

    /// Makes the result fit what is asked of its step.
    pub(crate) fn widen(&mut self, ring: u32) {
        match self {
            Self::Smooth(plan) => plan.inside.bits.ring = plan.inside.bits.ring.max(ring),
            Self::Positive(_) | Self::Unit(_) => {}
            Self::Softmax(plan) => plan.output.ring = ring,
        }
    }
}

/// A softmax compares differences with where it clips, which is below 2^this.
pub(crate) const SOFTMAX_CLIP: i32 = 6;

/// What is left to approximation: units of the result's last place.
const UNITS: f64 = 4.0;

/// Bits by which an argument is finer than the result at least: what lies below is dropped, as that is free.
const FINER: u32 = 4;

/// A function over so many powers of two is normalised first: its series would be long.
const OCTAVES: f64 = 3.0;

/// The function with where it is planned, fraction bits and exponent of its argument, fraction bits of its result, and the size
/// of a group.
type Asked = (String, u32, i32, u32, u32);

/// Makes plans, and keeps those that were made already: a fit takes long, and many choices of bits ask for the same.
#[derive(Default)]
pub(crate) struct Plans {
    known: RefCell<HashMap<Asked, Option<Plan>>>,
    /// Whether plans are only wished for: without error, and without a fit.
    pub(crate) wished: Cell<bool>,
}

impl Plans {
    /// For an argument with these numbers, in the domain where that is not all that they can hold, and a result with so many
    /// fraction bits.
    pub(crate) fn smooth(
        &self,
        f: Function,
        x: &Numbers,
        domain: Option<Domain>,
        value: u32,
    ) -> Option<Plan> {
        let smooth = smooth_of(f)?;
        if self.wished.get() {
            return Some(Plan::Smooth(wish(value)));
        }
        let key = (format!("{f:?} {domain:?}"), x.fraction, x.exponent, value, 0);
        self.known(key, || match domain {
            None => both_sides(smooth, x, value).map(Plan::Smooth),
            Some(domain) if f == Function::Exp => power(x, domain, value).map(Plan::Smooth),
            Some(domain) if domain.hi <= domain.lo * OCTAVES.exp2() => {
                within(f, smooth, x, domain, value).map(Plan::Smooth)
            }
            Some(domain) => positive(f, x, domain, value).map(Plan::Positive),
        })
    }

    /// For sums of squares of values with these numbers.
    pub(crate) fn unit(&self, gain: f64, x: &Numbers, domain: Domain, value: u32) -> Option<Positive> {
        if self.wished.get() {
            let (fraction_bits, output) = unit_formats(gain, x, domain, value)?;
            let normal = Normal { fraction_bits, ..Normal::wish(output) };
            return Some(Positive { drop: 0, raises: false, normal });
        }
        let key = (format!("unit {gain} {domain:?}"), x.fraction, x.exponent, value, 0);
        let plan = self.known(key, || unit_plan(gain, x, domain, value).map(Plan::Unit));
        plan.and_then(|plan| if let Plan::Unit(plan) = plan { Some(plan) } else { None })
    }

    /// For groups of so many values.
    pub(crate) fn softmax(&self, group: usize, x: &Numbers, value: u32) -> Option<Plan> {
        let groups = u32::try_from(group).ok()?;
        if self.wished.get() {
            let output = Format { ring: value + 3, fraction_bits: value };
            return Some(Plan::Softmax(Softmax::wish(group, output)));
        }
        self.known(("softmax".into(), x.fraction, x.exponent, value, groups), || {
            let ring = x.fraction + u32::try_from(x.exponent.max(SOFTMAX_CLIP) + 3).ok()?;
            let input = Format { ring, fraction_bits: x.fraction };
            let output = Format { ring: value + 3, fraction_bits: value };
            let accuracy = UNITS * (group as f64 + 1.0) * output.unit();
            coarser(|c| Softmax::plan(group, input, c * accuracy, output)).map(Plan::Softmax)
        })
    }

    fn known(&self, key: Asked, plan: impl FnOnce() -> Option<Plan>) -> Option<Plan> {
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let plan = plan();
        self.known.borrow_mut().insert(key, plan.clone());
        plan
    }
}

/// A plan without error: if even that is not enough, no fit is tried.
fn wish(value: u32) -> Saturated {
    let inside = Approximation::wish(Format { ring: 64, fraction_bits: value });
    Saturated { inside, clip: None, below_only: false, grows: false, error: 0.0 }
}

/// One that is defined everywhere, wherever its argument can be.
fn both_sides(f: Smooth, x: &Numbers, value: u32) -> Option<Saturated> {
    let far = power_of_two(i64::from(x.exponent));
    // One that grows adds what lies above its clip, in the same bits.
    let finer = if matches!(f, Smooth::Gelu | Smooth::GeluTanh | Smooth::Softplus) { 0 } else { FINER };
    saturated(f, x, Domain { lo: -far, hi: far }, value, (finer, STEEPEST))
}

/// The exponential, whose slope is its value.
fn power(x: &Numbers, domain: Domain, value: u32) -> Option<Saturated> {
    let slope = domain.hi.exp();
    saturated(Smooth::Exp, x, domain, value, (FINER + bits_of(slope), slope))
}

/// One of positive values of much the same magnitude.
fn within(f: Function, smooth: Smooth, x: &Numbers, domain: Domain, value: u32) -> Option<Saturated> {
    let slope = steepest(f, domain.lo);
    saturated(smooth, x, domain, value, (FINER + bits_of(slope), slope))
}

/// A series of an argument that needs to be so much finer than the result, as it changes it by up to so much.
fn saturated(
    f: Smooth,
    x: &Numbers,
    Domain { lo, hi }: Domain,
    value: u32,
    (finer, slope): (u32, f64),
) -> Option<Saturated> {
    let drop = x.fraction.saturating_sub(value + finer);
    let fraction_bits = x.fraction - drop;
    // As the argument has: no period is longer.
    let ring = u32::try_from(i64::from(fraction_bits) + i64::from(x.exponent) + 2).ok()?;
    let domain = fit::Domain { lo, hi, fraction_bits, ring };
    let output = Format { ring: 64, fraction_bits: value };
    let mut plan = coarser(|c| Saturated::plan(f, &domain, c * accuracy(value, slope), output))?;
    plan.inside.bits.drop = drop;
    if drop > 0 {
        plan.error += slope * power_of_two(-i64::from(fraction_bits));
    }
    Some(plan)
}

/// One of positive values of any magnitude.
fn positive(f: Function, x: &Numbers, domain: Domain, value: u32) -> Option<Positive> {
    let inverse = match f {
        Function::Reciprocal => Inverse::Reciprocal,
        Function::Sqrt => Inverse::SquareRoot,
        Function::Log => Inverse::Logarithm,
        Function::Power(_) => Inverse::InverseSquareRoot,
        _ => return None,
    };
    let raises = domain.lo == 0.0;
    // A root below √t may stand for any other: half of what is left to it.
    let lo = if raises { (0.5 * UNITS * unit(value)).powi(2).max(4.0 * unit(x.fraction)) } else { domain.lo };
    let drop = x.fraction.saturating_sub(value + FINER + bits_of(steepest(f, lo)));
    let fraction_bits = x.fraction - drop;
    let low = u32::try_from(i64::from(fraction_bits) - outward_exponent(1.0 / lo)).ok()?;
    let high = u32::try_from(i64::from(fraction_bits) + outward_exponent(domain.hi)).ok()?;
    let size = f.at(lo).abs().max(f.at(domain.hi).abs());
    let accuracy = accuracy(value, if raises { 1.0 } else { steepest(f, lo) });
    let relative = if inverse == Inverse::Logarithm { accuracy } else { accuracy / size };
    let input = Format { ring: high + 4, fraction_bits };
    let output = Format { ring: 64, fraction_bits: value };
    let normal = coarser(|c| Normal::plan(inverse, input, [low, high], (c * relative).min(0.01), output))?;
    (drop + 2 <= x.fraction + u32::try_from(x.exponent + 2).ok()?).then_some(Positive {
        drop,
        raises,
        normal,
    })
}

/// The inverse root of sums of squares, which have twice the fraction bits of the values. What it takes of the accuracy: a half is
/// that of the sum's last bit, a half that of the root, and a unit that of the root's last bit.
fn unit_plan(gain: f64, x: &Numbers, domain: Domain, value: u32) -> Option<Positive> {
    let (fraction_bits, output) = unit_formats(gain, x, domain, value)?;
    let drop = 2 * x.fraction - fraction_bits;
    let low = u32::try_from(i64::from(fraction_bits) - outward_exponent(1.0 / domain.lo)).ok()?;
    let high = u32::try_from(i64::from(fraction_bits) + outward_exponent(domain.hi)).ok()?;
    let input = Format { ring: high + 4, fraction_bits };
    let relative = UNITS * unit(value) / (2.0 * gain);
    let root = |c: f64| {
        let relative = (c * relative).min(0.01);
        Normal::plan(Inverse::InverseSquareRoot, input, [low, high], relative, output)?.times(gain)
    };
    Some(Positive { drop, raises: false, normal: coarser(root)? })
}

/// Fraction bits of the sum, and how the root is held.
fn unit_formats(gain: f64, x: &Numbers, domain: Domain, value: u32) -> Option<(u32, Format)> {
    let of_sum = (2 * x.fraction).min(value + bits_of(gain / domain.lo));
    let largest = u32::try_from((outward_exponent(gain / domain.lo.sqrt()) + 3).max(3)).ok()?;
    let fraction_bits = value + u32::try_from(x.exponent.max(0)).ok()?;
    let output = Format { ring: fraction_bits + largest, fraction_bits };
    (output.ring <= 64).then_some((of_sum, output))
}

/// Of what is planned for an accuracy times a factor, the first that fits: where a value has many bits, its series may have to be
/// content with fewer, and what that costs is in the bound.
fn coarser<T>(plan: impl FnMut(f64) -> Option<T>) -> Option<T> {
    [1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0].into_iter().find_map(plan)
}

/// The slope at the least argument, where it is greatest.
fn steepest(f: Function, lo: f64) -> f64 {
    let step = lo * 1e-6;
    moved(f, lo + step, lo + step, step) / step
}

/// What is left to approximation: more where the function is steep, as the argument errs by a unit too.
fn accuracy(value: u32, slope: f64) -> f64 {
    UNITS * unit(value) * (slope / 8.0).max(1.0)
}

fn unit(fraction_bits: u32) -> f64 {
    power_of_two(-i64::from(fraction_bits))
}

/// Bits above one.
fn bits_of(x: f64) -> u32 {
    u32::try_from(outward_exponent(x).max(0)).unwrap_or(u32::MAX / 2)
}
