//! Comparisons by function secret sharing: the dealer knows the mask a, the servers b, so that x = a + b is compared by a function of a that
//! is shared with them by a key ([`fss`](crate::fss)) and that each evaluates at a point which follows from b, without a message.
//!
//! With N = 2^k and c the carry of the bits below the highest:
//!
//! | gate | function | key |
//! |---|---|---|
//! | sign as a bit | msb(a) ⊕ msb(b) ⊕ c, c = `[a_low > N/2 - 1 - b_low]` | point of k - 1 bits, and a bit |
//! | sign in the ring 2^r | σ ⊕ c for σ = msb(a), as σ + c·(1 - 2σ), then ⊕ msb(b) | comparison of k - 1 bits of one word, and σ |
//! | max(x, 0) in the ring 2^r | interval containment, below | comparison of k bits of two words, and a |
//!
//! max(x, 0): x ≥ 0 where a lies in the interval of N/2 elements from N - b on, modulo N (Boyle et al., EUROCRYPT 2021, figure 3). What of it
//! lies at N - b and above is there with a carry, so that x = a + b - N; what lies below N/2 - b, where b < N/2, is there without, and
//! x = a + b. The key's value is (1, a), so both parts are sums of what its shares say at two points, and the ring may be of any size.
//!
//! All are one round from shares: the servers [settle](crate::protocols::replicated3) their summands. Bits dealt for an element, over both servers:
//!
//! | gate | bits |
//! |---|---|
//! | sign as a bit, k > 8 | 2·128·(k - 7) + 1 |
//! | sign in the ring 2^r | 2·((k - 1)·129 + k·r) + r |
//! | max(x, 0), k' = k - drop | 2·(k'·129 + 2(k' + 1)·r) + r |

use crate::Abort;
use crate::fss::comparison::{self, Corrections, lengths};
use crate::fss::hash::Hash;
use crate::fss::point;
use crate::fss::{Roots, Side};
use crate::protocols::replicated3::bits::packed;
use crate::protocols::replicated3::deal::{deal, publish, settle};
use crate::protocols::replicated3::form::Form;
use crate::protocols::replicated3::{Bits, Comparisons, P0, P1, P2, Replicated, Sum, View};
use crate::session::Session;
use privet_ring::reduce;

/// By keys of shared functions.
pub struct Keys;

impl Comparisons for Keys {
    fn sign(session: &mut Session, view: &View) -> Result<Bits, Abort> {
        sign(session, view)
    }

    fn relu(session: &mut Session, x: Sum, drop: u32, ring: u32) -> Result<Replicated, Abort> {
        let view = View::open(session, x)?.narrow(session, drop);
        relu(session, &view, ring)
    }

    fn negative(session: &mut Session, x: Sum, ring: u32) -> Result<Replicated, Abort> {
        let view = View::open(session, x)?;
        negative(session, &view, ring)
    }
}

fn sign(session: &mut Session, view: &View) -> Result<Bits, Abort> {
    let (low, n, me) = (view.k - 1, view.half.len(), session.me());
    let plane = || packed(view.half.iter().map(|x| x >> low));
    let form = Form::Bits { planes: 1, n };
    let [msb] = deal(session, [form], || [plane()])?;
    let of_a = msb.into_bits(me).swap_remove(0);
    let of_both = of_a.xor(&Bits::of_common(me, n, plane()));
    if low == 0 {
        return Ok(of_both);
    }
    let beyond = carries(session, view)?;
    let [carry] = settle(session, [form], || [packed(beyond.iter().map(|&bit| bit.into()))])?;
    Ok(carry.into_bits().swap_remove(0).xor(&of_both))
}

/// This server's shares of the carries, as bits; nothing at the dealer.
fn carries(session: &mut Session, view: &View) -> Result<Vec<bool>, Abort> {
    let (bits, me) = (view.k - 1, session.me());
    let hash = Hash::new(&session.public_bytes());
    let roots = roots(session, view.half.len());
    let lows: Vec<u64> = view.half.iter().map(|x| reduce(*x, bits)).collect();
    let form = Form::Ring { k: 64, n: point::Corrections::words(bits, lows.len()) };
    let [dealt] = publish(session, [form], || {
        [with_both(&roots, |r| point::deal(&hash, bits, &lows, r).into_words())]
    })?;
    let Some((side, roots)) = own(roots) else { return Ok(Vec::new()) };
    let key = point::Keys::new(bits, roots, point::Corrections::from_words(&dealt));
    let limits: Vec<u64> = lows.iter().map(|b| reduce(!b, bits)).collect();
    // a > limit is the opposite of a ≤ limit, which one server says.
    let flip = side == Side::Zero;
    debug_assert_ne!(me, P0);
    Ok(key.up_to(&hash, &limits).into_iter().map(|bit| bit ^ flip).collect())
}

