//! How well the order of the probabilities tells defaults from repaid rows.

use serde::Serialize;

use super::delong;
use super::ranked::Ranked;
use crate::train::auc::auc;

/// Measures that only the order decides.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Ranking {
    /// The chance that a default scores above a repaid row, a tie counting one half.
    pub auc: Option<f64>,
    /// `DeLong`'s standard error of it.
    pub auc_standard_error: Option<f64>,
    /// 2 AUC - 1.
    pub gini: Option<f64>,
    /// The largest difference, over all thresholds, of the share of defaults and the share of repaid rows above it.
    pub kolmogorov_smirnov: Option<f64>,
    /// Mean of the precision over recall, by steps and without interpolation.
    pub average_precision: Option<f64>,
}

impl Ranking {
    /// Measures rows that [`Ranked`] has grouped already.
    pub(super) fn of(targets: &[bool], probabilities: &[f64], ranked: &Ranked) -> Self {
        let auc = auc(targets, probabilities);
        Self {
            auc,
            auc_standard_error: delong::error(targets, probabilities),
            gini: auc.map(|auc| 2.0 * auc - 1.0),
            kolmogorov_smirnov: kolmogorov_smirnov(ranked),
            average_precision: average_precision(ranked),
        }
    }
}

fn kolmogorov_smirnov(ranked: &Ranked) -> Option<f64> {
    let (defaults, repaid) = (ranked.defaults as f64, ranked.repaid() as f64);
    let distance = |(d, r): (f64, f64)| (d / defaults - r / repaid).abs();
    (defaults > 0.0 && repaid > 0.0).then(|| ranked.cumulated().map(distance).fold(0.0, f64::max))
}

fn average_precision(ranked: &Ranked) -> Option<f64> {
    let precisions = ranked.cumulated().map(|(defaults, repaid)| defaults / (defaults + repaid));
    let weighted = ranked.runs.iter().zip(precisions).map(|(run, precision)| run.defaults as f64 * precision);
    (ranked.defaults > 0).then(|| weighted.sum::<f64>() / ranked.defaults as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::sample::rows_with_ties;

    fn above(targets: &[bool], scores: &[f64], threshold: f64, wanted: bool) -> f64 {
        targets.iter().zip(scores).filter(|(t, s)| **t == wanted && **s >= threshold).count() as f64
    }

    proptest! {
        #[test]
        fn equals_counting_at_every_threshold((targets, scores) in rows_with_ties(1..50)) {
            let ranking = Ranking::of(&targets, &scores, &Ranked::of(&targets, &scores));
            let total = |wanted| above(&targets, &scores, f64::NEG_INFINITY, wanted);
            let (defaults, repaid) = (total(true), total(false));
            let mut thresholds = scores.clone();
            thresholds.sort_by(|a, b| b.total_cmp(a));
            thresholds.dedup();
            let (mut distance, mut precision, mut recall): (f64, f64, f64) = (0.0, 0.0, 0.0);
            for &threshold in &thresholds {
                let d = above(&targets, &scores, threshold, true);
                let r = above(&targets, &scores, threshold, false);
                distance = distance.max((d / defaults - r / repaid).abs());
                precision += (d / defaults - recall) * d / (d + r);
                recall = d / defaults;
            }
            let close = |found: Option<f64>, expected: f64, defined: bool| match found {
                Some(found) => defined && (found - expected).abs() < 1e-12,
                None => !defined,
            };
            prop_assert!(close(ranking.kolmogorov_smirnov, distance, defaults > 0.0 && repaid > 0.0));
            prop_assert!(close(ranking.average_precision, precision, defaults > 0.0));
        }
    }

    #[test]
    fn a_perfect_order() {
        let (targets, scores) = ([true, false, true, false], [0.9, 0.2, 0.8, 0.1]);
        let ranking = Ranking::of(&targets, &scores, &Ranked::of(&targets, &scores));
        let found = [ranking.auc, ranking.gini, ranking.kolmogorov_smirnov, ranking.average_precision];
        assert_eq!(found, [Some(1.0); 4]);
    }
}
