//! What a training gives: the model, how it came about, and its probabilities for every row with a known outcome.

use serde::{Deserialize, Deserializer, Serialize};

pub(crate) use crate::features::preparation::Prepared;

/// The part of the rows that weights were fitted on.
pub(crate) const TRAINING: &str = "training";

/// The part of the fitted rows that only tells when to stop.
pub(crate) const VALIDATION: &str = "validation";

/// The part that nothing was fitted on.
pub(crate) const HELD_OUT: &str = "held-out";

/// A trained model and its scores.
pub(crate) struct Outcome {
    /// Names, in the order of the weights.
    pub features: Vec<String>,
    /// Of the standardised features; float32 holds them exactly, as the exported model does.
    pub weights: Vec<f64>,
    /// The log-odds where every standardised feature is 0; 0 without a bias.
    pub bias: f64,
    /// How each feature is prepared; `mean` and `scale` are what the model takes off and divides by, whichever way it was
    /// scaled, and float32 holds them exactly.
    pub preparation: Vec<Prepared>,
    /// One entry for each epoch that was run.
    pub history: Vec<Epoch>,
    /// Training, validation and held-out, those that have rows.
    pub parts: Vec<Part>,
}

/// One pass over the training part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_field_names)] // the number of an epoch is called that
pub(crate) struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Mean log loss of the training part, each row under the weights that it met.
    pub train_loss: f64,
    /// Mean log loss of the validation part after the epoch; NaN where there is no such part.
    #[serde(deserialize_with = "null_is_nan")]
    pub validation_loss: f64,
    /// AUC of the validation part after the epoch, where it has both outcomes.
    pub validation_auc: Option<f64>,
    /// Of the last step.
    pub learning_rate: f64,
    /// Wall time, validation included.
    pub seconds: f64,
}

/// The scores of some rows.
pub(crate) struct Part {
    /// `training`, `validation` or `held-out`.
    pub name: &'static str,
    /// `SK_ID_CURR`.
    pub ids: Vec<i64>,
    /// Whether the applicant had difficulties to pay.
    pub targets: Vec<bool>,
    /// Of difficulties to pay, by the exported weights in float64.
    pub probabilities: Vec<f64>,
}

impl Outcome {
    /// The part that counts: the held-out one, or what comes nearest.
    pub(crate) fn counting(&self) -> Option<&Part> {
        self.parts.last()
    }
}

impl Part {
    /// Mean log loss.
    pub(crate) fn log_loss(&self) -> f64 {
        let loss = |(&p, &target): (&f64, &bool)| if target { -p.ln() } else { -(-p).ln_1p() };
        self.probabilities.iter().zip(&self.targets).map(loss).sum::<f64>() / self.ids.len() as f64
    }
}

/// JSON has no NaN.
fn null_is_nan<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}
