//! Answers of parties that may cheat, before the client has checked them: for linear models, where no party talks to another.
//!
//! Beside its rows a client asks about [`CHECKS`] more, each a secret sum of some of the rows, chosen by a coin for each row. They are shared
//! like all others, and no party learns a coin. The model is linear, so each answer must be the same sum of the
//! rows' answers, modulo 2^k. A party adds errors to its summands without knowing the coins: if any row's answer is off by other than a
//! multiple of 2^k, a check finds that with probability at least 1/2 whatever else was added, as one of the two values of that row's coin gives
//! another sum. So wrong answers pass with probability at most 2^-40. A bias is the weight of a column that is 1 in each row.
//!
//! Only [`UnverifiedAnswer::verify`] gives an answer; what the check found is told to nobody else.

use privet_ring::entropy::{Entropy, EntropyFailed};
use privet_ring::prg::{Seed, Stream};
use privet_ring::reduce;
use zeroize::{Zeroize, Zeroizing};

/// Rows beside those of each chunk.
pub const CHECKS: usize = 40;

/// The coins of a chunk, and the sums of its rows so far.
pub struct Checks {
    /// By row, a bit for each check.
    coins: Vec<u64>,
    columns: usize,
    /// By check, by column.
    sums: Zeroizing<Vec<u64>>,
}

/// The sums that the parties' answers add up to: rows, then checks.
///
/// ```compile_fail,E0382
/// # use privet_mpc::unverified::UnverifiedAnswer;
/// fn twice(answer: UnverifiedAnswer) {
///     let _ = answer.verify();
///     let _ = answer.verify();
/// }
/// ```
///
/// ```
/// # use privet_mpc::unverified::UnverifiedAnswer;
/// fn once(answer: UnverifiedAnswer) {
///     let _ = answer.verify();
/// }
/// ```
pub struct UnverifiedAnswer {
    coins: Vec<u64>,
    sums: Vec<u64>,
    scores: usize,
    bits: u32,
}

privet_ring::not_shown!(Checks, UnverifiedAnswer);

/// A party changed an answer; which one cannot be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an answer was changed by one of the parties")]
pub struct Cheated;

impl Drop for Checks {
    fn drop(&mut self) {
        self.coins.zeroize();
    }
}

impl Checks {
    /// Fresh coins for so many rows of so many columns.
    pub fn draw(rows: usize, columns: usize, entropy: &mut dyn Entropy) -> Result<Self, EntropyFailed> {
        let mut coins = vec![0; rows];
        Stream::of_chunk(&Seed::draw(entropy)?, 0).fill(&mut coins);
        Ok(Self { coins, columns, sums: Zeroizing::new(vec![0; CHECKS * columns]) })
    }

    /// Adds encoded row number `row` to the checks that its coins choose, without a branch on them.
    pub fn take(&mut self, row: usize, columns: &[u64]) {
        let coins = self.coins[row];
        for (check, sums) in self.sums.chunks_exact_mut(self.columns.max(1)).enumerate() {
            let chosen = (coins >> check & 1).wrapping_neg();
            sums.iter_mut().zip(columns).for_each(|(sum, x)| *sum = sum.wrapping_add(x & chosen));
        }
    }

    /// The columns of a check, once all rows were taken.
    pub fn row(&self, check: usize) -> &[u64] {
        &self.sums[check * self.columns..][..self.columns]
    }

    /// The coins, for what the parties answer: so many scores a row, of so many bits.
    pub fn answered(mut self, sums: Vec<u64>, scores: usize, bits: u32) -> UnverifiedAnswer {
        UnverifiedAnswer { coins: std::mem::take(&mut self.coins), sums, scores, bits }
    }
}

