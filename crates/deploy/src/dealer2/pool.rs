//! A server's tapes: ordered ahead of time, given to clients as tickets once, burnt before use, and bounded.
//!
//! Both servers number tapes alike, by rows. P1 says which numbers a client gets; P2 fetches along. What an epoch's end finds here is
//! dropped: keys of another epoch would give other masks.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use privet_mpc::role::Role;
use zeroize::Zeroizing;

use super::epoch::{Epoch, EpochId, Nonce, TicketId};
use super::turns::Turns;
use super::wire::{Dealt, HEAD, Order, TAPES};
use crate::bundle::Called;
use crate::error::{Blame, Error};
use crate::oip::{InferReply, InferRequest, RawTensor};

/// A call to the dealer.
pub type ToDealer = Arc<dyn Fn(InferRequest) -> Result<InferReply, Error> + Send + Sync>;

/// A tape's bytes.
pub type Bytes = Zeroizing<Vec<u8>>;

/// Where tapes wait: in memory, or where whoever runs the server has room.
pub trait Place: Send + Sync {
    /// Keeps a tape until it is taken, or dropped.
    fn keep(&self, tape: Bytes) -> Result<Box<dyn Kept>, Error>;
}

/// A tape that waits. Dropping it leaves nothing of it.
pub trait Kept: Send {
    /// Its bytes.
    fn length(&self) -> usize;
    /// Gives it away.
    fn take(self: Box<Self>) -> Result<Bytes, Error>;
}

/// In memory.
pub struct Memory;

impl Place for Memory {
    fn keep(&self, tape: Bytes) -> Result<Box<dyn Kept>, Error> {
        Ok(Box::new(tape))
    }
}

impl Kept for Bytes {
    fn length(&self) -> usize {
        self.len()
    }

    fn take(self: Box<Self>) -> Result<Bytes, Error> {
        Ok(*self)
    }
}

/// What a pool is filled from and by how much.
#[derive(Clone)]
pub struct Supply {
    /// Orders.
    pub to_dealer: ToDealer,
    /// Most bytes of tapes.
    pub bytes: usize,
    /// Where they wait.
    pub place: Arc<dyn Place>,
}

/// Tapes of one size that are kept ready, within the bytes that a pool has.
const MOST_READY: usize = 64;
/// Numbers that P2 may be behind P1.
const PASSED_OVER: u32 = 1024;
/// Orders in vain, one after the other: an epoch may end at any of them.
const TRIES: usize = 4;
/// Epochs that are remembered after their end.
const ENDED: usize = 1024;

/// A server's tapes.
pub struct Pool {
    me: Role,
    model: Called,
    bundle: [u8; 32],
    /// With the dealer.
    key: Zeroizing<[u8; 32]>,
    supply: Supply,
    turns: Turns,
    state: Mutex<State>,
}

struct State {
    nonce: Nonce,
    epoch: Option<Epoch>,
    /// Those of this nonce that were in force before: none comes back, as its numbers would begin again.
    ended: HashSet<EpochId>,
    /// By rows.
    stocks: BTreeMap<u32, Stock>,
    /// Rows and numbers of what was given, oldest first.
    given: VecDeque<(u32, u64)>,
}

/// Tapes for so many rows.
#[derive(Default)]
struct Stock {
    /// The number of the next to order.
    next: u64,
    ready: BTreeMap<u64, Box<dyn Kept>>,
    given: BTreeMap<u64, Box<dyn Kept>>,
    /// Of the last one that came.
    length: Option<usize>,
}

/// What is to be done next.
enum Step<T> {
    /// Nothing.
    Done(T),
    /// To order so many tapes.
    Order(u32),
}

/// How full a pool is, for one number of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Rows of a ticket.
    pub rows: u32,
    /// Tapes that wait to be given.
    pub ready: usize,
    /// Tickets that clients have.
    pub given: usize,
    /// Bytes of both.
    pub bytes: usize,
}

