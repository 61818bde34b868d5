//! The area under the ROC curve, exactly.

/// The chance that a row with the outcome scores above one without, a tie counting one half; none where there are not both.
///
/// By the sum of ranks: tied scores share their average rank.
pub(crate) fn auc(targets: &[bool], scores: &[f64]) -> Option<f64> {
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(targets.iter().copied()).collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut doubled_pairs, mut positives) = (0_u64, 0_u128, 0_u64);
    // In order, what is not below the next ties with it; so do zeros of either sign.
    for tied in rows.chunk_by(|a, b| a.0 >= b.0) {
        let with = tied.iter().filter(|row| row.1).count() as u64;
        let without = tied.len() as u64 - with;
        doubled_pairs += u128::from(with) * u128::from(2 * below + without);
        positives += with;
        below += without;
    }
    let pairs = positives as f64 * below as f64;
    (pairs > 0.0).then(|| doubled_pairs as f64 / 2.0 / pairs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // exact values are meant

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(auc(&[true, false, true, false], &[0.9, 0.8, 0.7, 0.1]), Some(0.75));
        assert_eq!(auc(&[true, false], &[0.5, 0.5]), Some(0.5));
        assert_eq!(auc(&[true, false], &[-0.0, 0.0]), Some(0.5));
        assert_eq!(auc(&[true, true], &[0.1, 0.2]), None);
        assert_eq!(auc(&[], &[]), None);
    }

    proptest! {
        #[test]
        fn counts_pairs(rows in proptest::collection::vec((any::<bool>(), 0_u8..9), 0..80)) {
            let (targets, scores): (Vec<bool>, Vec<f64>) =
                rows.iter().map(|&(target, score)| (target, f64::from(score) - 4.0)).unzip();
            let (mut won, mut pairs) = (0.0, 0.0);
            for (&target, a) in targets.iter().zip(&scores) {
                for (&other, b) in targets.iter().zip(&scores) {
                    if target && !other {
                        pairs += 1.0;
                        won += if a > b { 1.0 } else if a < b { 0.0 } else { 0.5 };
                    }
                }
            }
            match auc(&targets, &scores) {
                Some(auc) => prop_assert!((auc - won / pairs).abs() < 1e-12),
                None => prop_assert!(pairs == 0.0),
            }
        }
    }
}
