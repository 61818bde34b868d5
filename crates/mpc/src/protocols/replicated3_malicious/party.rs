//! One party: ρ, and the round in which products become shares.
//!
//! A product is one summand from each party; `P_i` masks it by a share of zero and sends it to P_{i-1} (Araki et al., CCS 2016),
//! and likewise the summand of its MAC, ρ·(x·y) = (ρ·x)·y. A tensor without a MAC gets it in the same round, as the product
//! with ρ. Whatever a cheating party sends, it adds to a product a number that it chose without knowing ρ or any secret: the
//! mask of what it was told is unknown to it. What was sent enters the check at once ([`super::check`]), and is not kept.
//!
//! | what becomes a share with MAC | rounds | bits an element, over all parties |
//! |---|---|---|
//! | shares without MAC | 1 | 3(k+s) |
//! | summands | 1 | 6(k+s) |

use std::mem::take;

use zeroize::{Zeroize, ZeroizeOnDrop};

use privet_ring::entropy::{Entropy, draw};

use crate::Abort;
use crate::role::Role;
use crate::session::Session;

use super::check::Totals;
use super::drawn::{BLOCK, Drawn};
use super::share::{Pair, Shared};
use super::sum::{Sum, Summed};
use super::word::{SECURITY, Word, wire_len};

/// One of three parties of which one may do anything, in a session.
pub struct Malicious3 {
    pub(super) session: Session,
    pub(super) rho: Rho,
    pub(super) totals: Totals,
    /// Why a step that cannot say so failed; the next that can does.
    failed: Option<Abort>,
}

/// `ρ_i` and `ρ_{i+1}`. Wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Rho {
    own: u128,
    next: u128,
}

impl Rho {
    /// This party's summand of ρ·x.
    pub(super) fn summand<W: Word>(&self, x: &Pair<W>) -> Vec<W> {
        let (own, next) = (W::low(self.own), W::low(self.next));
        let one = |(&a, &b): (&W, &W)| own.times(a.plus(b)).plus(next.times(a));
        x.own.iter().zip(&x.next).map(one).collect()
    }

    /// Shares of ρ·x for an x that everyone knows.
    pub(super) fn times_known<W: Word>(&self, x: &[W]) -> Pair<W> {
        let times = |rho: u128| x.iter().map(|x| x.times(W::low(rho))).collect();
        Pair { own: times(self.own), next: times(self.next) }
    }
}

