//! What is drawn: secrets and errors from fresh seeds, public polynomials from seeds that anyone may know.

use privet_ring::prg::{Seed, Stream};
use zeroize::Zeroizing;

use crate::ring::{Poly, Ring};

/// Coefficients that are each -1, 0 or 1 with a third (to 2^-62).
pub fn ternary(stream: &mut Stream, n: usize) -> Zeroizing<Vec<i64>> {
    let third = |word: u64| ((u128::from(word) * 3) >> 64) as i64 - 1;
    drawn(stream, n, third)
}

/// Errors: the centred binomial distribution of 42 coins, of variance 10.5 (a standard deviation of 3.24, where the homomorphic
/// encryption standard asks for 8/√(2π) = 3.19), between -21 and 21.
pub fn errors(stream: &mut Stream, n: usize) -> Zeroizing<Vec<i64>> {
    const HALF: u64 = (1 << 21) - 1;
    let error =
        |word: u64| i64::from((word & HALF).count_ones()) - i64::from((word >> 21 & HALF).count_ones());
    drawn(stream, n, error)
}

fn drawn(stream: &mut Stream, n: usize, of: impl Fn(u64) -> i64) -> Zeroizing<Vec<i64>> {
    let mut words = Zeroizing::new(vec![0; n]);
    stream.fill(&mut words);
    Zeroizing::new(words.iter().map(|&word| of(word)).collect())
}

/// A number between -2^bits and 2^bits, each as likely; `bits` below 127.
pub fn flood(stream: &mut Stream, bits: u32) -> i128 {
    let mut words = Zeroizing::new([0; 2]);
    stream.fill(&mut words[..]);
    let drawn = u128::from(words[0]) | u128::from(words[1]) << 64;
    (drawn >> (127 - bits)).cast_signed() - (1 << bits)
}

/// A stream of fresh randomness.
pub fn stream(
    entropy: &mut dyn privet_ring::entropy::Entropy,
) -> Result<Stream, privet_ring::entropy::EntropyFailed> {
    Ok(Stream::of_chunk(&Seed::draw(entropy)?, 0))
}

/// Where public polynomials come from: 32 bytes that the client draws once, and the bundle. Whoever needs one expands it; nobody
/// takes one from another as a polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicSeed {
    /// Drawn by the client for one key.
    pub seed: [u8; 32],
    /// The digest of the bundle.
    pub bundle: [u8; 32],
}

impl PublicSeed {
    /// Polynomial number `index`, in values. For each prime, the 64-bit little-endian words of BLAKE3's output in its mode for key
    /// derivation, of seed, bundle, index (32 bits, little-endian) and the prime's place (a byte). Of a word the low bits count, as many
    /// as the prime's length; words that are no residue are left out.
    pub fn polynomial(&self, ring: &Ring, index: u32) -> Poly {
        let mut poly = ring.zero();
        let moduli = ring.parameters().arithmetic();
        for (prime, (limb, m)) in (0u8..).zip(poly.0.chunks_exact_mut(ring.degree()).zip(moduli)) {
            let mut hasher = blake3::Hasher::new_derive_key("privet 2026 public polynomial of an encryption");
            hasher.update(&self.seed).update(&self.bundle).update(&index.to_le_bytes()).update(&[prime]);
            let mut reader = hasher.finalize_xof();
            let mask = u64::MAX >> (64 - m.bits());
            let mut filled = 0;
            let mut block = [0; 4096];
            while filled < limb.len() {
                reader.fill(&mut block);
                for word in block.as_chunks::<8>().0 {
                    let word = u64::from_le_bytes(*word) & mask;
                    if word < m.value() && filled < limb.len() {
                        limb[filled] = word;
                        filled += 1;
                    }
                }
            }
        }
        poly
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::{MOST_ERROR, Needs, Parameters};

    fn stream() -> Stream {
        Stream::of_chunk(&Seed::from_bytes([5; 16]), 0)
    }

    fn moments(values: &[i64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<i64>() as f64 / n;
        (mean, values.iter().map(|&x| (x as f64 - mean).powi(2)).sum::<f64>() / n)
    }

    #[test]
    fn distributions_have_the_stated_moments_and_bounds() {
        let n = 1 << 17;
        let (mean, variance) = moments(&ternary(&mut stream(), n));
        assert!(mean.abs() < 0.01 && (variance - 2.0 / 3.0).abs() < 0.01, "{mean} {variance}");
        let errors = errors(&mut stream(), n);
        let (mean, variance) = moments(&errors);
        assert!(mean.abs() < 0.05 && (variance - 10.5).abs() < 0.2, "{mean} {variance}");
        assert!(errors.iter().all(|e| e.unsigned_abs() <= MOST_ERROR));
        for bits in [3, 70, 126] {
            let mut stream = stream();
            let floods: Vec<i128> = (0..1000).map(|_| flood(&mut stream, bits)).collect();
            let most = 1i128 << bits;
            assert!(floods.iter().all(|f| (-most..most).contains(f)));
            let (low, high) = (floods.iter().min(), floods.iter().max());
            assert!(low.is_some_and(|l| *l < -most / 8 * 7) && high.is_some_and(|h| *h > most / 4 * 3 - 1));
        }
    }

    #[test]
    fn public_polynomials_differ_by_everything_that_they_depend_on() {
        let needs = Needs { plaintext_bits: 20, norm_bits: 10, columns: 100, scores: 1 };
        let ring = Ring::new(Parameters::choose(needs).unwrap_or_else(|| unreachable!("it fits")));
        let seed = PublicSeed { seed: [1; 32], bundle: [2; 32] };
        let others = [
            PublicSeed { seed: [3; 32], ..seed }.polynomial(&ring, 0),
            PublicSeed { bundle: [3; 32], ..seed }.polynomial(&ring, 0),
            seed.polynomial(&ring, 1),
        ];
        let own = seed.polynomial(&ring, 0);
        assert!(own.0 == seed.polynomial(&ring, 0).0 && others.iter().all(|other| other.0 != own.0));
        for (limb, m) in own.0.chunks_exact(ring.degree()).zip(ring.parameters().arithmetic()) {
            let mean = limb.iter().map(|&x| x as f64).sum::<f64>() / limb.len() as f64 / m.value() as f64;
            assert!(limb.iter().all(|&x| x < m.value()) && (mean - 0.5).abs() < 0.03, "{mean}");
        }
    }
}
