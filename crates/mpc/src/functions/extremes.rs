//! Greatest and least, where it is, absolute value, clipping: all exact.
//!
//! A tournament, as in `CrypTFlow2` (Rathee et al., CCS 2020): max(a, b) = b + max(a - b, 0), all pairs of all windows at once.
//! The difference of any two elements must fit the ring.
//!
//! | function | rounds with `replicated3` and a ring of at most 42 bits |
//! |---|---|
//! | [`max`], [`min`] of windows of n | 3·⌈log2 n⌉ |
//! | [`argmax`] of rows of n | 4·⌈log2 n⌉ |
//! | [`abs`], [`at_least`], [`clip`] | 3 |

use crate::Abort;
use crate::protocols::protocol::Protocol;

/// The greatest of each window; a window is `length` indices into `x`, which may repeat (as they do at an edge).
pub fn max<P: Protocol>(
    p: &mut P,
    x: &P::Share,
    windows: &[usize],
    length: usize,
) -> Result<P::Share, Abort> {
    let ring = P::ring(x);
    let count = windows.len() / length.max(1);
    let place = |j: usize| (0..count).map(move |w| windows[w * length + j]);
    // Element j of every window, then element j + 1 of every window, …
    let mut left = length;
    let mut rest = P::gather(x, &(0..length).flat_map(place).collect::<Vec<_>>());
    while left > 1 {
        let half = left / 2;
        let part = |from: usize, to: usize| P::gather(&rest, &(from * count..to * count).collect::<Vec<_>>());
        let (a, b, odd) = (part(0, half), part(half, 2 * half), part(2 * half, left));
        let more = p.relu(&P::sub(&a, &b), 0, ring)?;
        rest = P::concat(&[&P::add(&b, &more), &odd]);
        left -= half;
    }
    Ok(rest)
}

/// The least of each window.
pub fn min<P: Protocol>(
    p: &mut P,
    x: &P::Share,
    windows: &[usize],
    length: usize,
) -> Result<P::Share, Abort> {
    let most = max(p, &negative::<P>(x), windows, length)?;
    Ok(negative::<P>(&most))
}

/// For each row of `length`, a bit for each element: set for the first of the greatest.
pub fn argmax<P: Protocol>(p: &mut P, x: &P::Share, length: usize) -> Result<P::Bit, Abort> {
    let rows = P::len(x) / length.max(1);
    let mut marks = p.public_bits(&vec![true; rows * length]);
    let mut best = x.clone();
    // Each of the `left` best of a row stands for `span` elements, the last for what is left.
    let (mut left, mut span) = (length, 1);
    while left > 1 {
        let (half, next) = (left / 2, left.div_ceil(2));
        let of_rows = |from: usize, n: usize, step: usize| -> Vec<usize> {
            (0..rows).flat_map(|r| (0..n).map(move |i| r * left + from + i * step)).collect()
        };
        let (a, b) = (P::gather(&best, &of_rows(0, half, 2)), P::gather(&best, &of_rows(1, half, 2)));
        let gain = P::sub(&b, &a);
        let later = p.is_negative(&P::sub(&a, &b), 0)?;
        let gained = p.select(&later, &gain)?;
        let winners =
            P::concat(&[&P::add(&a, &gained), &P::gather(&best, &of_rows(left - left % 2, left % 2, 1))]);
        let decided = P::concat_bits(&[&later, &p.not(&later), &p.public_bits(&[true])]);
        marks = p.and(&marks, &P::gather_bits(&decided, &deciders(rows, length, half, span)))?;
        best = P::gather(&winners, &interleaved(rows, half, next));
        (left, span) = (next, 2 * span);
    }
    Ok(marks)
}

/// Which bit decides on each element: `later` of its pair if it is in the second half, its opposite in the first, none if its
/// span has no pair.
fn deciders(rows: usize, length: usize, half: usize, span: usize) -> Vec<usize> {
    let pairs = rows * half;
    let decider = |r: usize, i: usize| match i / (2 * span) {
        pair if pair >= half => 2 * pairs,
        pair if i / span % 2 == 1 => r * half + pair,
        pair => pairs + r * half + pair,
    };
    (0..rows).flat_map(|r| (0..length).map(move |i| decider(r, i))).collect()
}

/// The winners of a row and then the one that had no pair, from all winners and then all of those.
fn interleaved(rows: usize, half: usize, next: usize) -> Vec<usize> {
    let of_row = |r: usize| (0..next).map(move |i| if i < half { r * half + i } else { rows * half + r });
    (0..rows).flat_map(of_row).collect()
}

/// `|x|`, which must fit the ring: `2·max(x, 0) - x`.
pub fn abs<P: Protocol>(p: &mut P, x: &P::Share) -> Result<P::Share, Abort> {
    let positive = p.relu(x, 0, P::ring(x))?;
    Ok(P::sub(&P::scale(&positive, 2), x))
}

/// `max(x, lo) = lo + max(x - lo, 0)`. `x - lo` must fit.
pub fn at_least<P: Protocol>(p: &mut P, x: &P::Share, lo: i64) -> Result<P::Share, Abort> {
    let limit = |lo: i64| vec![lo.cast_unsigned(); P::len(x)];
    let above = p.relu(&p.add_public(x, &limit(lo.wrapping_neg())), 0, P::ring(x))?;
    Ok(p.add_public(&above, &limit(lo)))
}

/// `x` brought into `lo..=hi`, and how far it was above: `lo + max(x - lo, 0) - max(x - hi, 0)`. `x - lo` and `x - hi` must fit.
pub fn clip<P: Protocol>(p: &mut P, x: &P::Share, lo: i64, hi: i64) -> Result<(P::Share, P::Share), Abort> {
    let n = P::len(x);
    let less = |p: &P, limit: i64| p.add_public(x, &vec![limit.wrapping_neg().cast_unsigned(); n]);
    let both = P::concat(&[&less(p, lo), &less(p, hi)]);
    let over = p.relu(&both, 0, P::ring(x))?;
    let part = |from: usize| P::gather(&over, &(from * n..(from + 1) * n).collect::<Vec<_>>());
    let (from_lo, above) = (part(0), part(1));
    let clipped = p.add_public(&P::sub(&from_lo, &above), &vec![lo.cast_unsigned(); n]);
    Ok((clipped, above))
}

fn negative<P: Protocol>(x: &P::Share) -> P::Share {
    P::scale(x, u64::MAX)
}