impl Malicious3 {
    /// Begins: one round, in which the parties tell each other what each drew for this run. Keys, masks and ρ are new even where
    /// a request comes again, whatever a party did the last time.
    pub fn begin(mut session: Session, entropy: &mut dyn Entropy) -> Result<Self, Abort> {
        let drawn =
            draw(entropy).map_err(|_| Abort::Busy("This party has no randomness. Ask again.".into()))?;
        session.step("begin", |s| s.renew(&drawn))?;
        let drawn = session.step("rho", |s| Drawn::of(s).block::<u128>(1));
        let rho = Rho { own: drawn.own[0], next: drawn.next[0] };
        Ok(Self { session, rho, totals: Totals::default(), failed: None })
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

    /// Lanes have totals of their own, which count when they are joined.
    pub(super) fn lanes(&mut self, count: usize) -> Vec<Self> {
        let lane = |session| Self { session, rho: self.rho.clone(), totals: Totals::default(), failed: None };
        self.session.fork(count).into_iter().map(lane).collect()
    }

    pub(super) fn joined(&mut self, lanes: Vec<Self>) {
        let mut sessions = Vec::new();
        for lane in lanes {
            self.totals.add(&lane.totals);
            self.failed = take(&mut self.failed).or(lane.failed);
            sessions.push(lane.session);
        }
        self.session.join(sessions);
    }

    /// What everyone knows, with its MAC.
    pub(super) fn known<W: Word>(&self, k: u32, values: Vec<W>) -> Shared<W> {
        let mac = Some(self.rho.times_known(&values));
        let value = Pair { own: values.clone(), next: values }.component(self.me(), 0);
        Shared { k, value, mac }
    }

    /// The same tensor, with a MAC, where there is no way to say that it failed: that comes with the next round.
    pub(super) fn with_mac<W: Word>(&mut self, x: &Shared<W>) -> Shared<W> {
        if x.mac.is_some() {
            return x.clone();
        }
        self.share(x).unwrap_or_else(|abort| {
            self.failed.get_or_insert(abort);
            Shared { mac: Some(Pair::zeros(x.len())), ..x.clone() }
        })
    }

    /// As components, with or without a MAC.
    pub(super) fn components<W: Word>(&mut self, x: Sum<W>) -> Result<Shared<W>, Abort> {
        match x {
            Sum::Shared(x) => Ok(x),
            x @ Sum::Summed(_) => self.share(x),
        }
    }

    /// One tensor as a share with a MAC.
    pub(super) fn share<W: Word>(&mut self, x: impl Into<Sum<W>>) -> Result<Shared<W>, Abort> {
        self.shares([x.into()]).map(|[x]| x)
    }

    /// Tensors as shares with MACs, all in one round; none if they have them.
    pub(super) fn shares<W: Word, const N: usize>(
        &mut self,
        sums: [Sum<W>; N],
    ) -> Result<[Shared<W>; N], Abort> {
        let shares: Result<[Shared<W>; N], _> = self.shares_of(sums.into())?.try_into();
        Ok(shares.unwrap_or_else(|_| unreachable!("a share of each")))
    }

    /// The same, of any number of tensors.
    pub(super) fn shares_of<W: Word>(&mut self, sums: Vec<Sum<W>>) -> Result<Vec<Shared<W>>, Abort> {
        if let Some(abort) = &self.failed {
            return Err(abort.clone());
        }
        let mut message = Vec::new();
        let outgoing: Vec<Outgoing<W>> =
            sums.into_iter().map(|sum| self.outgoing(sum, &mut message)).collect();
        let length: usize = outgoing.iter().map(Outgoing::len).sum();
        debug_assert_eq!(length, message.len(), "what is sent is as long as what is expected");
        let received = if length == 0 {
            Vec::new()
        } else {
            let me = self.me();
            self.session.exchange(me.previous(), &message, me.next(), length)?
        };
        let mut at = 0;
        let incoming = |outgoing: Outgoing<W>| {
            let bytes = received.get(at..).unwrap_or_default();
            at += outgoing.len();
            self.incoming(outgoing, bytes)
        };
        Ok(outgoing.into_iter().map(incoming).collect())
    }

    /// Masks what is to be sent, and writes it.
    fn outgoing<W: Word>(&mut self, sum: Sum<W>, message: &mut Vec<u8>) -> Outgoing<W> {
        match sum {
            Sum::Shared(x) if x.mac.is_some() => Outgoing::Ready(x),
            Sum::Shared(x) => {
                let mut m = self.rho.summand(&x.value);
                self.mask(&mut m);
                W::write(x.k + SECURITY, &m, message);
                Outgoing::Mac(x, m)
            }
            Sum::Summed(mut x) => {
                if let Some(plain) = x.plain.take() {
                    let more = self.rho.summand(&plain);
                    x.m.iter_mut().zip(more).for_each(|(m, more)| *m = m.plus(more));
                }
                for words in [&mut x.z, &mut x.m] {
                    self.mask(words);
                    W::write(x.k + SECURITY, words, message);
                }
                Outgoing::Both(x)
            }
        }
    }

    /// Reads the next party's part, and takes the tensor into the check.
    fn incoming<W: Word>(&mut self, outgoing: Outgoing<W>, bytes: &[u8]) -> Shared<W> {
        let length = outgoing.len();
        let (value, mac, k) = match outgoing {
            Outgoing::Ready(x) => return x,
            Outgoing::Mac(x, own) => {
                let next = W::read(x.k + SECURITY, bytes, own.len());
                (x.value, Pair { own, next }, x.k)
            }
            Outgoing::Both(mut x) => {
                let (bits, n) = (x.k + SECURITY, x.z.len());
                let (first, second) = bytes.split_at(bytes.len().min(length / 2));
                let value = Pair { own: take(&mut x.z), next: W::read(bits, first, n) };
                (value, Pair { own: take(&mut x.m), next: W::read(bits, second, n) }, x.k)
            }
        };
        self.totals.take(&mut self.session, k, &value, &mac);
        Shared { k, value, mac: Some(mac) }
    }

    /// Adds a share of zero.
    pub(super) fn mask<W: Word>(&mut self, words: &mut [W]) {
        let mut drawn = Drawn::of(&mut self.session);
        for words in words.chunks_mut(BLOCK) {
            let zeros = drawn.block::<W>(words.len());
            let zeros = zeros.own.iter().zip(&zeros.next);
            words.iter_mut().zip(zeros).for_each(|(x, (own, next))| *x = x.plus(*own).minus(*next));
        }
    }
}

/// A tensor on its way.
enum Outgoing<W: Word> {
    /// It has its MAC.
    Ready(Shared<W>),
    /// The summand of its MAC was sent.
    Mac(Shared<W>, Vec<W>),
    /// Both summands were sent.
    Both(Summed<W>),
}

impl<W: Word> Outgoing<W> {
    /// Bytes.
    fn len(&self) -> usize {
        match self {
            Self::Ready(_) => 0,
            Self::Mac(x, m) => wire_len(m.len(), x.k + SECURITY),
            Self::Both(x) => 2 * wire_len(x.z.len(), x.k + SECURITY),
        }
    }
}
