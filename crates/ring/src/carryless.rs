//! Carry-less products and the field of 2^64 elements, with the widest instructions that the processor has.
//!
//! An element is a polynomial over two elements, bit i its coefficient of X^i, modulo X^64 + X^4 + X^3 + X + 1. A sum of
//! products is reduced once, as the exclusive or of products is the product's. What is multiplied may be secret: no path and no
//! address depends on it. The `unsafe` of this module calls functions compiled for instructions that were found to be there.

#![allow(clippy::inline_always)] // so that loops are compiled for the instructions of their caller

/// A loop over carry-less products, compiled for each set of instructions. `run` is to be `#[inline(always)]`.
pub trait Kernel {
    /// What it computes.
    type Output;

    /// With the product of two polynomials, of degree at most 126.
    fn run(self, product: impl Fn(u64, u64) -> u128 + Copy) -> Self::Output;
}

/// Runs it with the widest instructions.
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    match x86::Found::ask() {
        Some(found) => found.run(kernel),
        None => kernel.run(by_integers),
    }
    #[cfg(not(target_arch = "x86_64"))]
    kernel.run(by_integers)
}

/// x·y in the field.
pub fn multiply(x: u64, y: u64) -> u64 {
    struct One(u64, u64);

    impl Kernel for One {
        type Output = u64;

        #[inline(always)]
        fn run(self, product: impl Fn(u64, u64) -> u128 + Copy) -> u64 {
            reduce(product(self.0, self.1))
        }
    }

    run(One(x, y))
}

/// The element of the field that a polynomial is.
#[allow(clippy::cast_possible_truncation)] // the two halves
#[inline]
pub fn reduce(x: u128) -> u64 {
    let (low, high) = (x as u64, (x >> 64) as u64);
    // What X^64 times the high half has above 64 bits, at most four, comes around once more.
    let above = high ^ high >> 63 ^ high >> 61 ^ high >> 60;
    low ^ above ^ above << 1 ^ above << 3 ^ above << 4
}

/// X·x in the field.
#[inline]
pub fn times_x(x: u64) -> u64 {
    x << 1 ^ (x >> 63).wrapping_neg() & 0b1_1011
}

/// By integer products of every fourth bit, whose carries stay in the three bits between: only at the highest place do 16 ones
/// meet, and their carry leaves the word. Pornin's way, `BearSSL`. The high half is the low half of what is read backwards.
fn by_integers(x: u64, y: u64) -> u128 {
    let high = low_half(x.reverse_bits(), y.reverse_bits()).reverse_bits() >> 1;
    u128::from(low_half(x, y)) | u128::from(high) << 64
}

fn low_half(x: u64, y: u64) -> u64 {
    const EVERY_FOURTH: u64 = 0x1111_1111_1111_1111;
    let (x, y) = ([0, 1, 2, 3].map(|i| x & EVERY_FOURTH << i), [0, 1, 2, 3].map(|i| y & EVERY_FOURTH << i));
    let mut product = 0;
    for class in 0..4 {
        let sum = (0..4).fold(0, |sum, i| sum ^ x[i].wrapping_mul(y[(4 + class - i) % 4]));
        product |= sum & EVERY_FOURTH << class;
    }
    product
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(unsafe_code)]

    use std::arch::x86_64::{_mm_clmulepi64_si128, _mm_set_epi64x};

    use super::Kernel;

    /// Instructions that this processor has.
    #[derive(Clone, Copy)]
    pub(super) enum Found {
        Bits512,
        Bits256,
    }

    impl Found {
        pub(super) fn ask() -> Option<Self> {
            if !is_x86_feature_detected!("pclmulqdq") || !is_x86_feature_detected!("avx2") {
                return None;
            }
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq");
            Some(if wide { Self::Bits512 } else { Self::Bits256 })
        }

        pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
            match self {
                // SAFETY: the processor has these instructions: only `ask` makes a value of this type.
                Self::Bits512 => unsafe { with_512(kernel) },
                // SAFETY: likewise.
                Self::Bits256 => unsafe { with_256(kernel) },
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,pclmulqdq")]
    fn with_512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run(|x, y| by_instruction(x, y))
    }

    #[target_feature(enable = "avx2,pclmulqdq")]
    fn with_256<K: Kernel>(kernel: K) -> K::Output {
        kernel.run(|x, y| by_instruction(x, y))
    }

    #[target_feature(enable = "pclmulqdq")]
    #[inline]
    fn by_instruction(x: u64, y: u64) -> u128 {
        let of = |x: u64| _mm_set_epi64x(0, x.cast_signed());
        bytemuck::cast(_mm_clmulepi64_si128::<0>(of(x), of(y)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bit by bit, as the field is defined.
    fn defined(x: u64, y: u64) -> u64 {
        (0..64).rev().fold(0, |sum, i| times_x(sum) ^ (y >> i & 1).wrapping_neg() & x)
    }

    proptest! {
        #[test]
        fn every_way_is_the_product_of_the_field(x: u64, y: u64) {
            prop_assert_eq!(multiply(x, y), defined(x, y));
            prop_assert_eq!(reduce(by_integers(x, y)), defined(x, y));
        }

        #[test]
        fn a_sum_is_reduced_once(x: [u64; 4], y: [u64; 4]) {
            let pairs = || x.into_iter().zip(y);
            let sum = pairs().fold(0, |sum, (x, y)| sum ^ by_integers(x, y));
            prop_assert_eq!(reduce(sum), pairs().fold(0, |sum, (x, y)| sum ^ multiply(x, y)));
        }
    }

    #[test]
    fn words_of_ones_wrap_as_others_do() {
        for (x, y) in [(u64::MAX, u64::MAX), (1 << 63, 1 << 63), (u64::MAX, 1 << 63), (0, u64::MAX)] {
            assert_eq!(multiply(x, y), defined(x, y));
            assert_eq!(reduce(by_integers(x, y)), defined(x, y));
        }
    }

    /// X^(2^64) = X, and X^(2^32) ≠ X: the modulus is irreducible.
    #[test]
    fn it_is_a_field() {
        let frobenius = |times: u32| (0..times).fold(2, |x, _| multiply(x, x));
        assert_eq!(frobenius(64), 2);
        assert_ne!(frobenius(32), 2);
    }
}
