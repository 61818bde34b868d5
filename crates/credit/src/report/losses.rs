//! How far the probabilities are from what happened, and how accurate the sign is.

use serde::Serialize;

use super::interval::share;

/// Measures of each row's probability, and what they would be without a model.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Losses {
    /// Mean of -ln(probability of what happened), natural logarithm. Probabilities of 0 and 1 are moved inside by 2^-52
    /// first, as scikit-learn does, so that one such row does not make it infinite.
    pub log_loss: Option<f64>,
    /// The log loss of giving every row this part's default rate.
    pub log_loss_of_constant: Option<f64>,
    /// Mean of (probability - what happened)^2.
    pub brier: Option<f64>,
    /// The Brier score of giving every row this part's default rate.
    pub brier_of_constant: Option<f64>,
    /// Share of rows on the right side of 0.5 (above: default).
    pub accuracy: Option<f64>,
    /// The accuracy of saying `repays` to everyone.
    pub accuracy_of_always_repays: Option<f64>,
}

impl Losses {
    /// Measures rows.
    pub(super) fn of(targets: &[bool], probabilities: &[f64]) -> Self {
        let mean = |of_row: fn(bool, f64) -> f64| {
            let rows = targets.iter().zip(probabilities);
            share(rows.map(|(&target, &probability)| of_row(target, probability)).sum(), targets.len())
        };
        let rate = mean(|target, _| f64::from(target));
        Self {
            log_loss: mean(log_loss_of_row),
            log_loss_of_constant: rate.map(|rate| entropy(rate) + entropy(1.0 - rate)),
            brier: mean(|target, probability| (probability - f64::from(target)).powi(2)),
            brier_of_constant: rate.map(|rate| rate * (1.0 - rate)),
            accuracy: mean(|target, probability| f64::from(target == (probability > 0.5))),
            accuracy_of_always_repays: rate.map(|rate| 1.0 - rate),
        }
    }
}

fn log_loss_of_row(target: bool, probability: f64) -> f64 {
    let inside = inside(probability);
    if target { -inside.ln() } else { -(1.0 - inside).ln() }
}

/// A probability that has a logarithm, and whose opposite has one.
pub(super) fn inside(probability: f64) -> f64 {
    probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON)
}

fn entropy(rate: f64) -> f64 {
    if rate > 0.0 { -rate * rate.ln() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let losses = Losses::of(&[true, false, false, false], &[0.6, 0.7, 0.1, 0.5]);
        let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-15;
        let log_loss = -(0.6_f64.ln() + 0.3_f64.ln() + 0.9_f64.ln() + 0.5_f64.ln()) / 4.0;
        assert!(close(losses.log_loss, log_loss));
        assert!(close(losses.brier, (0.16 + 0.49 + 0.01 + 0.25) / 4.0));
        assert!(close(losses.accuracy, 0.75) && close(losses.accuracy_of_always_repays, 0.75));
        assert!(close(losses.log_loss_of_constant, -0.25 * 0.25_f64.ln() - 0.75 * 0.75_f64.ln()));
        assert!(close(losses.brier_of_constant, 0.1875));
    }

    #[test]
    fn certain_and_wrong_is_large_but_finite() {
        let losses = Losses::of(&[true, false], &[0.0, 1.0]);
        assert!((losses.log_loss.unwrap() - -f64::EPSILON.ln()).abs() < 1e-9);
        assert_eq!((losses.accuracy, losses.brier), (Some(0.0), Some(1.0)));
        assert_eq!(losses.log_loss_of_constant.map(|loss| (loss - 2_f64.ln()).abs() < 1e-15), Some(true));
    }

    #[test]
    fn a_constant_is_certain_where_all_is_alike_and_nothing_is_known_of_no_rows() {
        let losses = Losses::of(&[false; 3], &[0.1; 3]);
        assert_eq!((losses.log_loss_of_constant, losses.accuracy_of_always_repays), (Some(0.0), Some(1.0)));
        let none = Losses::of(&[], &[]);
        assert_eq!((none.log_loss, none.log_loss_of_constant, none.accuracy), (None, None, None));
    }
}
