//! The hash that expands nodes: `MMO^` of the paper named in [`fss`](super), one AES call under a key of the session,
//! `H(x, i) = π(σ(x ⊕ i)) ⊕ σ(x ⊕ i)`, where σ is the linear orthomorphism (l, r) ↦ (l ⊕ r, l). It is circular correlation robust for a
//! random permutation π, which is what both constructions ask for. The tweak i is used for one expansion of a session.

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Block};
use zeroize::Zeroize;

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

impl Hash {
    /// Under a key that was drawn for one session.
    pub fn new(key: &[u8; 16]) -> Self {
        Self {
            cipher: Aes128::new(key.into()),
            #[cfg(test)]
            calls: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// `H(x, i)` of many nodes with their tweaks, side by side, as processors encrypt several blocks at a time.
    pub fn many(&self, nodes: impl Iterator<Item = (u128, u128)>) -> Vec<u128> {
        let mut mixed: Vec<u128> = nodes.map(|(x, tweak)| sigma(x ^ tweak)).collect();
        let mut blocks: Vec<[u8; 16]> = mixed.iter().map(|x| x.to_le_bytes()).collect();
        let as_blocks: &mut [Block] = Array::cast_slice_from_core_mut(&mut blocks);
        #[cfg(test)]
        self.calls.fetch_add(as_blocks.len() as u64, std::sync::atomic::Ordering::Relaxed);
        self.cipher.encrypt_blocks(as_blocks);
        for (x, block) in mixed.iter_mut().zip(&blocks) {
            *x ^= u128::from_le_bytes(*block);
        }
        blocks.zeroize();
        mixed
    }
}

#[cfg(test)]
impl Hash {
    /// AES calls so far: what headers claim.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// (l, r) ↦ (l ⊕ r, l).
fn sigma(x: u128) -> u128 {
    let (left, right) = (x >> 64, x & u128::from(u64::MAX));
    (left ^ right) << 64 | left
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Block by block, by another road.
    #[allow(clippy::cast_possible_truncation)] // halves
    fn slow(key: [u8; 16], x: u128, tweak: u128) -> u128 {
        let y = x ^ tweak;
        let (left, right) = ((y >> 64) as u64, y as u64);
        let mixed = u128::from(left ^ right) << 64 | u128::from(left);
        let mut block: Block = mixed.to_le_bytes().into();
        Aes128::new(&key.into()).encrypt_block(&mut block);
        u128::from_le_bytes(block.into()) ^ mixed
    }

    #[test]
    fn many_are_as_one_by_one() {
        let nodes: Vec<(u128, u128)> = (0..37u32)
            .map(|i| (u128::from(i).wrapping_mul(0x1234_5678_9ABC_DEF0_0FED), tweak(i.into(), i, Part::Leaf)))
            .collect();
        let got = Hash::new(&[9; 16]).many(nodes.iter().copied());
        assert!(got.iter().zip(&nodes).all(|(h, &(x, t))| *h == slow([9; 16], x, t)));
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
                for part in [Part::Left, Part::Right, Part::LeftValue, Part::RightValue, Part::Leaf] {
                    assert!(all.insert(tweak(key, level, part)));
                }
            }
        }
    }
}
