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
pub mod hash;
pub mod point;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// One side's roots of the trees of many keys: random, but for the control bit, which is the last one. From a stream that the side shares
/// with the dealer they cost no message.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Roots(Vec<u128>);

privet_ring::not_shown!(Roots);

impl Roots {
    /// From two random words for each key.
    pub fn new(side: Side, random: &[u64]) -> Self {
        Self(blocks(random).iter().map(|block| block & !1 | side.control()).collect())
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Two words each, the high one first.
fn blocks(words: &[u64]) -> Vec<u128> {
    words.as_chunks::<2>().0.iter().map(|&[high, low]| u128::from(high) << 64 | u128::from(low)).collect()
}

#[allow(clippy::cast_possible_truncation)] // its words
fn words(blocks: &[u128]) -> Vec<u64> {
    blocks.iter().flat_map(|block| [(block >> 64) as u64, *block as u64]).collect()
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
        negate_if(self == Self::One, x)
    }

    fn control(self) -> u128 {
        u128::from(self == Self::One)
    }
}

/// `-x` where `yes`, without a branch.
pub(crate) fn negate_if(yes: bool, x: u64) -> u64 {
    let mask = u64::from(yes).wrapping_neg();
    (x ^ mask).wrapping_sub(mask)
}

/// All ones for 1, nothing for 0.
pub(crate) fn mask(bit: u128) -> u128 {
    (bit & 1).wrapping_neg()
}

/// Bit `level` of `x` from the top, of so many.
pub(crate) fn bit_at(x: u64, bits: u32, level: u32) -> u128 {
    u128::from(x >> (bits - 1 - level) & 1)
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
    fn words_are_read_as_they_were_written() {
        let all: Vec<u128> = (0..5u32).map(|i| u128::MAX / 7 * u128::from(i)).collect();
        assert_eq!(blocks(&words(&all)), all);
        let roots = roots(3, 1);
        assert!(roots[0].0.iter().all(|root| root & 1 == 0) && roots[1].0.iter().all(|root| root & 1 == 1));
    }
}
