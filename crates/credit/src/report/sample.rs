//! What tests measure.

use std::ops::Range;

use proptest::prelude::*;

use super::Facts;
use crate::train::outcome::{Epoch, Outcome, Part, Prepared};

/// Targets and scores of which many tie.
pub(super) fn rows_with_ties(rows: Range<usize>) -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    let score = (0_u8..16).prop_map(|step| f64::from(step) / 15.0);
    prop::collection::vec((any::<bool>(), score), rows).prop_map(|rows| rows.into_iter().unzip())
}

/// A part of rows with keys 0, 1, ...
pub(super) fn part(name: &'static str, targets: &[bool], probabilities: &[f64]) -> Part {
    let ids = (0..).take(targets.len()).collect();
    Part { name, ids, targets: targets.to_vec(), probabilities: probabilities.to_vec() }
}

/// A feature's preparation.
pub(super) fn prepared(name: &str, mean: f64, scale: f64) -> Prepared {
    Prepared { name: name.into(), fill: mean, low: mean - 3.0 * scale, high: mean + 3.0 * scale, mean, scale }
}

/// Three parts of `rows` rows, whose probabilities are right, three epochs, four features.
pub(super) fn outcome(rows: u32) -> Outcome {
    let of_part = |name: &'static str, seed: u32| {
        // Low-discrepancy numbers: as good as chance here, and the same everywhere.
        let probability = |row: u32| (f64::from(row * 7 + seed) * 0.618_034).fract().powi(4) * 0.6 + 0.005;
        let probabilities: Vec<f64> = (0..rows).map(probability).collect();
        let draw = |row: u32| (f64::from(row * 11 + seed) * 0.414_214).fract();
        let targets: Vec<bool> = (0..rows).map(|row| draw(row) < probabilities[row as usize]).collect();
        part(name, &targets, &probabilities)
    };
    let epoch = |epoch: u32| Epoch {
        epoch: epoch as usize,
        train_loss: 0.3 / f64::from(epoch),
        validation_loss: 0.31 / f64::from(epoch),
        validation_auc: Some(0.7 + 0.01 * f64::from(epoch)),
        learning_rate: 0.001,
        seconds: 1.0,
    };
    let names = ["CODE_GENDER", "EXT_SOURCE_2", "a <b> & \"c\"", "DAYS_BIRTH"];
    Outcome {
        features: names.map(String::from).to_vec(),
        weights: vec![-0.2, -0.4, 0.0, 0.1],
        bias: -2.5,
        preparation: names.map(|name| prepared(name, 1.0, 2.0)).to_vec(),
        history: (1..=3).map(epoch).collect(),
        parts: vec![of_part("training", 1), of_part("validation", 2), of_part("held-out", 3)],
    }
}

/// Facts with words that need escaping.
pub(super) fn facts() -> Facts {
    let pairs = [("l2", "0.001"), ("source", "<script>alert('x')</script> & \"y\"")];
    Facts {
        seed: 7,
        options: pairs.map(|(key, value)| (key.into(), value.into())).into(),
        source: "Synthetic: its AUC is a property of the generator & not of <credit> risk.".into(),
        rows: [("application_train".into(), 1200)].into(),
    }
}
