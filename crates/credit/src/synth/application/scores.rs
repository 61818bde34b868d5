//! Which of the three outside scores are missing.

use super::super::random::Draws;
use super::super::statistics::{Statistics, TableStatistics};
use super::Cells;
use crate::failure::Failure;

/// Which scores are missing together, each with the share of all patterns up to and including it.
type Patterns = Vec<(f64, [bool; 3])>;

/// Hides scores.
pub(super) struct Scores {
    places: [usize; 3],
    /// Test, train.
    patterns: [Patterns; 2],
}

impl Scores {
    pub(super) fn new(statistics: &Statistics) -> Result<Self, Failure> {
        let train = statistics.table("application_train")?;
        let at = |number: u8| train.position(&format!("EXT_SOURCE_{number}"));
        let patterns = patterns(statistics, statistics.table("application_test")?)?;
        Ok(Self { places: [at(1)?, at(2)?, at(3)?], patterns })
    }

    /// Which scores are missing together.
    pub(super) fn settle(&self, train: bool, draws: &mut Draws, cells: &mut Cells) {
        let u = draws.uniform();
        let patterns = &self.patterns[usize::from(train)];
        let pattern = patterns.iter().find(|pattern| u < pattern.0).or(patterns.last());
        let missing = pattern.map_or([false; 3], |pattern| pattern.1);
        for (place, missing) in self.places.into_iter().zip(missing) {
            if missing {
                cells[place] = f64::NAN;
            }
        }
    }
}

/// Which scores are missing together: published jointly for training applicants, each by itself for test ones.
fn patterns(statistics: &Statistics, test: &TableStatistics) -> Result<[Patterns; 2], Failure> {
    let missing = |number: u8| test.column(&format!("EXT_SOURCE_{number}")).map(|column| column.missing);
    let rates = [missing(1)?, missing(2)?, missing(3)?];
    let of_test = (0_u8..8).map(|bits| {
        let pattern: [bool; 3] = std::array::from_fn(|place| bits >> place & 1 == 1);
        let share = |(&missing, rate): (&bool, f64)| if missing { rate } else { 1.0 - rate };
        (pattern, pattern.iter().zip(rates).map(share).product())
    });
    let of_train = statistics.scores_present.iter().map(|(pattern, &share)| {
        let mut missing = pattern.bytes().map(|byte| byte == b'1');
        (std::array::from_fn(|_| missing.next().unwrap_or(false)), share)
    });
    Ok([cumulative(of_test), cumulative(of_train)])
}

/// Each pattern with the share of all patterns up to and including it.
fn cumulative(patterns: impl Iterator<Item = ([bool; 3], f64)>) -> Patterns {
    let mut sum = 0.0;
    let with_sum = patterns.map(|(pattern, share)| {
        sum += share;
        (sum, pattern)
    });
    with_sum.collect()
}
