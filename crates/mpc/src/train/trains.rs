//! Protocols by which parties train: how a run begins and ends, what goes in, and what may leave.

use privet_ring::entropy::{Entropy, draw};

use crate::Abort;
use crate::ledger::Ledger;
use crate::protocols::protocol::Protocol;
use crate::protocols::replicated3::{Replicated, Replicated3, Sum};
use crate::protocols::replicated3_malicious::Malicious3;
use crate::session::{OutputShare, Session, no_randomness};
use crate::wiped::wipe;

/// A protocol whose shares outlive a session, as replicated ones.
pub trait Trains: Protocol {
    /// Whether every party's noise is sure to count.
    const TAKES_NOISE: bool;

    /// Begins a run: one round, in which the parties tell each other what they drew for it, so that no mask of another run comes again, though
    /// what they hold differs. The other value names this very run: the same at all parties, unless one of them cheats, and never again.
    fn begin(session: Session, entropy: &mut dyn Entropy) -> Result<(Self, [u8; 32]), Abort>;

    /// A share of what a party keeps, both of its components.
    fn share(x: Replicated) -> Self::Share;

    /// What a party keeps of a share.
    fn stored(x: &Self::Share) -> Replicated;

    /// Ends a run of which nothing leaves. Where a party may cheat, all that was computed is proven first: until then, nothing of it is to be
    /// kept.
    fn end(self) -> Result<Ledger, Abort>;

    /// Ends a run with k bits of each element for whoever may see them, masked anew; where a party may cheat, proven first.
    fn open(self, output: Self::Sum, k: u32) -> Result<OutputShare, Abort>;

    /// The sum of what each party gives, none of whom learns another's. Nothing where a party could leave its own out unseen.
    fn noise(&mut self, own: Vec<u64>, k: u32) -> Option<Self::Sum>;
}

impl Trains for Replicated3 {
    const TAKES_NOISE: bool = true;

    fn begin(mut session: Session, entropy: &mut dyn Entropy) -> Result<(Self, [u8; 32]), Abort> {
        let drawn = draw(entropy).map_err(|_| no_randomness())?;
        let run = session.step("begin", |s| s.renew(&drawn))?;
        Ok((Self::new(session), run))
    }

    fn share(x: Replicated) -> Replicated {
        x
    }

    fn stored(x: &Replicated) -> Replicated {
        x.clone()
    }

    fn end(self) -> Result<Ledger, Abort> {
        Ok(self.session.close())
    }

    fn open(self, output: Sum, k: u32) -> Result<OutputShare, Abort> {
        Ok(self.session.finish(output.into_output(), k))
    }

    fn noise(&mut self, mut own: Vec<u64>, k: u32) -> Option<Sum> {
        let mut z = self.session.step("noise", |s| s.zero_share(own.len()));
        z.iter_mut().zip(&own).for_each(|(z, own)| *z = z.wrapping_add(*own));
        wipe(&mut own);
        Some(Sum::Summed { k, z })
    }
}

impl Trains for Malicious3 {
    const TAKES_NOISE: bool = false;

    fn begin(session: Session, entropy: &mut dyn Entropy) -> Result<(Self, [u8; 32]), Abort> {
        Self::begin_named(session, entropy)
    }

    fn share(x: Replicated) -> Self::Share {
        (&x).into()
    }

    fn stored(x: &Self::Share) -> Replicated {
        x.into()
    }

    fn end(self) -> Result<Ledger, Abort> {
        self.close()
    }

    fn open(self, output: Self::Sum, k: u32) -> Result<OutputShare, Abort> {
        self.finish(output, k)
    }

    fn noise(&mut self, _: Vec<u64>, _: u32) -> Option<Self::Sum> {
        None
    }
}
