//! Marginal distributions: inverse distribution functions of numbers, frequencies of levels, row counts.

use super::random::{Draws, floor};

/// Inverse distribution function: pairs (share, value) from share 0 to 1, linear in between, steps allowed.
#[derive(Clone)]
pub(super) struct Curve {
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// From pairs with neither share nor value falling.
    pub(super) fn new(points: &[(f64, f64)]) -> Self {
        Self { points: points.to_vec() }
    }

    /// The value below which lies the share `u`.
    #[inline]
    pub(super) fn at(&self, u: f64) -> f64 {
        let after = self.points.partition_point(|point| point.0 <= u);
        let last = self.points.len().saturating_sub(1);
        let (low, high) = (self.points[after.saturating_sub(1).min(last)], self.points[after.min(last)]);
        if high.0 <= low.0 { high.1 } else { low.1 + (high.1 - low.1) * (u - low.0) / (high.0 - low.0) }
    }

    /// One draw.
    #[inline]
    pub(super) fn draw(&self, draws: &mut Draws) -> f64 {
        self.at(draws.uniform())
    }
}

/// Frequencies of levels; a level's code is its place in the statistics' list.
#[derive(Clone)]
pub(super) struct Levels {
    below: Vec<(f64, u8)>,
}

impl Levels {
    /// From pairs of code and frequency; frequencies need not sum to 1. None may be missing.
    pub(super) fn new(frequencies: &[(u8, f64)]) -> Self {
        let total: f64 = frequencies.iter().map(|level| level.1).sum();
        let mut sum = 0.0;
        let below = frequencies.iter().map(|&(code, frequency)| {
            sum += frequency / total;
            (sum, code)
        });
        Self { below: below.collect() }
    }

    /// The code at the share `u`.
    #[inline]
    pub(super) fn at(&self, u: f64) -> u8 {
        let found = self.below.iter().find(|level| u < level.0).or(self.below.last());
        found.map_or(0, |level| level.1)
    }

    /// One draw.
    #[inline]
    pub(super) fn draw(&self, draws: &mut Draws) -> u8 {
        self.at(draws.uniform())
    }
}

/// How many rows a key has: the published histogram.
#[derive(Clone)]
pub(super) struct RowCounts {
    none: f64,
    falling: bool,
    below: Vec<(f64, i64, i64)>,
}

impl RowCounts {
    /// From the share of keys without rows and bins (fewest, most, frequency). Within a wide bin, counts are
    /// uniform or, if `falling`, low ones are more frequent.
    pub(super) fn new(none: f64, falling: bool, bins: &[(i64, i64, f64)]) -> Self {
        let total: f64 = bins.iter().map(|bin| bin.2).sum();
        let mut sum = 0.0;
        let below = bins.iter().map(|&(low, high, frequency)| {
            sum += frequency / total;
            (sum, low, high)
        });
        Self { none, falling, below: below.collect() }
    }

    /// Rows of one key, possibly none.
    pub(super) fn draw(&self, draws: &mut Draws) -> i64 {
        if draws.chance(self.none) { 0 } else { self.draw_some(draws) }
    }

    /// Rows of one key that has some.
    pub(super) fn draw_some(&self, draws: &mut Draws) -> i64 {
        let u = draws.uniform();
        let bin = self.below.iter().find(|bin| u < bin.0).or(self.below.last());
        let place = if self.falling { draws.uniform().min(draws.uniform()) } else { draws.uniform() };
        bin.map_or(1, |&(_, low, high)| low + floor(place * (high - low + 1) as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn a_curve_is_linear_between_its_points_and_steps_where_they_meet() {
        let curve = Curve::new(&[(0.0, 0.0), (0.5, 0.0), (0.5, 10.0), (1.0, 20.0)]);
        for (u, value) in [(0.0, 0.0), (0.25, 0.0), (0.75, 15.0), (1.0, 20.0)] {
            assert!((curve.at(u) - value).abs() < 1e-12, "{u}");
        }
    }

    #[test]
    fn levels_follow_their_frequencies() {
        let levels = Levels::new(&[(4, 3.0), (9, 1.0)]);
        assert_eq!([0.0, 0.74, 0.76, 1.0].map(|u| levels.at(u)), [4, 4, 9, 9]);
    }

    #[test]
    fn row_counts_stay_in_their_bins() {
        let counts = RowCounts::new(0.5, true, &[(3, 3, 1.0), (10, 20, 1.0)]);
        let mut draws = Draws::new(1, Purpose::Counts, 0);
        let found: Vec<i64> = (0..10_000).map(|_| counts.draw(&mut draws)).collect();
        assert!(found.iter().all(|&n| n == 0 || n == 3 || (10..=20).contains(&n)));
        let none = found.iter().filter(|&&n| n == 0).count();
        assert!((4_700..5_300).contains(&none), "{none}");
    }
}
