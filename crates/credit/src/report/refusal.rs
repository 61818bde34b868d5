//! What refusing the riskiest share would do.

use serde::Serialize;

use super::interval::share;
use super::ranked::{Ranked, Run};

/// The shares of applicants refused that the report shows, in per cent.
pub(super) const PERCENTAGES: [usize; 4] = [1, 5, 10, 20];

/// Refuses every row above a probability and a share of those at it: where several rows tie at the boundary, each counts
/// by the chance that a fair draw among them would refuse it, so that the order of the rows decides nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    threshold: f64,
    share_at_threshold: f64,
}

impl Cut {
    /// Refuses so many per cent of the rows, rounded to whole rows; none where that is no row.
    pub(super) fn at(ranked: &Ranked, percent: usize) -> Option<Self> {
        let mut left = rows_at(ranked, percent);
        if left == 0 {
            return None;
        }
        for run in &ranked.runs {
            if left <= run.rows {
                let share_at_threshold = left as f64 / run.rows as f64;
                return Some(Self { threshold: run.probability, share_at_threshold });
            }
            left -= run.rows;
        }
        None
    }

    /// The chance, 0 to 1, that it refuses a row of this probability.
    #[allow(clippy::float_cmp)] // Equal is what a tie is.
    pub(super) fn refuses(self, probability: f64) -> f64 {
        if probability == self.threshold {
            self.share_at_threshold
        } else {
            f64::from(probability > self.threshold)
        }
    }
}

fn rows_at(ranked: &Ranked, percent: usize) -> usize {
    (ranked.rows * percent + 50) / 100
}

/// What refusing the riskiest rows would have done.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refusal {
    /// Share of the rows to refuse.
    pub rate: f64,
    /// The same in whole rows.
    pub refused: usize,
    /// The lowest probability refused.
    pub threshold: Option<f64>,
    /// Share of the defaults that are refused.
    pub recall: Option<f64>,
    /// Share of the refused that defaulted.
    pub precision: Option<f64>,
    /// Share of the repaid rows that are refused.
    pub false_refusal_rate: Option<f64>,
}

impl Refusal {
    /// Refuses so many per cent of the rows.
    pub(super) fn of(ranked: &Ranked, percent: usize) -> Self {
        let cut = Cut::at(ranked, percent);
        let refused = rows_at(ranked, percent);
        let count = |of_run: fn(&Run) -> usize| -> f64 {
            let chance = |run: &Run| cut.map_or(0.0, |cut| cut.refuses(run.probability));
            ranked.runs.iter().map(|run| of_run(run) as f64 * chance(run)).sum()
        };
        let defaults = count(|run| run.defaults);
        Self {
            rate: percent as f64 / 100.0,
            refused,
            threshold: cut.map(|cut| cut.threshold),
            recall: share(defaults, ranked.defaults),
            precision: share(defaults, refused),
            false_refusal_rate: share(count(|run| run.rows - run.defaults), ranked.repaid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::sample::rows_with_ties;

    #[test]
    fn ties_at_the_boundary_count_by_their_share() {
        // Ten rows, 20 % are two: the first, and half of the two at 0.8, one of which defaulted.
        let scores = [0.9, 0.8, 0.8, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
        let targets = [true, true, false, true, false, false, false, false, false, false];
        let refusal = Refusal::of(&Ranked::of(&targets, &scores), 20);
        assert_eq!((refusal.refused, refusal.threshold), (2, Some(0.8)));
        assert_eq!((refusal.recall, refusal.precision), (Some(1.5 / 3.0), Some(1.5 / 2.0)));
        assert_eq!(refusal.false_refusal_rate, Some(0.5 / 7.0));
    }

    proptest! {
        /// Without ties it is what sorting and cutting gives.
        #[test]
        fn equals_the_top_of_the_sorted_rows(targets in prop::collection::vec(any::<bool>(), 1..80), seed in any::<u64>()) {
            let n = targets.len() as u64;
            let scores: Vec<f64> = (0..n).map(|row| ((row * 97 + seed % 97) % (97 * n)) as f64 + row as f64 * 1e-3).collect();
            for percent in PERCENTAGES {
                let refusal = Refusal::of(&Ranked::of(&targets, &scores), percent);
                let mut rows: Vec<usize> = (0..targets.len()).collect();
                rows.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
                let top = (targets.len() * percent).div_euclid(100) + usize::from((targets.len() * percent) % 100 >= 50);
                let hits = rows[..top].iter().filter(|&&row| targets[row]).count() as f64;
                let defaults = targets.iter().filter(|&&target| target).count();
                prop_assert_eq!(refusal.recall, share(hits, defaults));
                prop_assert_eq!(refusal.precision, share(hits, top));
            }
        }

        #[test]
        fn refuses_as_many_as_asked((targets, scores) in rows_with_ties(5..80)) {
            let ranked = Ranked::of(&targets, &scores);
            let cut = Cut::at(&ranked, 10).unwrap();
            let refused: f64 = scores.iter().map(|&score| cut.refuses(score)).sum();
            prop_assert!((refused - rows_at(&ranked, 10) as f64).abs() < 1e-9);
        }
    }

    #[test]
    fn no_row_to_refuse() {
        let refusal = Refusal::of(&Ranked::of(&[true], &[0.4]), 10);
        assert_eq!((refusal.threshold, refusal.precision, refusal.recall), (None, None, Some(0.0)));
        assert!(Cut::at(&Ranked::default(), 50).is_none());
    }
}
