//! Polynomials modulo X^N + 1 and modulo Q, held as residues modulo each prime of Q.

use privet_ring::pack::{pack, packed_len, unpack};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Malformed;
use crate::modulus::{Factors, Fixed, FixedForSigned, Modulus};
use crate::ntt::Ntt;
use crate::parameters::Parameters;

/// The ring of given parameters, with everything that arithmetic in it needs.
pub struct Ring {
    parameters: Parameters,
    ntts: Vec<Ntt>,
    /// Q modulo 2^64.
    low: u64,
    /// By prime, -1/2^k.
    minus_per_t: Vec<FixedForSigned>,
    fractions: Vec<Fraction>,
}

/// What turns a residue modulo q into its part of a number modulo Q, as a fraction of Q.
struct Fraction {
    /// (Q/q)^-1 modulo q.
    cofactor: Fixed,
    /// ⌊2^128 / q⌋.
    upper: u128,
    /// ⌊(2^128 mod q)·2^64 / q⌋: the 64 binary places after those.
    lower: u64,
}

/// A polynomial: for each prime in turn, N residues. Wiped on drop, as some are secret.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Poly(pub(crate) Vec<u64>);

/// A polynomial in values, ready to be multiplied with many others: by prime.
pub struct Multiplier(Vec<Factors>);

privet_ring::not_shown!(Poly, Multiplier);

impl Ring {
    /// The ring of these parameters.
    pub fn new(parameters: Parameters) -> Self {
        let ntts: Vec<Ntt> = parameters.arithmetic().map(|m| Ntt::new(m, parameters.degree)).collect();
        let product = |m: &Modulus, skip: u64| {
            let others = parameters.moduli.iter().filter(|&&q| q != skip);
            others.fold(1, |product, &q| m.mul(product, q % m.value()))
        };
        let minus_per_t = ntts.iter().map(|ntt| {
            let m = ntt.modulus();
            m.fixed_for_signed(m.sub(0, m.inverse(m.pow(2, parameters.plaintext_bits.into()))))
        });
        let fraction = |ntt: &Ntt| {
            let m = ntt.modulus();
            let q = u128::from(m.value());
            let (upper, rest) = (u128::MAX / q, u128::MAX % q + 1);
            #[allow(clippy::cast_possible_truncation)] // rest < q, as 2^128 is no multiple of q
            let lower = ((rest << 64) / q) as u64;
            Fraction { cofactor: m.fixed(m.inverse(product(m, m.value()))), upper, lower }
        };
        Self {
            low: parameters.moduli.iter().fold(1, |low, &q| low.wrapping_mul(q)),
            minus_per_t: minus_per_t.collect(),
            fractions: ntts.iter().map(fraction).collect(),
            ntts,
            parameters,
        }
    }

    /// Its parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// N.
    pub fn degree(&self) -> usize {
        self.parameters.degree
    }

    /// All zero.
    pub fn zero(&self) -> Poly {
        Poly(vec![0; self.degree() * self.ntts.len()])
    }

    /// The polynomial with these small coefficients.
    pub fn of_small(&self, coefficients: &[i64]) -> Poly {
        self.of(coefficients, Modulus::of_small)
    }

    /// The polynomial with these coefficients, of any size.
    pub fn of_signed(&self, coefficients: &[i64]) -> Poly {
        self.of(coefficients, Modulus::of_signed)
    }

    /// In memory that is there from the start: what grows leaves copies behind.
    fn of(&self, coefficients: &[i64], residue: impl Fn(&Modulus, i64) -> u64) -> Poly {
        let mut poly = self.zero();
        for (limb, ntt) in self.limbs(&mut poly) {
            let m = *ntt.modulus();
            limb.iter_mut().zip(coefficients).for_each(|(to, &x)| *to = residue(&m, x));
        }
        poly
    }

    /// Adds the integer nearest to Q·m/2^k to each coefficient: m is the low k bits of a plaintext. Of each product Q·m only
    /// the part modulo 2^k matters (Bootland, Kim, Polyakov and others, eprint 2021/204, remark 3.1): what is subtracted to
    /// make it a multiple of 2^k is divided by 2^k modulo each prime.
    pub fn add_scaled(&self, to: &mut Poly, plaintext: &[u64]) {
        self.add_scaled_at(to, 0, plaintext);
    }

    /// The same from coefficient `first` on.
    pub fn add_scaled_at(&self, to: &mut Poly, first: usize, plaintext: &[u64]) {
        let unused = u64::BITS - self.parameters.plaintext_bits;
        for ((limb, ntt), &factor) in self.limbs(to).zip(&self.minus_per_t) {
            let m = ntt.modulus();
            for (x, &plain) in limb[first..].iter_mut().zip(plaintext) {
                let rest = (self.low.wrapping_mul(plain) << unused).cast_signed() >> unused;
                *x = m.add(*x, m.mul_signed(rest, factor));
            }
        }
    }

