//! A party's part of the noise on a sum of gradients: normal draws (Box, Muller 1958), rounded to units of the sum. What the noise is worth says
//! [`privet_model::training::privacy`].

use privet_model::training::numbers::{Numbers, RESIDUALS, RING, ROWS};
use privet_model::training::privacy::FARTHEST;
use privet_ring::entropy::Entropy;
use privet_ring::fixed::power_of_two;
use privet_ring::prg::{Seed, Stream};

use super::Trains;
use crate::Abort;
use crate::session::no_randomness;
use crate::wiped::wipe;

/// Noise for the sum of a batch's gradients, in its units, if the recipe has any.
pub(super) fn of_step<P: Trains>(
    p: &mut P,
    numbers: &Numbers,
    entropy: &mut dyn Entropy,
) -> Result<Option<P::Sum>, Abort> {
    if numbers.recipe.privacy.is_none() {
        return Ok(None);
    }
    let units = numbers.deviation() * power_of_two((ROWS + RESIDUALS).into());
    let own = drawn(numbers.recipe.columns, units, entropy)?;
    let refused = || {
        Abort::Client(
            "Where a party may cheat it could leave its noise out: train without, or among curious parties."
                .into(),
        )
    };
    p.noise(own, RING).ok_or_else(refused).map(Some)
}

/// So many numbers of that deviation, modulo 2^64.
fn drawn(n: usize, deviation: f64, entropy: &mut dyn Entropy) -> Result<Vec<u64>, Abort> {
    let seed = Seed::draw(entropy).map_err(|_| no_randomness())?;
    let mut words = vec![0; n.next_multiple_of(2)];
    Stream::of_chunk(&seed, 0).fill(&mut words);
    for pair in words.as_chunks_mut::<2>().0 {
        *pair = normal(*pair).map(|x| whole(x.clamp(-FARTHEST, FARTHEST) * deviation));
    }
    wipe(&mut words[n..]);
    words.truncate(n);
    Ok(words)
}

/// Two normal draws from two uniform words.
fn normal([first, second]: [u64; 2]) -> [f64; 2] {
    // Never 0, whose logarithm is none.
    let uniform = |word: u64| ((word >> 11) as f64 + 0.5) * power_of_two(-53);
    let length = (-2.0 * uniform(first).ln()).sqrt();
    let (sine, cosine) = (std::f64::consts::TAU * uniform(second)).sin_cos();
    [length * sine, length * cosine]
}

#[allow(clippy::cast_possible_truncation)] // below 2^62 by the plan
fn whole(x: f64) -> u64 {
    (x.round() as i64).cast_unsigned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::world::DangerousSeededEntropy;

    /// Of a million draws: mean, variance, and the fourth moment, which is three times the variance's square for normal ones; and how many are
    /// beyond two deviations.
    #[test]
    fn draws_are_normal() {
        let n = 1_000_000;
        let deviation = 1e6;
        let words = drawn(n, deviation, &mut DangerousSeededEntropy::new(1)).unwrap();
        let draws: Vec<f64> = words.iter().map(|x| x.cast_signed() as f64 / deviation).collect();
        let moment = |k: i32| draws.iter().map(|x| x.powi(k)).sum::<f64>() / n as f64;
        assert!(moment(1).abs() < 0.005, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.007, "{}", moment(2));
        assert!(moment(3).abs() < 0.02, "{}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.05, "{}", moment(4));
        let far = draws.iter().filter(|x| x.abs() > 2.0).count() as f64 / n as f64;
        assert!((far - 0.0455).abs() < 0.001, "{far}");
        // Neighbours come from the same two words.
        let together = draws.as_chunks::<2>().0.iter().map(|[a, b]| a * b).sum::<f64>() / (n / 2) as f64;
        assert!(together.abs() < 0.007, "{together}");
    }

    #[test]
    fn the_least_uniform_word_is_no_farther_than_the_cut() {
        assert!(normal([0, 0]).iter().chain(&normal([u64::MAX; 2])).all(|x| x.abs() < FARTHEST));
    }

    #[test]
    fn an_odd_number_is_drawn() {
        assert_eq!(drawn(3, 1e9, &mut DangerousSeededEntropy::new(2)).unwrap().len(), 3);
    }
}
