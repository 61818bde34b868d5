//! A server's tapes: ordered ahead of time, given to clients as tickets once, burnt before use, and bounded.
//!
//! Both servers number tapes alike, by rows. P1 says which numbers a client gets; P2 fetches along. What an epoch's end finds here is
//! dropped: keys of another epoch would give other masks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use privet_mpc::role::Role;
use zeroize::Zeroizing;

use super::epoch::{Epoch, EpochId, Nonce, Ticket};
use super::wire::{Dealt, HEAD, Order, TAPES};
use crate::error::{Blame, Error};
use crate::oip::{InferReply, InferRequest, RawTensor};

/// A call to the dealer.
pub type ToDealer = Arc<dyn Fn(InferRequest) -> Result<InferReply, Error> + Send + Sync>;

/// A tape's bytes.
type Bytes = Zeroizing<Vec<u8>>;

/// Tapes of one size that are kept ready, within the bytes that a pool has.
const MOST_READY: usize = 64;
/// Numbers that P2 may be behind P1.
const PASSED_OVER: u32 = 1024;
/// Orders in vain, one after the other: an epoch may end at any of them.
const TRIES: usize = 4;

/// A server's tapes.
pub struct Pool {
    me: Role,
    model: String,
    bundle: [u8; 32],
    nonce: Nonce,
    /// With the dealer.
    key: Zeroizing<[u8; 32]>,
    to_dealer: ToDealer,
    /// Most bytes of tapes.
    bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    epoch: Option<Epoch>,
    /// By rows.
    shelves: BTreeMap<u32, Shelf>,
    /// Rows and numbers of what was given, oldest first.
    given: VecDeque<(u32, u64)>,
}

/// Tapes for so many rows.
#[derive(Default)]
struct Shelf {
    /// The number of the next to order.
    next: u64,
    ready: BTreeMap<u64, Bytes>,
    given: BTreeMap<u64, Bytes>,
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
    /// The model's name.
    pub model: String,
    /// The bundle's digest.
    pub bundle: [u8; 32],
    /// Drawn at this start.
    pub nonce: Nonce,
    /// With the dealer.
    pub key: Zeroizing<[u8; 32]>,
}

impl Pool {
    /// An empty one, of at most so many bytes.
    pub fn new(owner: Owner, to_dealer: ToDealer, bytes: usize) -> Self {
        let Owner { me, model, bundle, nonce, key } = owner;
        let mut state = State::default();
        // Single rows are asked for first.
        state.shelves.insert(1, Shelf::default());
        Self { me, model, bundle, nonce, key, to_dealer, bytes, state: Mutex::new(state) }
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
        let Some((rows, first, count)) = self.state().missing(self.bytes) else { return Ok(false) };
        self.order(rows, first, count)?;
        Ok(true)
    }

    /// How full it is, by rows.
    pub fn levels(&self) -> Vec<Level> {
        let of = |(&rows, shelf): (&u32, &Shelf)| Level {
            rows,
            ready: shelf.ready.len(),
            given: shelf.given.len(),
            bytes: shelf.bytes(),
        };
        self.state().shelves.iter().map(of).collect()
    }

