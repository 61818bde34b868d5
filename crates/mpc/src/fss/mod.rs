//! Function secret sharing between two parties: a dealer that sees no data shares a function with them, and each computes, alone and
//! without a message, its share of the function's value at a point that both know.
//!
//! The functions are those of comparisons of a masked number: the dealer knows the mask, the two servers the masked number.
//!
//! | module | function | from |
//! |---|---|---|
//! | [`comparison`] | β where x < α, 0 elsewhere: one or two words modulo 2^64 | Boyle, Chandran, Gilboa, Gupta, Ishai, Kumar, Rathee: Function secret sharing for mixed-mode and fixed-point secure computation, EUROCRYPT 2021 (eprint 2020/1392), figure 1 |
//! | [`point`] | whether α < x, as bits, for many x of one key | Guo, Yang, Wang, Zhang, Xie, Liu, Zhao: Half-Tree, EUROCRYPT 2023 (eprint 2022/1431); the parity of prefixes: Storrier, Vadapalli, Lyons, Henry: Grotto, CCS 2023 (eprint 2023/108) |
//! | [`hash`] | what expands a node of their trees | Guo, Katz, Wang, Yu: Efficient and secure multiparty computation from fixed-key block ciphers, S&P 2020 (eprint 2019/074) |
//!
//! Keys are of one use each: a second evaluation, at another masked number, would show the difference of two values.

pub mod comparison;
pub mod hash;
pub mod point;

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
