//! What the model learned: one weight per feature.

use std::collections::HashMap;

use serde::Serialize;

use crate::train::outcome::Outcome;

/// The whole model, in log-odds of default.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Coefficients {
    /// The log-odds of an applicant whose every prepared feature is 0: average, in the default scaling.
    pub bias: f64,
    /// The log-odds where every feature is 0 in its own unit; none where a feature has no raw weight.
    pub raw_bias: Option<f64>,
    /// By falling size of the standardised weight, then by name.
    pub weights: Vec<Coefficient>,
}

/// One feature's weight.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Coefficient {
    /// The feature.
    pub name: String,
    /// Log-odds per scale of the feature: its standard deviation, in the default scaling.
    pub weight: f64,
    /// Log-odds per unit of the filled and clipped feature: the weight over the scale.
    pub raw_weight: Option<f64>,
}

impl Coefficients {
    /// Sorts the weights and finds them in raw units.
    pub(super) fn of(outcome: &Outcome) -> Self {
        let prepared: HashMap<&str, (f64, f64)> =
            outcome.preparation.iter().map(|p| (p.name.as_str(), (p.mean, p.scale))).collect();
        let mut raw_bias = Some(outcome.bias);
        let mut weights = Vec::with_capacity(outcome.features.len());
        for (name, &weight) in outcome.features.iter().zip(&outcome.weights) {
            let raw = prepared.get(name.as_str()).map(|&(mean, scale)| (weight / scale, mean));
            let raw = raw.filter(|(raw_weight, _)| raw_weight.is_finite());
            raw_bias = raw_bias.zip(raw).map(|(bias, (raw_weight, mean))| bias - raw_weight * mean);
            weights.push(Coefficient { name: name.clone(), weight, raw_weight: raw.map(|(raw, _)| raw) });
        }
        weights.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()).then_with(|| a.name.cmp(&b.name)));
        Self { bias: outcome.bias, raw_bias, weights }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{outcome, prepared};

    #[test]
    fn sorted_by_size_and_equal_in_raw_units() {
        let mut outcome = outcome(0);
        outcome.features = ["a", "b", "c"].map(String::from).to_vec();
        outcome.weights = vec![0.1, -0.5, 0.1];
        outcome.bias = -2.0;
        outcome.preparation =
            vec![prepared("c", 0.0, 1.0), prepared("b", 10.0, 4.0), prepared("a", -3.0, 0.5)];
        let found = Coefficients::of(&outcome);
        let names: Vec<_> = found.weights.iter().map(|weight| weight.name.as_str()).collect();
        assert_eq!(names, ["b", "a", "c"]);
        // The same log-odds for a row of a = 1, b = 2, c = 3.
        let standardised = -2.0 + 0.1 * (1.0 + 3.0) / 0.5 - 0.5 * (2.0 - 10.0) / 4.0 + 0.1 * 3.0;
        let raw_weights: Vec<f64> = found.weights.iter().map(|weight| weight.raw_weight.unwrap()).collect();
        let raw = found.raw_bias.unwrap() + 2.0 * raw_weights[0] + raw_weights[1] + 3.0 * raw_weights[2];
        assert!((raw - standardised).abs() < 1e-12);
    }

    #[test]
    fn no_raw_weight_without_a_scale() {
        let mut outcome = outcome(0);
        outcome.features = vec!["a".into()];
        outcome.weights = vec![0.1];
        outcome.preparation = vec![prepared("a", 1.0, 0.0)];
        let found = Coefficients::of(&outcome);
        assert_eq!((found.raw_bias, found.weights[0].raw_weight), (None, None));
    }
}
