//! Whether the probabilities are the rates that they say.

use serde::Serialize;

use super::interval::wilson;
use super::logistic;
use super::losses::inside;
use super::ranked::{Ranked, Run};

/// How many bins there are, unless ties leave fewer.
const BINS: usize = 10;

/// Rows of similar probability.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Bin {
    /// How many.
    pub rows: usize,
    /// How many defaulted.
    pub defaults: usize,
    /// Mean probability of default.
    pub mean_probability: f64,
    /// Share that defaulted.
    pub default_rate: f64,
    /// Wilson's 95 % interval of that share.
    pub default_interval: Option<[f64; 2]>,
}

/// Predicted beside observed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Calibration {
    /// By rising probability, of equal count but for ties: equal probabilities share a bin, so that the order of the
    /// rows decides nothing.
    pub bins: Vec<Bin>,
    /// Mean of |predicted - observed| over the bins, weighted by rows.
    pub expected_error: Option<f64>,
    /// Of the logistic regression of what happened on the log-odds of the probabilities; 0 is ideal.
    pub intercept: Option<f64>,
    /// Of the same; 1 is ideal, below 1 the probabilities are too extreme.
    pub slope: Option<f64>,
}

impl Calibration {
    /// Measures rows that [`Ranked`] has grouped already.
    pub(super) fn of(targets: &[bool], probabilities: &[f64], ranked: &Ranked) -> Self {
        let bins = bins(ranked);
        let off = |bin: &Bin| bin.rows as f64 * (bin.mean_probability - bin.default_rate).abs();
        let expected_error =
            (ranked.rows > 0).then(|| bins.iter().map(off).sum::<f64>() / ranked.rows as f64);
        let log_odds: Vec<f64> =
            probabilities.iter().map(|&p| inside(p)).map(|p| (p / (1.0 - p)).ln()).collect();
        let line = logistic::line(targets, &log_odds);
        Self { bins, expected_error, intercept: line.map(|l| l.intercept), slope: line.map(|l| l.slope) }
    }
}

fn bins(ranked: &Ranked) -> Vec<Bin> {
    let (mut bins, mut bin, mut below) = (Vec::new(), Vec::new(), 0);
    for run in ranked.runs.iter().rev() {
        bin.push(*run);
        let before = below * BINS / ranked.rows;
        below += run.rows;
        // The bin ends with the run that reaches the next tenth of the rows.
        if below * BINS / ranked.rows > before {
            bins.push(bin_of(&bin));
            bin.clear();
        }
    }
    bins
}

fn bin_of(runs: &[Run]) -> Bin {
    let rows: usize = runs.iter().map(|run| run.rows).sum();
    let defaults = runs.iter().map(|run| run.defaults).sum();
    let probabilities: f64 = runs.iter().map(|run| run.probability * run.rows as f64).sum();
    Bin {
        rows,
        defaults,
        mean_probability: probabilities / rows as f64,
        default_rate: defaults as f64 / rows as f64,
        default_interval: wilson(defaults, rows),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::sample::rows_with_ties;

    #[test]
    fn ten_bins_of_equal_count() {
        let probabilities: Vec<f64> = (0..1000_u32).map(|row| f64::from(row) / 1000.0).collect();
        let targets: Vec<bool> = (0..1000).map(|row| row % 4 == 0).collect();
        let calibration = Calibration::of(&targets, &probabilities, &Ranked::of(&targets, &probabilities));
        assert!(calibration.bins.len() == 10 && calibration.bins.iter().all(|bin| bin.rows == 100));
        assert!(calibration.bins.iter().all(|bin| (bin.default_rate - 0.25).abs() < 1e-12));
        // Means 0.0495, 0.1495, ... against 0.25.
        let expected: f64 =
            (0..10).map(|bin| (0.0495 + 0.1 * f64::from(bin) - 0.25).abs()).sum::<f64>() / 10.0;
        assert!((calibration.expected_error.unwrap() - expected).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn bins_hold_every_row_once_and_split_no_tie((targets, scores) in rows_with_ties(1..80)) {
            let ranked = Ranked::of(&targets, &scores);
            let bins = bins(&ranked);
            prop_assert_eq!(bins.iter().map(|bin| bin.rows).sum::<usize>(), targets.len());
            prop_assert_eq!(bins.iter().map(|bin| bin.defaults).sum::<usize>(), ranked.defaults);
            prop_assert!(bins.len() <= BINS && bins.is_sorted_by(|a, b| a.mean_probability < b.mean_probability));
            let most = ranked.runs.iter().map(|run| run.rows).max().unwrap();
            prop_assert!(bins.iter().all(|bin| bin.rows < targets.len().div_ceil(BINS) + most));
        }
    }

    #[test]
    fn equal_scores_are_one_bin_and_have_no_slope() {
        let (targets, scores) = ([true, false, false], [0.2; 3]);
        let calibration = Calibration::of(&targets, &scores, &Ranked::of(&targets, &scores));
        assert_eq!((calibration.bins.len(), calibration.slope), (1, None));
        let none = Calibration::of(&[], &[], &Ranked::default());
        assert!(none.bins.is_empty() && none.expected_error.is_none() && none.intercept.is_none());
    }
}