/// Who a pool belongs to.
pub struct Owner {
    /// P1 or P2.
    pub me: Role,
    /// What the model is called.
    pub model: Called,
    /// The bundle's digest.
    pub bundle: [u8; 32],
    /// Drawn at this start.
    pub nonce: Nonce,
    /// With the dealer.
    pub key: Zeroizing<[u8; 32]>,
}

impl Pool {
    /// An empty one.
    pub fn new(owner: Owner, supply: Supply) -> Self {
        let Owner { me, model, bundle, nonce, key } = owner;
        let state = State {
            nonce,
            epoch: None,
            ended: HashSet::new(),
            // Single rows are asked for first.
            stocks: BTreeMap::from([(1, Stock::default())]),
            given: VecDeque::new(),
        };
        Self { me, model, bundle, key, supply, turns: Turns::default(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch in force, after a word with the dealer if there is none yet.
    pub fn epoch(&self) -> Result<EpochId, Error> {
        let known = self.state().epoch;
        if known.is_none() {
            self.introduce()?;
        }
        let none = || Error::new(Blame::Unreachable, "E347", "The dealer has not told an epoch yet.");
        self.state().epoch.map(|epoch| epoch.id()).ok_or_else(none)
    }

    /// Tells the dealer that this server is there, and learns the epoch.
    pub fn introduce(&self) -> Result<(), Error> {
        self.order(1, 0, 0)
    }

    /// Orders the next tapes that are missing, if any are. Whether there were.
    pub fn refill(&self) -> Result<bool, Error> {
        let missing = || self.state().missing(self.supply.bytes);
        let order = || missing().map_or(Ok(()), |(rows, first, count)| self.order(rows, first, count));
        Ok(missing().is_some() && self.turns.take(order).map(|_| true)?)
    }

    /// How full it is, by rows.
    pub fn levels(&self) -> Vec<Level> {
        let of = |(&rows, stock): (&u32, &Stock)| Level {
            rows,
            ready: stock.ready.len(),
            given: stock.given.len(),
            bytes: stock.bytes(),
        };
        self.state().stocks.iter().map(of).collect()
    }

    /// As P1: the numbers of up to so many tapes, in the epoch in force, from now on given: the first and how many. No client holds more than
    /// an eighth of the pool's bytes by one question.
    pub fn allocate(&self, rows: u32, count: u32) -> Result<(EpochId, u64, u32), Error> {
        self.until(rows, |epoch, state, most| {
            let stock = state.stocks.entry(rows).or_default();
            // Of an unknown length one is enough to know it.
            let fit = most / 8 / stock.length.unwrap_or(most).max(1);
            let count = count.min(u32::try_from(fit).unwrap_or(u32::MAX).max(1));
            let (first, ready) = (stock.ready.keys().next().copied(), stock.ready.len());
            match first {
                Some(first) if ready >= count as usize => {
                    state.give(rows, first, count, most);
                    Ok(Step::Done((*epoch, first, count)))
                }
                _ => Ok(Step::Order(count - u32::try_from(ready).unwrap_or(0))),
            }
        })
    }

    /// As P2: gives the tapes that P1 named in this epoch, once.
    pub fn follow(&self, named: &EpochId, rows: u32, first: u64, count: u32) -> Result<(), Error> {
        let end = first.checked_add(count.into()).ok_or_else(|| short_of(rows))?;
        self.until(rows, |epoch, state, most| {
            if epoch != named {
                return Err(short_of(rows));
            }
            let stock = state.stocks.entry(rows).or_default();
            if first > stock.next.saturating_add(PASSED_OVER.into()) {
                // So far behind that what lies between is nobody's any more.
                stock.ready.clear();
                stock.next = first;
            }
            if stock.next < end {
                let missing = u32::try_from(end - stock.next).ok().filter(|&missing| missing <= PASSED_OVER);
                return missing.map(Step::Order).ok_or_else(|| short_of(rows));
            }
            if !(first..end).all(|number| stock.ready.contains_key(&number)) {
                let what = "These tickets were given before; no ticket is given twice.";
                return Err(Error::refused("E348", what));
            }
            state.give(rows, first, count, most);
            Ok(Step::Done(()))
        })
    }

    /// Orders what is missing until a step is done; a dealer gives a part of an order at a time.
    fn until<T>(
        &self,
        rows: u32,
        mut step: impl FnMut(&EpochId, &mut State, usize) -> Result<Step<T>, Error>,
    ) -> Result<T, Error> {
        let mut in_vain = 0;
        while in_vain < TRIES {
            self.epoch()?;
            let count = {
                let mut state = self.state();
                let Some(epoch) = state.epoch else { continue };
                match step(&epoch.id(), &mut state, self.supply.bytes)? {
                    Step::Done(done) => return Ok(done),
                    Step::Order(count) => count,
                }
            };
            let mut came = false;
            let next = || self.state().stocks.get(&rows).map_or(0, |stock| stock.next);
            let ordered = self.turns.take(|| {
                let first = next();
                self.order(rows, first, count)?;
                came = next() > first;
                Ok(())
            })?;
            // What others ordered may have been for other rows.
            in_vain = if came || !ordered { 0 } else { in_vain + 1 };
        }
        Err(short_of(rows))
    }

    /// Burns a ticket: its tape, if it was given and not used.
    pub fn take(&self, ticket: &TicketId) -> Result<Option<Bytes>, Error> {
        let burnt = {
            let mut state = self.state();
            let is_now = state.epoch.is_some_and(|epoch| epoch.id() == ticket.epoch);
            let stock = state.stocks.get_mut(&ticket.rows).filter(|_| is_now);
            stock.and_then(|stock| stock.given.remove(&ticket.number))
        };
        burnt.map(Kept::take).transpose()
    }

    /// One order, and what comes of it.
    fn order(&self, rows: u32, first: u64, count: u32) -> Result<(), Error> {
        let server = u8::from(self.me);
        let State { nonce, epoch: before, .. } = *self.state();
        let order = Order { server, rows, count, first, bundle: self.bundle, nonce };
        let bytes = order.seal(&self.key);
        let seal = *bytes.last_chunk::<32>().unwrap_or(&[0; 32]);
        let call = InferRequest {
            model: self.model.name.clone(),
            version: self.model.version.to_string(),
            inputs: vec![RawTensor::bytes(HEAD, bytes)],
            ..InferRequest::default()
        };
        let reply = (self.supply.to_dealer)(call)?;
        let tapes = reply.outputs.iter().find(|raw| raw.name == TAPES).map_or(&[][..], |raw| &raw.data);
        let dealt = Dealt::open(tapes, &self.key, &seal)?;
        if dealt.epoch.servers[usize::from(server) - 1] != nonce || dealt.tapes.len() > count as usize {
            return Err(Error::integrity("E513", "The dealer answered another order. It was not used."));
        }
        let kept = dealt.tapes.into_iter().map(|tape| self.supply.place.keep(tape));
        let kept = kept.collect::<Result<Vec<_>, _>>()?;
        let mut state = self.state();
        if state.ended.contains(&dealt.epoch.id()) {
            let what = "The dealer is in an epoch that has ended here. Is there one dealer at its address?";
            return Err(Error::new(Blame::Unreachable, "E347", what));
        }
        // A reply that was overtaken says nothing new.
        let overtaken = state.epoch != before && state.epoch != Some(dealt.epoch);
        if state.nonce == nonce && !overtaken {
            state.absorb(&order, dealt.epoch, kept);
        }
        Ok(())
    }
}

impl State {
    fn absorb(&mut self, order: &Order, epoch: Epoch, tapes: Vec<Box<dyn Kept>>) {
        if self.epoch != Some(epoch) {
            // Tapes of the last epoch are nothing to the servers of this one; which sizes are asked for stays known.
            for stock in self.stocks.values_mut() {
                *stock = Stock { length: stock.length, ..Stock::default() };
            }
            self.given.clear();
            if let Some(ended) = self.epoch.replace(epoch) {
                self.ended.insert(ended.id());
                self.forget_ended();
            }
            if order.first > 0 {
                return;
            }
        }
        let stock = self.stocks.entry(order.rows).or_default();
        for (number, tape) in (order.first..).zip(tapes) {
            if number == stock.next {
                stock.length = Some(tape.length());
                stock.ready.insert(number, tape);
                stock.next += 1;
            }
        }
    }

    /// Under another nonce none of the epochs that ended can come back, so that they need not be remembered any more. The dealer hears of it with the
    /// next order. Nonces need to differ and nothing else: anybody may see them.
    fn forget_ended(&mut self) {
        if self.ended.len() >= ENDED {
            self.nonce = blake3::derive_key("privet 2026 dealer2 nonce after a nonce", &self.nonce);
            self.ended.clear();
        }
    }

    /// What to order next: rows, first number, how many.
    fn missing(&self, most: usize) -> Option<(u32, u64, u32)> {
        let held: usize = self.stocks.values().map(Stock::bytes).sum();
        let wanting = |stock: &Stock| match stock.length {
            // A quarter of the room for each size: a few sizes are in use.
            Some(length) => (most / 4 / length.max(1)).clamp(1, MOST_READY),
            None => 1,
        };
        self.stocks.iter().filter(|_| held < most).find_map(|(&rows, stock)| {
            let missing = wanting(stock).saturating_sub(stock.ready.len());
            (missing > 0).then(|| (rows, stock.next, u32::try_from(missing).unwrap_or(1)))
        })
    }

    /// Keeps the order of what was given as short as what is left of it.
    fn forget_used(&mut self) {
        let left: usize = self.stocks.values().map(|stock| stock.given.len()).sum();
        if self.given.len() > 2 * left + 64 {
            let stocks = &self.stocks;
            self.given.retain(|(rows, number)| {
                stocks.get(rows).is_some_and(|stock| stock.given.contains_key(number))
            });
        }
    }

    /// Where there is no room, what lies before is passed over too, the oldest first.
    fn passed_over(&mut self, rows: u32, first: u64, most: usize) {
        let mut held: usize = self.stocks.values().map(Stock::bytes).sum();
        let Some(stock) = self.stocks.get_mut(&rows) else { return };
        while held > most
            && let Some(entry) = stock.ready.first_entry()
            && *entry.key() < first
        {
            held -= weight(&*entry.remove());
        }
    }

    /// Marks what stands ready as given. The oldest tickets end where too many are out.
    fn give(&mut self, rows: u32, first: u64, count: u32, most: usize) {
        let Some(stock) = self.stocks.get_mut(&rows) else { return };
        let mut rest = stock.ready.split_off(&first);
        stock.ready.append(&mut rest.split_off(&(first + u64::from(count))));
        // Clients ask side by side, so what lies a little before is still to be given; what lies far before was passed over.
        stock.ready.retain(|&number, _| number.saturating_add(PASSED_OVER.into()) > first);
        self.given.extend(rest.keys().map(|&number| (rows, number)));
        stock.given.append(&mut rest);
        self.passed_over(rows, first, most);
        let mut held: usize = self.stocks.values().map(Stock::given_bytes).sum();
        // What is given now stays, however large it is.
        while held > most
            && self.given.len() > count as usize
            && let Some((rows, number)) = self.given.pop_front()
        {
            let ended = self.stocks.get_mut(&rows).and_then(|stock| stock.given.remove(&number));
            held -= ended.map_or(0, |tape| weight(&*tape));
        }
        self.forget_used();
    }
}

impl Stock {
    fn bytes(&self) -> usize {
        self.ready.values().map(|tape| weight(&**tape)).sum::<usize>() + self.given_bytes()
    }

    fn given_bytes(&self) -> usize {
        self.given.values().map(|tape| weight(&**tape)).sum()
    }
}

/// What a tape counts: an empty one takes room too.
fn weight(tape: &dyn Kept) -> usize {
    tape.length() + 256
}

fn short_of(rows: u32) -> Error {
    let what =
        format!("There are no tapes for {rows} rows, and the dealer gave none. Ask again in a moment.");
    Error::new(Blame::Unreachable, "E347", what)
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
