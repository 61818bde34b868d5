//! Smooth functions: as a series on an interval, and beyond it where the function levels off or grows like its argument.
//!
//! Squirrel (Lu et al., USENIX Security 2023) for the series; clipping where a series would be too long, as `SecureML` (Mohassel,
//! Zhang, S&P 2017) does at much shorter distance. The error is stated by each plan: series, rounding, one unit of the result, and
//! what the function still does beyond the clip.
//!
//! | function | rounds with `replicated3` |
//! |---|---|
//! | [`smooth`] | 2, and 1 from a sum |
//! | [`saturated`] where it must clip, and a ring of at most 42 bits | 5 |

pub use privet_model::approx::smooth::{Approximation, Saturated};

use crate::Abort;
use crate::functions::extremes::{at_least, clip};
use crate::protocols::protocol::Protocol;

/// f(x).
pub fn smooth<P: Protocol>(p: &mut P, x: impl Into<P::Sum>, plan: &Approximation) -> Result<P::Share, Abort> {
    let value = p.series(x, &plan.series, plan.bits)?;
    let drop = plan.bits.sines + plan.bits.coefficients - plan.output.fraction_bits;
    p.truncate(value, drop, plan.output.ring)
}

/// f(x) wherever x is. With a clip, the ring of x is at least that of the result if the function grows.
pub fn saturated<P: Protocol>(p: &mut P, x: &P::Share, plan: &Saturated) -> Result<P::Share, Abort> {
    let Some(far) = plan.clip else { return smooth(p, x, &plan.inside) };
    if plan.below_only {
        let kept = at_least(p, x, -far)?;
        return smooth(p, &kept, &plan.inside);
    }
    let (clipped, above) = clip(p, x, -far, far)?;
    let inside = smooth(p, &clipped, &plan.inside)?;
    if !plan.grows {
        return Ok(inside);
    }
    Ok(P::add(&inside, &P::reduce(&above, plan.inside.output.ring)))
}
