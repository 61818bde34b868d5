//! The client's half: a key, encryption, decryption. Brakerski's scheme as Fan and Vercauteren have it (eprint 2012/144), with a
//! secret key for encryption, so that half of each ciphertext is a seed.
//!
//! A ciphertext of plaintext m is (c0, a) with c0 = -a·s + e + ⌊Q·m/2^k⌉; the public key's b is an encryption of zero. An answer is
//! (c0, c1) modulo 2^d, of which the phase c0 + c1·s is the plaintext times 2^(d-k), and what is wrong with it.

use privet_ring::entropy::{Entropy, EntropyFailed, draw};
use privet_ring::pack::unpack;
use zeroize::Zeroizing;

use crate::Malformed;
use crate::packing::Packing;
use crate::parameters::{LOW_BITS, Parameters};
use crate::ring::{Multiplier, Poly, Ring};
use crate::sample::{PublicSeed, errors, stream, ternary};

/// A client's key. Its secret never leaves this type, and is wiped with it.
pub struct Key {
    /// s, as it decrypts.
    reversed: Secret,
    /// s, as it encrypts.
    values: Multiplier,
    seed: PublicSeed,
    public: Vec<u8>,
}

privet_ring::not_shown!(Key);

/// A ternary secret from its last coefficient to its first: where it is 1, and where -1, as masks.
struct Secret {
    plus: Zeroizing<Vec<u64>>,
    minus: Zeroizing<Vec<u64>>,
}

impl Key {
    /// A fresh one, for the bundle of this digest.
    pub fn draw(ring: &Ring, bundle: [u8; 32], entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        let seed = PublicSeed { seed: draw(entropy)?, bundle };
        let mut stream = stream(entropy)?;
        let s = ternary(&mut stream, ring.degree());
        let mut values = ring.of_small(&s);
        ring.forward(&mut values);
        let mut key =
            Self { reversed: Secret::of(&s), values: ring.multiplier(&values), seed, public: Vec::new() };
        // b = -a·s + e: an encryption of zero.
        let mut b = ring.of_small(&errors(&mut stream, ring.degree()));
        ring.forward(&mut b);
        key.hide(ring, 0, &mut b);
        ring.write(&b, &mut key.public);
        Ok(key)
    }

    /// The public key's b: what the server needs to encrypt zeros.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Where the public polynomials of this key come from: number 0 is the public key's, others are of ciphertexts.
    pub fn seed(&self) -> &PublicSeed {
        &self.seed
    }

    /// Appends the ciphertext of a polynomial of plaintexts, under public polynomial `index`, which must never be used again.
    pub fn encrypt(
        &self,
        ring: &Ring,
        index: u32,
        plaintext: &[u64],
        entropy: &mut dyn Entropy,
        out: &mut Vec<u8>,
    ) -> Result<(), EntropyFailed> {
        // c0 = -a·s + e + Δ·m.
        let mut c0 = ring.of_small(&errors(&mut stream(entropy)?, ring.degree()));
        ring.add_scaled(&mut c0, plaintext);
        ring.forward(&mut c0);
        self.hide(ring, index, &mut c0);
        ring.write(&c0, out);
        Ok(())
    }

    /// a·s of what is in values, for tests that look at whole polynomials.
    #[cfg(test)]
    pub(crate) fn multiply_by_secret(&self, ring: &Ring, a: &mut Poly) {
        ring.multiply_by(a, &self.values);
    }

    /// Takes a·s from what is in values.
    fn hide(&self, ring: &Ring, index: u32, from: &mut Poly) {
        let mut a = self.seed.polynomial(ring, index);
        ring.multiply_by(&mut a, &self.values);
        ring.subtract(from, &a);
    }

    /// The plaintexts of one ciphertext's answer: for each product, by row, then by score of the product. Whatever the bytes are,
    /// as long as there are as many as there should be, this gives as many numbers.
    pub fn decrypt(
        &self,
        ring: &Ring,
        packing: &Packing,
        rows: usize,
        answer: &[u8],
    ) -> Result<Vec<Vec<u64>>, Malformed> {
        let products = self.phases(ring, packing, rows, answer)?;
        let round = |phases: Vec<u128>| phases.iter().map(|&x| rounded(ring.parameters(), x)).collect();
        Ok(products.into_iter().map(round).collect())
    }