fn negative(session: &mut Session, view: &View, ring: u32) -> Result<Replicated, Abort> {
    let (bits, n, me) = (view.k - 1, view.half.len(), session.me());
    let form = Form::Ring { k: ring, n };
    let msb = || view.half.iter().map(|x| x >> bits).collect::<Vec<_>>();
    let [sigma] = deal(session, [form], || [msb()])?;
    let betas = |a: &u64| [1u64.wrapping_sub(a >> bits << 1)];
    let limits = |b: u64| [reduce(!b, bits)];
    let shares = if bits == 0 { [vec![[0]; n]] } else { below(session, view, bits, ring, betas, limits)? };
    let [term] = settle(session, [form], || {
        // u·(1 - 2·msb(b)), u = σ ⊕ c.
        let one = |((s, [c]), b): ((&u64, &[u64; 1]), &u64)| {
            s.wrapping_add(*c).wrapping_mul(1u64.wrapping_sub(b >> bits << 1))
        };
        [sigma.half.iter().zip(&shares[0]).zip(&view.half).map(one).collect()]
    })?;
    Ok(term.into_share().plus(&Replicated::of_common(me, ring, msb())))
}

fn relu(session: &mut Session, view: &View, ring: u32) -> Result<Replicated, Abort> {
    let (k, n) = (view.k, view.half.len());
    let form = Form::Ring { k: ring, n };
    let [masks] = deal(session, [form], || [view.half.clone()])?;
    let half = 1u64 << (k - 1);
    // The interval's ends, less one: N/2 - b - 1 and N - b - 1, modulo N.
    let limits = |b: u64| {
        [half.wrapping_sub(b).wrapping_sub(1), b.wrapping_neg().wrapping_sub(1)].map(|x| reduce(x, k))
    };
    let shares = below(session, view, k, ring, |&a| [1, a], limits)?;
    // One of the servers adds what is public.
    let first = session.me() == P1;
    let [term] = settle(session, [form], || {
        let one = |i: usize| {
            summand(k, view.half[i], u64::from(first), masks.half[i], [shares[0][i], shares[1][i]])
        };
        [(0..n).map(one).collect()]
    })?;
    Ok(term.into_share())
}

/// A server's summand of max(a + b, 0), from its shares of 1 and of a, and of (1, a) where a is above each of the two points.
fn summand(k: u32, b: u64, one: u64, a: u64, [above_half, above_end]: [[u64; 2]; 2]) -> u64 {
    let minus = |x: [u64; 2], y: [u64; 2]| [x[0].wrapping_sub(y[0]), x[1].wrapping_sub(y[1])];
    let (without, with) = if b >> (k - 1) == 0 {
        (minus([one, a], above_half), above_end)
    } else {
        ([0, 0], minus(above_end, above_half))
    };
    // 2^64 is zero in any ring.
    let b_carried = b.wrapping_sub(1u64.checked_shl(k).unwrap_or(0));
    let sum = without[1].wrapping_add(b.wrapping_mul(without[0]));
    sum.wrapping_add(with[1]).wrapping_add(b_carried.wrapping_mul(with[0]))
}

/// A server's shares of `betas(a)` where the number from `limits(b)` is below the lowest `bits` of a, for each of M numbers; at the dealer nothing.
fn below<const W: usize, const M: usize>(
    session: &mut Session,
    view: &View,
    bits: u32,
    ring: u32,
    betas: impl Fn(&u64) -> [u64; W],
    limits: impl Fn(u64) -> [u64; M],
) -> Result<[Vec<[u64; W]>; M], Abort> {
    let n = view.half.len();
    let hash = Hash::new(&session.public_bytes());
    let roots = roots(session, n);
    let [seeds, controls, values] = lengths::<W>(bits, n);
    let forms =
        [Form::Ring { k: 64, n: seeds }, Form::Ring { k: 1, n: controls }, Form::Ring { k: ring, n: values }];
    let dealt = publish(session, forms, || {
        let alphas: Vec<u64> = view.half.iter().map(|a| reduce(*a, bits)).collect();
        let betas: Vec<[u64; W]> = view.half.iter().map(betas).collect();
        with_both(&roots, |roots| comparison::deal(&hash, bits, &alphas, &betas, roots).into_words())
    })?;
    let Some((side, roots)) = own(roots) else { return Ok([const { Vec::new() }; M]) };
    let key = comparison::Keys::new(bits, side, roots, Corrections::from_words(n, &dealt));
    let of = |m: usize| view.half.iter().map(|&b| limits(b)[m]).collect::<Vec<_>>();
    Ok(std::array::from_fn(|m| key.below(&hash, &of(m))))
}

/// Of P1, which is side zero, and of P2: a server has its own, the dealer both.
type AllRoots = [Option<Roots>; 2];

fn roots(session: &mut Session, n: usize) -> AllRoots {
    let mut of = |side: Side, server| session.common(P0, server, 2 * n).map(|words| Roots::new(side, &words));
    [of(Side::Zero, P1), of(Side::One, P2)]
}

/// As the dealer, who has both.
fn with_both<T>(roots: &AllRoots, deal: impl FnOnce([&Roots; 2]) -> T) -> T {
    let [Some(zero), Some(one)] = roots else { unreachable!("only the dealer deals") };
    deal([zero, one])
}

/// A server's side and roots.
fn own(roots: AllRoots) -> Option<(Side, Roots)> {
    match roots {
        [Some(zero), None] => Some((Side::Zero, zero)),
        [None, Some(one)] => Some((Side::One, one)),
        _ => None,
    }
}
