//! Normalised exponentials of rows: `e^(x_i` - max) over their sum.
//!
//! With an error δ of each power, that of a quotient is at most (n + 1)·δ, as the sum is at least 1; the reciprocal adds its relative
//! error, and each rounding a unit.

use serde::{Deserialize, Serialize};

use super::Format;
use super::normal::{Inverse, Normal};
use super::smooth::Approximation;
use crate::series::fit::Domain;
use crate::series::smooth::Smooth;

/// A planned evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {
    /// Of a row.
    pub length: usize,
    /// In units of the argument: what is further below the greatest counts as this far.
    pub clip: i64,
    /// The exponential.
    pub power: Approximation,
    /// Of the sum.
    pub reciprocal: Normal,
    /// By how many bits the quotient is cut.
    pub drop: u32,
    /// How the result is held.
    pub output: Format,
    /// At least |result - softmax|.
    pub error: f64,
}

impl Softmax {
    /// As [`Approximation::wish`].
    pub(crate) fn wish(length: usize, output: Format) -> Self {
        let power = Approximation::wish(output);
        let reciprocal = Normal::wish(output);
        Self { length, clip: 0, power, reciprocal, drop: 0, output, error: 0.0 }
    }

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