    /// From coefficients to values.
    pub fn forward(&self, a: &mut Poly) {
        self.limbs(a).for_each(|(limb, ntt)| ntt.forward(limb));
    }

    /// From values to coefficients.
    pub fn backward(&self, a: &mut Poly) {
        self.limbs(a).for_each(|(limb, ntt)| ntt.backward(limb));
    }

    /// `a + b`, in `a`.
    pub fn add(&self, a: &mut Poly, b: &Poly) {
        self.pairs(a, b, Modulus::add);
    }

    /// `a - b`, in `a`.
    pub fn subtract(&self, a: &mut Poly, b: &Poly) {
        self.pairs(a, b, Modulus::sub);
    }

    /// `a·b` of two polynomials in values, in `a`.
    pub fn multiply(&self, a: &mut Poly, b: &Poly) {
        for ((limb, ntt), other) in self.limbs(a).zip(b.0.chunks_exact(self.degree())) {
            ntt.modulus().multiply(limb, other);
        }
    }

    /// A polynomial in values, ready to be multiplied with many others.
    pub fn multiplier(&self, values: &Poly) -> Multiplier {
        let limbs = self.ntts.iter().zip(values.0.chunks_exact(self.degree()));
        Multiplier(limbs.map(|(ntt, values)| Factors::of(ntt.modulus(), values.to_vec())).collect())
    }

    /// `a·b` of a polynomial in values, in `a`.
    pub fn multiply_by(&self, a: &mut Poly, b: &Multiplier) {
        for ((limb, ntt), by) in self.limbs(a).zip(&b.0) {
            ntt.modulus().multiply_by(limb, by);
        }
    }

    fn pairs(&self, to: &mut Poly, with: &Poly, of: impl Fn(&Modulus, u64, u64) -> u64) {
        for ((limb, ntt), other) in self.limbs(to).zip(with.0.chunks_exact(self.degree())) {
            let modulus = *ntt.modulus();
            limb.iter_mut().zip(other).for_each(|(x, &y)| *x = of(&modulus, *x, y));
        }
    }

    fn limbs<'a>(&'a self, a: &'a mut Poly) -> impl Iterator<Item = (&'a mut [u64], &'a Ntt)> {
        a.0.chunks_exact_mut(self.degree()).zip(&self.ntts)
    }

    /// Adds a number to one coefficient.
    pub fn add_at(&self, a: &mut Poly, at: usize, number: i128) {
        for (limb, ntt) in self.limbs(a) {
            let m = ntt.modulus();
            limb[at] = m.add(limb[at], m.of_wide(number));
        }
    }

    /// A coefficient c as ⌊c·2^128 / Q⌋, at most two too small for each prime (the Chinese remainder theorem, divided by Q).
    pub fn fraction(&self, a: &Poly, at: usize) -> u128 {
        let n = self.degree();
        let parts = self.ntts.iter().zip(&self.fractions).enumerate().map(|(i, (ntt, f))| {
            let y = ntt.modulus().mul_fixed(a.0[i * n + at], f.cofactor);
            let below = (u128::from(y) * u128::from(f.lower)) >> 64;
            f.upper.wrapping_mul(y.into()).wrapping_add(below)
        });
        parts.fold(0, u128::wrapping_add)
    }

    /// A coefficient modulo 2^d instead of modulo Q, rounded to nearest.
    pub fn switched(&self, a: &Poly, at: usize) -> u128 {
        let d = self.parameters.answer_bits;
        self.fraction(a, at).wrapping_add(1 << (127 - d)) >> (128 - d)
    }

    /// Appends the residues, each in as many bits as its prime has.
    pub fn write(&self, a: &Poly, out: &mut Vec<u8>) {
        for (ntt, limb) in self.ntts.iter().zip(a.0.chunks_exact(self.degree())) {
            pack(ntt.modulus().bits(), limb, out);
        }
    }

    /// Reads what [`write`](Self::write) wrote.
    pub fn read(&self, bytes: &[u8]) -> Result<Poly, Malformed> {
        if bytes.len() != self.parameters.polynomial_bytes() {
            return Err(Malformed::Length { expected: self.parameters.polynomial_bytes(), got: bytes.len() });
        }
        let (mut a, mut rest) = (self.zero(), bytes);
        for (limb, ntt) in self.limbs(&mut a) {
            let m = ntt.modulus();
            let (own, others) = rest.split_at(packed_len(limb.len(), m.bits()).unwrap_or(0).min(rest.len()));
            unpack(m.bits(), own, 0, limb);
            if limb.iter().any(|&x| x >= m.value()) {
                return Err(Malformed::NoResidue);
            }
            rest = others;
        }
        Ok(a)
    }
}

#[cfg(test)]
mod tests {
    // Numbers of tests are small.
    #![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

