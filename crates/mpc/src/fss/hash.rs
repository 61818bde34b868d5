//! The hash that expands nodes: `MMO^` of the paper named in [`fss`](super), one AES call under a key of the session,
//! `H(x, i) = π(σ(x ⊕ i)) ⊕ σ(x ⊕ i)`, where σ is the linear orthomorphism (l, r) ↦ (l ⊕ r, l). It is circular correlation robust for a
//! random permutation π, which is what both constructions ask for. The tweak i is used for one expansion of a session.
//!
//! Nodes are hashed by groups of keys, so that what a level of a group needs stays in the nearest cache; and what is done to a group between its
//! hashes is compiled for the instructions that AES was found to have here ([`Work`]).

#![allow(clippy::inline_always)] // so that it is compiled for the instructions of its caller
#![allow(clippy::cast_possible_truncation)] // halves of blocks

use aes::Aes128;
use aes::cipher::consts::U16;
use aes::cipher::inout::InOutBuf;
use aes::cipher::{
    Array, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::group::{Blocks, GROUP, Group};

/// The hash of one session.
pub struct Hash {
    cipher: Aes128,
    #[cfg(test)]
    calls: std::sync::atomic::AtomicU64,
}

privet_ring::not_shown!(Hash);

/// What a node is expanded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Part {
    /// Its left child; in half trees, the hash of which both are made.
    Left,
    /// Its right child.
    Right,
    /// The value of its left child.
    LeftValue,
    /// The value of its right child.
    RightValue,
    /// What a leaf is.
    Leaf,
}

/// The tweak of key number `key` at a level.
pub fn tweak(key: u64, level: u32, part: Part) -> u128 {
    u128::from(key) << 16 | u128::from(level) << 3 | part as u128
}

/// What is done to each group of many keys.
pub(super) trait Work {
    /// To this one.
    fn group(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>);
}

/// A way of the cipher to encrypt.
pub(super) trait Backend: BlockCipherEncBackend<BlockSize = U16> {}

impl<B: BlockCipherEncBackend<BlockSize = U16>> Backend for B {}

impl Hash {
    /// Under a key that was drawn for one session.
    pub fn new(key: &[u8; 16]) -> Self {
        Self {
            cipher: Aes128::new(key.into()),
            #[cfg(test)]
            calls: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// Does this work on so many keys, group by group, with the instructions that the cipher found.
    pub(super) fn work(&self, keys: usize, work: &mut impl Work) {
        self.cipher.encrypt_with_backend(Groups { keys, work, hash: self });
    }
}

/// The work, for the cipher to call.
struct Groups<'a, W> {
    keys: usize,
    work: &'a mut W,
    hash: &'a Hash,
}

impl<W> BlockSizeUser for Groups<'_, W> {
    type BlockSize = U16;
}

impl<W: Work> BlockCipherEncClosure for Groups<'_, W> {
    #[inline(always)]
    fn call<B: Backend>(self, backend: &B) {
        let mut hasher =
            Hasher { backend, of: self.hash, mixed: Lines::default(), encrypted: Lines::default() };
        Group::of(self.keys).for_each(|group| self.work.group(group, &mut hasher));
    }
}

/// Blocks of a group as the cipher reads them: the low half first.
#[derive(Zeroize, ZeroizeOnDrop)]
#[repr(align(64))]
struct Lines([[u64; 2]; GROUP]);

impl Default for Lines {
    fn default() -> Self {
        Self([[0; 2]; GROUP])
    }
}

/// The hash of groups.
pub(super) struct Hasher<'a, B> {
    backend: &'a B,
    #[cfg_attr(not(test), expect(dead_code))] // tests count
    of: &'a Hash,
    mixed: Lines,
    encrypted: Lines,
}

