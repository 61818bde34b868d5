//! Function secret sharing between two parties: a dealer that sees no data shares a function with them, and each computes, alone and
//! without a message, its share of the function's value at a point that both know.
//!
//! The functions are those of comparisons of a masked number: the dealer knows the mask, the two servers the masked number.
//!
//! | module | function | from |
//! |---|---|---|
//! | [`comparison`] | β where x < α, 0 elsewhere: one or two words modulo 2^64 | Boyle, Chandran, Gilboa, Gupta, Ishai, Kumar, Rathee: Function secret sharing for mixed-mode and fixed-point secure computation, EUROCRYPT 2021 (eprint 2020/1392), figure 1 |
//! | [`point`] | whether α ≤ x, as bits, for many x of one key | Guo, Yang, Wang, Zhang, Xie, Liu, Zhao: Half-Tree, EUROCRYPT 2023 (eprint 2022/1431); the parity of prefixes: Storrier, Vadapalli, Lyons, Henry: Grotto, CCS 2023 (eprint 2023/108) |
//! | [`hash`] | what expands a node of their trees | Guo, Katz, Wang, Yu: Efficient and secure multiparty computation from fixed-key block ciphers, S&P 2020 (eprint 2019/074) |
//!
//! Keys are of one use each: a second evaluation, at another masked number, would show the difference of two values.

pub mod comparison;
mod group;
pub mod hash;
pub mod point;

use crate::wiped::wiped_on_drop;

/// One side's roots of the trees of many keys: random, but for the control bit, which is the last one. From a stream that the side shares
/// with the dealer they cost no message.
pub struct Roots {
    /// Two each, the high one first.
    words: Vec<u64>,
}

privet_ring::not_shown!(Roots);
wiped_on_drop!(Roots: words);

impl Roots {
    /// From two random words for each key.
    pub fn new(side: Side, random: &[u64]) -> Self {
        let (blocks, _) = random.as_chunks::<2>();
        Self { words: blocks.iter().flat_map(|&[high, low]| [high, low & !1 | side.control()]).collect() }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.words.len() / 2
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that starts without the control bit.
    Zero,
    /// The one that starts with it.
    One,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Zero, Self::One];

    /// `x`, or `-x` for side one: sums of both sides' shares are differences of what they computed.
    pub(crate) fn signed(self, x: u64) -> u64 {
        negate_if(mask(self.control()), x)
    }

    fn control(self) -> u64 {
        u64::from(self == Self::One)
    }
}

/// `-x` where a mask is all ones, without a branch.
pub(crate) fn negate_if(mask: u64, x: u64) -> u64 {
    (x ^ mask).wrapping_sub(mask)
}

/// All ones for 1, nothing for 0.
pub(crate) fn mask(bit: u64) -> u64 {
    (bit & 1).wrapping_neg()
}

/// All ones where bit `level` of `x` from the top, of so many, is one.
pub(crate) fn mask_at(x: u64, bits: u32, level: u32) -> u64 {
    mask(x >> (bits - 1 - level))
}

#[cfg(test)]
mod tests {
    use privet_ring::prg::{Seed, Stream};

    use super::*;

    /// Of both sides.
    pub(super) fn roots(count: usize, seed: u8) -> [Roots; 2] {
        Side::ALL.map(|side| {
            let mut random = vec![0; 2 * count];
            Stream::of_chunk(&Seed::from_bytes([seed; 16]), side as u32).fill(&mut random);
            Roots::new(side, &random)
        })
    }

    #[test]
    fn roots_end_with_their_sides_bit() {
        let lows =
            |roots: &Roots| roots.words.iter().skip(1).step_by(2).map(|low| low & 1).collect::<Vec<_>>();
        assert_eq!(roots(3, 1).each_ref().map(lows), [[0; 3], [1; 3]]);
    }
}