    /// What [`decrypt`](Self::decrypt) rounds: plaintexts times 2^(d-k), modulo 2^d, with all that is wrong with them.
    pub fn phases(
        &self,
        ring: &Ring,
        packing: &Packing,
        rows: usize,
        answer: &[u8],
    ) -> Result<Vec<Vec<u128>>, Malformed> {
        let parameters = ring.parameters();
        let (n, answers) = (ring.degree(), rows * packing.scores_in_one);
        let (all, few) = (parameters.answer_bytes(n), parameters.answer_bytes(answers));
        let expected = packing.products() * (all + few);
        if answer.len() != expected {
            return Err(Malformed::Length { expected, got: answer.len() });
        }
        let modulo = u128::MAX >> (128 - parameters.answer_bits);
        let one = |bytes: &[u8]| {
            let (c1, c0) = bytes.split_at(all);
            let (c1, c0) = (Halves::read(parameters, c1, n), Halves::read(parameters, c0, answers));
            let phase = |(i, place)| c0.at(i).wrapping_add(self.reversed.times(&c1, place)) & modulo;
            packing.answers(rows).enumerate().map(phase).collect()
        };
        Ok(answer.chunks_exact(all + few).map(one).collect())
    }
}

/// The nearest multiple of Δ' = 2^(d-k), in units of it, modulo 2^k.
#[allow(clippy::cast_possible_truncation)] // the low k bits
fn rounded(parameters: &Parameters, phase: u128) -> u64 {
    let below = parameters.answer_bits - parameters.plaintext_bits;
    let nearest = phase.wrapping_add(1 << (below - 1)) >> below;
    nearest as u64 & (u64::MAX >> (64 - parameters.plaintext_bits))
}

/// Numbers modulo 2^d, as their low bits and the rest.
struct Halves {
    low: Vec<u64>,
    high: Vec<u64>,
}

impl Halves {
    fn read(parameters: &Parameters, bytes: &[u8], count: usize) -> Self {
        let (mut low, mut high) = (vec![0; count], vec![0; count]);
        let (first, second) = bytes.split_at((count * LOW_BITS as usize).div_ceil(8));
        unpack(LOW_BITS, first, 0, &mut low);
        unpack(parameters.answer_bits - LOW_BITS, second, 0, &mut high);
        Self { low, high }
    }

    fn at(&self, i: usize) -> u128 {
        u128::from(self.low[i]).wrapping_add(u128::from(self.high[i]) << LOW_BITS)
    }
}

impl Secret {
    fn of(s: &[i64]) -> Self {
        let mask = |of: i64| {
            // All ones where the coefficient is `of`; its sign bit says so without a branch.
            let equal = move |&x: &i64| ((x * of) & !((x * of) >> 63) & 1).wrapping_neg().cast_unsigned();
            Zeroizing::new(s.iter().rev().map(equal).collect())
        };
        Self { plus: mask(1), minus: mask(-1) }
    }

    /// The coefficient at `place` of s times a polynomial, modulo 2^128.
    fn times(&self, with: &Halves, place: usize) -> u128 {
        let n = self.plus.len();
        // Σ_(i ≤ place) c_i·s_(place - i) - Σ_(i > place) c_i·s_(n + place - i).
        let sum = |of: &[u64]| {
            self.product(n - 1 - place, &of[..=place]).wrapping_sub(self.product(0, &of[place + 1..]))
        };
        let (low, high) = (i128::from(sum(&with.low)), i128::from(sum(&with.high)));
        low.wrapping_add(high.wrapping_shl(LOW_BITS)).cast_unsigned()
    }

    /// The inner product with the secret from coefficient `first` of the reversed order on. Numbers are below 2^48 or few bits
    /// more, and at most 2^14: the sum fits.
    fn product(&self, first: usize, with: &[u64]) -> i64 {
        let masks = self.plus[first..].iter().zip(&self.minus[first..]);
        let terms = with.iter().zip(masks).map(|(&x, (&plus, &minus))| (x & plus).wrapping_sub(x & minus));
        terms.fold(0u64, u64::wrapping_add).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_tell_signs() {
        let secret = Secret::of(&[1, -1, 0, 1]);
        assert_eq!(*secret.plus, [u64::MAX, 0, 0, u64::MAX]);
        assert_eq!(*secret.minus, [0, 0, u64::MAX, 0]);
    }

    #[test]
    fn the_product_wraps_with_a_minus() {
        let s = [1i64, -1, 0, 1, 1, 0, -1, -1];
        let c = [5u64, (1 << 48) - 1, 7, 11, 13, 17, 19, 23];
        let high = [1u64, 2, 3, (1 << 32) - 1, 5, 6, 7, 8];
        let halves = Halves { low: c.to_vec(), high: high.to_vec() };
        let secret = Secret::of(&s);
        for place in 0..8 {
            let term = |i: usize| {
                let number = i128::from(c[i]) + (i128::from(high[i]) << 48);
                let (j, sign) = if i <= place { (place - i, 1) } else { (8 + place - i, -1) };
                number * i128::from(s[j] * sign)
            };
            assert_eq!(secret.times(&halves, place), (0..8).map(term).sum::<i128>().cast_unsigned());
        }
    }
}
