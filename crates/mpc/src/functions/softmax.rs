//! Normalised exponentials of rows: `e^(x_i` - max) over their sum.
//!
//! The greatest goes to zero first, so that all powers are at most 1 and the sum at least that; what is too small to matter is
//! clipped. Knott et al.: `CrypTen`, `NeurIPS` 2021, computes it so, with an iteration for each of the two functions that are a
//! series here.
//!
//! With an error δ of each power, that of a quotient is at most (n + 1)·δ, as the sum is at least 1; the reciprocal adds its relative
//! error, and each rounding a unit. `replicated3`, rows of n and a ring of at most 42 bits: 3·⌈log2 n⌉ + 16 rounds.

pub use privet_model::approx::softmax::Softmax;

use crate::Abort;
use crate::functions::extremes::max;
use crate::functions::normal::invert;
use crate::functions::smooth::smooth;
use crate::protocols::protocol::Protocol;

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
