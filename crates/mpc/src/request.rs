//! The client's side of the linear path: rows become shares, and answers are added up.
//!
//! `x = x0 + x1 + x2` modulo 2^k, where x0 and x1 expand from the seeds s0 and s1 and x2 is explicit. P0 gets s0 and
//! s1, P1 gets s1 and x2, P2 gets x2 and s0, so that no party holds all three.

use std::ops::Range;

use bytes::Bytes;
use zeroize::Zeroize;

use privet_ring::block_rows;
use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_ring::kernels::subtract_both;
use privet_ring::pack::{pack, packed_len};
use privet_ring::prg::{Seed, Stream};

use crate::commitment::{Salt, Statement, of_bytes, of_seed};
use crate::protect::{Component, Protect};
use crate::role::{PARTIES, Role};

/// One component of the input, as a party receives it.
pub enum Held {
    /// Expands to the component.
    Seed(Seed),
    /// The component itself, packed.
    Packed {
        /// Of its commitment.
        salt: Salt,
        /// The elements.
        bytes: Bytes,
    },
}

/// What one party receives for one chunk.
pub struct PartyRequest {
    /// What all parties are told alike.
    pub statement: Statement,
    /// This party's components, in the order of [`Protect::components`].
    pub held: Vec<Held>,
}

/// What is public about the shape of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Which bundle.
    pub bundle: [u8; 32],
    /// What is hidden.
    pub protect: Protect,
    /// Bits of the ring.
    pub k: u32,
    /// Bits of an encoded input, sign included.
    pub encoded_bits: u32,
    /// Columns of a row.
    pub columns: usize,
    /// Scores of a row.
    pub scores: usize,
    /// Bits of a score.
    pub answer_bits: u32,
    /// Rows that a client adds to each chunk to check the answers.
    pub check_rows: usize,
    /// Rows that a chunk may have, whatever fits into a message.
    pub most_rows: usize,
}

/// Bytes of an explicit share that one chunk aims at: what gRPC carries best, and little enough to bound memory.
const CHUNK_BYTES: usize = 1 << 20;
/// Most rows of a chunk, however narrow: a party's work is bounded by this and not by what a message says.
const MAX_CHUNK_ROWS: usize = 1 << 16;

impl Layout {
    /// Rows in a full chunk, by what goes in and by what comes out, held as whole words. The client splits by it; a party
    /// refuses more.
    pub fn chunk_rows(&self) -> usize {
        let up = self.explicit_len(1).unwrap_or(usize::MAX);
        let down = self.scores.saturating_mul(8);
        (CHUNK_BYTES / up.max(down).max(1)).min(self.most_rows).clamp(1, MAX_CHUNK_ROWS)
    }

    /// Bytes of the explicit component for so many rows, where that does not overflow.
    pub fn explicit_len(&self, rows: usize) -> Option<usize> {
        packed_len(rows.checked_mul(self.columns)?, self.protect.explicit_bits(self.k, self.encoded_bits))
    }
}

/// The secrets of one request: two seeds and a salt, drawn once and never used for another. Its chunks are numbered by
/// tickets, each of which can be spent once, so that no part of a seed's stream masks two things.
pub struct Request {
    s0: Seed,
    s1: Seed,
    salt: Salt,
    next_chunk: u32,
}

/// The right to split one chunk. Splitting takes it away:
///
/// ```compile_fail,E0382
/// # use privet_mpc::request::{Layout, Request, Ticket};
/// fn twice(request: &Request, ticket: Ticket, layout: &Layout) {
///     let encode = |_: usize, _: &mut [u64]| Ok::<(), ()>(());
///     let _ = request.split(ticket, layout, 1, encode);
///     let _ = request.split(ticket, layout, 1, encode);
/// }
/// ```
///
/// With the second call gone, it compiles:
///
/// ```
/// # use privet_mpc::request::{Layout, Request, Ticket};
/// fn once(request: &Request, ticket: Ticket, layout: &Layout) {
///     let encode = |_: usize, _: &mut [u64]| Ok::<(), ()>(());
///     let _ = request.split(ticket, layout, 1, encode);
/// }
/// ```
pub struct Ticket(u32);

privet_ring::not_shown!(Held, PartyRequest, Request);

/// What splitting one chunk gives: a message per party, the point at which they will draw their zero shares, and the
/// blocks of each seed that were used.
pub struct Split {
    /// By party.
    pub messages: [PartyRequest; PARTIES],
    /// h, which every honest answer repeats.
    pub point: [u8; 32],
    /// Blocks of the streams of s0 and s1, for tests.
    pub blocks: Range<u64>,
}

