//! Distributed comparison: shares of β where x < α, and of 0 elsewhere. Eprint 2020/1392, figure 1, whose names stand in the comments;
//! a seed's last bit is its control bit t, so seeds have 127 bits.
//!
//! | | |
//! |---|---|
//! | to deal a key of n bits | 8·n + 2 AES calls |
//! | to evaluate it | 2·n + 1 AES calls |

#![allow(clippy::inline_always)] // so that what is done to groups is compiled for the instructions of the hash
#![allow(clippy::needless_range_loop)] // one place of many planes

use std::array::{from_mut, from_ref};

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::group::{Blocks, Group, Plane, apart, together};
use super::hash::{Backend, Hash, Hasher, Part, Work};
use super::{Roots, Side, mask, mask_at, negate_if};
use crate::wiped::wipe;

/// A value of W words, each modulo 2^64.
pub type Words<const W: usize> = [u64; W];

/// What both sides get of a key besides a root each: CW of each level, by level, by key.
#[derive(Clone)]
pub struct Corrections<const W: usize> {
    /// `s_CW` with `t_CW^L` as its last bit, two words each, the high one first.
    seeds: Vec<u64>,
    /// `t_CW^R`.
    controls: Vec<u64>,
    /// `V_CW`, W words each; then, by key, `CW_{n+1}`.
    values: Vec<u64>,
}

/// One side's keys of many comparisons. What is asked of one key must follow from one masked number.
pub struct Keys<const W: usize> {
    bits: u32,
    side: Side,
    roots: Roots,
    corrections: Corrections<W>,
}

impl<const W: usize> std::fmt::Debug for Corrections<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Corrections({} levels of keys, not shown)", self.controls.len())
    }
}

impl<const W: usize> Drop for Corrections<W> {
    fn drop(&mut self) {
        wipe(&mut self.seeds);
        wipe(&mut self.controls);
        wipe(&mut self.values);
    }
}

/// What makes keys for numbers of so many bits out of the roots of both sides: key i gives its β where x is below its α.
pub fn deal<const W: usize>(
    hash: &Hash,
    bits: u32,
    alphas: &[u64],
    betas: &[Words<W>],
    roots: [&Roots; 2],
) -> Corrections<W> {
    const { assert!(W == 1 || W == 2) };
    debug_assert!((1..=64).contains(&bits) && alphas.len() == betas.len());
    let [seeds, controls, values] = lengths::<W>(bits, alphas.len()).map(|length| vec![0; length]);
    let dealt = Corrections { seeds, controls, values };
    let mut dealer = Dealer { bits, alphas, betas, roots, dealt, sides: Sides::new() };
    hash.work(alphas.len(), &mut dealer);
    dealer.dealt
}

/// Words of the three tensors that [`Corrections::to_words`] gives for so many keys of so many bits: 64 bits each, one bit each, and as many as
/// the values have.
pub fn lengths<const W: usize>(bits: u32, keys: usize) -> [usize; 3] {
    let levels = keys * bits as usize;
    [2 * levels, levels, W * (levels + keys)]
}

impl<const W: usize> Corrections<W> {
    /// As words, for a message: seeds with the left control bits, the right ones, values.
    pub fn to_words(&self) -> [Vec<u64>; 3] {
        [self.seeds.clone(), self.controls.clone(), self.values.clone()]
    }

    /// As words, without a copy.
    pub fn into_words(mut self) -> [Vec<u64>; 3] {
        [&mut self.seeds, &mut self.controls, &mut self.values].map(std::mem::take)
    }

    /// From a message of so many keys, as [`lengths`] says.
    pub fn from_words(keys: usize, [seeds, controls, values]: &[Vec<u64>; 3]) -> Self {
        debug_assert_eq!(values.len(), W * (controls.len() + keys));
        Self { seeds: seeds.clone(), controls: controls.clone(), values: values.clone() }
    }
}

struct Dealer<'a, const W: usize> {
    bits: u32,
    alphas: &'a [u64],
    betas: &'a [Words<W>],
    roots: [&'a Roots; 2],
    dealt: Corrections<W>,
    sides: Sides<W>,
}

