//! One party, and the round in which products become shares.
//!
//! A product is one summand from each party; `P_i` masks it by `r_i - r_{i+1}`, where `r_i` is drawn with P_{i-1}, and sends it to P_{i-1}
//! (Araki et al., CCS 2016). Where all know that `P_i` has no summand, nothing is sent: component i is `r_i` then and what was added,
//! which both holders know, and nobody draws `r_{i+1}`. Whatever a cheating party sends, it adds a number that it chose without
//! knowing any secret, as what it was told is masked by what it does not know. What was sent is proven before anything leaves
//! ([`super::proof`]).
//!
//! | what becomes a share | rounds | bits an element |
//! |---|---|---|
//! | shares | 0 | 0 |
//! | summands | 1 | k from each party that has any |

use std::mem::take;

use privet_ring::entropy::{Entropy, draw};
use privet_ring::pack::{pack, packed_len, unpack};

use crate::Abort;
use crate::ledger::Ledger;
use crate::role::{PARTIES, Role};
use crate::session::{Session, no_randomness};

use super::drawn::{BLOCK, Drawn};
use super::proof::{Record, Statement};
use super::share::{Components, Pair, Share};
use super::sum::{Sum, Summed};

/// One of three parties of which one may do anything, in a session.
pub struct Malicious3 {
    pub(super) session: Session,
    /// What is not proven yet.
    pub(super) record: Record,
}

impl Malicious3 {
    /// Begins: one round, in which the parties tell each other what each drew for this run. Keys and masks are new even where
    /// a request comes again, whatever a party did the last time.
    pub fn begin(session: Session, entropy: &mut dyn Entropy) -> Result<Self, Abort> {
        Self::begin_named(session, entropy).map(|(p, _)| p)
    }

    /// The same, with the run's name.
    pub(crate) fn begin_named(
        mut session: Session,
        entropy: &mut dyn Entropy,
    ) -> Result<(Self, [u8; 32]), Abort> {
        let drawn = draw(entropy).map_err(|_| no_randomness())?;
        let run = session.step("begin", |s| s.renew(&drawn))?;
        Ok((Self::of(session), run))
    }

    /// Ends without an answer, once all that was computed is proven.
    pub(crate) fn close(mut self) -> Result<Ledger, Abort> {
        self.step("end", Self::prove)?;
        Ok(self.session.close())
    }

    fn of(session: Session) -> Self {
        Self { session, record: Record::default() }
    }

    /// Which party this is.
    pub fn me(&self) -> Role {
        self.session.me()
    }

    /// Runs `body` one step deeper.
    pub(super) fn step<T>(&mut self, name: &str, body: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.session.descend(name);
        let result = body(self);
        self.session.ascend(outer);
        result
    }

    /// Lanes have records of their own, which count when they are joined.
    pub(super) fn lanes(&mut self, count: usize) -> Vec<Self> {
        self.session.fork(count).into_iter().map(Self::of).collect()
    }

    pub(super) fn joined(&mut self, lanes: Vec<Self>) {
        let mut sessions = Vec::new();
        for lane in lanes {
            self.record.append(lane.record);
            sessions.push(lane.session);
        }
        self.session.join(sessions);
    }

    /// What everyone knows: component 0.
    pub(super) fn known(&self, k: u32, values: Vec<u64>) -> Share {
        let both = Pair { own: values.clone(), next: values };
        self.of_component(&both, 0, k, |x| x)
    }

    /// One tensor as a share.
    pub(super) fn share(&mut self, x: impl Into<Sum>) -> Result<Share, Abort> {
        let mut shares = self.shares_of(vec![x.into()])?;
        Ok(shares.swap_remove(0))
    }

    /// Tensors as shares, all in one round; none if they are shares.
    pub(super) fn shares_of(&mut self, sums: Vec<Sum>) -> Result<Vec<Share>, Abort> {
        let outgoing = sums.into_iter().map(|sum| match sum {
            Sum::Shared(x) => Outgoing::Ready(x),
            Sum::Summed(x) => {
                let active = x.active();
                Outgoing::Sent(x, active)
            }
        });
        self.exchanged(outgoing.collect())
    }

    /// One after the other: where there is more than one, as a share.
    pub(super) fn side_by_side(&mut self, mut parts: Vec<Sum>) -> Result<Sum, Abort> {
        if parts.len() == 1 {
            return Ok(parts.swap_remove(0));
        }
        let parts = self.shares_of(parts)?;
        Ok(Share::concat(&parts.iter().collect::<Vec<_>>()).into())
    }

