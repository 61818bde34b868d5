//! The standard error of an AUC, and of the difference of two AUCs on the same rows.
//!
//! `DeLong`, `DeLong` and Clarke-Pearson (1988), by the sorting of Sun and Xu (2014): O(n log n) rather than every default
//! with every repaid row. The *placement* of a default is the share of repaid rows that score lower, that of a repaid
//! row the share of defaults that score higher; a tie counts one half. The AUC is the mean of the defaults' placements
//! and also that of the repaid rows', and its variance is the sum of the variances of the two means.

/// The placement of each row, in the order of the rows; none unless there are both defaults and repaid rows.
fn placements(targets: &[bool], scores: &[f64]) -> Option<Vec<f64>> {
    let defaults = targets.iter().filter(|&&target| target).count();
    let repaid = targets.len() - defaults;
    if defaults == 0 || repaid == 0 {
        return None;
    }
    let mut order: Vec<usize> = (0..targets.len()).collect();
    order.sort_unstable_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut placements = vec![0.0; targets.len()];
    let (mut defaults_below, mut repaid_below) = (0, 0);
    #[allow(clippy::float_cmp)] // Equal is what a tie is.
    for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let tied_defaults = tied.iter().filter(|&&row| targets[row]).count();
        let tied_repaid = tied.len() - tied_defaults;
        let of_default = (repaid_below as f64 + tied_repaid as f64 / 2.0) / repaid as f64;
        let of_repaid = 1.0 - (defaults_below as f64 + tied_defaults as f64 / 2.0) / defaults as f64;
        for &row in tied {
            placements[row] = if targets[row] { of_default } else { of_repaid };
        }
        defaults_below += tied_defaults;
        repaid_below += tied_repaid;
    }
    Some(placements)
}

/// Standard error of the AUC. None with fewer than two defaults or two repaid rows, and none where the estimate is 0 (a
/// perfect order, or none at all): `DeLong` then knows nothing, which is not the same as certainty.
pub(super) fn error(targets: &[bool], scores: &[f64]) -> Option<f64> {
    deviation(targets, &placements(targets, scores)?).filter(|&error| error > 0.0)
}

/// Standard error of AUC(`scores`) - AUC(`others`) on the same rows, 0 where both order them alike.
pub(super) fn error_of_difference(targets: &[bool], scores: &[f64], others: &[f64]) -> Option<f64> {
    let (of_scores, of_others) = (placements(targets, scores)?, placements(targets, others)?);
    let differences: Vec<f64> = of_scores.iter().zip(&of_others).map(|(a, b)| a - b).collect();
    deviation(targets, &differences)
}

/// Square root of the variance of the mean over defaults plus that over repaid rows.
fn deviation(targets: &[bool], placements: &[f64]) -> Option<f64> {
    let of = |wanted: bool| -> Vec<f64> {
        let rows = targets.iter().zip(placements);
        rows.filter(|row| *row.0 == wanted).map(|row| *row.1).collect()
    };
    Some((variance_of_mean(&of(true))? + variance_of_mean(&of(false))?).sqrt())
}

/// Sample variance (n - 1) over n; none for fewer than two values.
fn variance_of_mean(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| squares / (n - 1.0) / n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::sample::rows_with_ties;
    use crate::train::auc::auc;

    /// One half where tied, as the papers define the kernel.
    fn kernel(default: f64, repaid: f64) -> f64 {
        match default.total_cmp(&repaid) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        }
    }

    fn covariance(a: &[f64], b: &[f64]) -> f64 {
        let n = a.len() as f64;
        let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
        a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum::<f64>() / (n - 1.0)
    }

    /// The two kinds of components, every default with every repaid row.
    fn components(targets: &[bool], scores: &[f64]) -> [Vec<f64>; 2] {
        let of = |wanted: bool| -> Vec<f64> {
            (0..targets.len()).filter(|&row| targets[row] == wanted).map(|row| scores[row]).collect()
        };
        let (defaults, repaid) = (of(true), of(false));
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let of_default = |&d: &f64| mean(repaid.iter().map(|&r| kernel(d, r)).collect());
        let of_repaid = |&r: &f64| mean(defaults.iter().map(|&d| kernel(d, r)).collect());
        [defaults.iter().map(of_default).collect(), repaid.iter().map(of_repaid).collect()]
    }

    proptest! {
        #[test]
        fn equals_every_default_with_every_repaid_row((targets, scores) in rows_with_ties(2..60)) {
            let [of_defaults, of_repaid] = components(&targets, &scores);
            let (m, n) = (of_defaults.len(), of_repaid.len());
            let found = error(&targets, &scores);
            if m < 2 || n < 2 {
                prop_assert_eq!(found, None);
            } else {
                let variance = covariance(&of_defaults, &of_defaults) / m as f64
                    + covariance(&of_repaid, &of_repaid) / n as f64;
                prop_assert!((found.unwrap_or(0.0) - variance.sqrt()).abs() < 1e-7);
                let mean = of_defaults.iter().sum::<f64>() / m as f64;
                prop_assert!((mean - auc(&targets, &scores).unwrap()).abs() < 1e-12);
            }
        }

        #[test]
        fn difference_equals_the_full_covariance((targets, scores) in rows_with_ties(6..60), seed in 1_usize..1000) {
            let others: Vec<f64> = scores.iter().enumerate()
                .map(|(row, score)| score + ((seed * (row + 7)) % 5) as f64 / 10.0).collect();
            let (a, b) = (components(&targets, &scores), components(&targets, &others));
            let sizes = [a[0].len(), a[1].len()];
            prop_assume!(sizes.iter().all(|&size| size > 1));
            let variance: f64 = (0..2).map(|kind| {
                let (a, b) = (&a[kind], &b[kind]);
                (covariance(a, a) + covariance(b, b) - 2.0 * covariance(a, b)) / sizes[kind] as f64
            }).sum();
            let found = error_of_difference(&targets, &scores, &others).unwrap();
            prop_assert!((found - variance.max(0.0).sqrt()).abs() < 1e-7);
        }
    }

    #[test]
    fn undefined_without_both_kinds_and_where_nothing_varies() {
        assert_eq!(error(&[], &[]), None);
        assert_eq!(error(&[false; 3], &[0.1, 0.2, 0.3]), None);
        assert_eq!(error(&[true, false, false], &[0.1, 0.2, 0.3]), None);
        assert_eq!(error(&[true, true, false, false], &[0.9, 0.8, 0.2, 0.1]), None);
        let (targets, scores) = ([true, true, false, false], [0.9, 0.2, 0.3, 0.1]);
        assert_eq!(error_of_difference(&targets, &scores, &scores), Some(0.0));
    }
}
