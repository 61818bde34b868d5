//! max(x / 2^drop, 0) in a ring of any size, all in one: truncation, sign, product with it, extension.
//!
//! The free truncation ([`super::view`]) leaves x' = a + b - w·2^k' in the ring 2^k', k' = k - drop. With the bit
//! s = [x' ≥ 0] = m + λ·(1 - 2m) the carry w counts only where x' ≥ 0, and there it is 1 - na·nb, as in [`super::truncate`]:
//!
//! s·x' = s·(A + b + 2^k'·na·nb) with A = a - 2^k',
//! so P0 deals A, λ·A, λ, na and λ·na. Rathee et al.: `CrypTFlow2`, CCS 2020, for the fused form with two parties; the expansion is
//! ASTRA's (CCSW 2019).
//!
//! | | |
//! |---|---|
//! | range | \|x\| < 2^(k-1) - 2^drop |
//! | error | below 1 unit of the result, none with drop = 0 |
//!
//! With t = ring - k' bits of the carry (if that is positive), and besides the sign in the ring 2^k' ([`super::compare`], 2 or 3
//! rounds from shares, and opening):
//!
//! | rounds | bits an element, over all parties |
//! |---|---|
//! | 1 | 5·ring + 2t |

use crate::Abort;
use crate::session::Session;

use super::bits::Bits;
use super::compare::sign;
use super::deal::{Dealt, deal, settle};
use super::form::Form;
use super::select::{sign_of, unpacked};
use super::share::{Replicated, Sum};
use super::truncate::{not_msb, products};
use super::view::View;

/// max(x / 2^drop, 0) in the ring 2^ring.
pub(super) fn relu(session: &mut Session, x: Sum, drop: u32, ring: u32) -> Result<Replicated, Abort> {
    let view = View::open(session, x)?.narrow(session, drop);
    let positive = sign(session, &view)?.not(session.me());
    if ring <= view.k {
        selected(session, &positive, &view, ring)
    } else {
        extended(session, &positive, &view, ring)
    }
}

/// bit·x, where x fits the ring: no carry.
fn selected(session: &mut Session, bit: &Bits, view: &View, ring: u32) -> Result<Replicated, Abort> {
    let s = unpacked(session, bit);
    let form = Form::Ring { k: ring, n: bit.n };
    let dealt = deal(session, [form; 3], || [view.half.clone(), products(&s, &view.half), s.clone()])?;
    let [term] = settle(session, [form], || {
        [(0..bit.n).map(|i| linear_part(&dealt, s[i], view.half[i], i)).collect()]
    })?;
    Ok(with_common(session, &term.into_share(), &s, &view.half))
}

/// bit·x with the carry put back.
fn extended(session: &mut Session, bit: &Bits, view: &View, ring: u32) -> Result<Replicated, Abort> {
    let s = unpacked(session, bit);
    let n = not_msb(view);
    let (form, carry) = (Form::Ring { k: ring, n: bit.n }, Form::Ring { k: ring - view.k, n: bit.n });
    let [a, lambda_a, lambda, of_n, lambda_n] = deal(session, [form, form, form, carry, carry], || {
        let a: Vec<u64> = view.half.iter().map(|a| a.wrapping_sub(1 << view.k)).collect();
        let lambda_a = products(&s, &a);
        [a, lambda_a, s.clone(), n.clone(), products(&s, &n)]
    })?;
    let dealt = [a, lambda_a, lambda];
    let [term] = settle(session, [form], || {
        let one = |i: usize| {
            let both =
                s[i].wrapping_mul(of_n.half[i]).wrapping_add(sign_of(s[i]).wrapping_mul(lambda_n.half[i]));
            linear_part(&dealt, s[i], view.half[i], i).wrapping_add(n[i].wrapping_mul(both) << view.k)
        };
        [(0..bit.n).map(one).collect()]
    })?;
    Ok(with_common(session, &term.into_share(), &s, &view.half))
}

/// This party's part of m·A + (1 - 2m)·(λA + b·λ).
fn linear_part([a, lambda_a, lambda]: &[Dealt; 3], m: u64, b: u64, i: usize) -> u64 {
    let mixed = lambda_a.half[i].wrapping_add(b.wrapping_mul(lambda.half[i]));
    m.wrapping_mul(a.half[i]).wrapping_add(sign_of(m).wrapping_mul(mixed))
}

/// And m·b, which both know.
fn with_common(session: &Session, term: &Replicated, m: &[u64], b: &[u64]) -> Replicated {
    term.plus(&Replicated::of_common(session.me(), term.k, products(m, b)))
}
