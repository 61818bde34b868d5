//! Randomness that two parties share, from keys that they agreed on by themselves: never dealt by client or owner.

use zeroize::{Zeroize, ZeroizeOnDrop};

use privet_ring::prg::{Seed, Stream};

/// The two pairwise keys of party `P_i`: `K_i`, known to `P_{i-1}` and `P_i`, and `K_{i+1}`, known to `P_i` and
/// `P_{i+1}`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PairKeys {
    /// `K_i`.
    pub with_previous: [u8; 32],
    /// `K_{i+1}`.
    pub with_next: [u8; 32],
}

impl PairKeys {
    /// The party's summand of a fresh sharing of `n` zeros, `α_i = F(K_i, h) - F(K_{i+1}, h)`, at the point `h` and the
    /// step `path`. ABY3 (Mohassel, Rindal 2018), "correlated randomness"; F is AES-128 in counter mode under a key
    /// derived by BLAKE3 from K, h and the path.
    pub fn zero_share(&self, h: &[u8; 32], path: &str, n: usize) -> Vec<u64> {
        let mut alpha = vec![0; n];
        let mut subtrahend = vec![0; n];
        stream(&self.with_previous, h, path).fill(&mut alpha);
        stream(&self.with_next, h, path).fill(&mut subtrahend);
        alpha.iter_mut().zip(&subtrahend).for_each(|(a, &b)| *a = a.wrapping_sub(b));
        subtrahend.zeroize();
        alpha
    }

    /// Of three streams of words the two that this party holds, F(`K_i`, h) and F(`K_{i+1}`, h): of a random replicated tensor.
    /// Never at a path of a zero share.
    pub(crate) fn random(&self, h: &[u8; 32], path: &str) -> [Stream; 2] {
        [&self.with_previous, &self.with_next].map(|key| stream(key, h, path))
    }

    /// Keys of one run: as the old ones, and what both holders of each drew for it. `own` and the others are of 32 bytes.
    pub(crate) fn renewed(&self, h: &[u8; 32], own: &[u8], previous: &[u8], next: &[u8]) -> Self {
        let renewed = |key: &[u8; 32], first: &[u8], second: &[u8]| {
            let mut hasher = blake3::Hasher::new_keyed(key);
            hasher.update(b"privet 2026 pairwise key of one run").update(h).update(first).update(second);
            *hasher.finalize().as_bytes()
        };
        Self {
            with_previous: renewed(&self.with_previous, previous, own),
            with_next: renewed(&self.with_next, own, next),
        }
    }

    /// `n` words F(K, h) that one peer knows too: `P_{i+1}` if `with_next`, else `P_{i-1}`. Never at a path of a zero share.
    pub(crate) fn common(&self, with_next: bool, h: &[u8; 32], path: &str, n: usize) -> Vec<u64> {
        let mut words = vec![0; n];
        let key = if with_next { &self.with_next } else { &self.with_previous };
        stream(key, h, path).fill(&mut words);
        words
    }
}

/// F(K, h) for this step.
fn stream(key: &[u8; 32], h: &[u8; 32], path: &str) -> Stream {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(h).update(path.as_bytes());
    let mut seed = [0; 16];
    hasher.finalize_xof().fill(&mut seed);
    Stream::of_chunk(&Seed::from_bytes(seed), 0)
}

privet_ring::not_shown!(PairKeys);
