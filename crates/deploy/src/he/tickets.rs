//! Tickets: what is expensive, done ahead. The client encrypts random masks a instead of rows, and the server answers a·w + ρ, where ρ is
//! random to the client. Later a row x travels as u = x - a modulo 2^k, a few kilobytes instead of a ciphertext, and is answered by u·w + b - ρ:
//! the sum of both answers is the score x·w + b, the plan's integer. One round trip, and the work of a plain request.
//!
//! Who sees what is the same: u is uniform to the server, as the masks came encrypted; either answer is uniform to the client, and only
//! their sum says anything, one linear form of the weights. The server keeps nothing of a ticket: its ρ follows from a secret of the bundle and
//! the ticket's digest, so that any replica answers, also after a restart. A ticket that is used twice tells no more than two rows do, but shows the
//! *client's* two rows' difference; so a client uses each mask once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use privet_ring::prg::{Seed, Stream};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// From which a server's masks follow.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Of the server's half of a bundle, by its salt, which nobody else has.
    pub fn of(salt: &str) -> Self {
        Self(blake3::derive_key("privet 2026 secret of the masks of tickets", salt.as_bytes()))
    }
}

/// The server's masks ρ of a ticket, `count` of them from number `first` on.
pub fn masks(secret: &Secret, ticket: &[u8; 32], first: usize, count: usize) -> Zeroizing<Vec<u64>> {
    let mut seed = [0; 16];
    blake3::Hasher::new_keyed(&secret.0).update(ticket).finalize_xof().fill(&mut seed);
    let mut words = Zeroizing::new(vec![0; first + count]);
    Stream::of_chunk(&Seed::from_bytes(seed), 0).fill(&mut words);
    words.drain(..first);
    words
}

/// Tickets of one question, for as many rows. Each row's masks are the stream of a chunk of its own.
pub struct Tickets {
    digest: [u8; 32],
    seed: Seed,
    /// The server's answers a·w + ρ, by row, modulo 2^k.
    sums: Zeroizing<Vec<u64>>,
    scores: usize,
    used: usize,
}

/// The masks of some rows, to be used once.
pub struct Taken {
    /// The digest of the question that brought the ticket.
    pub digest: [u8; 32],
    /// The first row's place in it.
    pub place: u32,
    seed: Seed,
    /// a·w + ρ of these rows.
    pub sums: Zeroizing<Vec<u64>>,
    scores: usize,
}

privet_ring::not_shown!(Secret, Tickets, Taken);

impl Tickets {
    /// From a question's digest, the seed of its masks, and what was answered, `scores` for each row.
    pub fn new(digest: [u8; 32], seed: Seed, sums: Zeroizing<Vec<u64>>, scores: usize) -> Self {
        Self { digest, seed, sums, scores: scores.max(1), used: 0 }
    }

    fn left(&self) -> usize {
        self.sums.len() / self.scores - self.used
    }

    fn take(&mut self, rows: usize) -> Option<Taken> {
        if rows == 0 || rows > self.left() {
            return None;
        }
        let first = self.used;
        self.used += rows;
        let sums = Zeroizing::new(self.sums[first * self.scores..self.used * self.scores].to_vec());
        let seed = Seed::from_bytes(*self.seed.expose());
        Some(Taken {
            digest: self.digest,
            place: u32::try_from(first).ok()?,
            seed,
            sums,
            scores: self.scores,
        })
    }
}

impl Taken {
    /// For how many rows.
    pub fn rows(&self) -> usize {
        self.sums.len() / self.scores
    }

    /// Takes the masks of its row number `row` from encoded columns.
    pub fn mask(&self, row: u32, columns: &mut [u64]) {
        let mut masks = Zeroizing::new(vec![0; columns.len()]);
        fill_masks(&self.seed, self.place + row, &mut masks);
        columns.iter_mut().zip(masks.iter()).for_each(|(x, mask)| *x = x.wrapping_sub(*mask));
    }
}

/// The masks of one row of a ticket.
pub fn fill_masks(seed: &Seed, row: u32, masks: &mut [u64]) {
    Stream::of_chunk(seed, row).fill(masks);
}

/// The tickets that a client keeps.
#[derive(Default)]
pub struct Pool(Mutex<VecDeque<Tickets>>);

impl Pool {
    /// Tickets for so many rows, in the order of the rows, if there are so many; else none, and all stay.
    pub fn take(&self, rows: usize) -> Option<Vec<Taken>> {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rows == 0 || pool.iter().map(Tickets::left).sum::<usize>() < rows {
            return None;
        }
        let (mut all, mut missing) = (Vec::new(), rows);
        while let Some(tickets) = pool.front_mut().filter(|_| missing > 0) {
            let taken = tickets.take(tickets.left().min(missing));
            if let Some(taken) = taken {
                missing -= taken.rows();
                all.push(taken);
            }
            if tickets.left() == 0 {
                pool.pop_front();
            }
        }
        Some(all)
    }

    /// Keeps more.
    pub fn keep(&self, tickets: Tickets) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(tickets);
    }

    /// Rows that there are tickets for.
    pub fn left(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Tickets::left).sum()
    }
}
