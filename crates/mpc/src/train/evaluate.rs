//! What weights are worth on rows from which they did not learn: sums of losses, and counts for the area under the curve. Nothing is opened
//! here; whoever may see the results adds the parties' summands up.

use privet_model::training::Loss;
use privet_model::training::numbers::{
    FARTHEST_SCORE, LARGEST_LABEL, LIMIT_BITS, LIMITS, Numbers, RESIDUALS, RING, ROWS, SCORES, SQUARES,
    WEIGHTS,
};

use super::{Batch, product};
use crate::Abort;
use crate::functions::extremes::clip;
use crate::functions::smooth::saturated;
use crate::protocols::protocol::Protocol;

/// The ring of counts of rows, and of their products.
const COUNTS: u32 = 40;

/// The sum of the rows' losses: one number with [`Numbers::loss`] fraction bits.
pub fn loss<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    weights: &P::Share,
    rows: &Batch<P::Share>,
) -> Result<P::Sum, Abort> {
    match (&numbers.softplus, numbers.recipe.loss) {
        (Some(softplus), Loss::Logistic) => {
            let scores = clipped(p, numbers, weights, rows, FARTHEST_SCORE, SCORES)?;
            let each = saturated(p, &scores, softplus)?;
            let (n, sum) = (P::len(&each), P::sum_rows(&each, P::len(&each)));
            // -ln p = softplus(z) - y·z
            let hits = p.dot(&scores, &P::scale(&rows.labels, u64::MAX), n);
            Ok(P::add_sum(hits, (&sum).into()))
        }
        _ => {
            let most = numbers.residual_units() >> (RESIDUALS - SQUARES);
            let scores = clipped(p, numbers, weights, rows, LARGEST_LABEL, SQUARES)?;
            let labels = p.truncate(&rows.labels, RESIDUALS - SQUARES, RING)?;
            let residuals = P::sub(&scores, &labels);
            let (within, _) = clip(p, &residuals, -most, most)?;
            // Twice the loss is w·(2r - w), where w is what of r counts.
            let other = P::sub(&P::scale(&residuals, 2), &within);
            Ok(p.dot(&within, &other, P::len(&within)))
        }
    }
}

/// For the area under the curve of classes 0 and 1: twice the number of pairs that are in order, of which one in the same interval of scores
/// counts half; and the number of all pairs. Intervals are 2^-[`LIMIT_BITS`] long; what is farther out is in the first or last.
pub fn areas<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    weights: &P::Share,
    rows: &Batch<P::Share>,
) -> Result<P::Sum, Abort> {
    // Finer than the intervals, so that few scores fall on a limit.
    let (finer, n) = (8, P::len(&rows.labels));
    let fraction = LIMIT_BITS + finer;
    let far = (LIMITS / 2 + 1) as f64 / f64::from(1 << LIMIT_BITS);
    let scores = clipped(p, numbers, weights, rows, far, fraction)?;
    let scores = P::reduce(&scores, fraction + LIMIT_BITS + 4);
    let limits = (0..LIMITS).map(|i| (i - LIMITS / 2) << finer);
    let above: Vec<_> =
        limits.map(|limit| p.add_public(&scores, &vec![limit.wrapping_neg().cast_unsigned(); n])).collect();
    let below = p.negative(&P::concat(&above.iter().collect::<Vec<_>>()), COUNTS)?;
    let labels = P::reduce(&rows.labels, COUNTS);
    let limits = usize::try_from(LIMITS).unwrap_or(0);
    let again: Vec<usize> = (0..limits).flat_map(|_| 0..n).collect();
    let ones = p.dot(&below, &P::gather(&labels, &again), n);
    let ones = p.reshare(ones)?;
    let (all, every) = (P::sum_rows(&below, n), p.public(&[n as u64], COUNTS));
    pairs(p, [&P::concat(&[&ones, &P::sum_rows(&labels, n)]), &P::concat(&[&all, &every])])
}

/// From how many ones, and how many rows, are below each limit, and all of them at the end.
fn pairs<P: Protocol>(p: &mut P, [ones, all]: [&P::Share; 2]) -> Result<P::Sum, Abort> {
    let zeros = P::sub(all, ones);
    let count = P::len(ones);
    let nothing = p.public(&[0], COUNTS);
    let before = |x: &P::Share| P::gather(&P::concat(&[&nothing, x]), &(0..count).collect::<Vec<_>>());
    let within = P::sub(ones, &before(ones));
    // Zeros below this interval count twice, those in it once.
    let under = P::add(&before(&zeros), &zeros);
    let ordered = p.dot(&within, &under, count);
    let last = |x: &P::Share| P::gather(x, &[count - 1]);
    let every = p.multiply(&last(ones), &last(&zeros));
    p.concat_sums(vec![ordered, every])
}

/// Scores with so many fraction bits, brought to ±far, in the ring of 2^64.
fn clipped<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    weights: &P::Share,
    rows: &Batch<P::Share>,
    far: f64,
    fraction: u32,
) -> Result<P::Share, Abort> {
    let product = product(p, numbers, weights, &rows.rows);
    let drop = ROWS + WEIGHTS - fraction;
    let scores = p.truncate(product, drop, numbers.scores - (SCORES - fraction))?;
    #[allow(clippy::cast_possible_truncation)] // a constant
    let far = (far * f64::from(1 << fraction)) as i64;
    let (scores, _) = clip(p, &scores, -far, far)?;
    p.truncate(&scores, 0, RING)
}
