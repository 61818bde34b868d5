//! The client's side of [tickets](super::tickets): questions that are asked ahead, and rows that travel under what came of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use privet_he::packing::Packing;
use privet_model::tensor::Tensor;
use privet_ring::entropy::Entropy;
use privet_ring::pack::{pack, packed_len, unpack};
use privet_ring::prg::Seed;
use privet_ring::reduce;
use zeroize::Zeroizing;

use crate::caller::{Answer, Asked, Job, OPEN_AGAIN, Pending, Prepared};
use crate::error::Error;
use crate::he::caller::{AskedOf, HeCaller, answered, wrong};
use crate::he::tickets::{Taken, Tickets};
use crate::he::wire::{UnderTicket, digest};
use crate::oip::InferReply;

/// While it lives, nobody else prepares.
pub(super) struct Preparing(pub(super) Arc<HeCaller>);

impl Drop for Preparing {
    fn drop(&mut self) {
        self.0.preparing.store(false, Ordering::Release);
    }
}

/// Tickets that were asked for.
pub(super) struct TicketsPending {
    pub(super) preparing: Preparing,
    pub(super) asked: AskedOf,
    pub(super) packing: Packing,
    pub(super) rows: usize,
    pub(super) seed: Seed,
}

impl Prepared for TicketsPending {
    fn keep(self: Box<Self>, replies: Result<Vec<InferReply>, Error>) -> Result<(), Error> {
        let Self { preparing, asked, packing, rows, seed } = *self;
        let caller = &preparing.0;
        if replies.as_ref().is_err_and(|e| e.code == OPEN_AGAIN && !asked.brought_key) {
            caller.bring_key.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let sums = caller.opened(&asked, &packing, rows, replies?.first())?;
        caller.tickets.keep(Tickets::new(asked.ticket, seed, sums, caller.part.scores));
        Ok(())
    }
}

/// Rows that travel masked, as there are tickets for them: a call for each question that the tickets came with.
pub(super) fn under_tickets(
    caller: &Arc<HeCaller>,
    rows: &Arc<Vec<Tensor>>,
    tickets: Vec<Taken>,
) -> Vec<Box<dyn Job>> {
    let mut first = 0;
    let job = |ticket: Taken| {
        let (caller, rows) = (Arc::clone(caller), Arc::clone(rows));
        let job = TicketJob { caller, rows, first, ticket };
        first += job.ticket.rows();
        Box::new(job) as Box<dyn Job>
    };
    tickets.into_iter().map(job).collect()
}

struct TicketJob {
    caller: Arc<HeCaller>,
    rows: Arc<Vec<Tensor>>,
    /// Of its rows.
    first: usize,
    ticket: Taken,
}

impl Job for TicketJob {
    fn ask(self: Box<Self>, _: &mut dyn Entropy) -> Result<Asked, Error> {
        let Self { caller, rows, first, ticket } = *self;
        let count = ticket.rows();
        let bound = caller.part.head.bind(&rows)?;
        let columns = caller.encoder.columns();
        let mut masked = Zeroizing::new(vec![0; count * columns]);
        {
            let mut encode = caller.encode(&bound, first);
            for (row, out) in (0u32..).zip(masked.chunks_exact_mut(columns)) {
                encode(row as usize, out)?;
                ticket.mask(row, out);
            }
        }
        let mut packed = Vec::new();
        pack(caller.part.plan.k, &masked, &mut packed);
        let question = UnderTicket {
            rows: u32::try_from(count).map_err(|_| Error::usage("E106", "Too many rows in one call."))?,
            place: ticket.place,
            bundle: caller.bundle,
            ticket: ticket.digest,
            masked: packed.into(),
        };
        let head = question.head();
        let digest = digest(&head);
        let messages = vec![question.call(&caller.name, head)];
        let pending = TicketPending { caller, sums: ticket.sums, digest };
        Ok(Asked { messages, pending: Box::new(pending), again: None })
    }
}

struct TicketPending {
    caller: Arc<HeCaller>,
    sums: Zeroizing<Vec<u64>>,
    digest: [u8; 32],
}

impl Pending for TicketPending {
    fn answer(self: Box<Self>, replies: Vec<InferReply>) -> Result<Answer, Error> {
        let (rest, k) = (answered(replies.first(), &self.digest)?, self.caller.part.plan.k);
        if Some(rest.len()) != packed_len(self.sums.len(), k) {
            return Err(wrong("sent an answer of another length"));
        }
        let mut scores = Zeroizing::new(vec![0; self.sums.len()]);
        unpack(k, rest, 0, &mut scores);
        scores.iter_mut().zip(self.sums.iter()).for_each(|(y, sum)| *y = reduce(y.wrapping_add(*sum), k));
        self.caller.finished(&scores)
    }
}
