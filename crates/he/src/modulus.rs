//! Integers modulo a prime below 2^60, in constant time; and the primes that suit the ring.

use privet_ring::residues::{self, Wide};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A prime modulus, with what its arithmetic needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modulus {
    q: u64,
    bits: u32,
    /// ⌊2^(2·bits + 1) / q⌋.
    reciprocal: u64,
    /// ⌊2^64 / q⌋.
    per_word: u64,
    /// 2^64 modulo q.
    wrapped: u64,
}

/// A factor that is used many times, with ⌊factor·2^64 / q⌋ (Shoup's trick).
#[derive(Clone, Copy, Default)]
pub struct Fixed {
    factor: u64,
    quotient: u64,
}

impl zeroize::DefaultIsZeroes for Fixed {}

/// A factor of signed numbers, with factor·2^64 modulo q.
#[derive(Clone, Copy)]
pub struct FixedForSigned {
    by: Fixed,
    wrapped: u64,
}

/// Many such factors, one list beside the other. Wiped on drop, as some are secret.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Factors {
    factors: Vec<u64>,
    quotients: Vec<u64>,
}

privet_ring::not_shown!(Factors);

impl Factors {
    /// Of these numbers below q.
    pub fn of(modulus: &Modulus, factors: Vec<u64>) -> Self {
        let quotients = factors.iter().map(|&x| modulus.fixed(x).quotient).collect();
        Self { factors, quotients }
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Fixed> {
        let pairs = self.factors.iter().zip(&self.quotients);
        pairs.map(|(&factor, &quotient)| Fixed { factor, quotient })
    }

    /// As vector instructions read them.
    pub fn lists(&self) -> residues::Factors<'_> {
        residues::Factors { factors: &self.factors, quotients: &self.quotients }
    }
}

impl Modulus {
    /// For an odd `q` of 20 to 60 bits.
    #[allow(clippy::cast_possible_truncation)] // below 2^(bits + 2)
    pub fn new(q: u64) -> Self {
        debug_assert!(q % 2 == 1 && (1 << 19..1 << 60).contains(&q));
        let bits = u64::BITS - q.leading_zeros();
        Self {
            q,
            bits,
            reciprocal: ((1u128 << (2 * bits + 1)) / u128::from(q)) as u64,
            per_word: ((1u128 << 64) / u128::from(q)) as u64,
            wrapped: ((1u128 << 64) % u128::from(q)) as u64,
        }
    }

    /// The modulus itself.
    pub fn value(&self) -> u64 {
        self.q
    }

    /// What computes eight numbers at a time, where the processor can and the prime is narrow enough.
    pub fn wide(&self) -> Option<Wide> {
        Wide::there().filter(|_| self.bits <= residues::MOST_BITS)
    }

    /// `a·b`, number by number, in `a`.
    pub fn multiply(&self, a: &mut [u64], b: &[u64]) {
        match self.wide().filter(|_| a.len().is_multiple_of(8)) {
            Some(wide) => residues::multiply(wide, a, b, self.q),
            None => a.iter_mut().zip(b).for_each(|(x, &y)| *x = self.mul(*x, y)),
        }
    }

    /// `a·by`, number by number, in `a`, whose numbers are below q.
    pub fn multiply_by(&self, a: &mut [u64], by: &Factors) {
        match self.wide().filter(|_| a.len().is_multiple_of(8)) {
            Some(wide) => residues::multiply_by(wide, a, by.lists(), self.q),
            None => a.iter_mut().zip(by.iter()).for_each(|(x, by)| *x = self.mul_fixed(*x, by)),
        }
    }

    /// Bits of an element.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// `x`, which is below 2q, modulo q.
    #[inline]
    pub fn once(&self, x: u64) -> u64 {
        x.min(x.wrapping_sub(self.q))
    }

    /// `a + b`.
    #[inline]
    pub fn add(&self, a: u64, b: u64) -> u64 {
        self.once(a + b)
    }

    /// `a - b`.
    #[inline]
    pub fn sub(&self, a: u64, b: u64) -> u64 {
        self.once(a + self.q - b)
    }

    /// `a·b`.
    #[inline]
    pub fn mul(&self, a: u64, b: u64) -> u64 {
        self.divided(u128::from(a) * u128::from(b)).1
    }

