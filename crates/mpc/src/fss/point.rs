//! A point, shared: of one key, whether α ≤ x for any number of x, as bits whose exclusive or is the answer.
//!
//! The tree is eprint 2022/1431's half tree: both children of a node are made of one hash, and on the path to α the two sides' nodes
//! differ by Δ, whose last bit is 1; elsewhere they are the same. So the last bits of a node, control bits, differ exactly where α lies below it, and
//! what lies up to x is the left siblings on the path to x (eprint 2023/108): no leaf but those of one block is looked at.
//! The last seven levels are one block of 128 bits, corrected as a whole.
//!
//! | | |
//! |---|---|
//! | key, of n > 7 bits | 16·(n - 5) bytes |
//! | to deal | 2·(n - 6) AES calls |
//! | to evaluate at one x | n - 6 AES calls |

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::hash::{Hash, Part, tweak};
use super::{Roots, bit_at, blocks, mask, words};

/// Levels of the last block.
const BLOCK_BITS: u32 = 7;

/// What both sides get of a key besides a root each.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Corrections {
    /// By level, by key; then, by key, of the last block.
    blocks: Vec<u128>,
}

/// One side's keys of many points.
pub struct Keys {
    bits: u32,
    roots: Roots,
    corrections: Corrections,
}

privet_ring::not_shown!(Keys, Corrections);

fn levels(bits: u32) -> u32 {
    bits.saturating_sub(BLOCK_BITS)
}

/// The bit of a number in its last block.
fn place(x: u64, bits: u32) -> u32 {
    #[allow(clippy::cast_possible_truncation)] // below 128
    let low = (x & ((1 << BLOCK_BITS.min(bits)) - 1)) as u32;
    low
}

/// What makes keys of these points, of so many bits, out of the roots of both sides.
pub fn deal(hash: &Hash, bits: u32, alphas: &[u64], roots: [&Roots; 2]) -> Corrections {
    debug_assert!((1..=64).contains(&bits));
    let mut nodes = roots.map(|roots| roots.0.clone());
    // The sides differ by Δ, whose last bit is 1.
    let mut deltas: Vec<u128> = nodes[0].iter().zip(&nodes[1]).map(|(a, b)| a ^ b).collect();
    let mut blocks = Vec::with_capacity(Corrections::count(bits, alphas.len()));
    for level in 0..levels(bits) {
        let hashed = nodes.each_ref().map(|nodes| hash_level(hash, level, nodes));
        for (i, &alpha) in alphas.iter().enumerate() {
            let right = bit_at(alpha, bits, level);
            // CW_i = H(s_0) ⊕ H(s_1) ⊕ (1 ⊕ α_i)·Δ.
            let correction = hashed[0][i] ^ hashed[1][i] ^ deltas[i] & !mask(right);
            for (nodes, hashed) in nodes.iter_mut().zip(&hashed) {
                nodes[i] = child(nodes[i], hashed[i], correction, right);
            }
            blocks.push(correction);
        }
    }
    let ends = nodes.each_ref().map(|nodes| leaf_blocks(hash, bits, nodes));
    blocks.extend((0..alphas.len()).map(|i| ends[0][i] ^ ends[1][i] ^ 1 << place(alphas[i], bits)));
    nodes.iter_mut().for_each(Zeroize::zeroize);
    deltas.zeroize();
    Corrections { blocks }
}

fn hash_level(hash: &Hash, level: u32, nodes: &[u128]) -> Vec<u128> {
    hash.many(nodes.iter().zip(0..).map(|(&node, key)| (node, tweak(key, level, Part::Left))))
}

fn leaf_blocks(hash: &Hash, bits: u32, nodes: &[u128]) -> Vec<u128> {
    hash.many(nodes.iter().zip(0..).map(|(&node, key)| (node, tweak(key, bits, Part::Leaf))))
}

/// The left child is H(s) ⊕ t·CW, the right one s more.
fn child(node: u128, hashed: u128, correction: u128, right: u128) -> u128 {
    hashed ^ correction & mask(node) ^ node & mask(right)
}

impl Corrections {
    /// Blocks of so many keys.
    fn count(bits: u32, keys: usize) -> usize {
        keys * (levels(bits) as usize + 1)
    }

    /// 64-bit words of so many keys.
    pub fn words(bits: u32, keys: usize) -> usize {
        2 * Self::count(bits, keys)
    }

    /// As words, for a message.
    pub fn to_words(&self) -> Vec<u64> {
        words(&self.blocks)
    }

    /// From a message of [`Self::words`] words.
    pub fn from_words(words: &[u64]) -> Self {
        Self { blocks: blocks(words) }
    }
}