    /// The same tensor under masks that are nobody's but this one's, whatever it was before.
    pub(super) fn masked_anew(&mut self, x: Sum) -> Result<Share, Abort> {
        let outgoing = Outgoing::Sent(x.into_summed(), [true; PARTIES]);
        self.exchanged(vec![outgoing]).map(|mut shares| shares.swap_remove(0))
    }

    fn exchanged(&mut self, mut outgoing: Vec<Outgoing>) -> Result<Vec<Share>, Abort> {
        let me = self.me();
        let (mut message, mut length, mut speaks) = (Vec::new(), 0usize, false);
        let mut masks = Vec::new();
        for outgoing in &mut outgoing {
            let Outgoing::Sent(x, active) = outgoing else { continue };
            speaks |= active.contains(&true);
            masks.push(self.mask(&mut x.z, *active));
            if active[me.index()] {
                pack(x.k, &x.z, &mut message);
            }
            if active[me.next().index()] {
                length = length.saturating_add(packed_len(x.z.len(), x.k).unwrap_or(usize::MAX));
            }
        }
        let received =
            if speaks { self.session.pass(me.previous(), &message, me.next(), length)? } else { Vec::new() };
        let (mut at, mut masks) = (0, masks.into_iter());
        let mut shares = Vec::with_capacity(outgoing.len());
        for outgoing in outgoing {
            shares.push(match outgoing {
                Outgoing::Ready(x) => x,
                Outgoing::Sent(x, active) => {
                    let bytes = received.get(at..).unwrap_or_default();
                    if active[me.next().index()] {
                        at += packed_len(x.z.len(), x.k).unwrap_or(usize::MAX);
                    }
                    self.incoming(x, active, &masks.next().unwrap_or_default(), bytes)
                }
            });
        }
        if self.record.is_full() {
            self.prove()?;
        }
        Ok(shares)
    }

    /// Adds a share of zero; what was drawn for it.
    fn mask(&mut self, z: &mut [u64], active: Components) -> Pair {
        let me = self.me();
        let mut drawn = Pair::default();
        if !active.contains(&true) {
            return drawn;
        }
        let mut streams = Drawn::of(&mut self.session);
        for z in z.chunks_mut(BLOCK) {
            let block = streams.block(z.len());
            let masks = block.own.iter().zip(&block.next);
            for (z, (own, next)) in z.iter_mut().zip(masks) {
                let plus = if active[me.previous().index()] { *own } else { 0 };
                let minus = if active[me.index()] { *next } else { 0 };
                *z = z.wrapping_add(plus).wrapping_sub(minus);
            }
            drawn.extend(&block);
        }
        drawn
    }

    /// With the next party's part, and what is to be proven of it.
    fn incoming(&mut self, mut x: Summed, active: Components, drawn: &Pair, bytes: &[u8]) -> Share {
        let me = self.me();
        let [own, next, previous] = [me, me.next(), me.previous()].map(|role| active[role.index()]);
        let added = |i: usize| x.linear.as_ref().map_or(0, |l| l.value.next[i]);
        let known = |i: usize| added(i).wrapping_add(if own { drawn.next[i] } else { 0 });
        let mut of_next = vec![0; x.z.len()];
        let mut told = Vec::new();
        if next {
            unpack(x.k, bytes, 0, &mut of_next);
            told = of_next.iter().enumerate().map(|(i, z)| z.wrapping_sub(known(i))).collect();
        } else {
            of_next.iter_mut().enumerate().for_each(|(i, z)| *z = known(i));
        }
        let kept = x.linear.as_ref().map_or([false; PARTIES], |l| l.kept);
        let kept = Role::ALL
            .map(|role| kept[role.index()] || active[role.index()] || active[role.previous().index()]);
        let terms = take(&mut x.terms);
        if active.contains(&true) {
            let drawn = if previous { drawn.own.clone() } else { Vec::new() };
            self.record.push(Statement { k: x.k, n: x.z.len(), terms, active, told, drawn });
        }
        Share::of(x.k, Pair { own: take(&mut x.z), next: of_next }, kept)
    }
}

/// A tensor on its way.
enum Outgoing {
    Ready(Share),
    /// By those parties.
    Sent(Summed, Components),
}