    /// A factor for [`mul_fixed`](Self::mul_fixed). 2^64 is a multiple of q and what it leaves, so no division is needed, whose time
    /// would tell of the factor.
    #[inline]
    pub fn fixed(&self, factor: u64) -> Fixed {
        let of_rest = self.divided(u128::from(factor) * u128::from(self.wrapped)).0;
        Fixed { factor, quotient: factor.wrapping_mul(self.per_word).wrapping_add(of_rest) }
    }

    /// Quotient and rest of a number below q^2, by Barrett's reduction (Handbook of Applied Cryptography, 14.42).
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // by the sizes stated
    fn divided(&self, x: u128) -> (u64, u64) {
        let top = (x >> (self.bits - 1)) as u64; // below 2^(bits + 1)
        let quotient = ((u128::from(top) * u128::from(self.reciprocal)) >> (self.bits + 2)) as u64;
        let rest = (x as u64).wrapping_sub(quotient.wrapping_mul(self.q)); // below 3q
        let more = u64::from(rest >= self.q) + u64::from(rest >= 2 * self.q);
        (quotient + more, self.once(self.once(rest)))
    }

    /// `x·factor`, below 2q, for any `x`.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // the upper half
    pub fn mul_lazy(&self, x: u64, by: Fixed) -> u64 {
        let quotient = ((u128::from(x) * u128::from(by.quotient)) >> 64) as u64;
        x.wrapping_mul(by.factor).wrapping_sub(quotient.wrapping_mul(self.q))
    }

    /// `x·factor`, for any `x`.
    #[inline]
    pub fn mul_fixed(&self, x: u64, by: Fixed) -> u64 {
        self.once(self.mul_lazy(x, by))
    }

    /// A factor for [`mul_signed`](Self::mul_signed).
    pub fn fixed_for_signed(&self, factor: u64) -> FixedForSigned {
        let by = self.fixed(factor);
        FixedForSigned { by, wrapped: self.mul_fixed(self.wrapped, by) }
    }

    /// `x·factor` of a signed number of any size.
    #[inline]
    pub fn mul_signed(&self, x: i64, factor: FixedForSigned) -> u64 {
        // Read as unsigned, a negative number is 2^64 too large.
        let too_much = factor.wrapped & (x >> 63).cast_unsigned();
        self.sub(self.mul_fixed(x.cast_unsigned(), factor.by), too_much)
    }

    /// A signed number of any size.
    #[inline]
    pub fn of_signed(&self, x: i64) -> u64 {
        let one = Fixed { factor: 1, quotient: self.per_word };
        self.mul_signed(x, FixedForSigned { by: one, wrapped: self.wrapped })
    }

    /// A signed number of 128 bits: its upper half counts 2^64.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // its halves
    pub fn of_wide(&self, x: i128) -> u64 {
        let (low, high) = (x.cast_unsigned() as u64, (x >> 64) as i64);
        let one = Fixed { factor: 1, quotient: self.per_word };
        self.add(self.mul_fixed(low, one), self.mul_signed(high, self.fixed_for_signed(self.wrapped)))
    }

    /// A number between -q and q.
    #[inline]
    pub fn of_small(&self, x: i64) -> u64 {
        (x + ((x >> 63) & self.q.cast_signed())).cast_unsigned()
    }

    /// `base^exponent`; not for secrets.
    pub fn pow(&self, base: u64, mut exponent: u64) -> u64 {
        let (mut power, mut result) = (base % self.q, 1);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.mul(result, power);
            }
            power = self.mul(power, power);
            exponent >>= 1;
        }
        result
    }

    /// `1/x`; not for secrets.
    pub fn inverse(&self, x: u64) -> u64 {
        self.pow(x, self.q - 2)
    }
}

/// The `count` largest primes of exactly `bits` bits that are 1 modulo `2·degree`, largest first; fewer where there are not
/// so many.
pub fn primes(degree: usize, bits: u32, count: usize) -> Vec<u64> {
    let (step, top) = (2 * degree as u64, 1u64 << bits);
    let candidates = (1..).map(|i| (top + 1).saturating_sub(i * step)).take_while(|&q| q > top / 2);
    candidates.filter(|&q| is_prime(q)).take(count).collect()
}

