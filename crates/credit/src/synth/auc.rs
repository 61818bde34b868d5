//! Area under the ROC curve in bounded memory: scores are counted in narrow bins.

use super::random::floor;

/// Bins per unit of the log odds, and the range covered; what lies outside counts at the ends.
const PER_UNIT: f64 = 500.0;
const LOWEST: f64 = -12.0;
const BINS: usize = 10_000;

/// Counts of labelled scores.
pub(super) struct Auc {
    counts: Vec<[u64; 2]>,
}

impl Auc {
    /// No scores yet.
    pub(super) fn new() -> Self {
        Self { counts: Vec::new() }
    }

    /// Counts one score.
    pub(super) fn add(&mut self, log_odds: f64, positive: bool) {
        if self.counts.is_empty() {
            self.counts = vec![[0; 2]; BINS];
        }
        let bin = usize::try_from(floor((log_odds - LOWEST) * PER_UNIT)).unwrap_or(0).min(BINS - 1);
        self.counts[bin][usize::from(positive)] += 1;
    }

    /// Adds another's counts.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.counts.clone_from(&other.counts);
            return;
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            mine[0] += theirs[0];
            mine[1] += theirs[1];
        }
    }

    /// Share of positives.
    pub(super) fn base_rate(&self) -> f64 {
        let [negative, positive] = self.totals();
        positive as f64 / (negative + positive) as f64
    }

    /// Share of pairs of a positive and a negative in which the positive scores higher; pairs in one bin count
    /// half. None without both classes.
    pub(super) fn value(&self) -> Option<f64> {
        let [negative, positive] = self.totals();
        let mut below = 0;
        let mut won = 0.0;
        for &[no, yes] in &self.counts {
            won += yes as f64 * (below as f64 + no as f64 / 2.0);
            below += no;
        }
        (negative > 0 && positive > 0).then(|| won / (negative as f64 * positive as f64))
    }

    fn totals(&self) -> [u64; 2] {
        self.counts.iter().fold([0, 0], |sum, bin| [sum[0] + bin[0], sum[1] + bin[1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_won_pairs() {
        let mut auc = Auc::new();
        for (odds, label) in [(0.0, false), (1.0, true), (2.0, false), (3.0, true)] {
            auc.add(odds, label);
        }
        assert_eq!(auc.value(), Some(0.75));
        assert!((auc.base_rate() - 0.5).abs() < 1e-12);
    }
}
