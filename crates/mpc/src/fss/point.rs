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

#![allow(clippy::inline_always)] // so that what is done to groups is compiled for the instructions of the hash
#![allow(clippy::needless_range_loop)] // one place of many planes

use std::array::from_mut;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::group::{Blocks, Group, Plane, apart, together};
use super::hash::{Backend, Hash, Hasher, Part, Work};
use super::{Roots, mask, mask_at};
use crate::wiped::wiped_on_drop;

/// Levels of the last block.
const BLOCK_BITS: u32 = 7;

/// What both sides get of a key besides a root each.
#[derive(Clone)]
pub struct Corrections {
    /// Of blocks, two each, the high one first: by level, by key; then, by key, of the last block.
    words: Vec<u64>,
}

/// One side's keys of many points.
pub struct Keys {
    bits: u32,
    roots: Roots,
    corrections: Corrections,
}

privet_ring::not_shown!(Keys, Corrections);
wiped_on_drop!(Corrections: words);

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
    let dealt = Corrections { words: vec![0; Corrections::words(bits, alphas.len())] };
    let sides =
        Sides { nodes: EMPTY, hashed: EMPTY, delta: EMPTY[0], correction: EMPTY[0], right: Plane::EMPTY };
    let mut dealer = Dealer { bits, alphas, roots, dealt, sides };
    hash.work(alphas.len(), &mut dealer);
    dealer.dealt
}

const EMPTY: [Blocks; 2] = [[Plane::EMPTY; 2]; 2];

struct Dealer<'a> {
    bits: u32,
    alphas: &'a [u64],
    roots: [&'a Roots; 2],
    dealt: Corrections,
    sides: Sides,
}

/// Of a group: both sides on their paths to α.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Sides {
    nodes: [Blocks; 2],
    hashed: [Blocks; 2],
    delta: Blocks,
    correction: Blocks,
    /// All ones where the path goes right.
    right: Plane,
}

impl Work for Dealer<'_> {
    #[inline(always)]
    fn group(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>) {
        let (bits, sides, alphas) = (self.bits, &mut self.sides, &self.alphas[group.at(0, 1)]);
        sides.start(group, self.roots);
        for level in 0..levels(bits) {
            sides.hash(group, hasher, level, Part::Left);
            sides.right.fill(alphas.len(), |i| mask_at(alphas[i], bits, level));
            sides.descend(group.count());
            together(&sides.correction, &mut self.dealt.words[group.at(level, 2)]);
        }
        sides.hash(group, hasher, bits, Part::Leaf);
        for half in 0..2 {
            let ends = sides.hashed.each_ref().map(|of| &of[half]);
            sides.correction[half]
                .fill(alphas.len(), |i| ends[0][i] ^ ends[1][i] ^ leaf(alphas[i], bits)[half]);
        }
        together(&sides.correction, &mut self.dealt.words[group.at(levels(bits), 2)]);
    }
}

/// The last block of α.
fn leaf(alpha: u64, bits: u32) -> [u64; 2] {
    let place = place(alpha, bits);
    [u64::from(place >= 64) << (place % 64), u64::from(place < 64) << (place % 64)]
}

impl Sides {
    #[inline(always)]
    fn start(&mut self, group: Group, roots: [&Roots; 2]) {
        for (nodes, roots) in self.nodes.iter_mut().zip(roots) {
            apart(&roots.words[group.at(0, 2)], nodes);
        }
        // They differ by Δ, whose last bit is 1.
        for half in 0..2 {
            let [zero, one] = self.nodes.each_ref().map(|of| &of[half]);
            self.delta[half].fill(group.count(), |i| zero[i] ^ one[i]);
        }
    }

    #[inline(always)]
    fn hash(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>, level: u32, part: Part) {
        for ([high, low], hashed) in self.nodes.iter().zip(&mut self.hashed) {
            let tweak = |i| group.tweak(i, level);
            hasher.expand(group.count(), |i| [high[i], low[i]], tweak, [part], from_mut(hashed));
        }
    }

    /// `CW_i = H(s_0) ⊕ H(s_1) ⊕ (1 ⊕ α_i)·Δ`, and down both paths.
    #[inline(always)]
    fn descend(&mut self, count: usize) {
        let ([zero, one], [of_zero, of_one]) = (&mut self.nodes, &self.hashed);
        // The low halves, in which the control bits are, go last.
        for half in 0..2 {
            for i in 0..count.min(self.right.len()) {
                let (right, hashed) = (self.right[i], [of_zero[half][i], of_one[half][i]]);
                let correction = hashed[0] ^ hashed[1] ^ self.delta[half][i] & !right;
                self.correction[half][i] = correction;
                zero[half][i] = child(zero[half][i], hashed[0], correction, mask(zero[1][i]), right);
                one[half][i] = child(one[half][i], hashed[1], correction, mask(one[1][i]), right);
            }
        }
    }
}