/// Of a group: both sides on their paths to α.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Sides<const W: usize> {
    nodes: [Blocks; 2],
    /// G(s): the left and the right child with their control bits, and their values.
    children: [[Blocks; 4]; 2],
    /// All ones where the path keeps the right child; which is kept is secret, so both are looked at.
    keep: Plane,
    beta: [Plane; W],
    /// `V_α`.
    sum: [Plane; W],
    correction: Correction<W>,
    /// `s_CW` with the `t_CW` of the child that is kept as its last bit.
    kept: Blocks,
}

/// CW of one level.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Correction<const W: usize> {
    /// `s_CW` with `t_CW^L` as its last bit.
    seed: Blocks,
    /// `t_CW^R`.
    control: Plane,
    /// `V_CW`.
    value: [Plane; W],
}

impl<const W: usize> Work for Dealer<'_, W> {
    #[inline(always)]
    fn group(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>) {
        let (bits, sides, alphas) = (self.bits, &mut self.sides, &self.alphas[group.at(0, 1)]);
        sides.start(group, self.roots, self.betas);
        for level in 0..bits {
            sides.expand(group, hasher, level);
            sides.keep.fill(alphas.len(), |i| mask_at(alphas[i], bits, level));
            sides.correct(group.count());
            sides.correct_values(group.count());
            sides.descend(group.count());
            sides.correction.write(group, level, &mut self.dealt);
        }
        sides.finish(group, hasher, bits);
        together(&sides.correction.value, &mut self.dealt.values[group.at(bits, W)]);
    }
}

impl<const W: usize> Sides<W> {
    fn new() -> Self {
        let (block, words) = ([Plane::EMPTY; 2], [Plane::EMPTY; W]);
        Self {
            nodes: [block; 2],
            children: [[block; 4]; 2],
            keep: Plane::EMPTY,
            beta: words,
            sum: words,
            correction: Correction::new(),
            kept: block,
        }
    }

    #[inline(always)]
    fn start(&mut self, group: Group, roots: [&Roots; 2], betas: &[Words<W>]) {
        for (nodes, roots) in self.nodes.iter_mut().zip(roots) {
            apart(&roots.words[group.at(0, 2)], nodes);
        }
        apart(&betas.as_flattened()[group.at(0, W)], &mut self.beta);
        self.sum = [Plane::EMPTY; W];
    }

    #[inline(always)]
    fn expand(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>, level: u32) {
        const PARTS: [Part; 4] = [Part::Left, Part::Right, Part::LeftValue, Part::RightValue];
        for (nodes, children) in self.nodes.iter().zip(&mut self.children) {
            let tweak = |i| group.tweak(i, level);
            hasher.expand(group.count(), |i| seed(nodes, i), tweak, PARTS, children);
        }
    }

    /// `s_CW`, `t_CW^L` and `t_CW^R` for the bit `α_i`.
    #[inline(always)]
    fn correct(&mut self, count: usize) {
        let ([zero, one], keep) = (&self.children, &self.keep);
        // s_CW = s_0^Lose ⊕ s_1^Lose.
        for half in 0..2 {
            let lost = |of: &[Blocks; 4], i: usize| pick(keep[i], of[1][half][i], of[0][half][i]);
            self.correction.seed[half].fill(count, |i| lost(zero, i) ^ lost(one, i));
        }
        self.kept[0] = self.correction.seed[0];
        for i in 0..count.min(keep.len()) {
            // t_CW^L = t_0^L ⊕ t_1^L ⊕ α_i ⊕ 1, t_CW^R = t_0^R ⊕ t_1^R ⊕ α_i.
            let [left, right] = [0, 1].map(|child: usize| zero[child][1][i] ^ one[child][1][i] ^ keep[i]);
            let (left, right, seed) = (!left & 1, right & 1, self.correction.seed[1][i] & !1);
            self.correction.seed[1][i] = seed | left;
            self.correction.control[i] = right;
            self.kept[1][i] = seed | pick(keep[i], left, right);
        }
    }

