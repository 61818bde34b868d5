//! How long requests took, as percentiles, and refusals by their codes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// How long so many requests took.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many.
    pub count: usize,
    /// Half of them took no longer, in seconds.
    pub p50_s: f64,
    /// Nine of ten.
    pub p90_s: f64,
    /// Of a hundred, 99.
    pub p99_s: f64,
    /// Of a thousand, 999.
    pub p999_s: f64,
    /// The longest.
    pub max_s: f64,
}

impl Percentiles {
    /// Of these times, in any order.
    pub fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let at = |of_a_thousand: usize| {
            // The smallest time that so many are not above.
            let rank = (seconds.len() * of_a_thousand).div_ceil(1000);
            seconds.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self {
            count: seconds.len(),
            p50_s: at(500),
            p90_s: at(900),
            p99_s: at(990),
            p999_s: at(999),
            max_s: at(1000),
        }
    }
}

/// What became of requests.
#[derive(Debug, Default)]
pub struct Outcomes {
    answered: Vec<f64>,
    refused: BTreeMap<String, Vec<f64>>,
}

impl Outcomes {
    /// One more, with the code of its refusal.
    pub fn add(&mut self, took: Duration, refused: Option<&str>) {
        let seconds = took.as_secs_f64();
        match refused {
            None => self.answered.push(seconds),
            Some(code) => self.refused.entry(code.to_owned()).or_default().push(seconds),
        }
    }

    /// The times of those that were answered, and by code of those that were not.
    pub fn into_percentiles(self) -> (Percentiles, BTreeMap<String, Percentiles>) {
        let refused = self.refused.into_iter().map(|(code, took)| (code, Percentiles::of(took)));
        (Percentiles::of(self.answered), refused.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let of = |n: u32| Percentiles::of((1..=n).rev().map(f64::from).collect());
        let of_thousand = of(1000);
        assert_eq!((of_thousand.p50_s, of_thousand.p90_s), (500.0, 900.0));
        assert_eq!((of_thousand.p99_s, of_thousand.p999_s, of_thousand.max_s), (990.0, 999.0, 1000.0));
        assert_eq!((of(1).p50_s, of(1).p999_s, of(3).p50_s, of(3).p90_s), (1.0, 1.0, 2.0, 3.0));
        assert_eq!(Percentiles::of(Vec::new()), Percentiles::default());
    }

    #[test]
    fn refusals_are_no_answers() {
        let mut outcomes = Outcomes::default();
        outcomes.add(Duration::from_secs(1), None);
        outcomes.add(Duration::from_secs(2), Some("E326"));
        outcomes.add(Duration::from_secs(4), Some("E326"));
        let (answered, refused) = outcomes.into_percentiles();
        assert_eq!((answered.count, answered.max_s), (1, 1.0));
        assert_eq!((refused.len(), refused["E326"].count, refused["E326"].max_s), (1, 2, 4.0));
    }
}
