//! A point, shared: of one key, whether α < x for any number of x, as bits whose exclusive or is the answer.
//!
//! The tree is eprint 2022/1431's half tree: both children of a node are made of one hash, and on the path to α the two sides' nodes
//! differ by Δ, whose last bit is 1; elsewhere they are the same. So the last bits of a node, control bits, differ exactly where α lies below it, and
//! what lies before x is the left siblings on the path to x (eprint 2023/108): no leaf but those of one block is looked at.
//! The last seven levels are one block of 128 bits, corrected as a whole.
//!
//! | | |
//! |---|---|
//! | key, of n > 7 bits | 16·(n - 5) bytes |
//! | to deal | 2·(n - 6) AES calls |
//! | to evaluate at one x | n - 6 AES calls |

use privet_ring::prg::Stream;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::hash::{Hash, Part, tweak};
use super::{bit_at, mask};

/// Levels of the last block.
const BLOCK_BITS: u32 = 7;

/// One side's keys of many points.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Keys {
    bits: u32,
    first: u64,
    roots: Vec<u128>,
    /// By level, by key.
    corrections: Vec<u128>,
    /// By key: of the last block.
    blocks: Vec<u128>,
}

privet_ring::not_shown!(Keys);

fn levels(bits: u32) -> u32 {
    bits.saturating_sub(BLOCK_BITS)
}

/// The bit of a number in its last block.
fn place(x: u64, bits: u32) -> u32 {
    #[allow(clippy::cast_possible_truncation)] // below 128
    let low = (x & ((1 << BLOCK_BITS.min(bits)) - 1)) as u32;
    low
}

/// Keys of these points, of so many bits. `first` is the number of the first key of the session.
pub fn deal(hash: &Hash, bits: u32, first: u64, alphas: &[u64], random: &mut Stream) -> [Keys; 2] {
    debug_assert!((1..=64).contains(&bits));
    let count = alphas.len();
    let mut words = vec![0; 4 * count];
    random.fill(&mut words);
    let pair = |a: u64, b: u64| u128::from(a) << 64 | u128::from(b);
    let drawn: Vec<(u128, u128)> =
        words.as_chunks::<4>().0.iter().map(|&[a, b, c, d]| (pair(a, b) & !1, pair(c, d) | 1)).collect();
    words.zeroize();
    // Side zero begins without the control bit; the sides differ by Δ.
    let mut nodes =
        [drawn.iter().map(|d| d.0).collect::<Vec<_>>(), drawn.iter().map(|d| d.0 ^ d.1).collect()];
    let roots = nodes.clone();
    let mut corrections = Vec::with_capacity(count * levels(bits) as usize);
    for level in 0..levels(bits) {
        let hashed = nodes.each_ref().map(|nodes| hash_level(hash, first, level, nodes));
        for (i, &alpha) in alphas.iter().enumerate() {
            let right = bit_at(alpha, bits, level);
            // CW_i = H(s_0) ⊕ H(s_1) ⊕ (1 ⊕ α_i)·Δ.
            let correction = hashed[0][i] ^ hashed[1][i] ^ drawn[i].1 & !mask(right);
            for (nodes, hashed) in nodes.iter_mut().zip(&hashed) {
                nodes[i] = child(nodes[i], hashed[i], correction, right);
            }
            corrections.push(correction);
        }
    }
    let ends = nodes.each_ref().map(|nodes| leaf_blocks(hash, first, bits, nodes));
    let blocks: Vec<u128> =
        (0..count).map(|i| ends[0][i] ^ ends[1][i] ^ 1 << place(alphas[i], bits)).collect();
    nodes.iter_mut().for_each(Zeroize::zeroize);
    roots.map(|roots| Keys { bits, first, roots, corrections: corrections.clone(), blocks: blocks.clone() })
}

fn hash_level(hash: &Hash, first: u64, level: u32, nodes: &[u128]) -> Vec<u128> {
    hash.many(nodes.iter().zip(first..).map(|(&node, key)| (node, tweak(key, level, Part::Left))))
}

fn leaf_blocks(hash: &Hash, first: u64, bits: u32, nodes: &[u128]) -> Vec<u128> {
    hash.many(nodes.iter().zip(first..).map(|(&node, key)| (node, tweak(key, bits, Part::Leaf))))
}

/// The left child is H(s) ⊕ t·CW, the right one s more.
fn child(node: u128, hashed: u128, correction: u128, right: u128) -> u128 {
    hashed ^ correction & mask(node) ^ node & mask(right)
}

impl Keys {
    /// How many.
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// This side's bits: whether α < x, for a number for each key. What is asked of one key must follow from one masked number.
    pub fn before(&self, hash: &Hash, xs: &[u64]) -> Vec<bool> {
        debug_assert_eq!(xs.len(), self.len());
        let (bits, count) = (self.bits, self.len());
        let mut nodes = self.roots.clone();
        let mut parity = vec![0u128; count];
        for level in 0..levels(bits) {
            let hashed = hash_level(hash, self.first, level, &nodes);
            let corrections = &self.corrections[level as usize * count..];
            for (i, &x) in xs.iter().enumerate() {
                let right = bit_at(x, bits, level);
                // Where x goes right, all of the left child is before it.
                parity[i] ^= child(nodes[i], hashed[i], corrections[i], 0) & right;
                nodes[i] = child(nodes[i], hashed[i], corrections[i], right);
            }
        }
        let ends = leaf_blocks(hash, self.first, bits, &nodes);
        let answer = |i: usize| {
            let block = ends[i] ^ self.blocks[i] & mask(nodes[i]);
            let before = block & ((1u128 << place(xs[i], bits)) - 1);
            (parity[i] & 1 == 1) ^ (before.count_ones() % 2 == 1)
        };
        let answers = (0..count).map(answer).collect();
        nodes.zeroize();
        answers
    }
}

#[cfg(test)]
mod tests {
    use privet_ring::prg::Seed;
    use proptest::prelude::*;

    use super::*;

    fn stream(seed: u8) -> Stream {
        Stream::of_chunk(&Seed::from_bytes([seed; 16]), 0)
    }

    fn check(bits: u32, alphas: &[u64], xs: &[u64], seed: u8) {
        let hash = Hash::new(&[seed; 16]);
        let keys = deal(&hash, bits, 5, alphas, &mut stream(seed));
        let shares = keys.each_ref().map(|keys| keys.before(&hash, xs));
        for i in 0..alphas.len() {
            let (a, x) = (alphas[i], xs[i]);
            assert_eq!(shares[0][i] ^ shares[1][i], a < x, "{bits} bits: {a} < {x}");
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
            let [key, _] = deal(&hash, bits, 0, &[3], &mut stream(1));
            let blocks = key.roots.len() + key.corrections.len() + key.blocks.len();
            assert_eq!(16 * blocks, 16 * (bits as usize - 5));
            let dealt = hash.calls() - before;
            assert_eq!(dealt, 2 * u64::from(bits - 6));
            key.before(&hash, &[7]);
            assert_eq!(hash.calls() - before - dealt, u64::from(bits - 6));
        }
    }
}