impl Keys {
    /// Of this side's roots and what was dealt to them.
    pub fn new(bits: u32, roots: Roots, corrections: Corrections) -> Self {
        debug_assert_eq!(corrections.blocks.len(), Corrections::count(bits, roots.len()));
        Self { bits, roots, corrections }
    }

    /// This side's bits: whether α ≤ x, for a number for each key. What is asked of one key must follow from one masked number.
    pub fn up_to(&self, hash: &Hash, xs: &[u64]) -> Vec<bool> {
        debug_assert_eq!(xs.len(), self.roots.len());
        let (bits, count) = (self.bits, self.roots.len());
        let mut nodes = self.roots.0.clone();
        let mut parity = vec![0u128; count];
        for level in 0..levels(bits) {
            let hashed = hash_level(hash, level, &nodes);
            let corrections = &self.corrections.blocks[level as usize * count..];
            for (i, &x) in xs.iter().enumerate() {
                let right = bit_at(x, bits, level);
                // Where x goes right, all of the left child is before it.
                parity[i] ^= child(nodes[i], hashed[i], corrections[i], 0) & right;
                nodes[i] = child(nodes[i], hashed[i], corrections[i], right);
            }
        }
        let ends = leaf_blocks(hash, bits, &nodes);
        let last = &self.corrections.blocks[levels(bits) as usize * count..];
        let answer = |i: usize| {
            let block = ends[i] ^ last[i] & mask(nodes[i]);
            // The bits up to this place, which may be all 128.
            let up_to = block & (1u128 << place(xs[i], bits) << 1).wrapping_sub(1);
            (parity[i] & 1 == 1) ^ (up_to.count_ones() % 2 == 1)
        };
        let answers = (0..count).map(answer).collect();
        nodes.zeroize();
        answers
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::roots;
    use super::*;

    fn pair(hash: &Hash, bits: u32, alphas: &[u64], seed: u8) -> [Keys; 2] {
        let roots = roots(alphas.len(), seed);
        let dealt = deal(hash, bits, alphas, roots.each_ref()).to_words();
        assert_eq!(dealt.len(), Corrections::words(bits, alphas.len()));
        roots.map(|roots| Keys::new(bits, roots, Corrections::from_words(&dealt)))
    }

    fn check(bits: u32, alphas: &[u64], xs: &[u64], seed: u8) {
        let hash = Hash::new(&[seed; 16]);
        let shares = pair(&hash, bits, alphas, seed).map(|keys| keys.up_to(&hash, xs));
        for i in 0..alphas.len() {
            let (a, x) = (alphas[i], xs[i]);
            assert_eq!(shares[0][i] ^ shares[1][i], a <= x, "{bits} bits: {a} <= {x}");
        }
    }

    #[test]
    fn all_numbers_of_small_domains() {
        for bits in 1..=9u32 {
            let n = 1u64 << bits;
            let pairs: Vec<(u64, u64)> = (0..n).flat_map(|a| (0..n).map(move |x| (a, x))).collect();
            let (alphas, xs): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
            check(bits, &alphas, &xs, 1);
        }
    }

    proptest! {
        #[test]
        fn numbers_of_any_width(
            bits in 1u32..=64,
            cases in proptest::collection::vec((any::<u64>(), any::<u64>(), 0i8..3), 1..20),
            seed: u8,
        ) {
            let within = |x: u64| x & (u64::MAX >> (64 - bits));
            let alphas: Vec<u64> = cases.iter().map(|c| within(c.0)).collect();
            let near = |a: u64, x: u64, how: i8| if how == 0 { x } else { a.wrapping_add_signed(i64::from(how) * 2 - 3) };
            let xs: Vec<u64> = cases.iter().zip(&alphas).map(|(c, a)| within(near(*a, c.1, c.2))).collect();
            check(bits, &alphas, &xs, seed);
        }
    }

    #[test]
    fn a_key_is_as_long_and_takes_as_many_calls_as_the_text_says() {
        let hash = Hash::new(&[1; 16]);
        for bits in 8..=64u32 {
            let before = hash.calls();
            let [key, _] = pair(&hash, bits, &[3], 1);
            assert_eq!(16 * (1 + key.corrections.blocks.len()), 16 * (bits as usize - 5));
            let dealt = hash.calls() - before;
            assert_eq!(dealt, 2 * u64::from(bits - 6));
            key.up_to(&hash, &[7]);
            assert_eq!(hash.calls() - before - dealt, u64::from(bits - 6));
        }
    }
}
