//! The training, epoch by epoch.

use serde::Serialize;

use crate::train::outcome::Epoch;

/// One pass over the training part. The seconds that it took are left out: the same run again gives the same report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EpochReport {
    /// From 1.
    pub epoch: usize,
    /// Mean log loss over the training part, while training.
    pub train_loss: f64,
    /// Log loss on the validation part, after the epoch; none where there is no such part.
    pub validation_loss: Option<f64>,
    /// AUC on the validation part, after the epoch.
    pub validation_auc: Option<f64>,
    /// The step size of Adam.
    pub learning_rate: f64,
}

impl EpochReport {
    /// Takes over what a report shows.
    pub(super) fn of(epoch: &Epoch) -> Self {
        Self {
            epoch: epoch.epoch,
            train_loss: epoch.train_loss,
            validation_loss: Some(epoch.validation_loss).filter(|loss| loss.is_finite()),
            validation_auc: epoch.validation_auc,
            learning_rate: epoch.learning_rate,
        }
    }
}
