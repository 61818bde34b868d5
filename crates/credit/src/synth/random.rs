//! Random draws: one generator for each block of applicants and purpose, so that the number of threads never
//! shows in the files.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use super::normal;

/// What a generator is for. Purposes of one block never share a stream.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// Which applicants are in `application_train`.
    Split = 1,
    /// How many history rows an applicant has.
    Counts = 2,
    /// All values.
    Values = 3,
    /// The applicants on which the intercept is solved.
    Calibration = 4,
}

/// A seeded stream of uniform and normal draws.
pub(super) struct Draws(Xoshiro256PlusPlus);

impl Draws {
    /// The stream of `purpose` for block number `block` under the user's `seed`.
    pub(super) fn new(seed: u64, purpose: Purpose, block: u64) -> Self {
        let mut state = [0_u8; 32];
        let mut mixed = seed;
        for (chunk, salt) in state.chunks_exact_mut(8).zip([0, purpose as u64, block, 1]) {
            mixed = mix(mixed ^ salt);
            chunk.copy_from_slice(&mixed.to_le_bytes());
        }
        Self(Xoshiro256PlusPlus::from_seed(state))
    }

    /// Uniform in the open interval (0, 1).
    #[inline]
    pub(super) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// True with probability `share`.
    #[inline]
    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.uniform() < share
    }

    /// Uniform between `low` and `high`.
    #[inline]
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// A whole number from `low` to `high`, both included.
    #[inline]
    pub(super) fn whole(&mut self, low: i64, high: i64) -> i64 {
        low + floor(self.uniform() * (high - low + 1) as f64)
    }

    /// Standard normal.
    #[inline]
    pub(super) fn normal(&mut self) -> f64 {
        normal::quantile(self.uniform())
    }

    /// Exponential with this mean.
    #[inline]
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.uniform().ln()
    }

    /// Log-uniform between `low` and `high`, both positive.
    #[inline]
    pub(super) fn magnitude(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.uniform())
    }
}

/// The largest whole number not above `value`, which must lie within a few thousand million.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "every draw of this module tree is far below 2^53")]
pub(super) fn floor(value: f64) -> i64 {
    value.floor() as i64
}

/// Rounded to multiples of `step`, in the currency's unit: amounts of the real files are such multiples.
#[inline]
pub(super) fn round_to(value: f64, step: f64) -> f64 {
    (value / step).round() * step
}

/// Rounded to `1 / parts`, a power of ten: the nearest double of the decimal number, as a CSV file would give.
#[inline]
pub(super) fn decimals(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// The finalizer of `SplitMix64` after one step of its counter.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_block() {
        let first = |seed, purpose, block| Draws::new(seed, purpose, block).uniform().to_bits();
        let one = first(1, Purpose::Values, 0);
        assert_eq!(one, first(1, Purpose::Values, 0));
        assert_ne!(one, first(2, Purpose::Values, 0));
        assert_ne!(one, first(1, Purpose::Counts, 0));
        assert_ne!(one, first(1, Purpose::Values, 1));
    }

    #[test]
    fn whole_reaches_both_ends() {
        let mut draws = Draws::new(7, Purpose::Values, 0);
        let seen: Vec<i64> = (0..1_000).map(|_| draws.whole(-1, 1)).collect();
        assert_eq!((seen.iter().min(), seen.iter().max()), (Some(&-1), Some(&1)));
    }
}