    /// `V_CW`, and `V_α` carried on.
    #[inline(always)]
    fn correct_values(&mut self, count: usize) {
        let ([zero, one], keep) = (&self.children, &self.keep);
        for w in 0..W {
            let (sums, beta) = (&mut self.sum[w], &self.beta[w]);
            for i in 0..count.min(keep.len()) {
                let [left, right] = [2, 3].map(|child: usize| {
                    converted(&one[child], w)[i].wrapping_sub(converted(&zero[child], w)[i])
                });
                let [lost, kept] = [pick(keep[i], right, left), pick(keep[i], left, right)];
                // (-1)^t_1 · V_CW = v_1^Lose - v_0^Lose - V_α, and β more where what is lost is the left child.
                let signed = lost.wrapping_sub(sums[i]).wrapping_add(beta[i] & keep[i]);
                self.correction.value[w][i] = negate_if(mask(self.nodes[1][1][i]), signed);
                // V_α ← V_α - v_1^Keep + v_0^Keep + (-1)^t_1 · V_CW.
                sums[i] = sums[i].wrapping_sub(kept).wrapping_add(signed);
            }
        }
    }

    /// To the children that are kept, corrected.
    #[inline(always)]
    fn descend(&mut self, count: usize) {
        for (nodes, children) in self.nodes.iter_mut().zip(&self.children) {
            let [highs, lows] = nodes;
            for i in 0..count.min(lows.len()) {
                let control = mask(lows[i]);
                let of = |half: usize| pick(self.keep[i], children[0][half][i], children[1][half][i]);
                highs[i] = of(0) ^ self.kept[0][i] & control;
                lows[i] = of(1) ^ self.kept[1][i] & control;
            }
        }
    }

    /// `CW_{n+1}`, where values are.
    #[inline(always)]
    fn finish(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>, bits: u32) {
        for (nodes, [end, ..]) in self.nodes.iter().zip(&mut self.children) {
            leaves(group, hasher, bits, nodes, end);
        }
        let [zero, one] = self.children.each_ref().map(|children| &children[0]);
        let controls = &self.nodes[1][1];
        for w in 0..W {
            let (zero, one, sum) = (converted(zero, w), converted(one, w), &self.sum[w]);
            let rest = |i: usize| one[i].wrapping_sub(zero[i]).wrapping_sub(sum[i]);
            self.correction.value[w].fill(group.count(), |i| negate_if(mask(controls[i]), rest(i)));
        }
    }
}

impl<const W: usize> Correction<W> {
    fn new() -> Self {
        Self { seed: [Plane::EMPTY; 2], control: Plane::EMPTY, value: [Plane::EMPTY; W] }
    }

    #[inline(always)]
    fn write(&self, group: Group, level: u32, to: &mut Corrections<W>) {
        together(&self.seed, &mut to.seeds[group.at(level, 2)]);
        together(from_ref(&self.control), &mut to.controls[group.at(level, 1)]);
        together(&self.value, &mut to.values[group.at(level, W)]);
    }

    #[inline(always)]
    fn read(&mut self, group: Group, level: u32, from: &Corrections<W>) {
        apart(&from.seeds[group.at(level, 2)], &mut self.seed);
        apart(&from.controls[group.at(level, 1)], from_mut(&mut self.control));
        apart(&from.values[group.at(level, W)], &mut self.value);
    }
}

/// `zero`, or `one` where the mask is all ones.
#[inline(always)]
fn pick(mask: u64, zero: u64, one: u64) -> u64 {
    zero ^ (zero ^ one) & mask
}

/// A node without its control bit.
#[inline(always)]
fn seed([high, low]: &Blocks, i: usize) -> [u64; 2] {
    [high[i], low[i] & !1]
}

/// Convert: a word of a block, the low one first.
#[inline(always)]
fn converted(blocks: &Blocks, word: usize) -> &Plane {
    &blocks[1 - word]
}

#[inline(always)]
fn leaves(group: Group, hasher: &mut Hasher<'_, impl Backend>, bits: u32, nodes: &Blocks, ends: &mut Blocks) {
    let tweak = |i| group.tweak(i, bits);
    hasher.expand(group.count(), |i| seed(nodes, i), tweak, [Part::Leaf], from_mut(ends));
}