impl UnverifiedAnswer {
    /// The rows' answers, if every check is right.
    pub fn verify(self) -> Result<Vec<u64>, Cheated> {
        let Self { coins, mut sums, scores, bits } = self;
        if sums.len() != (coins.len() + CHECKS) * scores {
            return Err(Cheated);
        }
        let checks = sums.split_off(coins.len() * scores);
        let mut off = 0;
        for (check, told) in checks.chunks_exact(scores.max(1)).enumerate() {
            for (score, told) in told.iter().enumerate() {
                let answers = sums.iter().skip(score).step_by(scores);
                let chosen = |coins: &u64| (coins >> check & 1).wrapping_neg();
                let sum = coins
                    .iter()
                    .zip(answers)
                    .fold(0u64, |sum, (coins, y)| sum.wrapping_add(y & chosen(coins)));
                off |= reduce(sum.wrapping_sub(*told), bits);
            }
        }
        if off == 0 { Ok(sums) } else { Err(Cheated) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::world::DangerousSeededEntropy;

    /// What honest parties answer to these rows: products with `weights`, by score.
    fn asked(rows: &[Vec<u64>], weights: &[Vec<u64>], seed: u64) -> (Checks, Vec<u64>) {
        let columns = rows[0].len();
        let mut checks = Checks::draw(rows.len(), columns, &mut DangerousSeededEntropy::new(seed)).unwrap();
        rows.iter().enumerate().for_each(|(at, row)| checks.take(at, row));
        let all = rows.iter().cloned().chain((0..CHECKS).map(|check| checks.row(check).to_vec()));
        let answer = |row: Vec<u64>, w: &Vec<u64>| {
            row.iter().zip(w).fold(0u64, |sum, (x, w)| sum.wrapping_add(x.wrapping_mul(*w)))
        };
        let answers = all.flat_map(|row| weights.iter().map(move |w| answer(row.clone(), w))).collect();
        (checks, answers)
    }

    proptest! {
        #[test]
        fn honest_answers_pass_and_changed_ones_do_not(
            rows in proptest::collection::vec(proptest::collection::vec(any::<u64>(), 3), 1..6),
            weights in proptest::collection::vec(proptest::collection::vec(any::<u64>(), 3), 1..3),
            bits in 8u32..=64,
            at: proptest::sample::Index,
            error in 1u64..,
            seed: u64,
        ) {
            let (checks, answers) = asked(&rows, &weights, seed);
            let honest = checks.answered(answers.clone(), weights.len(), bits).verify();
            prop_assert_eq!(honest.unwrap(), &answers[..rows.len() * weights.len()]);
            let (checks, mut answers) = asked(&rows, &weights, seed);
            let at = at.index(answers.len());
            answers[at] = answers[at].wrapping_add(error);
            let changed = checks.answered(answers, weights.len(), bits).verify();
            prop_assert_eq!(changed.is_err(), reduce(error, bits) != 0);
        }
    }

    /// A party that guesses one coin of a row, and changes the check to match, passes that check half of the time: so there are forty.
    #[test]
    fn a_guessed_coin_is_right_half_of_the_time() {
        let rows = vec![vec![5, 6, 7], vec![8, 9, 10]];
        let mut passed = 0;
        for seed in 0..400 {
            let (checks, answers) = asked(&rows, &[vec![1, 2, 3]], seed);
            let guessed_right = |check: usize| {
                // The row is off by 1, and the guess is that every coin is 1.
                let sum = |at: usize| checks.coins[at] >> check & 1;
                let right = sum(0) * (answers[0] + 1) + sum(1) * answers[1];
                right == answers[2 + check] + 1
            };
            passed += (0..CHECKS).filter(|&check| guessed_right(check)).count();
        }
        let expected = 400 * CHECKS / 2;
        assert!(passed.abs_diff(expected) < 500, "{passed} of {}", 2 * expected);
    }

    #[test]
    fn an_answer_of_another_length_is_none() {
        let (checks, mut answers) = asked(&[vec![1, 2]], &[vec![3, 4]], 1);
        answers.pop();
        assert_eq!(checks.answered(answers, 1, 64).verify(), Err(Cheated));
    }
}
