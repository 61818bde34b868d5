//! A shared bit as an integer, and a choice by it.
//!
//! The bit is s = λ ⊕ m = m + λ·(1 - 2m), where P0 knows λ and the others know m. So s is one bilinear term and a part that
//! both others know; and for x = a + b, s·x = m·a + m·b + (1 - 2m)·(λ·a) + (1 - 2m)·b·λ. Of a, P1 and P2 hold the parts x1 and x0
//! already. The conversion is that of ABY3 (CCS 2018) with a dealer (ASTRA, CCSW 2019). Exact.
//!
//! | gate | rounds | bits an element, over all parties |
//! |---|---|---|
//! | bit to the ring 2^k | 1 | 3k |
//! | bit·x | 1 | 4k |

use crate::Abort;
use crate::session::Session;

use super::P1;
use super::bits::{self, Bits};
use super::deal::{deal, settle};
use super::form::Form;
use super::share::Replicated;
use super::truncate::products;

/// λ at P0, m at the others: an integer to each bit.
pub(super) fn unpacked(session: &Session, bit: &Bits) -> Vec<u64> {
    bits::bits(&bit.half(session.me()), bit.n).collect()
}

/// 1 - 2m.
pub(super) fn sign_of(m: u64) -> u64 {
    1u64.wrapping_sub(m << 1)
}

/// 0 or 1 in the ring 2^k.
pub(super) fn bit_to_arith(session: &mut Session, bit: &Bits, k: u32) -> Result<Replicated, Abort> {
    let half = unpacked(session, bit);
    let form = Form::Ring { k, n: bit.n };
    let [lambda] = deal(session, [form], || [half.clone()])?;
    let [term] = settle(session, [form], || {
        [lambda.half.iter().zip(&half).map(|(l, m)| l.wrapping_mul(sign_of(*m))).collect()]
    })?;
    Ok(term.into_share().plus(&Replicated::of_common(session.me(), k, half)))
}

/// x where the bit is set, else 0.
pub(super) fn select(session: &mut Session, bit: &Bits, x: &Replicated) -> Result<Replicated, Abort> {
    debug_assert_eq!(bit.n, x.own.len(), "another length");
    let me = session.me();
    let (half, x_half) = (unpacked(session, bit), x.half(me));
    let form = Form::Ring { k: x.k, n: bit.n };
    let [lambda, lambda_a] = deal(session, [form, form], || [half.clone(), products(&half, &x_half)])?;
    let of_a = if me == P1 { &x.own } else { &x.next };
    let [term] = settle(session, [form], || {
        let one = |i: usize| {
            let (m, b) = (half[i], x_half[i]);
            let mixed = lambda_a.half[i].wrapping_add(b.wrapping_mul(lambda.half[i]));
            m.wrapping_mul(of_a[i]).wrapping_add(sign_of(m).wrapping_mul(mixed))
        };
        [(0..bit.n).map(one).collect()]
    })?;
    Ok(term.into_share().plus(&Replicated::of_common(me, x.k, products(&half, &x_half))))
}