impl<const W: usize> Keys<W> {
    /// Of a side's roots and what was dealt to them.
    pub fn new(bits: u32, side: Side, roots: Roots, corrections: Corrections<W>) -> Self {
        debug_assert_eq!(corrections.controls.len(), roots.len() * bits as usize);
        Self { bits, side, roots, corrections }
    }

    /// This side's shares at public numbers, one for each key.
    pub fn below(&self, hash: &Hash, xs: &[u64]) -> Vec<Words<W>> {
        debug_assert_eq!(xs.len(), self.roots.len());
        let shares = Vec::with_capacity(xs.len());
        let mut walk = Walk { keys: self, xs, shares, path: Path::new() };
        hash.work(xs.len(), &mut walk);
        walk.shares
    }
}

struct Walk<'a, const W: usize> {
    keys: &'a Keys<W>,
    xs: &'a [u64],
    shares: Vec<Words<W>>,
    path: Path<W>,
}

/// Of a group: one side on its path to x.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Path<const W: usize> {
    nodes: Blocks,
    /// The child that is gone to, with its control bit, and its value.
    child: [Blocks; 2],
    /// All ones where it is the right one.
    right: Plane,
    correction: Correction<W>,
    /// V.
    sum: [Plane; W],
}

impl<const W: usize> Work for Walk<'_, W> {
    #[inline(always)]
    fn group(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>) {
        let (keys, path, xs) = (self.keys, &mut self.path, &self.xs[group.at(0, 1)]);
        let (bits, dealt) = (keys.bits, &keys.corrections);
        apart(&keys.roots.words[group.at(0, 2)], &mut path.nodes);
        path.sum = [Plane::EMPTY; W];
        for level in 0..bits {
            path.right.fill(xs.len(), |i| mask_at(xs[i], bits, level));
            path.expand(group, hasher, level);
            path.correction.read(group, level, dealt);
            path.add(group.count(), 1);
            path.descend(group.count());
        }
        leaves(group, hasher, bits, &path.nodes, &mut path.child[0]);
        apart(&dealt.values[group.at(bits, W)], &mut path.correction.value);
        path.add(group.count(), 0);
        let share = |i: usize| path.sum.each_ref().map(|sum| keys.side.signed(sum[i]));
        self.shares.extend((0..xs.len()).map(share));
    }
}

impl<const W: usize> Path<W> {
    fn new() -> Self {
        let block = [Plane::EMPTY; 2];
        Self {
            nodes: block,
            child: [block; 2],
            right: Plane::EMPTY,
            correction: Correction::new(),
            sum: [Plane::EMPTY; W],
        }
    }

    #[inline(always)]
    fn expand(&mut self, group: Group, hasher: &mut Hasher<'_, impl Backend>, level: u32) {
        // The parts of right children follow those of left ones.
        let tweak = |i: usize| group.tweak(i, level) | u128::from(self.right[i] & 1);
        let parts = [Part::Left, Part::LeftValue];
        hasher.expand(group.count(), |i| seed(&self.nodes, i), tweak, parts, &mut self.child);
    }

    /// `V ← V + v + t·V_CW`, with the values in this place.
    #[inline(always)]
    fn add(&mut self, count: usize, place: usize) {
        let controls = &self.nodes[1];
        for w in 0..W {
            let (sum, own) = (&mut self.sum[w], converted(&self.child[place], w));
            let correction = &self.correction.value[w];
            for i in 0..count.min(own.len()) {
                let value = own[i].wrapping_add(correction[i] & mask(controls[i]));
                sum[i] = sum[i].wrapping_add(value);
            }
        }
    }

