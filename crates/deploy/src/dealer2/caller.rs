//! The client of two servers: tickets are asked for when there are none, and a few ahead; then rows travel masked by what a ticket's seeds
//! expand to.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use privet_model::encode::Encoder;
use privet_model::graph::Port;
use privet_model::tensor::Tensor;
use privet_mpc::request::{Held, Layout, Request, Split};
use privet_mpc::role::Role;
use privet_ring::block_rows;
use privet_ring::entropy::{Entropy, draw};
use privet_ring::pack::{packed_len, unpack};
use privet_ring::prg::Seed;
use zeroize::Zeroizing;

use super::epoch::{EpochId, TicketId};
use super::server::MOST_TICKETS;
use super::sizes;
use super::wire::{Ask, BODY, Compute, HEAD, TICKETS, read_tickets};
use crate::bundle::{MpcPart, PublicBundle, no_entropy};
use crate::caller::{
    Answer, Asked, Between, Caller, Job, Opened, Opening, Pending, Preparation, Prepared, check_rows,
};
use crate::error::Error;
use crate::mpc::{ASSURANCE, BYTES_BETWEEN, BYTES_DEALT, ROUNDS_BETWEEN, counted, packed_answer};
use crate::oip::{InferReply, InferRequest, RawTensor};

/// Tickets of a size that are asked for ahead, once the size was asked for more than once.
const AHEAD: u32 = 16;

/// The client.
pub struct DealtCaller {
    name: String,
    outputs: Vec<Port>,
    part: MpcPart,
    layout: Layout,
    encoder: Encoder,
    tickets: Mutex<BTreeMap<u32, Purse>>,
    preparing: AtomicBool,
}

/// A ticket, and what came with it from each server.
struct HeldTicket {
    ticket: TicketId,
    token: [u8; 32],
    /// x0, which P2 gave, and x1, which P1 gave.
    seeds: [Seed; 2],
}

/// Tickets for so many rows.
#[derive(Default)]
struct Purse {
    held: VecDeque<HeldTicket>,
    /// Jobs that wait for one.
    waiting: u32,
    /// Jobs so far.
    asked: u64,
    /// Wanted ahead, whatever was asked so far.
    wanted: u32,
}

impl Purse {
    /// How many to keep.
    fn ahead(&self) -> u32 {
        if self.asked > 1 { self.wanted.max(AHEAD) } else { self.wanted }
    }

    fn is_short(&self) -> bool {
        self.held.len() < self.ahead().div_ceil(2) as usize
    }
}

impl DealtCaller {
    /// For the deployment that this public half of a bundle describes.
    pub fn new(bundle: &PublicBundle) -> Result<Arc<Self>, Error> {
        let part = bundle.mpc()?.clone();
        let encoder = part.numbers.encoder();
        let (name, outputs) = (bundle.manifest().name.clone(), bundle.manifest().outputs.clone());
        let (tickets, preparing) = (Mutex::default(), AtomicBool::new(false));
        Ok(Arc::new(Self { name, outputs, layout: bundle.layout()?, encoder, part, tickets, preparing }))
    }

    fn tickets(&self) -> MutexGuard<'_, BTreeMap<u32, Purse>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One message to each server.
    fn ask(
        &self,
        rows: u32,
        count: u32,
        entropy: &mut dyn Entropy,
    ) -> Result<(Ask, Vec<InferRequest>), Error> {
        let nonce = draw(entropy).map_err(no_entropy)?;
        let ask = Ask { rows, count: count.clamp(1, MOST_TICKETS), bundle: self.layout.bundle, nonce };
        let message = |server| self.call(vec![RawTensor::bytes(HEAD, ask.head(server))]);
        let messages = vec![message(1), message(2)];
        Ok((ask, messages))
    }

    fn call(&self, inputs: Vec<RawTensor>) -> InferRequest {
        InferRequest { model: self.name.clone(), inputs, ..InferRequest::default() }
    }

