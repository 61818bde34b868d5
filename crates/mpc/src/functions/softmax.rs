//! Normalised exponentials of rows: `e^(x_i` - max) over their sum.
//!
//! The greatest goes to zero first, so that all powers are at most 1 and the sum at least that; what is too small to matter is
//! clipped. Knott et al.: `CrypTen`, `NeurIPS` 2021, computes it so, with an iteration for each of the two functions that are a
//! series here.
//!
//! With an error δ of each power, that of a quotient is at most (n + 1)·δ, as the sum is at least 1; the reciprocal adds its relative
//! error, and each rounding a unit. `replicated3`, rows of n and a ring of at most 42 bits: 3·⌈log2 n⌉ + 16 rounds.

use privet_model::series::fit::Domain;
use privet_model::series::smooth::Smooth;

use crate::Abort;
use crate::functions::Format;
use crate::functions::extremes::max;
use crate::functions::normal::{Inverse, Normal, invert};
use crate::functions::smooth::{Approximation, smooth};
use crate::protocols::protocol::Protocol;

/// A planned evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    length: usize,
    /// In units of the argument: what is further below the greatest counts as this far.
    clip: i64,
    power: Approximation,
    reciprocal: Normal,
    drop: u32,
    output: Format,
    /// At least |result - softmax|.
    pub error: f64,
}

impl Softmax {
    /// For rows of `length`, whose differences fit the ring of the input with a bit to spare.
    pub fn plan(length: usize, input: Format, accuracy: f64, output: Format) -> Option<Self> {
        let others = length as f64 + 1.0;
        let each = accuracy / (3.0 * others);
        // Beyond the clip a power is between 0 and e^-clip, and stands for it.
        let far = (1..40).map(f64::from).find(|far| (-far).exp() <= each / 3.0)?;
        let domain = Domain { lo: -far, hi: 0.0, fraction_bits: input.fraction_bits, ring: input.ring };
        let fraction_bits = (2..40).find(|&b| Format { ring: 64, fraction_bits: b }.unit() <= each / 6.0)?;
        let growth = usize::BITS - length.leading_zeros() + 1;
        let ring = (2 * fraction_bits + 5).max(fraction_bits + growth + 3);
        let held = Format { ring, fraction_bits };
        let power = Approximation::plan(Smooth::Exp, &domain, each * 2.0 / 3.0, held)?;
        // Rounding may bring the sum a little below 1.
        let range = [fraction_bits - 1, fraction_bits + growth];
        let reciprocal = Normal::plan(Inverse::Reciprocal, held, range, accuracy / 4.0, held)?;
        let of_power = power.error + (-far).exp();
        let error = others * of_power / (1.0 - of_power * others)
            + reciprocal.relative
            + reciprocal.absolute
            + output.unit();
        let drop = (2 * fraction_bits).checked_sub(output.fraction_bits)?;
        let clip = input.element(far).cast_signed();
        (error <= accuracy && ring <= 64).then_some(Self {
            length,
            clip,
            power,
            reciprocal,
            drop,
            output,
            error,
        })
    }
}

/// Of each row.
pub fn softmax<P: Protocol>(p: &mut P, x: &P::Share, plan: &Softmax) -> Result<P::Share, Abort> {
    let (n, ring) = (P::len(x), P::ring(x));
    let of_row: Vec<usize> = (0..n).map(|i| i / plan.length).collect();
    let most = max(p, x, &(0..n).collect::<Vec<_>>(), plan.length)?;
    let below = P::sub(x, &P::gather(&most, &of_row));
    let limit = |limit: i64| vec![limit.cast_unsigned(); n];
    let kept = p.relu(&p.add_public(&below, &limit(plan.clip)), 0, ring)?;
    let powers = smooth(p, &p.add_public(&kept, &limit(-plan.clip)), &plan.power)?;
    let reciprocals = invert(p, &P::sum_rows(&powers, plan.length), &plan.reciprocal)?;
    let quotients = p.multiply(&powers, &P::gather(&reciprocals, &of_row));
    p.truncate(quotients, plan.drop, plan.output.ring)
}
