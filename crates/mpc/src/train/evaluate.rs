//! What weights are worth on rows from which they did not learn: sums of losses, and counts for the area under the curve. Nothing is opened
//! here; whoever may see the results adds the parties' summands up. Rows may come in chunks: losses and counts of them add up,
//! of at most [`EVALUATED`](privet_model::training::numbers::EVALUATED) rows together.
//!
//! | what | rounds with `replicated3`, and scores of at most 42 bits | error |
//! |---|---|---|
//! | [`loss`] of classes | 7 | each row's as [`Numbers::loss_error`] says |
//! | [`loss`] of squares | 10 | likewise |
//! | [`counts`] | 8 | a row within [`Numbers::limit_error`] of a limit may be on its other side |
//! | [`areas`] | 0 | none |

use privet_model::training::numbers::{
    FARTHEST_SCORE, FINER, LARGEST_LABEL, LIMIT_BITS, LIMITS, Numbers, RESIDUALS, RING, ROWS, SCORES,
    SQUARES, WEIGHTS,
};

use super::{Batch, product};
use crate::Abort;
use crate::functions::extremes::clip;
use crate::functions::smooth::saturated;
use crate::protocols::protocol::Protocol;

/// The ring of counts of rows.
const COUNTS: u32 = 40;
/// That of a residual as a loss of squares takes it: twice the greatest label, the greatest residual, and the bits of both.
const NARROW: u32 = 27;

/// The sum of the rows' losses: one number with [`Numbers::loss`] fraction bits.
pub fn loss<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    weights: &P::Share,
    rows: &Batch<P::Share>,
) -> Result<P::Sum, Abort> {
    let Some(softplus) = &numbers.softplus else { return squares(p, numbers, weights, rows) };
    let scores = clipped(p, numbers, weights, rows, FARTHEST_SCORE, SCORES)?;
    let scores = p.truncate(&scores, 0, RING)?;
    let each = saturated(p, &scores, softplus)?;
    let (n, sum) = (P::len(&each), P::sum_rows(&each, P::len(&each)));
    // -ln p = softplus(z) - y·z
    let hits = p.dot(&scores, &P::scale(&rows.labels, u64::MAX), n);
    Ok(P::add_sum(hits, (&sum).into()))
}

fn squares<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    weights: &P::Share,
    rows: &Batch<P::Share>,
) -> Result<P::Sum, Abort> {
    let most = numbers.residual_units() >> (RESIDUALS - SQUARES);
    let scores = clipped(p, numbers, weights, rows, LARGEST_LABEL, SQUARES)?;
    let scores = p.truncate(&scores, 0, RING)?;
    let labels = p.truncate(&rows.labels, RESIDUALS - SQUARES, RING)?;
    let residuals = P::sub(&scores, &labels);
    let (within, _) = clip(p, &P::reduce(&residuals, NARROW), -most, most)?;
    let within = p.truncate(&within, 0, RING)?;
    // Twice the loss is w·(2r - w), where w is what of r counts.
    let other = P::sub(&P::scale(&residuals, 2), &within);
    Ok(p.dot(&within, &other, P::len(&within)))
}

/// For the area under the curve of classes 0 and 1: of how many ones, and of how many rows, scores are below each limit, and how many there are
/// at all. Limits are 2^-[`LIMIT_BITS`] apart, as many below zero as above. Counts of chunks of rows add up.
pub fn counts<P: Protocol>(
    p: &mut P,
    numbers: &Numbers,
    weights: &P::Share,
    rows: &Batch<P::Share>,
) -> Result<P::Share, Abort> {
    // Finer than the intervals, so that few scores fall on a limit.
    let (fraction, n) = (LIMIT_BITS + FINER, P::len(&rows.labels));
    let far = (LIMITS / 2 + 1) as f64 / f64::from(1 << LIMIT_BITS);
    let scores = clipped(p, numbers, weights, rows, far, fraction)?;
    let scores = P::reduce(&scores, fraction + LIMIT_BITS + 4);
    let limits = (0..LIMITS).map(|i| (i - LIMITS / 2) << FINER);
    let above: Vec<_> =
        limits.map(|limit| p.add_public(&scores, &vec![limit.wrapping_neg().cast_unsigned(); n])).collect();
    let below = p.negative(&P::concat(&above.iter().collect::<Vec<_>>()), COUNTS)?;
    let labels = P::reduce(&rows.labels, COUNTS);
    let again: Vec<usize> = above.iter().flat_map(|_| 0..n).collect();
    let ones = p.dot(&below, &P::gather(&labels, &again), n);
    let ones = p.reshare(ones)?;
    let every = p.public(&[n as u64], COUNTS);
    Ok(P::concat(&[&ones, &P::sum_rows(&labels, n), &P::sum_rows(&below, n), &every]))
}

/// From counts: twice the number of pairs of a one and a zero that are in order, of which one in the same interval between limits counts half;
/// and the number of all pairs. In the ring of 2^64, as there are far more pairs than rows.
pub fn areas<P: Protocol>(p: &mut P, counts: &P::Share) -> Result<P::Sum, Abort> {
    let intervals = P::len(counts) / 2;
    let counts = &p.truncate(counts, 0, RING)?;
    let part = |from: usize| P::gather(counts, &(from..from + intervals).collect::<Vec<_>>());
    let (ones, all) = (part(0), part(intervals));
    let zeros = P::sub(&all, &ones);
    let nothing = p.public(&[0], RING);
    let before = |x: &P::Share| P::gather(&P::concat(&[&nothing, x]), &(0..intervals).collect::<Vec<_>>());
    let within = P::sub(&ones, &before(&ones));
    // Zeros below this interval count twice, those in it once.
    let under = P::add(&before(&zeros), &zeros);
    let ordered = p.dot(&within, &under, intervals);
    let last = |x: &P::Share| P::gather(x, &[intervals - 1]);
    let every = p.multiply(&last(&ones), &last(&zeros));
    p.concat_sums(vec![ordered, every])
}

/// Scores with so many fraction bits, brought to ±far.
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
    clip(p, &scores, -far, far).map(|(scores, _)| scores)
}
