//! What tests ask of a protocol besides what programs do: how it begins, how shares go in, and how they come out.

use privet_mpc::Abort;
use privet_mpc::protocols::dealer2::Keys;
use privet_mpc::protocols::protocol::Protocol;
use privet_mpc::protocols::replicated3::{Bits, Comparisons, Gates, Replicated};
use privet_mpc::protocols::replicated3_malicious::{Malicious3, open};
use privet_mpc::request::combine;
use privet_mpc::role::PARTIES;
use privet_mpc::session::{OutputShare, Session};
use privet_mpc::world::World;
use privet_ring::reduce;

use super::{entropy, unpacked};

pub trait Party: Protocol {
    fn begin(session: Session) -> Result<Self, Abort>;
    fn all<T: Send>(
        world: &World,
        point: [u8; 32],
        party: impl Fn(Session) -> Result<T, Abort> + Sync,
    ) -> [Result<T, Abort>; PARTIES] {
        world.run(point, party)
    }
    fn share(x: &Replicated) -> Self::Share;
    fn bits(x: &Bits) -> Self::Bit;
    fn shown(x: &Self::Share) -> Replicated;
    fn shown_bits(x: &Self::Bit) -> Bits;
    fn answer(self, x: Self::Sum, k: u32) -> Result<OutputShare, Abort>;
    /// What the client gets, if it believes it.
    fn opened(answers: [&OutputShare; PARTIES], n: usize, k: u32) -> Option<Vec<u64>>;
}

impl<C: Comparisons> Party for Gates<C> {
    fn begin(session: Session) -> Result<Self, Abort> {
        Ok(Self::new(session))
    }

    /// With keys there is a dealer, who is ahead of the others.
    fn all<T: Send>(
        world: &World,
        point: [u8; 32],
        party: impl Fn(Session) -> Result<T, Abort> + Sync,
    ) -> [Result<T, Abort>; PARTIES] {
        let has_dealer = std::any::TypeId::of::<C>() == std::any::TypeId::of::<Keys>();
        if has_dealer { world.run_dealt(point, party) } else { world.run(point, party) }
    }

    fn share(x: &Replicated) -> Replicated {
        x.clone()
    }

    fn bits(x: &Bits) -> Bits {
        x.clone()
    }

    fn shown(x: &Replicated) -> Replicated {
        x.clone()
    }

    fn shown_bits(x: &Bits) -> Bits {
        x.clone()
    }

    fn answer(self, x: Self::Sum, k: u32) -> Result<OutputShare, Abort> {
        Ok(self.session.finish(x.into_output(), k))
    }

    fn opened(answers: [&OutputShare; PARTIES], n: usize, k: u32) -> Option<Vec<u64>> {
        let sums = combine(answers.map(|answer| unpacked(answer, k, n)));
        Some(sums.into_iter().map(|x| reduce(x, k)).collect())
    }
}

impl Party for Malicious3 {
    fn begin(session: Session) -> Result<Self, Abort> {
        let seed = session.me().index() as u64;
        Self::begin(session, &mut entropy(seed))
    }

    fn share(x: &Replicated) -> Self::Share {
        x.into()
    }

    fn bits(x: &Bits) -> Bits {
        x.clone()
    }

    fn shown(x: &Self::Share) -> Replicated {
        x.into()
    }

    fn shown_bits(x: &Bits) -> Bits {
        x.clone()
    }

    fn answer(self, x: Self::Sum, k: u32) -> Result<OutputShare, Abort> {
        self.finish(x, k)
    }

    fn opened(answers: [&OutputShare; PARTIES], n: usize, k: u32) -> Option<Vec<u64>> {
        open(answers.map(OutputShare::packed), n, k).ok()
    }
}
