//! Seeds and their expansion: AES-128 in counter mode with a 64-bit big-endian counter, which every processor of
//! the last decade and a browser's `WebCrypto` do at gigabytes per second.
//!
//! Layout, fixed by golden vectors: a seed is the AES key; the counter block is eight zero bytes and the 64-bit
//! big-endian block number; chunk `c` of a request starts at block `c·2^32`; ring element `e` of a chunk is the
//! little-endian `u64` at byte `8e` of that chunk's key stream, of which the low `k` bits count.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::counters::Counters;
use crate::entropy::{Entropy, EntropyFailed};

/// Blocks between the starts of two chunks: a chunk may use up to 2^32 blocks (64 GiB) and never meets the next.
const BLOCKS_PER_CHUNK: u64 = 1 << 32;

/// The key of one stream. Wiped on drop; not printable, not comparable, not copyable by accident.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 16]);

impl Seed {
    /// A fresh one.
    pub fn draw(entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        let mut seed = Self([0; 16]);
        entropy.fill(&mut seed.0)?;
        Ok(seed)
    }

    /// The seed that a peer was given, or that was derived.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a message to someone who is meant to have them.
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

crate::not_shown!(Seed);

/// A chunk's part of a seed's key stream, read from its start.
pub struct Stream {
    cipher: Counters,
    first_block: u64,
    elements: u64,
}

impl Stream {
    /// The stream of chunk `chunk`.
    pub fn of_chunk(seed: &Seed, chunk: u32) -> Self {
        let key = Zeroizing::new(seed.0);
        let first_block = u64::from(chunk) * BLOCKS_PER_CHUNK;
        Self { cipher: Counters::new(&key), first_block, elements: 0 }
    }

    /// The same stream, past its first elements.
    #[must_use]
    pub fn skipping(self, elements: u64) -> Self {
        Self { elements: self.elements + elements, ..self }
    }

    /// The next `out.len()` ring elements; their bits above `k` are noise, as arithmetic modulo 2^k allows.
    pub fn fill(&mut self, out: &mut [u64]) {
        let odd = usize::from(self.elements % 2 == 1).min(out.len());
        let (first, out) = out.split_at_mut(odd);
        if let [first] = first {
            // The second half of a block whose first half was the last element before.
            *first = self.block(self.first_block + self.elements / 2)[1];
            self.elements += 1;
        }
        let next = self.first_block + self.elements / 2;
        let (blocks, half) = out.as_chunks_mut::<2>();
        self.cipher.fill(next, blocks);
        if let [last] = half {
            *last = self.block(next + blocks.len() as u64)[0];
        }
        self.elements += 2 * blocks.len() as u64 + half.len() as u64;
        debug_assert!(self.elements.div_ceil(2) <= BLOCKS_PER_CHUNK, "a chunk is far smaller than 64 GiB");
        for [a, b] in blocks {
            (*a, *b) = (u64::from_le(*a), u64::from_le(*b));
        }
    }

    fn block(&self, number: u64) -> [u64; 2] {
        let mut block = [[0; 2]];
        self.cipher.fill(number, &mut block);
        block[0].map(u64::from_le)
    }

    /// The block numbers used so far, for tests that no block is used twice.
    pub fn used(&self) -> std::ops::Range<u64> {
        self.first_block..self.first_block + self.elements.div_ceil(2)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream(blocks {:?}, key not shown)", self.used())
    }
}

#[cfg(test)]
mod tests {
    use aes::Aes128;
    use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};

    use super::*;

    /// The layout in the module's text, computed block by block by another road.
    fn element(seed: [u8; 16], chunk: u64, index: u64) -> u64 {
        let block_number = (chunk << 32) + index / 2;
        let mut block = [0u8; 16];
        block[8..].copy_from_slice(&block_number.to_be_bytes());
        let mut block = block.into();
        Aes128::new(&seed.into()).encrypt_block(&mut block);
        let half = (index % 2) as usize * 8;
        u64::from_le_bytes(block[half..half + 8].try_into().unwrap_or_default())
    }

    #[test]
    fn expansion_follows_the_stated_layout() {
        let key = *b"an AES-128 key.!";
        for chunk in [0u32, 1, 7, u32::MAX] {
            let mut stream = Stream::of_chunk(&Seed::from_bytes(key), chunk);
            let mut got = vec![0; 37];
            stream.fill(&mut got[..30]);
            stream.fill(&mut got[30..]);
            let expected: Vec<u64> = (0..37).map(|i| element(key, u64::from(chunk), i)).collect();
            assert_eq!(got, expected, "chunk {chunk}");
        }
    }

    #[test]
    fn what_is_skipped_is_passed_over() {
        let seed = || Seed::from_bytes([3; 16]);
        let mut whole = vec![0; 40];
        Stream::of_chunk(&seed(), 9).fill(&mut whole);
        for skipped in [0, 1, 2, 7, 38] {
            let mut rest = vec![0; 40 - skipped];
            Stream::of_chunk(&seed(), 9).skipping(skipped as u64).fill(&mut rest);
            assert_eq!(rest, whole[skipped..], "{skipped}");
        }
    }

    #[test]
    fn golden_vector() {
        let mut out = [0; 3];
        Stream::of_chunk(&Seed::from_bytes([7; 16]), 1).fill(&mut out);
        // Written once by the block-by-block computation above; other clients are held to the same numbers.
        assert_eq!(out, [element([7; 16], 1, 0), element([7; 16], 1, 1), element([7; 16], 1, 2)]);
    }

    #[test]
    fn chunks_never_share_a_block() {
        let mut used = Vec::new();
        for chunk in 0..50 {
            let mut stream = Stream::of_chunk(&Seed::from_bytes([1; 16]), chunk);
            stream.fill(&mut vec![0; 1000 + chunk as usize]);
            used.push(stream.used());
        }
        for (i, a) in used.iter().enumerate() {
            assert!(used[i + 1..].iter().all(|b| a.end <= b.start), "{a:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let seed = Seed::from_bytes([0xAB; 16]);
        let text = format!("{seed:?} {:?}", Stream::of_chunk(&seed, 0));
        assert!(!text.to_lowercase().contains("ab, ab") && !text.contains("171"), "{text}");
    }
}