    /// As P1: the numbers of so many tapes, in the epoch in force, from now on given.
    pub fn allocate(&self, rows: u32, count: u32) -> Result<(EpochId, u64), Error> {
        self.until(rows, |epoch, state, most| {
            let shelf = state.shelves.entry(rows).or_default();
            let (first, ready) = (shelf.ready.keys().next().copied(), shelf.ready.len());
            match first {
                Some(first) if ready >= count as usize => {
                    state.give(rows, first, count, most);
                    Ok(Step::Done((*epoch, first)))
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
            let shelf = state.shelves.entry(rows).or_default();
            if shelf.next < end {
                let missing = u32::try_from(end - shelf.next).ok().filter(|&missing| missing <= PASSED_OVER);
                return missing.map(Step::Order).ok_or_else(|| short_of(rows));
            }
            if !(first..end).all(|number| shelf.ready.contains_key(&number)) {
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
            let (next, count) = {
                let mut state = self.state();
                let Some(epoch) = state.epoch else { continue };
                match step(&epoch.id(), &mut state, self.bytes)? {
                    Step::Done(done) => return Ok(done),
                    Step::Order(count) => (state.shelves.entry(rows).or_default().next, count),
                }
            };
            self.order(rows, next, count)?;
            let came = self.state().shelves.get(&rows).is_some_and(|shelf| shelf.next > next);
            in_vain = if came { 0 } else { in_vain + 1 };
        }
        Err(short_of(rows))
    }

    /// Burns a ticket: its tape, if it was given and not used.
    pub fn take(&self, ticket: &Ticket) -> Option<Bytes> {
        let mut state = self.state();
        state.epoch.filter(|epoch| epoch.id() == ticket.epoch)?;
        state.shelves.get_mut(&ticket.rows)?.given.remove(&ticket.number)
    }

    /// One order, and what comes of it.
    fn order(&self, rows: u32, first: u64, count: u32) -> Result<(), Error> {
        let server = u8::from(self.me);
        let order = Order { server, rows, count, first, bundle: self.bundle, nonce: self.nonce };
        let bytes = order.seal(&self.key);
        let seal = *bytes.last_chunk::<32>().unwrap_or(&[0; 32]);
        let call = InferRequest {
            model: self.model.clone(),
            inputs: vec![RawTensor::bytes(HEAD, bytes)],
            ..InferRequest::default()
        };
        let reply = (self.to_dealer)(call)?;
        let tapes = reply.outputs.iter().find(|raw| raw.name == TAPES).map_or(&[][..], |raw| &raw.data);
        let dealt = Dealt::open(tapes, &self.key, &seal)?;
        if dealt.epoch.servers[usize::from(server) - 1] != self.nonce || dealt.tapes.len() > count as usize {
            return Err(Error::integrity("E513", "The dealer answered another order. It was not used."));
        }
        self.state().absorb(&order, dealt);
        Ok(())
    }
}

impl State {
    fn absorb(&mut self, order: &Order, dealt: Dealt) {
        if self.epoch != Some(dealt.epoch) {
            // Tapes of the last epoch are nothing to the servers of this one; which sizes are asked for stays known.
            for shelf in self.shelves.values_mut() {
                *shelf = Shelf { length: shelf.length, ..Shelf::default() };
            }
            self.given.clear();
            self.epoch = Some(dealt.epoch);
            if order.first > 0 {
                return;
            }
        }
        let shelf = self.shelves.entry(order.rows).or_default();
        for (number, tape) in (order.first..).zip(dealt.tapes) {
            if number == shelf.next {
                shelf.length = Some(tape.len());
                shelf.ready.insert(number, tape);
                shelf.next += 1;
            }
        }
    }

    /// What to order next: rows, first number, how many.
    fn missing(&self, most: usize) -> Option<(u32, u64, u32)> {
        let held: usize = self.shelves.values().map(Shelf::bytes).sum();
        let wanting = |shelf: &Shelf| match shelf.length {
            // A quarter of the room for each size: a few sizes are in use.
            Some(length) => (most / 4 / length.max(1)).clamp(1, MOST_READY),
            None => 1,
        };
        self.shelves.iter().filter(|_| held < most).find_map(|(&rows, shelf)| {
            let missing = wanting(shelf).saturating_sub(shelf.ready.len());
            (missing > 0).then(|| (rows, shelf.next, u32::try_from(missing).unwrap_or(1)))
        })
    }

    /// Marks what stands ready as given. The oldest tickets end where too many are out.
    fn give(&mut self, rows: u32, first: u64, count: u32, most: usize) {
        let Some(shelf) = self.shelves.get_mut(&rows) else { return };
        let mut rest = shelf.ready.split_off(&first);
        shelf.ready.append(&mut rest.split_off(&(first + u64::from(count))));
        // Clients ask side by side, so what lies a little before is still to be given; what lies far before was passed over.
        shelf.ready.retain(|&number, _| number + u64::from(PASSED_OVER) > first);
        self.given.extend(rest.keys().map(|&number| (rows, number)));
        shelf.given.append(&mut rest);
        let mut held: usize = self.shelves.values().map(Shelf::given_bytes).sum();
        while held > most
            && let Some((rows, number)) = self.given.pop_front()
        {
            let ended = self.shelves.get_mut(&rows).and_then(|shelf| shelf.given.remove(&number));
            held -= ended.map_or(0, |tape| weight(&tape));
        }
    }
}

impl Shelf {
    fn bytes(&self) -> usize {
        self.ready.values().map(|tape| weight(tape)).sum::<usize>() + self.given_bytes()
    }

    fn given_bytes(&self) -> usize {
        self.given.values().map(|tape| weight(tape)).sum()
    }
}

/// What a tape counts: an empty one takes room too.
fn weight(tape: &Bytes) -> usize {
    tape.len() + 256
}

fn short_of(rows: u32) -> Error {
    let what =
        format!("There are no tapes for {rows} rows, and the dealer gave none. Ask again in a moment.");
    Error::new(Blame::Unreachable, "E347", what)
}
