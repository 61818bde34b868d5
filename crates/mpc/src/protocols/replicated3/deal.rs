//! P0 deals what it knows; P1 and P2 settle what they computed with it. Every gate is these two.
//!
//! For a bilinear form `Σ_j` `u_j(a)·v_j(b)`, `u_j` known to P0 and `v_j` to both others: P0 deals each `u_j` = r + (`u_j` - r), where r is
//! drawn from the key that it shares with P1, and P2 gets the rest. P1 and P2 multiply their part by `v_j` and add up, which gives one
//! summand of the form each. To settle it, c0 is drawn by P0 and P2, c1 by P0 and P1, and P1 and P2 tell each other their
//! summand less the c that only they of the two know: the sum of both is c2. Modulo 2 it is the same with exclusive or.
//!
//! Chaudhari, Choudhury, Patra, Suresh: ASTRA, CCSW 2019 (P0 prepares, P1 and P2 evaluate).
//!
//! | step | rounds | bits, over all parties |
//! |---|---|---|
//! | deal | 0: P0 waits for nobody | those of u |
//! | settle | 1 | twice those of the result |

use std::mem::take;

use privet_ring::GROUP;

use crate::Abort;
use crate::role::Role;
use crate::session::Session;
use crate::wiped::wiped_on_drop;

use super::bits::Bits;
use super::form::Form;
use super::share::Replicated;
use super::{P0, P1, P2};

/// A tensor that P0 knows, shared between P1 and P2. Wiped on drop.
pub(in crate::protocols) struct Dealt {
    form: Form,
    /// The part of P1 at P1, that of P2 at P2 and at P0.
    pub(in crate::protocols) half: Vec<u64>,
    /// The part of P1, at P0.
    rest: Vec<u64>,
}

/// Summands as they are settled: `x_i` and `x_{i+1}`.
pub(in crate::protocols) struct Settled {
    form: Form,
    own: Vec<u64>,
    next: Vec<u64>,
}

privet_ring::not_shown!(Dealt, Settled);
wiped_on_drop!(Dealt: half, rest);

impl Dealt {
    /// It is a replicated sharing already, whose x2 is zero.
    pub(super) fn into_share(self, me: Role) -> Replicated {
        let Form::Ring { k, .. } = self.form else { unreachable!("bits are not dealt as integers") };
        let Settled { own, next, .. } = self.replicated(me);
        Replicated { k, own, next }
    }

    /// Likewise, by plane.
    pub(in crate::protocols) fn into_bits(self, me: Role) -> Vec<Bits> {
        self.replicated(me).into_bits()
    }

    fn replicated(mut self, me: Role) -> Settled {
        let (form, half, rest) = (self.form, take(&mut self.half), take(&mut self.rest));
        let zeros = || vec![0; form.words()];
        let (own, next) = match me {
            P0 => (half, rest),
            P1 => (half, zeros()),
            _ => (zeros(), half),
        };
        Settled { form, own, next }
    }

    /// Plane `index` of bits.
    pub(super) fn plane(&self, index: usize) -> &[u64] {
        let Form::Bits { n, .. } = self.form else { unreachable!("integers have no planes") };
        let words = n.div_ceil(64);
        &self.half[index * words..][..words]
    }
}

impl Settled {
    pub(in crate::protocols) fn into_share(self) -> Replicated {
        let Form::Ring { k, .. } = self.form else { unreachable!("bits are not settled as integers") };
        Replicated { k, own: self.own, next: self.next }
    }

    /// By plane.
    pub(in crate::protocols) fn into_bits(self) -> Vec<Bits> {
        let Form::Bits { planes, n } = self.form else { unreachable!("integers have no planes") };
        let words = n.div_ceil(64);
        let plane = |x: &[u64], at: usize| x[at * words..][..words].to_vec();
        (0..planes).map(|at| Bits { n, own: plane(&self.own, at), next: plane(&self.next, at) }).collect()
    }
}

/// Elements for which to deal at a time where each needs many words, so that memory is bounded: whole groups on the wire.
pub(super) fn at_once(words: usize) -> usize {
    ((1 << 20) / words.max(1)).next_multiple_of(GROUP)
}