    use proptest::prelude::*;

    use super::*;
    use crate::parameters::Needs;

    fn ring() -> Ring {
        let needs = Needs { plaintext_bits: 20, norm_bits: 10, columns: 100, scores: 1 };
        Ring::new(Parameters::choose(needs).unwrap_or_else(|| unreachable!("it fits")))
    }

    /// Numbers as lists of 32-bit digits, least first: slow, and nothing like the code under test.
    fn big(moduli: &[u64]) -> Vec<u64> {
        let mut digits = vec![1u64];
        for &q in moduli {
            let mut product = vec![0u64; digits.len() + 3];
            for (i, &digit) in digits.iter().enumerate() {
                let mut carry = 0u128;
                for (j, part) in [q & 0xFFFF_FFFF, q >> 32, 0].into_iter().enumerate() {
                    let sum = u128::from(product[i + j]) + u128::from(digit) * u128::from(part) + carry;
                    product[i + j] = (sum & 0xFFFF_FFFF) as u64;
                    carry = sum >> 32;
                }
            }
            digits = product;
        }
        digits
    }

    #[test]
    fn the_scaled_plaintext_is_the_nearest_integer() {
        let ring = ring();
        let p = ring.parameters();
        let (k, q) = (p.plaintext_bits, big(&p.moduli));
        for m in [0u64, 1, 2, 12345, (1 << (k - 1)) - 1, 1 << (k - 1), (1 << k) - 1] {
            let mut a = ring.zero();
            ring.add_scaled(&mut a, &[m]);
            // ⌊Q·m/2^k + 1/2⌋, digit by digit from the top; it may be off by a whole Q, which is none modulo Q.
            let mut digits: Vec<u64> = q.clone();
            let mut carry = 1u128 << (k - 1);
            for digit in &mut digits {
                let sum = u128::from(*digit) * u128::from(m) + carry;
                *digit = (sum & 0xFFFF_FFFF) as u64;
                carry = sum >> 32;
            }
            digits.push(carry as u64);
            for (i, &modulus) in p.moduli.iter().enumerate() {
                // The number modulo modulus·2^k tells its quotient by 2^k modulo the modulus.
                let wide = u128::from(modulus) << k;
                let number =
                    digits.iter().rev().fold(0u128, |rest, &d| ((rest << 32) + u128::from(d)) % wide);
                assert_eq!(u128::from(a.0[i * ring.degree()]), number >> k, "m = {m}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_fraction_is_the_number_over_q(numbers in proptest::collection::vec(any::<i128>(), 1..20)) {
            let ring = ring();
            let q = ring.parameters().moduli.iter().fold(1f64, |q, &p| q * p as f64);
            for number in numbers.into_iter().map(|x| x >> 30) {
                let mut a = ring.zero();
                ring.add_at(&mut a, 5, number);
                let expected = (number as f64 / q).rem_euclid(1.0);
                let got = ring.fraction(&a, 5) as f64 / 2f64.powi(128);
                let apart = (got - expected).abs();
                prop_assert!(apart.min(1.0 - apart) < 1e-9, "{number}: {got} {expected}");
            }
        }
    }

    #[test]
    fn small_fractions_are_right_to_the_last_places() {
        let ring = ring();
        let one = {
            let mut a = ring.zero();
            ring.add_at(&mut a, 0, 1);
            ring.fraction(&a, 0)
        };
        // A million is a million times one, up to what is cut off.
        for times in [0i128, 1, 1000, 1_000_000] {
            let mut a = ring.zero();
            ring.add_at(&mut a, 0, times);
            let apart =
                ring.fraction(&a, 0).wrapping_sub(one.wrapping_mul(times.cast_unsigned())).cast_signed();
            assert!(apart.abs() <= times + 8, "{times}: {apart}");
        }
        // Minus one is just below one: its fraction is minus that of one.
        let mut a = ring.zero();
        ring.add_at(&mut a, 0, -1);
        assert!(ring.fraction(&a, 0).wrapping_add(one).cast_signed().abs() <= 8);
    }

    #[test]
    fn bytes_are_read_as_they_were_written_and_nothing_else_is_taken() {
        let ring = ring();
        let numbers: Vec<i64> = (0..ring.degree() as i64).map(|i| (i - 77) * 1_234_567_891).collect();
        let a = ring.of_signed(&numbers);
        let mut bytes = Vec::new();
        ring.write(&a, &mut bytes);
        assert_eq!(bytes.len(), ring.parameters().polynomial_bytes());
        assert!(ring.read(&bytes).is_ok_and(|b| b.0 == a.0));
        assert!(matches!(ring.read(&bytes[1..]), Err(Malformed::Length { .. })));
        bytes.fill(0xFF);
        assert!(matches!(ring.read(&bytes), Err(Malformed::NoResidue)));
    }
}
