//! The two curves over all thresholds, thinned for drawing.

use super::ranked::Ranked;

/// A point that moved less than this from the last one kept, in both directions together, is not kept.
const STEP: f64 = 0.01;

/// [share of repaid rows, share of defaults] at or above each threshold, from [0, 0] to [1, 1]; empty unless there are
/// both kinds.
pub(super) fn roc(ranked: &Ranked) -> Vec<[f64; 2]> {
    if ranked.defaults == 0 || ranked.repaid() == 0 {
        return Vec::new();
    }
    let (all_defaults, all_repaid) = (ranked.defaults as f64, ranked.repaid() as f64);
    let points = ranked.cumulated().map(|(defaults, repaid)| [repaid / all_repaid, defaults / all_defaults]);
    thinned(std::iter::once([0.0, 0.0]).chain(points))
}

/// [recall, precision] at each threshold, by rising recall; empty without a default.
pub(super) fn precision_recall(ranked: &Ranked) -> Vec<[f64; 2]> {
    if ranked.defaults == 0 {
        return Vec::new();
    }
    let all = ranked.defaults as f64;
    thinned(ranked.cumulated().map(|(defaults, repaid)| [defaults / all, defaults / (defaults + repaid)]))
}

/// The first, the last, and those between that moved.
fn thinned(points: impl Iterator<Item = [f64; 2]>) -> Vec<[f64; 2]> {
    let mut kept: Vec<[f64; 2]> = Vec::new();
    let mut last = None;
    for point in points {
        let moved = |from: &[f64; 2]| (point[0] - from[0]).abs() + (point[1] - from[1]).abs() >= STEP;
        let keep = kept.last().is_none_or(moved);
        if keep {
            kept.push(point);
        }
        last = (!keep).then_some(point);
    }
    kept.extend(last);
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::sample::rows_with_ties;
    use crate::train::auc::auc;

    proptest! {
        /// Few enough rows that nothing is thinned away: the area under the curve is the AUC.
        #[test]
        fn area_is_the_auc((targets, scores) in rows_with_ties(2..50)) {
            let area = |points: &[[f64; 2]]| points.windows(2)
                .map(|pair| (pair[1][0] - pair[0][0]) * (pair[0][1] + pair[1][1]) / 2.0).sum::<f64>();
            let points = roc(&Ranked::of(&targets, &scores));
            match auc(&targets, &scores) {
                Some(auc) => prop_assert!((area(&points) - auc).abs() < 1e-12),
                None => prop_assert!(points.is_empty()),
            }
        }
    }

    #[test]
    fn thinning_keeps_the_ends_and_few_between() {
        let scores: Vec<f64> = (0..50_000).map(f64::from).collect();
        let targets: Vec<bool> = (0..50_000_u32).map(|row| row % 7 == 0 && row > 9000).collect();
        let ranked = Ranked::of(&targets, &scores);
        let points = roc(&ranked);
        assert_eq!((points.first(), points.last()), (Some(&[0.0, 0.0]), Some(&[1.0, 1.0])));
        assert!((100..=202).contains(&points.len()), "{}", points.len());
        let points = precision_recall(&ranked);
        assert!((50..=300).contains(&points.len()), "{}", points.len());
        assert!(points.is_sorted_by(|a, b| a[0] <= b[0]));
    }
}