/// P0 deals what `values` gives it, a tensor of each form, all in one message to P2.
pub(in crate::protocols) fn deal<const N: usize>(
    session: &mut Session,
    forms: [Form; N],
    values: impl FnOnce() -> [Vec<u64>; N],
) -> Result<[Dealt; N], Abort> {
    let of_p1 = forms.map(|form| session.common(P0, P1, form.words()).unwrap_or_default());
    match session.me() {
        P0 => deal_as_p0(session, forms, values(), of_p1),
        P1 => Ok(zipped(forms, of_p1, |form, half| Dealt { form, half, rest: Vec::new() })),
        _ => {
            let bytes = session.take(P0, forms.iter().map(|form| form.bytes()).sum())?;
            let mut at = 0;
            Ok(forms.map(|form| {
                let half = form.read(bytes.get(at..).unwrap_or_default());
                at += form.bytes();
                Dealt { form, half, rest: Vec::new() }
            }))
        }
    }
}

/// P0 tells both others what `values` gives it, a tensor of each form. P0 itself gets it back.
pub(in crate::protocols) fn publish<const N: usize>(
    session: &mut Session,
    forms: [Form; N],
    values: impl FnOnce() -> [Vec<u64>; N],
) -> Result<[Vec<u64>; N], Abort> {
    if session.me() == P0 {
        let (values, mut message) = (values(), Vec::new());
        forms.iter().zip(&values).for_each(|(form, values)| form.write(values, &mut message));
        session.give(P1, &message)?;
        session.give(P2, &message)?;
        return Ok(values);
    }
    let bytes = session.take(P0, forms.iter().map(|form| form.bytes()).sum())?;
    let mut at = 0;
    Ok(forms.map(|form| {
        let values = form.read(bytes.get(at..).unwrap_or_default());
        at += form.bytes();
        values
    }))
}

fn deal_as_p0<const N: usize>(
    session: &mut Session,
    forms: [Form; N],
    values: [Vec<u64>; N],
    of_p1: [Vec<u64>; N],
) -> Result<[Dealt; N], Abort> {
    let mut message = Vec::new();
    let dealt = zipped(forms, values, |form, half| (form, half));
    let dealt = zipped(dealt, of_p1, |(form, mut half), rest| {
        debug_assert_eq!(half.len(), rest.len(), "P0 deals another length than it said");
        form.minus(&mut half, &rest);
        form.write(&half, &mut message);
        Dealt { form, half, rest }
    });
    session.give(P2, &message)?;
    Ok(dealt)
}

/// What `summands` gives P1 and P2, a tensor of each form, becomes shares.
pub(in crate::protocols) fn settle<const N: usize>(
    session: &mut Session,
    forms: [Form; N],
    summands: impl FnOnce() -> [Vec<u64>; N],
) -> Result<[Settled; N], Abort> {
    let c0 = forms.map(|form| session.common(P0, P2, form.words()).unwrap_or_default());
    let c1 = forms.map(|form| session.common(P0, P1, form.words()).unwrap_or_default());
    let (peer, masks) = match session.me() {
        P0 => {
            let shares = zipped(forms, c0, |form, own| (form, own));
            return Ok(zipped(shares, c1, |(form, own), next| Settled { form, own, next }));
        }
        P1 => (P2, c1),
        _ => (P1, c0),
    };
    let mut message = Vec::new();
    let mut c2 = summands();
    for ((form, c2), mask) in forms.iter().zip(&mut c2).zip(&masks) {
        debug_assert_eq!(c2.len(), mask.len(), "a summand of another length than was said");
        form.minus(c2, mask);
        form.write(c2, &mut message);
    }
    let bytes = session.exchange(peer, &message, peer, forms.iter().map(|form| form.bytes()).sum())?;
    let mut at = 0;
    for (form, c2) in forms.iter().zip(&mut c2) {
        form.plus(c2, &form.read(bytes.get(at..).unwrap_or_default()));
        at += form.bytes();
    }
    let shares = zipped(forms, masks, |form, mask| (form, mask));
    let first = peer == P2;
    Ok(zipped(shares, c2, |(form, mask), c2| {
        if first { Settled { form, own: mask, next: c2 } } else { Settled { form, own: c2, next: mask } }
    }))
}

/// `f` of each pair.
fn zipped<A, B, C, const N: usize>(a: [A; N], b: [B; N], mut f: impl FnMut(A, B) -> C) -> [C; N] {
    let mut b = b.into_iter();
    a.map(|a| match b.next() {
        Some(b) => f(a, b),
        None => unreachable!("both have N"),
    })
}