    /// Keeps the tickets that both servers gave.
    fn keep(&self, ask: &Ask, replies: &[InferReply]) -> Result<(), Error> {
        let wrong = |what: &str| Error::integrity("E511", format!("The servers {what}. Nothing was sent."));
        let read = |reply: &InferReply| {
            let raw = reply.outputs.iter().find(|raw| raw.name == TICKETS)?;
            read_tickets(&raw.data, ask.count as usize)
        };
        let [one, two] = replies else { return Err(wrong("did not both answer")) };
        let (Some((epoch, first, one)), Some((epoch_2, first_2, two))) = (read(one), read(two)) else {
            return Err(wrong("did not send the tickets that were asked for"));
        };
        if (epoch, first, one.len()) != (epoch_2, first_2, two.len()) {
            return Err(wrong("gave different tickets"));
        }
        let mut tickets = self.tickets();
        let purse = tickets.entry(ask.rows).or_default();
        for (number, (one, two)) in (first..).zip(one.into_iter().zip(two)) {
            if one.token != two.token {
                return Err(wrong("gave different tickets"));
            }
            let ticket = TicketId { epoch, rows: ask.rows, number };
            purse.held.push_back(HeldTicket { ticket, token: one.token, seeds: [two.seed, one.seed] });
        }
        Ok(())
    }
}

impl Caller for Arc<DealtCaller> {
    fn inputs(&self) -> &[Port] {
        &self.part.head.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn bound(&self) -> Option<f64> {
        Some(self.part.numbers.bound())
    }

    fn assurance(&self) -> &'static str {
        ASSURANCE
    }

    fn missing(&self, entropy: &mut dyn Entropy) -> Result<Option<Opening>, Error> {
        let short =
            |purse: &Purse| purse.waiting.saturating_sub(u32::try_from(purse.held.len()).unwrap_or(u32::MAX));
        let wanted = self.tickets().iter().map(|(&rows, purse)| (rows, short(purse))).find(|(_, n)| *n > 0);
        let Some((rows, count)) = wanted else { return Ok(None) };
        let (ask, messages) = self.ask(rows, count, entropy)?;
        Ok(Some(Opening { messages, pending: Box::new(TicketsPending { caller: Arc::clone(self), ask }) }))
    }

    fn prepare_ahead(&self, rows: usize) {
        let mut tickets = self.tickets();
        for (_, size) in sizes(rows, self.layout.chunk_rows()) {
            if let Ok(size) = u32::try_from(size) {
                let purse = tickets.entry(size).or_default();
                purse.wanted = purse.wanted.max(AHEAD);
            }
        }
    }

    fn is_short(&self) -> bool {
        self.tickets().values().any(Purse::is_short)
    }

    fn preparation(&self, entropy: &mut dyn Entropy) -> Result<Option<Preparation>, Error> {
        if self.preparing.swap(true, Ordering::Acquire) {
            return Ok(None);
        }
        // From here on, whatever happens, another one may prepare once this is dropped.
        let preparing = Preparing(Arc::clone(self));
        let short = self
            .tickets()
            .iter()
            .find(|(_, purse)| purse.is_short())
            .map(|(&rows, purse)| (rows, purse.ahead() - u32::try_from(purse.held.len()).unwrap_or(0)));
        let Some((rows, count)) = short else { return Ok(None) };
        let (ask, messages) = self.ask(rows, count, entropy)?;
        Ok(Some(Preparation { messages, pending: Box::new(AheadPending { preparing, ask }) }))
    }

