//! Rows grouped by equal probability, riskiest first: all that measures of ranking need to know of them.

/// Rows of one probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    /// Of default.
    pub probability: f64,
    /// How many rows have it.
    pub rows: usize,
    /// How many of those defaulted.
    pub defaults: usize,
}

/// All rows of a part.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranked {
    /// By falling probability.
    pub runs: Vec<Run>,
    /// All rows.
    pub rows: usize,
    /// All defaults.
    pub defaults: usize,
}

impl Ranked {
    /// Sorts and groups; rows in any order give the same.
    pub(super) fn of(targets: &[bool], probabilities: &[f64]) -> Self {
        let mut rows: Vec<(f64, bool)> = probabilities.iter().copied().zip(targets.iter().copied()).collect();
        rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let run_of = |rows: &[(f64, bool)]| Run {
            probability: rows.first().map_or(0.0, |row| row.0),
            rows: rows.len(),
            defaults: rows.iter().filter(|row| row.1).count(),
        };
        #[allow(clippy::float_cmp)] // Equal is what a tie is.
        let runs: Vec<Run> = rows.chunk_by(|a, b| a.0 == b.0).map(run_of).collect();
        let defaults = runs.iter().map(|run| run.defaults).sum();
        Self { runs, rows: rows.len(), defaults }
    }

    /// Rows that were repaid.
    pub(super) fn repaid(&self) -> usize {
        self.rows - self.defaults
    }

    /// After each run, how many defaults and how many repaid rows are at least as risky.
    pub(super) fn cumulated(&self) -> impl Iterator<Item = (f64, f64)> {
        self.runs.iter().scan((0, 0), |(defaults, repaid), run| {
            *defaults += run.defaults;
            *repaid += run.rows - run.defaults;
            Some((*defaults as f64, *repaid as f64))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_probabilities_are_one_run() {
        let ranked = Ranked::of(&[true, false, true, false], &[0.2, 0.7, 0.7, 0.1]);
        let run = |probability, rows, defaults| Run { probability, rows, defaults };
        assert_eq!(ranked.runs, [run(0.7, 2, 1), run(0.2, 1, 1), run(0.1, 1, 0)]);
        assert_eq!((ranked.rows, ranked.defaults, ranked.repaid()), (4, 2, 2));
        assert_eq!(ranked.cumulated().collect::<Vec<_>>(), [(1.0, 1.0), (2.0, 1.0), (2.0, 2.0)]);
    }
}
