//! All measures of one part.

use serde::Serialize;

use super::calibration::Calibration;
use super::curves;
use super::interval::share;
use super::losses::Losses;
use super::ranked::Ranked;
use super::ranking::Ranking;
use super::refusal::{PERCENTAGES, Refusal};
use crate::train::outcome::Part;

/// What was measured on the rows of one part.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PartReport {
    /// `training`, `validation` or `held-out`.
    pub name: &'static str,
    /// How many rows.
    pub rows: usize,
    /// How many of them defaulted.
    pub defaults: usize,
    /// Share of them.
    pub default_rate: Option<f64>,
    /// Mean probability of default.
    pub mean_probability: Option<f64>,
    /// What the order decides.
    pub ranking: Ranking,
    /// What the values decide.
    pub losses: Losses,
    /// Predicted beside observed.
    pub calibration: Calibration,
    /// Refusing the riskiest, by rising rate.
    pub refusals: Vec<Refusal>,
    /// [share of repaid rows, share of defaults] above falling thresholds, thinned.
    pub roc: Vec<[f64; 2]>,
    /// [recall, precision] at falling thresholds, thinned.
    pub precision_recall: Vec<[f64; 2]>,
}

impl PartReport {
    /// Measures a part.
    pub(super) fn of(part: &Part) -> Self {
        let Part { name, targets, probabilities, .. } = part;
        let ranked = Ranked::of(targets, probabilities);
        Self {
            name,
            rows: ranked.rows,
            defaults: ranked.defaults,
            default_rate: share(ranked.defaults as f64, ranked.rows),
            mean_probability: share(probabilities.iter().sum(), ranked.rows),
            ranking: Ranking::of(targets, probabilities, &ranked),
            losses: Losses::of(targets, probabilities),
            calibration: Calibration::of(targets, probabilities, &ranked),
            refusals: PERCENTAGES.iter().map(|&percent| Refusal::of(&ranked, percent)).collect(),
            roc: curves::roc(&ranked),
            precision_recall: curves::precision_recall(&ranked),
        }
    }
}
