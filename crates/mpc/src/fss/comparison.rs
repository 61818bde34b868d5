//! Distributed comparison: shares of β where x < α, and of 0 elsewhere. Eprint 2020/1392, figure 1, whose names stand in the comments;
//! a seed's last bit is its control bit t, so seeds have 127 bits.
//!
//! | | |
//! |---|---|
//! | to deal a key of n bits | 8·n + 2 AES calls |
//! | to evaluate it | 2·n + 1 AES calls |

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::hash::{Hash, Part, tweak};
use super::{Roots, Side, bit_at, blocks, mask, negate_if, words};

/// A value of W words, each modulo 2^64.
pub type Words<const W: usize> = [u64; W];

/// What both sides get of a key besides a root each.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Corrections<const W: usize> {
    /// By level, by key.
    levels: Vec<Correction<W>>,
    /// `CW_{n+1}`, by key.
    last: Vec<Words<W>>,
}

/// One side's keys of many comparisons. What is asked of one key must follow from one masked number.
pub struct Keys<const W: usize> {
    bits: u32,
    side: Side,
    roots: Roots,
    corrections: Corrections<W>,
}

/// CW of one level: `s_CW` with `t_CW^L` as its last bit, `t_CW^R`, `V_CW`.
#[derive(Clone, Copy, Zeroize)]
struct Correction<const W: usize> {
    left: u128,
    right: u128,
    value: Words<W>,
}

impl<const W: usize> std::fmt::Debug for Corrections<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Corrections({} keys, not shown)", self.last.len())
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
    let count = alphas.len();
    let mut nodes = roots.map(|roots| roots.0.clone());
    // V_α.
    let mut sums = vec![[0; W]; count];
    let mut levels = Vec::with_capacity(count * bits as usize);
    for level in 0..bits {
        let children = [0, 1].map(|side: usize| expand::<W>(hash, level, &nodes[side]));
        for (i, (&alpha, &beta)) in alphas.iter().zip(betas).enumerate() {
            let right = bit_at(alpha, bits, level);
            let of = children.each_ref().map(|c| c[i]);
            let one = correct(right, beta, [nodes[0][i], nodes[1][i]], &of, &mut sums[i]);
            for (side, of) in nodes.iter_mut().zip(&of) {
                side[i] = step(one, side[i], of, right).0;
            }
            levels.push(one);
        }
    }
    let ends = nodes.each_ref().map(|nodes| leaves::<W>(hash, bits, nodes));
    let last = (0..count).map(|i| {
        let negative = nodes[1][i] & 1 == 1;
        let rest = |w: usize| ends[1][i][w].wrapping_sub(ends[0][i][w]).wrapping_sub(sums[i][w]);
        std::array::from_fn(|w| negate_if(negative, rest(w)))
    });
    let last = last.collect();
    nodes.iter_mut().for_each(Zeroize::zeroize);
    sums.zeroize();
    Corrections { levels, last }
}

/// Words of the three tensors that [`Corrections::to_words`] gives for so many keys of so many bits: 64 bits each, one bit each, and as many as
/// the values have.
pub fn lengths<const W: usize>(bits: u32, keys: usize) -> [usize; 3] {
    let levels = keys * bits as usize;
    [2 * levels, levels, W * (levels + keys)]
}

impl<const W: usize> Corrections<W> {
    /// As words, for a message: seeds with the left control bits, the right ones, values.
    #[allow(clippy::cast_possible_truncation)] // a bit
    pub fn to_words(&self) -> [Vec<u64>; 3] {
        let lefts: Vec<u128> = self.levels.iter().map(|c| c.left).collect();
        let rights = self.levels.iter().map(|c| c.right as u64 & 1).collect();
        let values = self.levels.iter().map(|c| &c.value).chain(&self.last);
        [words(&lefts), rights, values.flatten().copied().collect()]
    }

    /// From a message of so many keys, as [`lengths`] says.
    pub fn from_words(keys: usize, [lefts, rights, values]: &[Vec<u64>; 3]) -> Self {
        let mut values = values.as_chunks::<W>().0.to_vec();
        let last = values.split_off(values.len().saturating_sub(keys));
        let all = blocks(lefts).into_iter().zip(rights).zip(values);
        let levels = all.map(|((left, right), value)| Correction {
            left,
            right: seed_of(left) | u128::from(*right & 1),
            value,
        });
        Self { levels: levels.collect(), last }
    }
}

/// G(s): both children with their control bits, and their values as Convert has them.
#[derive(Clone, Copy)]
struct Children<const W: usize> {
    seeds: [u128; 2],
    values: [Words<W>; 2],
}

fn expand<const W: usize>(hash: &Hash, level: u32, nodes: &[u128]) -> Vec<Children<W>> {
    const PARTS: [Part; 4] = [Part::Left, Part::Right, Part::LeftValue, Part::RightValue];
    let numbered = nodes.iter().zip(0..);
    let wanted = numbered.flat_map(|(&s, key)| PARTS.map(|part| (seed_of(s), tweak(key, level, part))));
    let blocks = hash.many(wanted);
    let of = |&[left, right, left_value, right_value]: &[u128; 4]| Children {
        seeds: [left, right],
        values: [converted(left_value), converted(right_value)],
    };
    blocks.as_chunks::<4>().0.iter().map(of).collect()
}

/// A node without its control bit.
fn seed_of(node: u128) -> u128 {
    node & !1
}

/// Convert: the words of a block.
#[allow(clippy::cast_possible_truncation)] // its words
fn converted<const W: usize>(block: u128) -> Words<W> {
    std::array::from_fn(|w| (block >> (64 * w)) as u64)
}

