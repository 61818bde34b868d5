//! Tables over a small ring 2^s, s ≤ 8: P0 deals which of 2^s its a is, the others pick with their b.
//!
//! table[a + b] = `Σ_i` [a = i]·table[i + b]. The one-hot is that of Chaudhari et al.'s dealer (ASTRA, CCSW 2019) for one-hot
//! look-ups as Ishai, Kushilevitz, Meldgaard, Orlandi, Paskin-Cherniavsky (TCC 2013) deal them. For zero one bit is picked, so
//! that bits are dealt and not integers: a thirtieth of it in a ring of 32 bits. Exact.
//!
//! | gate | rounds from shares | bits an element, over all parties |
//! |---|---|---|
//! | table of elements of the ring 2^k | 1 | (2^s + 2)·k |
//! | equal to zero | 1 | 2^s + 2 |

use crate::Abort;
use crate::session::Session;

use super::bits::Bits;
use super::deal::{at_once, deal, settle};
use super::form::Form;
use super::planes::{add_product, one_hot, planes};
use super::share::{Replicated, Sum};
use super::view::View;

/// table[x], in the ring 2^k.
pub(super) fn lookup(session: &mut Session, x: Sum, table: &[u64], k: u32) -> Result<Replicated, Abort> {
    let view = View::open(session, x)?;
    debug_assert_eq!(Some(table.len()), 1usize.checked_shl(view.k), "an element for each of the ring");
    let mut summands = Vec::with_capacity(view.half.len());
    for half in view.half.chunks(at_once(table.len())) {
        summands.extend(picked(session, half, table, k)?);
    }
    let [value] = settle(session, [Form::Ring { k, n: view.half.len() }], || [summands])?;
    Ok(value.into_share())
}

/// This party's summands of the sum over i of `[a = i]·table[i + b]`.
fn picked(session: &mut Session, half: &[u64], table: &[u64], k: u32) -> Result<Vec<u64>, Abort> {
    let all = || 0..table.len() as u64;
    let [dealt] = deal(session, [Form::Ring { k, n: half.len() * table.len() }], || {
        [half.iter().flat_map(|&a| all().map(move |i| u64::from(i == a))).collect()]
    })?;
    let one = |(dealt, &of_both): (&[u64], &u64)| {
        let (before, from) = table.split_at(usize::try_from(of_both).unwrap_or(0));
        let rotated = from.iter().chain(before);
        dealt.iter().zip(rotated).fold(0u64, |sum, (u, v)| sum.wrapping_add(u.wrapping_mul(*v)))
    };
    Ok(dealt.half.chunks_exact(table.len().max(1)).zip(half).map(one).collect())
}

/// Whether x = 0.
pub(super) fn is_zero(session: &mut Session, x: Sum) -> Result<Bits, Abort> {
    let view = View::open(session, x)?;
    debug_assert!(view.k <= 8, "at most 8 bits");
    let (n, all) = (view.half.len(), 1 << view.k);
    let code = one_hot(&planes(&view.half, view.k), n);
    let [dealt] = deal(session, [Form::Bits { planes: all, n }], || [code.concat()])?;
    let [zero] = settle(session, [Form::Bits { planes: 1, n }], || {
        let mut zero = vec![0; n.div_ceil(64)];
        for (b, of_b) in code.iter().enumerate() {
            add_product(&mut zero, of_b, dealt.plane((all - b) % all));
        }
        [zero]
    })?;
    Ok(zero.into_bits().swap_remove(0))
}