impl<B: Backend> Hasher<'_, B> {
    /// `H(x, i)` of a node of each key, for each of these parts; tweaks are given as for the part that is numbered zero.
    #[inline(always)]
    pub(super) fn expand<const P: usize>(
        &mut self,
        count: usize,
        node: impl Fn(usize) -> [u64; 2],
        tweak: impl Fn(usize) -> u128,
        parts: [Part; P],
        out: &mut [Blocks; P],
    ) {
        let count = count.min(GROUP);
        for (i, mixed) in self.mixed.0[..count].iter_mut().enumerate() {
            let ([high, low], tweak) = (node(i), tweak(i));
            let (left, right) = (high ^ (tweak >> 64) as u64, low ^ tweak as u64);
            *mixed = [left, left ^ right].map(u64::to_le);
        }
        let mut before = 0;
        for (part, out) in parts.into_iter().zip(out) {
            // Where σ moves the bits in which the tweaks of parts differ.
            let change = u64::to_le(before ^ part as u64);
            self.mixed.0[..count].iter_mut().for_each(|[_, high]| *high ^= change);
            before = part as u64;
            self.encrypt(count);
            let (mixed, encrypted) = (&self.mixed.0, &self.encrypted.0);
            for i in 0..count {
                let word = |half: usize| u64::from_le(mixed[i][half] ^ encrypted[i][half]);
                (out[0][i], out[1][i]) = (word(1), word(0));
            }
        }
    }

    /// π. The cipher's own functions are compiled for its instructions, wherever they are called.
    #[inline(never)]
    fn encrypt(&mut self, count: usize) {
        #[cfg(test)]
        self.of.calls.fetch_add(count as u64, std::sync::atomic::Ordering::Relaxed);
        let from: &[[u8; 16]] = bytemuck::cast_slice(&self.mixed.0[..count]);
        let to: &mut [[u8; 16]] = bytemuck::cast_slice_mut(&mut self.encrypted.0[..count]);
        let (from, to) = (Array::cast_slice_from_core(from), Array::cast_slice_from_core_mut(to));
        let Ok(blocks) = InOutBuf::new(from, to) else { unreachable!("both have as many") };
        let (many, rest) = blocks.into_chunks();
        many.into_iter().for_each(|blocks| self.backend.encrypt_par_blocks(blocks));
        self.backend.encrypt_tail_blocks(rest);
    }
}

#[cfg(test)]
impl Hash {
    /// AES calls so far: what headers claim.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(std::sync::atomic::Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use aes::Block;

    use super::super::group::Plane;
    use super::*;

    /// (l, r) ↦ (l ⊕ r, l).
    fn sigma(x: u128) -> u128 {
        let (left, right) = (x >> 64, x & u128::from(u64::MAX));
        (left ^ right) << 64 | left
    }

    /// Block by block, by another road.
    fn slow(key: [u8; 16], x: u128, tweak: u128) -> u128 {
        let mixed = sigma(x ^ tweak);
        let mut block: Block = mixed.to_le_bytes().into();
        Aes128::new(&key.into()).encrypt_block(&mut block);
        u128::from_le_bytes(block.into()) ^ mixed
    }

    const PARTS: [Part; 5] = [Part::Left, Part::Right, Part::LeftValue, Part::RightValue, Part::Leaf];

    /// Nodes, and what each part of them is.
    struct Nodes(Vec<u128>, Vec<(u128, u128)>);

    impl Work for Nodes {
        fn group(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>) {
            let (of, mut out) = (&self.0[group.at(0, 1)], [[Plane::EMPTY; 2]; 5]);
            let node = |i: usize| [(of[i] >> 64) as u64, of[i] as u64];
            hasher.expand(group.count(), node, |i| group.tweak(i, 9), PARTS, &mut out);
            for (i, &node) in of.iter().enumerate() {
                let key = (self.1.len() / PARTS.len()) as u64;
                for (part, [high, low]) in PARTS.into_iter().zip(&out) {
                    let expected = slow([9; 16], node, tweak(key, 9, part));
                    self.1.push((u128::from(high[i]) << 64 | u128::from(low[i]), expected));
                }
            }
        }
    }

    #[test]
    fn groups_are_as_one_by_one() {
        for count in [0, 1, 37, 64, 65, 128, 200] {
            let nodes = (0..count as u128).map(|i| i.wrapping_mul(0x1234_5678_9ABC_DEF0_0FED_CBA9_8765));
            let mut work = Nodes(nodes.collect(), Vec::new());
            Hash::new(&[9; 16]).work(count, &mut work);
            assert_eq!(work.1.len(), count * PARTS.len());
            assert!(work.1.iter().all(|(got, expected)| got == expected));
        }
    }

    #[test]
    fn sigma_is_an_orthomorphism() {
        // Linear, and both σ and σ + 1 are one to one: x ↦ σ(x) and x ↦ σ(x) ⊕ x send only zero to zero, on all single and double bits.
        for i in 0..128 {
            for j in 0..=i {
                let x = (1u128 << i) | (1 << j);
                assert!(sigma(x) != 0 && sigma(x) ^ x != 0);
                assert_eq!(sigma(x ^ 0x4D), sigma(x) ^ sigma(0x4D));
            }
        }
        // σ has the inverse (a, b) ↦ (b, a ⊕ b).
        let x = 0xDEAD_BEEF_0000_1111_2222_3333_4444_5555u128;
        let (a, b) = (sigma(x) >> 64, sigma(x) & u128::from(u64::MAX));
        assert_eq!(b << 64 | (a ^ b), x);
    }

    #[test]
    fn tweaks_are_never_the_same() {
        let mut all = std::collections::HashSet::new();
        for key in 0..50 {
            for level in 0..=64 {
                for part in PARTS {
                    assert!(all.insert(tweak(key, level, part)));
                }
            }
        }
    }
}
