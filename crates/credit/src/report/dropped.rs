//! What it cost to leave columns out.

use serde::Serialize;

use super::delong;
use super::losses::Losses;
use crate::failure::Failure;
use crate::train::auc::auc;
use crate::train::outcome::Part;

/// Two models on the same held-out rows: one with the columns, one without.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Dropped {
    /// The columns left out.
    pub names: Vec<String>,
    /// AUC of the model that has them.
    pub auc_with: Option<f64>,
    /// AUC of the model that does not.
    pub auc_without: Option<f64>,
    /// `DeLong`'s standard error of the difference of the two, which are correlated: the rows are the same.
    pub auc_difference_standard_error: Option<f64>,
    /// Log loss of the model that has them.
    pub log_loss_with: Option<f64>,
    /// Log loss of the model that does not.
    pub log_loss_without: Option<f64>,
}

impl Dropped {
    /// Compares the two models' probabilities of the same part.
    pub(crate) fn compare(names: Vec<String>, with: &Part, without: &Part) -> Result<Self, Failure> {
        if with.ids != without.ids || with.targets != without.targets {
            return Err(Failure::ours(format!(
                "The model with the dropped columns and the one without were scored on different rows ({} and {}); \
                 their difference would mean nothing. This is a defect of privet-credit.",
                with.ids.len(),
                without.ids.len()
            )));
        }
        let (a, b, targets) = (&with.probabilities, &without.probabilities, &with.targets);
        Ok(Self {
            names,
            auc_with: auc(targets, a),
            auc_without: auc(targets, b),
            auc_difference_standard_error: delong::error_of_difference(targets, a, b),
            log_loss_with: Losses::of(targets, a).log_loss,
            log_loss_without: Losses::of(targets, b).log_loss,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::part;

    #[test]
    fn compares_only_equal_rows() {
        let with = part("held-out", &[true, false, true, false], &[0.9, 0.2, 0.6, 0.7]);
        let without = part("held-out", &[true, false, true, false], &[0.9, 0.8, 0.6, 0.7]);
        let dropped = Dropped::compare(vec!["CODE_GENDER".into()], &with, &without).unwrap();
        assert_eq!((dropped.auc_with, dropped.auc_without), (Some(0.75), Some(0.5)));
        // Placements differ by 0 and 0.5 among the defaults, by 0.5 and 0 among the repaid rows.
        let error = (0.125_f64 / 2.0 + 0.125 / 2.0).sqrt();
        assert!((dropped.auc_difference_standard_error.unwrap() - error).abs() < 1e-12);
        assert!(dropped.log_loss_with < dropped.log_loss_without);
        let other = part("held-out", &[true, false, true, true], &[0.9, 0.8, 0.6, 0.7]);
        assert!(Dropped::compare(Vec::new(), &with, &other).is_err());
    }
}
