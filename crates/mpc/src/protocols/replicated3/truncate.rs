//! x / 2^drop as a share in a ring of any size: truncation, and extension with `drop` = 0.
//!
//! With 2^(k-2) added, 0 ≤ x < 2^(k-1), so that a + b = x + w·2^k where the carry is w = msb(a) ∨ msb(b) = 1 - na·nb, n. being
//! the other bit: the known sign of Cheetah (Huang, Lu, Hong, Ding, USENIX Security 2022) and `CrypTFlow2` (Rathee et al., CCS
//! 2020), for the three parties of ABY3 (CCS 2018), whose own truncation fails with some probability; this one never does.
//!
//! x / 2^drop = a / 2^drop + b / 2^drop - w·2^(k-drop) + 1, where the 1 centres the two remainders.
//!
//! | | |
//! |---|---|
//! | range | -2^(k-2) ≤ x < 2^(k-2); where ring ≤ k - drop, no carry counts and \|x\| < 2^(k-1) - 2^drop is enough |
//! | error | -1 < result - x/2^drop ≤ 1; none with drop = 0 |
//!
//! With t = ring + drop - k bits of the carry (if that is positive):
//!
//! | from | rounds | bits an element, over all parties |
//! |---|---|---|
//! | shares | 1 if t > 0 | ring + 3t |
//! | summands | 1, and 1 if t > 0 | 2k + ring + 3t |

use crate::Abort;
use crate::session::Session;

use super::P0;
use super::deal::{deal, settle};
use super::form::Form;
use super::share::{Replicated, Sum};
use super::view::View;

/// x / 2^drop in the ring 2^ring.
pub(super) fn rescale(session: &mut Session, x: Sum, drop: u32, ring: u32) -> Result<Replicated, Abort> {
    let mut view = View::open(session, x)?;
    let k = view.k;
    if ring + drop <= k {
        return narrowed(session, &view, drop, ring);
    }
    debug_assert!(drop + 2 <= k && ring <= 64, "{drop} bits of {k}");
    let offset = 1 << (k - 2);
    if session.me() == P0 {
        view.half.iter_mut().for_each(|a| *a = privet_ring::reduce(a.wrapping_add(offset), k));
    }
    let constant = u64::from(drop > 0).wrapping_sub(offset >> drop).wrapping_sub(1 << (k - drop));
    let not_carried = not_msb(&view);
    let n = view.half.len();
    let carry = Form::Ring { k: ring + drop - k, n };
    let [high, na] = deal(session, [Form::Ring { k: ring, n }, carry], || {
        let high = view.half.iter().map(|a| (a >> drop).wrapping_add(constant)).collect();
        [high, not_carried.clone()]
    })?;
    let [both] = settle(session, [carry], || [products(&na.half, &not_carried)])?;
    let low = view.half.iter().map(|b| b >> drop).collect();
    let me = session.me();
    let both = both.into_share().in_ring(ring).times(1 << (k - drop));
    Ok(high.into_share(me).plus(&Replicated::of_common(me, ring, low)).plus(&both))
}

/// Where the carry stands above the ring.
fn narrowed(session: &mut Session, view: &View, drop: u32, ring: u32) -> Result<Replicated, Abort> {
    let centre = u64::from(drop > 0);
    let n = view.half.len();
    let [high] = deal(session, [Form::Ring { k: ring, n }], || {
        [view.half.iter().map(|a| (a >> drop).wrapping_add(centre)).collect()]
    })?;
    let low = view.half.iter().map(|b| b >> drop).collect();
    let me = session.me();
    Ok(high.into_share(me).plus(&Replicated::of_common(me, ring, low)))
}

/// 1 where the highest bit is 0.
pub(super) fn not_msb(view: &View) -> Vec<u64> {
    view.half.iter().map(|x| x >> (view.k - 1) ^ 1).collect()
}

/// Element by element.
pub(super) fn products(x: &[u64], y: &[u64]) -> Vec<u64> {
    x.iter().zip(y).map(|(x, y)| x.wrapping_mul(*y)).collect()
}