    fn jobs(&self, rows: Arc<Vec<Tensor>>, _: &mut dyn Entropy) -> Result<Vec<Box<dyn Job>>, Error> {
        let count = self.part.head.bind(&rows)?.len();
        let sizes = sizes(count, self.layout.chunk_rows());
        if sizes.len() > 1 {
            check_rows(&self.part.head, &self.encoder, &rows)?;
        }
        let mut tickets = self.tickets();
        let (mut first, mut jobs) = (0, Vec::new());
        for (n, size) in sizes {
            let size = u32::try_from(size).map_err(|_| Error::usage("E106", "Too many rows in one call."))?;
            tickets.entry(size).or_default().asked += 1;
            let (caller, rows, range) = (Arc::clone(self), Arc::clone(&rows), first..first + n);
            let job = DealtJob { caller, rows, range, size, ticket: None, waits: false, ended: None };
            jobs.push(Box::new(job) as Box<dyn Job>);
            first += n;
        }
        Ok(jobs)
    }
}

struct TicketsPending {
    caller: Arc<DealtCaller>,
    ask: Ask,
}

impl Opened for TicketsPending {
    fn open(self: Box<Self>, replies: Vec<InferReply>, _: u64, _: &mut dyn Entropy) -> Result<(), Error> {
        self.caller.keep(&self.ask, &replies)
    }
}

/// While it lives, nobody else prepares.
struct Preparing(Arc<DealtCaller>);

impl Drop for Preparing {
    fn drop(&mut self) {
        self.0.preparing.store(false, Ordering::Release);
    }
}

struct AheadPending {
    preparing: Preparing,
    ask: Ask,
}

impl Prepared for AheadPending {
    fn keep(self: Box<Self>, replies: Result<Vec<InferReply>, Error>) -> Result<(), Error> {
        self.preparing.0.keep(&self.ask, &replies?)
    }
}

struct DealtJob {
    caller: Arc<DealtCaller>,
    rows: Arc<Vec<Tensor>>,
    range: Range<usize>,
    /// Rows of its ticket.
    size: u32,
    ticket: Option<HeldTicket>,
    /// Whether it is among those that wait.
    waits: bool,
    /// Of the servers that knew its ticket no more.
    ended: Option<EpochId>,
}

impl Drop for DealtJob {
    fn drop(&mut self) {
        if self.waits {
            self.caller.tickets().entry(self.size).or_default().waiting -= 1;
        }
    }
}

impl Job for DealtJob {
    /// Jobs of a large request take tickets as they come up, so that few are out at a time.
    fn is_ready(&mut self) -> bool {
        if self.ticket.is_none() {
            let mut tickets = self.caller.tickets();
            let purse = tickets.entry(self.size).or_default();
            self.ticket = purse.held.pop_front();
            let waits = self.ticket.is_none();
            purse.waiting = purse.waiting + u32::from(waits) - u32::from(self.waits);
            self.waits = waits;
        }
        self.ticket.is_some()
    }

    fn ask(mut self: Box<Self>, entropy: &mut dyn Entropy) -> Result<Asked, Error> {
        let HeldTicket { ticket, token, seeds } = self.ticket.take().ok_or_else(|| {
            Error::new(crate::Blame::Unreachable, "E347", "There is no ticket for these rows. Ask again.")
        })?;
        let (caller, rows, range, size) =
            (Arc::clone(&self.caller), Arc::clone(&self.rows), self.range.clone(), self.size);
        let split = caller.split(&rows, &range, size, seeds, entropy)?;
        let Layout { bundle, protect, .. } = caller.layout;
        let commitment = split.messages[0].statement.commitments[2];
        let [_, one, two] = split.messages;
        let message = |(server, held): (u8, Vec<Held>)| {
            let masked = held.into_iter().find_map(|held| match held {
                Held::Packed { salt, bytes } => Some((salt, bytes)),
                Held::Seed(_) => None,
            });
            let compute = Compute { ticket, protect, bundle, token, commitment, masked };
            let body = compute.masked.as_ref().map(|(_, bytes)| RawTensor::bytes(BODY, bytes.clone()));
            let head = RawTensor::bytes(HEAD, compute.head(server));
            caller.call(std::iter::once(head).chain(body).collect())
        };
        let messages = [(1, one.held), (2, two.held)].map(message).into();
        let ended = Some(ticket.epoch);
        let again = DealtJob {
            caller: Arc::clone(&caller),
            rows,
            range: range.clone(),
            size,
            ticket: None,
            waits: false,
            ended,
        };
        let point = ticket.statement(&commitment);
        let pending = DealtPending { caller, rows: range.len(), size: size as usize, point };
        Ok(Asked { messages, pending: Box::new(pending), again: Some(Box::new(again)) })
    }

