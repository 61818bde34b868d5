//! The sign of x = a + b: msb(a) ⊕ msb(b) ⊕ the carry of the bits below.
//!
//! The low bits fall into blocks. P0 deals the unary code of each block of its a: the bits `a_j ≥ t` for all t > 0. P1 and P2
//! pick with their own `b_j`: the block generates a carry if `a_j` ≥ 2^s - `b_j`, and propagates one if `a_j` = 2^s - 1 - `b_j`, the difference of
//! two neighbours of the code. One sum of products of bits ([`super::bits`]) then gives the carry.
//!
//! The tree of generate and propagate is Kogge's and Stone's (1973); comparison by blocks that one party encodes is that of Rathee
//! et al.: `CrypTFlow2`, CCS 2020; here a dealer replaces oblivious transfer, and many factors at once (ABY2.0) the tree's depth.
//! Exact.
//!
//! Which blocks ([`blocks`]): up to 41 low bits, as many as make the fewest bits with the tree in one round; beyond, blocks of 4
//! and a tree of two rounds with 4 children to a node, as one round would take more than 80 bytes. With blocks of 4 everywhere a
//! ring of 32 bits would need 26 bytes and a round more.
//!
//! | ring | blocks | rounds from shares | bits an element, over all parties |
//! |---|---|---|---|
//! | 16 | 4 4 4 3 | 2 | 52 + 15 + 17 = 84 |
//! | 20 | 4 4 4 4 3 | 2 | 67 + 37 + 21 = 125 |
//! | 32 | 6 5 5 5 5 5 | 2 | 218 + 83 + 25 = 326 |
//! | 64 | 15 of 4, 3 | 3 | 232 + 94 + 81 = 407 |
//!
//! The three are the code, the products, and the rest: 2 for each generate, propagate, node and the result, and 1 for msb(a).
//! From summands, add one round and 2k bits.

use crate::Abort;
use crate::session::Session;

use super::P1;
use super::bits::{Bits, Sums};
use super::deal::{Dealt, deal, settle};
use super::form::Form;
use super::planes::{add_product, one_hot, planes, split, unary};
use super::view::View;

/// Children of a node where the tree has two rounds, and bits of a block.
const NARROW: u32 = 4;
/// Most low bits whose tree has one round.
const FLAT: u32 = 41;

/// Bits of each block for so many low bits, from the least.
pub fn blocks(low: u32) -> Vec<u32> {
    let into = |m: u32| (0..m).map(|j| low / m + u32::from(j < low % m)).collect::<Vec<_>>();
    if low > FLAT {
        return into(low.div_ceil(NARROW));
    }
    let cost = |sizes: &Vec<u32>| {
        let m = sizes.len();
        let code: u64 = sizes.iter().map(|s| (1 << s) - 1).sum();
        code + ((1 << (m - 1)) - m as u64) + ((1 << m) - 1 - m as u64) + 4 * m as u64
    };
    (1..=low.min(8)).map(into).min_by_key(cost).unwrap_or_default()
}

/// Whether x < 0.
pub(super) fn sign(session: &mut Session, view: &View) -> Result<Bits, Abort> {
    let (low, n, me) = (view.k - 1, view.half.len(), session.me());
    let sizes = blocks(low);
    let bits = planes(&view.half, view.k);
    let codes = sizes.iter().map(|s| (1 << s) - 1).sum::<usize>();
    let [code] = deal(session, [Form::Bits { planes: codes + 1, n }], || {
        let code = split(&bits, &sizes).flat_map(unary).flatten();
        [code.chain(bits[low as usize].iter().copied()).collect()]
    })?;
    let carry = carry(session, &code, &bits, &sizes, n)?;
    let of_b = Bits::of_common(me, n, bits[low as usize].clone());
    let of_both = code.into_bits(me).swap_remove(codes).xor(&of_b);
    Ok(carry.map_or_else(|| of_both.clone(), |carry| carry.xor(&of_both)))
}

/// The carry out of the blocks, if there are any.
fn carry(
    session: &mut Session,
    code: &Dealt,
    bits: &[Vec<u64>],
    sizes: &[u32],
    n: usize,
) -> Result<Option<Bits>, Abort> {
    let mut m = sizes.len();
    if m == 0 {
        return Ok(None);
    }
    let first = session.me() == P1;
    let [pairs] = settle(session, [Form::Bits { planes: 2 * m - 1, n }], || {
        [picked(code, split(bits, sizes), n, first)]
    })?;
    let mut factors = pairs.into_bits();
    let children = if sizes.iter().sum::<u32>() > FLAT { NARROW as usize } else { m };
    while m > 1 {
        factors = Sums { factors, products: level(m, children) }.evaluate(session)?;
        m = m.div_ceil(children);
    }
    Ok(factors.pop())
}

/// This party's summands: whether each block generates a carry, then whether each but the lowest propagates one.
fn picked<'a>(code: &Dealt, blocks: impl Iterator<Item = &'a [Vec<u64>]>, n: usize, first: bool) -> Vec<u64> {
    let words = n.div_ceil(64);
    let (mut generate, mut propagate, mut at) = (Vec::new(), Vec::new(), 0);
    for block in blocks {
        let one_hot = one_hot(block, n);
        let largest = one_hot.len() - 1;
        let (mut g, mut p) = (vec![0; words], vec![0; words]);
        for (v, of_b) in one_hot.iter().enumerate() {
            // a ≥ 2^s - v; and for the other, a ≥ 2^s - 1 - v as well.
            if v > 0 {
                let t = code.plane(at + largest - v);
                add_product(&mut g, of_b, t);
                add_product(&mut p, of_b, t);
            }
            if v < largest {
                add_product(&mut p, of_b, code.plane(at + largest - v - 1));
            } else if first {
                p.iter_mut().zip(of_b).for_each(|(p, of_b)| *p ^= of_b); // a ≥ 0
            }
        }
        if at > 0 {
            propagate.append(&mut p);
        }
        generate.append(&mut g);
        at += largest;
    }
    generate.append(&mut propagate);
    generate
}

/// A level of the tree over m blocks, whose factors are `G_0` … G_(m-1), `P_1` … P_(m-1): for each node of so many children
/// ⊕_j `G_j·Π`_(i>j) `P_i`, then for each but the lowest `Π_i` `P_i`.
fn level(m: usize, children: usize) -> Vec<Vec<u32>> {
    let nodes = || (0..m).step_by(children).map(|low| (low, m.min(low + children)));
    let all = |from: usize, to: usize| (from..to).fold(0, |set, i| set | 1u32 << (m + i - 1));
    let generate = nodes().map(|(low, high)| (low..high).map(|j| 1 << j | all(j + 1, high)).collect());
    let propagate = nodes().skip(1).map(|(low, high)| vec![all(low, high)]);
    generate.chain(propagate).collect()
}
