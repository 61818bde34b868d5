//! What the model does to whom: measures by the labels of a protected column.

use serde::Serialize;

use super::delong;
use super::groups::Group;
use super::interval::{share, wilson};
use super::ranked::Ranked;
use super::refusal::Cut;
use crate::train::auc::auc;
use crate::train::outcome::Part;

/// How many per cent of all rows are refused, with one threshold for everyone.
const REFUSED: usize = 10;

/// A protected column's measures.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GroupReport {
    /// The column.
    pub column: &'static str,
    /// The part measured.
    pub part: &'static str,
    /// The features of this column that are inputs of the model; none means that it never sees it directly.
    pub inputs: Vec<&'static str>,
    /// The share of all rows of the part that the rates below refuse.
    pub refused_share: f64,
    /// By label, those that have rows.
    pub levels: Vec<Level>,
}

/// The rows of one label.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Level {
    /// The label.
    pub label: &'static str,
    /// How many rows.
    pub rows: usize,
    /// How many defaulted.
    pub defaults: usize,
    /// Share of them.
    pub default_rate: Option<f64>,
    /// Wilson's 95 % interval of that share.
    pub default_interval: Option<[f64; 2]>,
    /// Mean probability of default.
    pub mean_probability: Option<f64>,
    /// Within the group.
    pub auc: Option<f64>,
    /// `DeLong`'s standard error of it.
    pub auc_standard_error: Option<f64>,
    /// Share of the rows that is not refused.
    pub approval_rate: Option<f64>,
    /// Share of the repaid rows that is refused.
    pub false_refusal_rate: Option<f64>,
}

impl GroupReport {
    /// Measures the rows of `part`, which `group` labels, of a model that takes `features`.
    pub(super) fn of(group: &Group, part: &Part, features: &[String]) -> Self {
        let cut = Cut::at(&Ranked::of(&part.targets, &part.probabilities), REFUSED);
        let level = |(index, label): (usize, &&'static str)| {
            let rows: Vec<usize> =
                (0..part.targets.len()).filter(|&row| group.label_of_row.get(row) == Some(&index)).collect();
            let targets: Vec<bool> = rows.iter().map(|&row| part.targets[row]).collect();
            let probabilities: Vec<f64> = rows.iter().map(|&row| part.probabilities[row]).collect();
            (!rows.is_empty()).then(|| Level::of(label, &targets, &probabilities, cut))
        };
        let is_input = |name: &&&str| features.iter().any(|feature| feature == **name);
        Self {
            column: group.column,
            part: group.part,
            inputs: group.features.iter().filter(is_input).copied().collect(),
            refused_share: REFUSED as f64 / 100.0,
            levels: group.labels.iter().enumerate().filter_map(level).collect(),
        }
    }
}

impl Level {
    fn of(label: &'static str, targets: &[bool], probabilities: &[f64], cut: Option<Cut>) -> Self {
        let rows = targets.len();
        let defaults = targets.iter().filter(|&&target| target).count();
        let chance = |probability: f64| cut.map_or(0.0, |cut| cut.refuses(probability));
        let refused: f64 = probabilities.iter().map(|&probability| chance(probability)).sum();
        let of_repaid = targets.iter().zip(probabilities).filter(|row| !row.0);
        let refused_repaid: f64 = of_repaid.map(|row| chance(*row.1)).sum();
        Self {
            label,
            rows,
            defaults,
            default_rate: share(defaults as f64, rows),
            default_interval: wilson(defaults, rows),
            mean_probability: share(probabilities.iter().sum(), rows),
            auc: auc(targets, probabilities),
            auc_standard_error: delong::error(targets, probabilities),
            approval_rate: share(rows as f64 - refused, rows),
            false_refusal_rate: share(refused_repaid, rows - defaults),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::part;

    fn group(label_of_row: Vec<usize>) -> Group {
        let labels = &["men", "women", "not stated"];
        Group { column: "CODE_GENDER", features: &["CODE_GENDER"], part: "held-out", labels, label_of_row }
    }

    #[test]
    fn one_threshold_for_everyone() {
        // 20 rows: the two riskiest, both of men, are refused; one of them repaid.
        let probabilities: Vec<f64> = (0..20).map(|row| 1.0 - f64::from(row) / 20.0).collect();
        let targets: Vec<bool> = (0..20).map(|row| row == 0 || row == 12).collect();
        let labels = (0..20).map(|row| usize::from(row >= 10)).collect();
        let part = part("held-out", &targets, &probabilities);
        let report = GroupReport::of(&group(labels), &part, &["CODE_GENDER".into()]);
        assert_eq!(report.inputs, ["CODE_GENDER"]);
        let [men, women] = &report.levels[..] else { panic!("{:?}", report.levels) };
        assert_eq!((men.rows, men.defaults, men.approval_rate), (10, 1, Some(0.8)));
        assert_eq!((men.false_refusal_rate, women.false_refusal_rate), (Some(1.0 / 9.0), Some(0.0)));
        assert_eq!((men.auc, women.auc), (Some(1.0), Some(7.0 / 9.0)));
        assert_eq!(men.auc_standard_error, None);
        let approved: f64 = report.levels.iter().map(|l| l.approval_rate.unwrap() * l.rows as f64).sum();
        assert!((approved - 18.0).abs() < 1e-12);
    }

    #[test]
    fn a_group_without_defaults_has_no_auc() {
        let part = part("held-out", &[true, false, false], &[0.5, 0.4, 0.3]);
        let report = GroupReport::of(&group(vec![0, 1, 1]), &part, &[]);
        assert!(report.inputs.is_empty() && report.levels.iter().all(|level| level.auc.is_none()));
        assert_eq!(report.levels[0].false_refusal_rate, None);
        assert_eq!(report.levels[1].approval_rate, Some(1.0));
    }
}