impl Request {
    /// Fresh secrets.
    pub fn draw(entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        Ok(Self {
            s0: Seed::draw(entropy)?,
            s1: Seed::draw(entropy)?,
            salt: Salt::draw(entropy)?,
            next_chunk: 0,
        })
    }

    /// With seeds that were dealt for this request alone.
    pub fn of_seeds([s0, s1]: [Seed; 2], entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        Ok(Self { s0, s1, salt: Salt::draw(entropy)?, next_chunk: 0 })
    }

    /// The next chunk's ticket; there are 2^32 of them.
    pub fn ticket(&mut self) -> Option<Ticket> {
        let ticket = Ticket(self.next_chunk);
        self.next_chunk = self.next_chunk.checked_add(1)?;
        Some(ticket)
    }

    /// Splits `rows` rows. `encode(first, out)` writes the encoded columns of rows `first..`, as many as `out` holds.
    #[allow(clippy::needless_pass_by_value)] // by value, so that a ticket is spent
    pub fn split<E>(
        &self,
        ticket: Ticket,
        layout: &Layout,
        rows: u32,
        encode: impl FnMut(usize, &mut [u64]) -> Result<(), E>,
    ) -> Result<Split, E> {
        let (explicit, blocks) = self.explicit(&ticket, layout, rows as usize, encode)?;
        let commitments = match layout.protect {
            Protect::Both | Protect::Input => {
                [of_seed(&self.s0), of_seed(&self.s1), of_bytes(&self.salt, &explicit)]
            }
            Protect::Model => [of_bytes(&self.salt, &explicit); PARTIES],
        };
        let Layout { bundle, protect, .. } = *layout;
        let statement = Statement { bundle, protect, rows, chunk: ticket.0, commitments };
        let message = |role: Role| PartyRequest {
            statement,
            held: protect.components(role).iter().map(|&c| self.held(c, &explicit)).collect(),
        };
        Ok(Split { messages: Role::ALL.map(message), point: statement.point(), blocks })
    }

    fn held(&self, component: Component, explicit: &Bytes) -> Held {
        match component {
            Component::X0 => Held::Seed(Seed::from_bytes(*self.s0.expose())),
            Component::X1 => Held::Seed(Seed::from_bytes(*self.s1.expose())),
            Component::X2 | Component::Whole => {
                Held::Packed { salt: self.salt.clone(), bytes: explicit.clone() }
            }
        }
    }

    /// x2 = x - x0 - x1 (or x itself), packed, made in blocks that stay in the cache.
    fn explicit<E>(
        &self,
        ticket: &Ticket,
        layout: &Layout,
        rows: usize,
        mut encode: impl FnMut(usize, &mut [u64]) -> Result<(), E>,
    ) -> Result<(Bytes, Range<u64>), E> {
        let (mut x0, mut x1) = (Stream::of_chunk(&self.s0, ticket.0), Stream::of_chunk(&self.s1, ticket.0));
        let bits = layout.protect.explicit_bits(layout.k, layout.encoded_bits);
        let mut packed = Vec::with_capacity(layout.explicit_len(rows).unwrap_or(0));
        let at_a_time = block_rows(layout.columns);
        let block = at_a_time * layout.columns;
        let (mut x, mut a, mut b) = (vec![0; block], vec![0; block], vec![0; block]);
        for first in (0..rows).step_by(at_a_time) {
            let n = at_a_time.min(rows - first) * layout.columns;
            encode(first, &mut x[..n])?;
            if layout.protect != Protect::Model {
                x0.fill(&mut a[..n]);
                x1.fill(&mut b[..n]);
                subtract_both(&mut x[..n], &a[..n], &b[..n]);
            }
            pack(bits, &x[..n], &mut packed);
        }
        // a and b are masks of data that is about to leave; x held the applicants' rows.
        x.zeroize();
        a.zeroize();
        b.zeroize();
        Ok((packed.into(), x0.used()))
    }
}

/// Adds three unpacked answers up, modulo 2^64.
pub fn combine(answers: [Vec<u64>; PARTIES]) -> Vec<u64> {
    let [mut sum, b, c] = answers;
    for ((sum, b), c) in sum.iter_mut().zip(b).zip(c) {
        *sum = sum.wrapping_add(b).wrapping_add(c);
    }
    sum
}
