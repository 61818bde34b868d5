//! How sure a median is.

/// A median, and between which numbers it lies.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// Seconds, or a ratio of seconds.
    pub median: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Below which chance, on each side, the interval of [`median`] misses.
pub const BY_CHANCE: f64 = 0.025;

impl Interval {
    /// Of a list of samples: the 95 % interval of their median.
    pub fn of(samples: &[f64]) -> Option<Self> {
        median(samples, BY_CHANCE)
    }

    /// Whether the two have no number in common.
    pub fn is_apart_from(&self, other: &Self) -> bool {
        self.high < other.low || other.high < self.low
    }

    /// The interval of a ratio of two medians, each given as its samples. Both intervals are taken at 97.5 %, so that by
    /// Bonferroni's inequality both hold, and with them the ratio's, at 95 %.
    pub fn of_ratio(samples: &[f64], base: &[f64]) -> Option<Self> {
        let (over, under) = (median(samples, BY_CHANCE / 2.0)?, median(base, BY_CHANCE / 2.0)?);
        let is_positive = under.low > 0.0;
        is_positive.then(|| Self {
            median: over.median / under.median,
            low: over.low / under.high,
            high: over.high / under.low,
        })
    }
}

/// The interval between two order statistics: the number of samples below the true median is binomial with p = 1/2 whatever
/// the distribution is, so the j-th smallest and the j-th largest samples enclose it but for twice the chance that fewer
/// than j lie on one side (H. A. David and H. N. Nagaraja, Order Statistics, 3rd ed., Wiley 2003, section 7.1). j is the
/// largest for which that chance is at most `miss` on each side; where there are too few samples for any, it is 1, and the
/// interval, from the smallest to the largest, holds with less certainty. `None` where there are no samples.
///
/// It takes samples for independent. Requests that follow each other are not quite, so it is if anything too short.
pub fn median(samples: &[f64], miss: f64) -> Option<Interval> {
    let mut sorted: Vec<f64> = samples.iter().copied().filter(|s| s.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let median = crate::measure::percentile(&sorted, 0.5);
    let depth = depth(sorted.len(), miss);
    let (low, high) = (sorted.get(depth - 1)?, sorted.get(sorted.len() - depth)?);
    Some(Interval { median, low: *low, high: *high })
}

/// The largest j of at least 1 with P(B < j) ≤ `miss`, for B binomial of n and 1/2.
fn depth(n: usize, miss: f64) -> usize {
    let n_f64 = n as f64;
    let mut ln_chance = -n_f64 * std::f64::consts::LN_2;
    let (mut below, mut j) = (0.0, 0);
    while j < n {
        below += ln_chance.exp();
        if below > miss {
            break;
        }
        ln_chance += ((n_f64 - j as f64) / (j as f64 + 1.0)).ln();
        j += 1;
    }
    j.max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn depths_are_those_of_the_published_table() {
        // Ranks of the 95 % interval of a median: 6 samples take all; 20 the 6th to the 15th; 30 the 10th to the 21st.
        for (samples, expected) in [(1, 1), (5, 1), (6, 1), (9, 2), (20, 6), (30, 10), (100, 40)] {
            assert_eq!(depth(samples, BY_CHANCE), expected, "{samples}");
        }
        assert!(depth(100_000, BY_CHANCE) > 49_600, "no underflow");
    }

    #[test]
    fn no_samples_have_no_interval() {
        assert_eq!(Interval::of(&[]), None);
        assert_eq!(Interval::of(&[2.0]), Some(Interval { median: 2.0, low: 2.0, high: 2.0 }));
    }

    proptest! {
        #[test]
        fn an_interval_encloses_its_median(samples in prop::collection::vec(1e-6..1e3_f64, 1..80)) {
            let interval = Interval::of(&samples).unwrap();
            prop_assert!(interval.low <= interval.median && interval.median <= interval.high);
            let ratio = Interval::of_ratio(&samples, &samples).unwrap();
            prop_assert!(ratio.low <= 1.0 && 1.0 <= ratio.high);
        }
    }
}