/// Miller's and Rabin's test, with the bases that decide every 64-bit number (Sorenson and Webster, 2015).
pub fn is_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 || BASES.iter().any(|&p| n.is_multiple_of(p)) {
        return BASES.contains(&n);
    }
    let (odd, twos) = ((n - 1) >> (n - 1).trailing_zeros(), (n - 1).trailing_zeros());
    #[allow(clippy::cast_possible_truncation)] // below n
    let times = |x: u64, y: u64| (u128::from(x) * u128::from(y) % u128::from(n)) as u64;
    let power = |base: u64| {
        (0..u64::BITS - odd.leading_zeros()).rev().fold(1, |x, bit| {
            let square = times(x, x);
            if odd >> bit & 1 == 1 { times(square, base) } else { square }
        })
    };
    BASES.iter().all(|&base| {
        let mut x = power(base);
        x == 1
            || (0..twos).any(|_| {
                let minus_one = x == n - 1;
                x = times(x, x);
                minus_one
            })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_possible_truncation)] // below a modulus

    use proptest::prelude::*;

    use super::*;

    const Q: [u64; 4] = [(1 << 20) - 3, 0x1_FFFF_FFFF_C001 - 0x4000, (1 << 59) - 55, (1 << 60) - 93];

    proptest! {
        #[test]
        fn arithmetic_is_that_of_big_numbers(a in any::<u64>(), b in any::<u64>(), at in 0usize..4) {
            let m = Modulus::new(Q[at]);
            let (q, x, y) = (u128::from(Q[at]), a % Q[at], b % Q[at]);
            let product = (u128::from(x) * u128::from(y) % q) as u64;
            prop_assert_eq!(m.mul(x, y), product);
            prop_assert_eq!(m.mul_fixed(x, m.fixed(y)), product);
            prop_assert_eq!(m.mul_fixed(a, m.fixed(y)), (u128::from(a) * u128::from(y) % q) as u64);
            prop_assert_eq!(m.add(x, y), ((u128::from(x) + u128::from(y)) % q) as u64);
            prop_assert_eq!(m.add(m.sub(x, y), y), x);
            let signed = a.cast_signed();
            prop_assert_eq!(i128::from(m.of_signed(signed)), i128::from(signed).rem_euclid(q.cast_signed()));
            let small = signed % Q[at].cast_signed();
            prop_assert_eq!(i128::from(m.of_small(small)), i128::from(small).rem_euclid(q.cast_signed()));
            let wide = (i128::from(signed) << 64) + i128::from(b);
            prop_assert_eq!(i128::from(m.of_wide(wide)), wide.rem_euclid(q.cast_signed()));
            prop_assert_eq!(m.fixed(x).quotient, ((u128::from(x) << 64) / q) as u64);
        }
    }

    #[test]
    fn the_ends_of_the_range_are_right_too() {
        for q in Q {
            let m = Modulus::new(q);
            assert_eq!(m.mul(q - 1, q - 1), 1);
            assert_eq!(m.mul_fixed(u64::MAX, m.fixed(q - 1)), m.sub(0, u64::MAX % q));
            for x in [i64::MIN, -1, 0, i64::MAX] {
                assert_eq!(i128::from(m.of_signed(x)), i128::from(x).rem_euclid(i128::from(q)));
                let wide = i128::from(x) << 64 | i128::from(u64::MAX);
                assert_eq!(i128::from(m.of_wide(wide)), wide.rem_euclid(i128::from(q)));
            }
        }
    }

    #[test]
    fn primes_are_primes() {
        let by_division = |n: u64| n > 1 && (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
        assert!((0..5000).all(|n| is_prime(n) == by_division(n)));
        // Carmichael numbers and strong pseudoprimes to small bases.
        for n in [561, 41041, 3_215_031_751, 3_474_749_660_383, 341_550_071_728_321] {
            assert!(!is_prime(n), "{n}");
        }
        assert!(is_prime((1 << 61) - 1) && is_prime(18_446_744_073_709_551_557));
        let found = primes(8192, 49, 3);
        assert!(found.len() == 3 && found.iter().all(|q| q % 16384 == 1 && is_prime(*q) && q >> 48 == 1));
        let m = Modulus::new(found[0]);
        assert_eq!(m.mul(m.inverse(12345), 12345), 1);
    }
}