    /// To the child, corrected.
    #[inline(always)]
    fn descend(&mut self, count: usize) {
        let ([highs, lows], [child, _]) = (&mut self.nodes, &self.child);
        let Correction { seed, control, .. } = &self.correction;
        for i in 0..count.min(lows.len()) {
            let own = mask(lows[i]);
            let kept = pick(self.right[i], seed[1][i], seed[1][i] & !1 | control[i] & 1);
            highs[i] = child[0][i] ^ seed[0][i] & own;
            lows[i] = child[1][i] ^ kept & own;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::super::tests::roots;
    use super::*;

    fn pair<const W: usize>(
        hash: &Hash,
        bits: u32,
        alphas: &[u64],
        betas: &[Words<W>],
        seed: u8,
    ) -> [Keys<W>; 2] {
        let (roots, keys) = (roots(alphas.len(), seed), alphas.len());
        let dealt = deal(hash, bits, alphas, betas, roots.each_ref()).to_words();
        assert_eq!(dealt.each_ref().map(Vec::len), lengths::<W>(bits, keys));
        let mut sides = Side::ALL.into_iter();
        roots
            .map(|roots| Keys::new(bits, sides.next().unwrap(), roots, Corrections::from_words(keys, &dealt)))
    }

    fn check<const W: usize>(bits: u32, alphas: &[u64], betas: &[Words<W>], xs: &[u64], seed: u8) {
        let hash = Hash::new(&[seed; 16]);
        let [zero, one] = pair(&hash, bits, alphas, betas, seed).map(|keys| keys.below(&hash, xs));
        for (i, (a, b)) in zero.iter().zip(&one).enumerate() {
            let expected = if xs[i] < alphas[i] { betas[i] } else { [0; W] };
            let sum: Words<W> = std::array::from_fn(|w| a[w].wrapping_add(b[w]));
            assert_eq!(sum, expected, "{bits} bits: {} < {}", xs[i], alphas[i]);
        }
    }

    #[test]
    fn all_numbers_of_small_domains() {
        for bits in 1..=6u32 {
            let n = 1u64 << bits;
            let pairs: Vec<(u64, u64)> = (0..n).flat_map(|a| (0..n).map(move |x| (a, x))).collect();
            let (alphas, xs): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
            let one: Vec<Words<1>> =
                alphas.iter().map(|a| [a.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1]).collect();
            let two: Vec<Words<2>> = one.iter().map(|[b]| [*b, !b]).collect();
            check(bits, &alphas, &one, &xs, 1);
            check(bits, &alphas, &two, &xs, 2);
        }
    }

    proptest! {
        #[test]
        fn numbers_of_any_width(
            bits in 1u32..=64,
            cases in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<[u64; 2]>(), 0i8..3), 1..20),
            seed: u8,
        ) {
            let within = |x: u64| x & (u64::MAX >> (64 - bits));
            let alphas: Vec<u64> = cases.iter().map(|c| within(c.0)).collect();
            // Some points are near the border.
            let near = |a: u64, x: u64, how: i8| if how == 0 { x } else { a.wrapping_add_signed(i64::from(how) * 2 - 3) };
            let xs: Vec<u64> = cases.iter().zip(&alphas).map(|(c, a)| within(near(*a, c.1, c.3))).collect();
            let betas: Vec<Words<2>> = cases.iter().map(|c| c.2).collect();
            check(bits, &alphas, &betas, &xs, seed);
            check(bits, &alphas, &betas.iter().map(|b| [b[0]]).collect::<Vec<_>>(), &xs, seed);
        }
    }

    #[test]
    fn it_takes_as_many_calls_as_the_text_says() {
        for bits in [1, 7, 64] {
            let hash = Hash::new(&[1; 16]);
            let [key, _] = pair(&hash, bits, &[1], &[[5u64]], 1);
            assert_eq!(hash.calls(), 8 * u64::from(bits) + 2);
            key.below(&hash, &[0]);
            assert_eq!(hash.calls(), 10 * u64::from(bits) + 3);
        }
    }

    #[test]
    fn one_sides_shares_are_even_by_themselves() {
        let hash = Hash::new(&[3; 16]);
        let alphas: Vec<u64> = (0..512).map(|i| i * 0x0123_4567_89AB_CDEF).collect();
        let betas = vec![[1u64]; 512];
        for keys in pair(&hash, 64, &alphas, &betas, 4) {
            let shares = keys.below(&hash, &vec![77; 512]);
            let ones: u32 = shares.iter().map(|[s]| s.count_ones()).sum();
            assert!(ones.abs_diff(512 * 32) < 600, "{ones} of {} bits", 512 * 64);
        }
    }
}
