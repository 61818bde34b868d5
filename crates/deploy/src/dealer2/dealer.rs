//! The dealer: it computes its part of the protocol for tickets that servers order, and keeps nothing that a restart would miss.
//!
//! It sees no row and no answer: its shares are random, and so is what it computes with them. Each tape follows from the epoch and the
//! ticket's number, so that both servers' halves fit whichever asks first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use privet_mpc::commitment::{Statement, of_seed};
use privet_mpc::correlated::PairKeys;
use privet_mpc::request::{Held, Layout, PartyRequest};
use privet_mpc::role::Role;
use privet_mpc::session::Session;
use privet_mpc::tape::Recording;
use privet_ring::entropy::{Entropy, draw};
use zeroize::Zeroizing;

use super::epoch::{Epoch, Nonce, TicketId, with_dealer};
use super::kept::Kept;
use super::pool::Bytes;
use super::wire::{Dealt, HEAD, Order, TAPES};
use crate::bundle::{PartySecret, PublicBundle, another_bundle, no_entropy};
use crate::error::{Blame, Error};
use crate::mpc::{aborted, metadata};
use crate::oip::{Host, InferReply, InferRequest, Metadata, RawTensor, TensorMetadata};
use crate::work::Work;
use privet_mpc::protocols::dealer2::Keys;

/// The dealer.
pub struct DealerHost {
    layout: Layout,
    work: Work,
    keys: PairKeys,
    nonce: Nonce,
    state: Mutex<State>,
    metadata: Metadata,
}

#[derive(Default)]
struct State {
    /// Of the servers that came.
    servers: [Option<Nonce>; 2],
    kept: Kept,
}

impl DealerHost {
    /// The dealer of a bundle, with its share of the model's mask and the keys that it agreed on with the servers.
    pub fn new(
        bundle: &PublicBundle,
        secret: PartySecret,
        keys: PairKeys,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Error> {
        let (layout, part, me) = (bundle.layout()?, bundle.mpc()?, Role::ALL[0]);
        let work = Work::new(part, &layout, me, secret)?;
        let outputs = vec![TensorMetadata { name: TAPES.into(), datatype: "UINT8".into(), shape: vec![-1] }];
        let metadata = Metadata { outputs, ..metadata(bundle, part, me) };
        let nonce = draw(entropy).map_err(no_entropy)?;
        Ok(Self { layout, work, keys, nonce, state: Mutex::default(), metadata })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, server: u8) -> Option<&[u8; 32]> {
        let server = Role::new(server.into()).filter(|role| role.index() > 0)?;
        Some(with_dealer(Role::ALL[0], server, &self.keys))
    }

    /// The epoch, as far as both servers have come.
    fn introduced(&self, order: &Order, state: &mut State) -> Result<Epoch, Error> {
        let (own, other) = (usize::from(order.server) - 1, 2 - usize::from(order.server));
        if state.servers[own] != Some(order.nonce) {
            state.servers[own] = Some(order.nonce);
            state.kept = Kept::default();
        }
        if let [Some(one), Some(two)] = state.servers {
            return Ok(Epoch { dealer: self.nonce, servers: [one, two] });
        }
        let what = format!("Party {} has not come to the dealer yet; start it, or wait.", other + 1);
        Err(Error::new(Blame::Unreachable, "E347", what))
    }

    /// P0's part of a computation on rows that nobody has yet. What it would answer goes to P2 at the end of its tape.
    fn tapes(&self, ticket: &TicketId) -> Result<[Bytes; 2], Error> {
        let me = Role::ALL[0];
        let keys = ticket.keys(me, &self.keys, &[0; 32]);
        let seeds = [ticket.seed(&keys.with_previous), ticket.seed(&keys.with_next)];
        let Layout { bundle, protect, .. } = self.layout;
        let commitments = [of_seed(&seeds[0]), of_seed(&seeds[1]), [0; 32]];
        let statement = Statement { bundle, protect, rows: ticket.rows, chunk: 0, commitments };
        let held = seeds.into_iter().map(Held::Seed).take(protect.components(me).len()).collect();
        let recording = Recording::default();
        let session = Session::new(me, recording.links(), keys, ticket.point());
        let computed = self.work.run::<Keys>(session, &self.layout, PartyRequest { statement, held });
        let share = computed.map_err(aborted)?.finish(self.layout.answer_bits);
        // A recorder takes everything.
        let _ = recording.links().previous.send("answer", share.packed());
        Ok(recording.tapes().map(|tape| Zeroizing::new(tape.to_bytes())))
    }
}

impl Host for DealerHost {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// It computes for long, and for both servers in turn.
    fn waits(&self) -> bool {
        true
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        let head = request.inputs.iter().find(|raw| raw.name == HEAD);
        let (order, seal) = Order::open(head.map_or(&[], |raw| &raw.data), |server| self.key(server))?;
        if order.bundle != self.layout.bundle {
            return Err(another_bundle("dealer", &self.layout.bundle, &order.bundle));
        }
        let most = self.layout.chunk_rows();
        if order.count > 0 && !(1..=most).contains(&(order.rows as usize)) {
            let what = format!("A tape is for 1 to {most} rows; one for {} was ordered.", order.rows);
            return Err(Error::usage("E332", what));
        }
        let mut state = self.state();
        let epoch = self.introduced(&order, &mut state)?;
        let server = Role::new(order.server.into()).unwrap_or(Role::ALL[1]);
        let (rows, epoch_id) = (order.rows, epoch.id());
        let tapes = state.kept.order((server, rows, order.first), order.count, |number| {
            self.tapes(&TicketId { epoch: epoch_id, rows, number })
        })?;
        drop(state);
        let key = self.key(order.server).unwrap_or(&self.keys.with_next);
        let reply = Dealt { epoch, tapes }.seal(key, &seal);
        Ok(InferReply {
            id: request.id,
            parameters: Vec::new(),
            outputs: vec![RawTensor::bytes(TAPES, reply)],
        })
    }
}