/// Half of the child that a path goes to: the left one is H(s) ⊕ t·CW, the right one s more.
#[inline(always)]
fn child(node: u64, hashed: u64, correction: u64, control: u64, right: u64) -> u64 {
    hashed ^ correction & control ^ node & right
}

impl Corrections {
    /// 64-bit words of so many keys.
    pub fn words(bits: u32, keys: usize) -> usize {
        2 * keys * (levels(bits) as usize + 1)
    }

    /// As words, for a message.
    pub fn to_words(&self) -> Vec<u64> {
        self.words.clone()
    }

    /// As words, without a copy.
    pub fn into_words(mut self) -> Vec<u64> {
        std::mem::take(&mut self.words)
    }

    /// From a message of [`Self::words`] words.
    pub fn from_words(words: &[u64]) -> Self {
        Self { words: words.to_vec() }
    }
}

impl Keys {
    /// Of this side's roots and what was dealt to them.
    pub fn new(bits: u32, roots: Roots, corrections: Corrections) -> Self {
        debug_assert_eq!(corrections.words.len(), Corrections::words(bits, roots.len()));
        Self { bits, roots, corrections }
    }

    /// This side's bits: whether α ≤ x, for a number for each key. What is asked of one key must follow from one masked number.
    pub fn up_to(&self, hash: &Hash, xs: &[u64]) -> Vec<bool> {
        debug_assert_eq!(xs.len(), self.roots.len());
        let [nodes, hashed] = EMPTY;
        let [correction, _] = EMPTY;
        let path = Path { nodes, hashed, correction, right: Plane::EMPTY, parity: Plane::EMPTY };
        let mut walk = Walk { keys: self, xs, answers: Vec::with_capacity(xs.len()), path };
        hash.work(xs.len(), &mut walk);
        walk.answers
    }
}

struct Walk<'a> {
    keys: &'a Keys,
    xs: &'a [u64],
    answers: Vec<bool>,
    path: Path,
}

/// Of a group: one side on its path to x.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Path {
    nodes: Blocks,
    hashed: Blocks,
    correction: Blocks,
    /// All ones where it goes right.
    right: Plane,
    /// Of what lies before it, in the last bit.
    parity: Plane,
}

impl Work for Walk<'_> {
    #[inline(always)]
    fn group(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>) {
        let (bits, path, xs) = (self.keys.bits, &mut self.path, &self.xs[group.at(0, 1)]);
        let dealt = &self.keys.corrections.words;
        apart(&self.keys.roots.words[group.at(0, 2)], &mut path.nodes);
        path.parity = Plane::EMPTY;
        for level in 0..levels(bits) {
            path.hash(group, hasher, level, Part::Left);
            apart(&dealt[group.at(level, 2)], &mut path.correction);
            path.right.fill(xs.len(), |i| mask_at(xs[i], bits, level));
            path.descend(group.count());
        }
        path.hash(group, hasher, bits, Part::Leaf);
        apart(&dealt[group.at(levels(bits), 2)], &mut path.correction);
        self.answers.extend(xs.iter().enumerate().map(|(i, &x)| path.answer(i, place(x, bits))));
    }
}

impl Path {
    #[inline(always)]
    fn hash(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>, level: u32, part: Part) {
        let [high, low] = &self.nodes;
        let tweak = |i| group.tweak(i, level);
        hasher.expand(group.count(), |i| [high[i], low[i]], tweak, [part], from_mut(&mut self.hashed));
    }

    #[inline(always)]
    fn descend(&mut self, count: usize) {
        let [highs, lows] = &mut self.nodes;
        for i in 0..count.min(lows.len()) {
            let (control, right) = (mask(lows[i]), self.right[i]);
            let of = |half: usize, node: u64, right: u64| {
                child(node, self.hashed[half][i], self.correction[half][i], control, right)
            };
            // Where x goes right, all of the left child is before it.
            self.parity[i] ^= of(1, lows[i], 0) & right;
            highs[i] = of(0, highs[i], right);
            lows[i] = of(1, lows[i], right);
        }
    }

    /// Of key i: what is before its last block, and the bits of it up to this place, which may be all 128.
    fn answer(&self, i: usize, place: u32) -> bool {
        let control = mask(self.nodes[1][i]);
        let [high, low] = [0, 1].map(|half: usize| self.hashed[half][i] ^ self.correction[half][i] & control);
        let up_to = (u128::from(high) << 64 | u128::from(low)) & (1u128 << place << 1).wrapping_sub(1);
        (self.parity[i] & 1 == 1) ^ (up_to.count_ones() % 2 == 1)
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
            assert_eq!(16 + 8 * key.corrections.words.len(), 16 * (bits as usize - 5));
            let dealt = hash.calls() - before;
            assert_eq!(dealt, 2 * u64::from(bits - 6));
            key.up_to(&hash, &[7]);
            assert_eq!(hash.calls() - before - dealt, u64::from(bits - 6));
        }
    }
}