fn leaves<const W: usize>(hash: &Hash, bits: u32, nodes: &[u128]) -> Vec<Words<W>> {
    let numbered = nodes.iter().zip(0..);
    let blocks = hash.many(numbered.map(|(&s, key)| (seed_of(s), tweak(key, bits, Part::Leaf))));
    blocks.into_iter().map(converted).collect()
}

/// `CW_i` for the bit `α_i`, and `V_α` carried on. `right` is 1 where the path keeps the right child; which is kept is secret, so both are
/// looked at.
fn correct<const W: usize>(
    right: u128,
    beta: Words<W>,
    nodes: [u128; 2],
    of: &[Children<W>; 2],
    sum: &mut Words<W>,
) -> Correction<W> {
    let keep = mask(right);
    let pick = |a: u128, b: u128| a & !keep | b & keep;
    // s_CW = s_0^Lose ⊕ s_1^Lose.
    let lost = |c: &Children<W>| pick(c.seeds[1], c.seeds[0]);
    let seed = seed_of(lost(&of[0]) ^ lost(&of[1]));
    let [left, right_control] = [0, 1].map(|child: usize| (of[0].seeds[child] ^ of[1].seeds[child]) & 1);
    // t_CW^L = t_0^L ⊕ t_1^L ⊕ α_i ⊕ 1, t_CW^R = t_0^R ⊕ t_1^R ⊕ α_i.
    let (left, right_control) = (left ^ right ^ 1, right_control ^ right);
    let negative = nodes[1] & 1 == 1;
    #[allow(clippy::cast_possible_truncation)] // a mask is the same in its half
    let keep = keep as u64;
    let mut value = [0; W];
    for w in 0..W {
        let [l, r] = [0, 1].map(|child: usize| of[1].values[child][w].wrapping_sub(of[0].values[child][w]));
        let (gone, kept) = (l & keep | r & !keep, r & keep | l & !keep);
        // V_CW = (-1)^t_1 · (v_1^Lose - v_0^Lose - V_α), and β more where what is lost is the left child.
        value[w] = negate_if(negative, gone.wrapping_sub(sum[w]).wrapping_add(beta[w] & keep));
        // V_α ← V_α - v_1^Keep + v_0^Keep + (-1)^t_1 · V_CW.
        sum[w] = sum[w].wrapping_sub(kept).wrapping_add(negate_if(negative, value[w]));
    }
    Correction { left: seed | left, right: seed | right_control, value }
}

/// The child that is gone to, corrected; and the value on the way.
fn step<const W: usize>(
    correction: Correction<W>,
    node: u128,
    of: &Children<W>,
    right: u128,
) -> (u128, Words<W>) {
    let (keep, control) = (mask(right), mask(node));
    let pick = |a: u128, b: u128| a & !keep | b & keep;
    let next = pick(of.seeds[0], of.seeds[1]) ^ pick(correction.left, correction.right) & control;
    #[allow(clippy::cast_possible_truncation)] // masks are the same in their halves
    let (keep, control) = (keep as u64, control as u64);
    let value = std::array::from_fn(|w| {
        let own = of.values[0][w] & !keep | of.values[1][w] & keep;
        own.wrapping_add(correction.value[w] & control)
    });
    (next, value)
}

impl<const W: usize> Keys<W> {
    /// Of a side's roots and what was dealt to them.
    pub fn new(bits: u32, side: Side, roots: Roots, corrections: Corrections<W>) -> Self {
        debug_assert_eq!(corrections.levels.len(), roots.len() * bits as usize);
        Self { bits, side, roots, corrections }
    }

    /// This side's shares at public numbers, one for each key.
    pub fn below(&self, hash: &Hash, xs: &[u64]) -> Vec<Words<W>> {
        debug_assert_eq!(xs.len(), self.roots.len());
        let (bits, count) = (self.bits, self.roots.len());
        let mut nodes = self.roots.0.clone();
        let mut sums = vec![[0u64; W]; count];
        for level in 0..bits {
            let numbered = nodes.iter().zip(0..).zip(xs);
            let wanted = numbered.flat_map(|((&s, key), &x)| {
                let parts = if bit_at(x, bits, level) == 1 {
                    [Part::Right, Part::RightValue]
                } else {
                    [Part::Left, Part::LeftValue]
                };
                parts.map(|part| (seed_of(s), tweak(key, level, part)))
            });
            let blocks = hash.many(wanted);
            let corrections = &self.corrections.levels[level as usize * count..];
            for (i, (&[child, value], &x)) in blocks.as_chunks::<2>().0.iter().zip(xs).enumerate() {
                let of = Children { seeds: [child; 2], values: [converted(value); 2] };
                let (next, value) = step(corrections[i], nodes[i], &of, bit_at(x, bits, level));
                nodes[i] = next;
                sums[i].iter_mut().zip(value).for_each(|(sum, v)| *sum = sum.wrapping_add(v));
            }
        }
        let ends = leaves::<W>(hash, bits, &nodes);
        let each = sums.iter().zip(ends).zip(&nodes).zip(&self.corrections.last);
        #[allow(clippy::cast_possible_truncation)] // a mask is the same in its half
        let shares = each.map(|(((sum, end), node), last)| {
            let control = mask(*node) as u64;
            let word = |w: usize| sum[w].wrapping_add(end[w]).wrapping_add(last[w] & control);
            std::array::from_fn(|w| self.side.signed(word(w)))
        });
        let shares = shares.collect();
        nodes.zeroize();
        shares
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
