//! The check: every tensor with its MAC, x and m, must have m = ρ·x, or nothing leaves.
//!
//! For each tensor that was sent, coefficients α are drawn that are shared like everything else and that nobody ever knows:
//! u = Σ α·m and v = Σ α·x are inner products of shares, so that a party adds its summands up as it goes and keeps nothing
//! else. At the end u and v are shared, then T = u - ρ·v, and the two parties that are honest compare hashes of what T = 0
//! makes equal. Chida, Genkin, Hamada, Ikarashi, Kikuchi, Lindell, Nof: Fast large-scale honest-majority MPC for malicious
//! adversaries, CRYPTO 2018, whose coefficients are shared likewise; over rings: Abspoel, Dalskov, Escudero, Nof, ACNS 2021.
//!
//! **Rings.** A tensor of the ring 2^k has k+s bits; its part of T is scaled up by 2^(128-k-s), so that all rings meet in 2^128.
//! A MAC is right modulo 2^(k+s) if and only if what is scaled up is right modulo 2^128.
//!
//! **Soundness.** A cheating party adds d to a value and e to its MAC when it sends, and knows nothing of ρ and α then. Let the
//! first tensor, in the order of computing, to get a d that is not 0 modulo 2^k be off by ε = e - ρ·d: of products of factors that
//! are off by themselves, e and d have more terms, but d stays the same modulo 2^k, and neither depends on ρ. With 2^t the
//! largest power of 2 that divides d, t < k, ρ·d is uniform among the multiples of 2^t, so that 2^v divides ε with
//! probability at most 2^(t-v). The coefficient is uniform whatever the rest is, so that α·ε cancels the rest modulo 2^(k+s)
//! with probability at most 2^(v-k-s). Together at most `Σ_v` 2^(t-v)·2^(v-k-s) ≤ (s+2)·2^-(s+1), by t ≤ k-1, over v from t to
//! k+s: with s = 47 that is 2^-42.4, for the whole computation and not for each tensor.
//!
//! **What a failure tells.** ε of a product is ε of its factor times the other one, plus e - ρ·d. So all ε together generate the
//! ideal that the e - ρ·d generate, which depends on no secret but ρ; T without what was added last is uniform in it. So
//! whether T = 0, and T itself, tell nothing but about ρ, which is not used again.
//!
//! | | |
//! |---|---|
//! | rounds | 3 |
//! | bytes from each party | 32, 16, and twice 32 |

use std::slice;

use crate::Abort;
use crate::session::Session;
use crate::wiped::wipe;

use super::drawn::{BLOCK, Drawn};
use super::party::Malicious3;
use super::share::Pair;
use super::word::{SECURITY, Word};

/// This party's summands of u and v so far.
#[derive(Default)]
pub(super) struct Totals {
    u: u128,
    v: u128,
}

impl Drop for Totals {
    fn drop(&mut self) {
        wipe(slice::from_mut(&mut self.u));
        wipe(slice::from_mut(&mut self.v));
    }
}

impl Totals {
    /// Those of a lane.
    pub(super) fn add(&mut self, other: &Self) {
        self.u = self.u.plus(other.u);
        self.v = self.v.plus(other.v);
    }

    /// Takes a tensor into the check.
    pub(super) fn take<W: Word>(&mut self, session: &mut Session, k: u32, value: &Pair<W>, mac: &Pair<W>) {
        let mut alphas = Drawn::of(session);
        let (mut u, mut v) = (W::default(), W::default());
        let parts = value.own.chunks(BLOCK).zip(value.next.chunks(BLOCK));
        let macs = mac.own.chunks(BLOCK).zip(mac.next.chunks(BLOCK));
        for (value, mac) in parts.zip(macs) {
            let alphas = alphas.block::<W>(value.0.len());
            u = u.plus(combined(&alphas, mac));
            v = v.plus(combined(&alphas, value));
        }
        let scale = u128::BITS - SECURITY - k;
        self.u = self.u.plus(u.wide().up(scale));
        self.v = self.v.plus(v.wide().up(scale));
    }
}

/// This party's summand of Σ α·x.
fn combined<W: Word>(alphas: &Pair<W>, (own, next): (&[W], &[W])) -> W {
    let alphas = alphas.own.iter().zip(&alphas.next);
    alphas.zip(own.iter().zip(next)).fold(W::default(), |sum, ((a, b), (&own, &next))| {
        sum.plus(a.times(own.plus(next))).plus(b.times(own))
    })
}

impl Malicious3 {
    /// That no tensor so far was sent other than it was computed.
    pub(super) fn verify(&mut self) -> Result<(), Abort> {
        let sums = [self.totals.u, self.totals.v];
        self.totals = Totals::default();
        let both = self.revealed_to_two(sums.to_vec())?;
        let part = |at: usize| Pair { own: vec![both.own[at]], next: vec![both.next[at]] };
        let of_v = self.rho.summand(&part(1))[0];
        let t = self.revealed_to_two(vec![both.own[0].minus(of_v)])?;
        // T = 0 if and only if this is the component that a party does not hold, and both others do.
        let expected = digest(0u128.minus(t.own[0]).minus(t.next[0]));
        let [previous, next] = self.session.exchange_both(expected.as_bytes())?;
        // Both are compared whatever the first says; hashes compare in constant time.
        let right = [is(&previous, t.next[0]), is(&next, t.own[0])];
        if right == [true; 2] { Ok(()) } else { Err(cheated()) }
    }

    /// Summands of 128 bits as shares, masked; for the check itself, so without MACs.
    fn revealed_to_two(&mut self, mut own: Vec<u128>) -> Result<Pair<u128>, Abort> {
        self.mask(&mut own);
        let (me, mut message) = (self.me(), Vec::new());
        u128::write(u128::BITS, &own, &mut message);
        let received = self.session.exchange(me.previous(), &message, me.next(), message.len())?;
        let next = u128::read(u128::BITS, &received, own.len());
        Ok(Pair { own, next })
    }
}

fn digest(component: u128) -> blake3::Hash {
    blake3::Hasher::new_derive_key("privet 2026 replicated3-malicious check")
        .update(&component.to_le_bytes())
        .finalize()
}

fn is(told: &[u8], component: u128) -> bool {
    blake3::Hash::from_slice(told).is_ok_and(|told| told == digest(component))
}

fn cheated() -> Abort {
    Abort::Cheated(
        "One of the three parties cheated: what was computed failed its check, and was discarded.".into(),
    )
}
