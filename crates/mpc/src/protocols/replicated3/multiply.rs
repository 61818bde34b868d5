//! Products: any bilinear map of two tensors, local, as one summand from each party.
//!
//! ABY3 (Mohassel, Rindal, CCS 2018): `z_i = x_i·y_i + x_i·y_{i+1} + x_{i+1}·y_i + α_i`, here as two products,
//! `x_i·(y_i + y_{i+1}) + x_{i+1}·y_i`. Where one side is known to all (`protect`), the product of each summand with it is a
//! share again, so that what follows saves the round that opens b. Exact.
//!
//! | operation | rounds | bits an element, over all parties |
//! |---|---|---|
//! | product of any kind | 0 | 0 |
//! | [`reshare`] of a product of shares | 1 | 3k |
//! | [`multiply`], ABY3's own step | 1 | 3k, and every party waits |

use privet_ring::kernels::add_products;
use privet_ring::pack::{pack, packed_len, unpack};

use crate::Abort;
use crate::protocols::protocol::{Matrices, Operand};
use crate::session::Session;

use super::share::{Replicated, Sum};
use super::truncate::rescale;

/// Element by element product. `P_i` sends `z_i` to `P_{i-1}`.
pub fn multiply(session: &mut Session, x: &Replicated, y: &Replicated) -> Result<Replicated, Abort> {
    let k = x.k;
    let z =
        bilinear(session, Operand::Secret(x), Operand::Secret(y), k, x.own.len(), elements).into_summands();
    let me = session.me();
    let mut message = Vec::new();
    pack(k, &z, &mut message);
    let length = packed_len(z.len(), k).unwrap_or(usize::MAX);
    let received = session.exchange(me.previous(), &message, me.next(), length)?;
    let mut next = vec![0; z.len()];
    unpack(k, &received, 0, &mut next);
    Ok(Replicated { k, own: z, next })
}

/// The same tensor as a share.
pub(super) fn reshare(session: &mut Session, x: Sum) -> Result<Replicated, Abort> {
    match x.into_share() {
        Ok(x) => Ok(x),
        Err(x) => {
            let k = x.ring();
            rescale(session, x, 0, k)
        }
    }
}

/// `add(x, y, out)` adds a bilinear map of x and y to `out`, of so many elements.
pub(super) fn bilinear(
    session: &mut Session,
    x: Operand<'_, Replicated>,
    y: Operand<'_, Replicated>,
    k: u32,
    elements: usize,
    add: impl Fn(&[u64], &[u64], &mut [u64]),
) -> Sum {
    let of = |x: &[u64], y: &[u64]| {
        let mut out = vec![0; elements];
        add(x, y, &mut out);
        out
    };
    match (x, y) {
        (Operand::Secret(x), Operand::Secret(y)) => {
            debug_assert_eq!((x.k, y.k), (k, k), "another ring");
            let both: Vec<u64> = y.own.iter().zip(&y.next).map(|(a, b)| a.wrapping_add(*b)).collect();
            let mut z = session.zero_share(elements);
            add(&x.own, &both, &mut z);
            add(&x.next, &y.own, &mut z);
            Sum::Summed { k, z }
        }
        (Operand::Secret(x), Operand::Public(y)) => Sum::Shared(x.map(k, |x| of(x, y))),
        (Operand::Public(x), Operand::Secret(y)) => Sum::Shared(y.map(k, |y| of(x, y))),
        (Operand::Public(x), Operand::Public(y)) => {
            Sum::Shared(Replicated::public(session.me(), k, of(x, y)))
        }
    }
}

/// By element.
pub(in crate::protocols) fn elements(x: &[u64], y: &[u64], out: &mut [u64]) {
    for ((x, y), out) in x.iter().zip(y).zip(out) {
        *out = out.wrapping_add(x.wrapping_mul(*y));
    }
}

/// Inner products of `length` neighbours.
pub(in crate::protocols) fn rows(length: usize) -> impl Fn(&[u64], &[u64], &mut [u64]) {
    move |x, y, out| {
        let pairs = x.chunks_exact(length.max(1)).zip(y.chunks_exact(length.max(1)));
        for ((x, y), out) in pairs.zip(out) {
            add_products(x, y, std::slice::from_mut(out));
        }
    }
}

/// Rows of x that stay in the cache while all rows of w pass.
const BLOCK: usize = 16;

/// x times the transpose of w.
pub(in crate::protocols) fn matrices(shape: Matrices) -> impl Fn(&[u64], &[u64], &mut [u64]) {
    let Matrices { inner, columns, .. } = shape;
    move |x, w, out| {
        let mut sums = [0; BLOCK];
        for (x, out) in x.chunks((BLOCK * inner).max(1)).zip(out.chunks_mut((BLOCK * columns).max(1))) {
            let rows = out.len() / columns.max(1);
            for (column, w) in w.chunks_exact(inner.max(1)).enumerate() {
                sums[..rows].fill(0);
                add_products(x, w, &mut sums[..rows]);
                for (row, sum) in sums[..rows].iter().enumerate() {
                    let out = &mut out[row * columns + column];
                    *out = out.wrapping_add(*sum);
                }
            }
        }
    }
}