    /// Servers of a new epoch know none of the tickets of the old one.
    fn forget(&self) {
        let mut tickets = self.caller.tickets();
        let purse = tickets.entry(self.size).or_default();
        purse.held.retain(|held| Some(held.ticket.epoch) != self.ended);
    }
}

impl DealtCaller {
    /// The rows less their mask; the last row is there again for each that the ticket has beyond them.
    fn split(
        &self,
        rows: &[Tensor],
        range: &Range<usize>,
        size: u32,
        seeds: [Seed; 2],
        entropy: &mut dyn Entropy,
    ) -> Result<Split, Error> {
        let bound = self.part.head.bind(rows)?;
        let mut request = Request::of_seeds(seeds, entropy).map_err(no_entropy)?;
        let none = || Error::usage("E106", "So many rows need more than one request; send them in parts.");
        let ticket = request.ticket().ok_or_else(none)?;
        let columns = self.layout.columns;
        let mut values = Zeroizing::new(vec![0.0; block_rows(columns) * columns]);
        request.split(ticket, &self.layout, size, |first, out| {
            let whole = (range.len().saturating_sub(first) * columns).min(out.len());
            if whole > 0 {
                let at = range.start + first;
                self.encoder.encode(&self.part.head, &bound, at, &mut values[..whole], &mut out[..whole])?;
            }
            for row in out[whole..].chunks_exact_mut(columns.max(1)) {
                self.encoder.encode(&self.part.head, &bound, range.end - 1, &mut values[..columns], row)?;
            }
            Ok(())
        })
    }
}

struct DealtPending {
    caller: Arc<DealtCaller>,
    rows: usize,
    /// Of the ticket.
    size: usize,
    point: [u8; 32],
}

impl Pending for DealtPending {
    fn answer(self: Box<Self>, replies: Vec<InferReply>) -> Result<Answer, Error> {
        let MpcPart { numbers, scores: width, tail, .. } = &self.caller.part;
        let [one, two] = &replies[..] else {
            return Err(Error::integrity("E511", "A server did not answer. No answer was released."));
        };
        let (mut sums, other) = (self.share(one, Role::ALL[1])?, self.share(two, Role::ALL[2])?);
        sums.iter_mut().zip(other.iter()).for_each(|(sum, other)| *sum = sum.wrapping_add(*other));
        sums.truncate(self.rows * width);
        let scores = numbers.decode(&sums);
        let sum = |what| replies.iter().map(|r| counted(r, what)).fold(0, u64::saturating_add);
        let between = Between {
            bytes: sum(BYTES_BETWEEN),
            rounds: replies.iter().map(|r| counted(r, ROUNDS_BETWEEN)).max().unwrap_or(0),
            dealt: sum(BYTES_DEALT),
        };
        Ok(Answer { outputs: tail.finish(&scores, *width)?, scores, between })
    }
}

impl DealtPending {
    /// One server's share of the answer, if it belongs to this very request.
    fn share(&self, reply: &InferReply, role: Role) -> Result<Vec<u64>, Error> {
        let Layout { scores, answer_bits, .. } = self.caller.layout;
        let elements = self.size * scores;
        let packed = packed_answer(reply, role, &self.point, packed_len(elements, answer_bits))?;
        let mut share = vec![0; elements];
        unpack(answer_bits, packed, 0, &mut share);
        Ok(share)
    }
}
