//! The measures of one part: curves, calibration, what refusing the riskiest would do.

use super::super::PartReport;
use super::super::interval::Z;
use super::axis::Axis;
use super::figure::{Figure, Look};
use super::markup::{Markup, element, paragraph, words};
use super::numbers::{fixed, interval, percent, rows, significant};
use super::table::Table;

/// Everything of a part.
pub(super) fn part(part: &PartReport) -> Markup {
    let mut all = paragraph(&ranking_sentence(part));
    all.add(&element("div", &[("class", "figures")], [roc(part), precision_recall(part)]));
    all.add(&paragraph(&calibration_sentence(part)));
    all.add(&element("div", &[("class", "figures")], [calibration(part), bins(part)]));
    all.add(&refusals(part));
    all
}

/// The same, to be opened.
pub(super) fn folded(report: &PartReport) -> Markup {
    let summary = format!("The {} part: {} rows", report.name, rows(report.rows));
    element("details", &[], [words("summary", &[], &summary), part(report)])
}

fn ranking_sentence(part: &PartReport) -> String {
    let ranking = &part.ranking;
    let Some(auc) = ranking.auc else {
        return "The AUC is not defined: that takes rows that defaulted and rows that were repaid.".into();
    };
    let ends =
        ranking.auc_standard_error.map(|error| [(auc - Z * error).max(0.0), (auc + Z * error).min(1.0)]);
    format!(
        "A default scores above a repaid row with chance {} (AUC; 95 % interval {}). Gini {}, Kolmogorov–Smirnov {}, \
         average precision {} (of no model: {}).",
        fixed(auc, 4),
        interval(ends, |end| fixed(end, 4)),
        fixed(ranking.gini, 3),
        fixed(ranking.kolmogorov_smirnov, 3),
        fixed(ranking.average_precision, 3),
        fixed(part.default_rate, 3)
    )
}

fn calibration_sentence(part: &PartReport) -> String {
    let calibration = &part.calibration;
    format!(
        "Calibration: mean predicted {}, observed {}. Expected calibration error {}. Calibration line: slope {} (ideal \
         1), intercept {} (ideal 0).",
        percent(part.mean_probability),
        percent(part.default_rate),
        fixed(calibration.expected_error, 4),
        fixed(calibration.slope, 3),
        fixed(calibration.intercept, 3)
    )
}

fn roc(part: &PartReport) -> Markup {
    let id = format!("roc-{}", part.name);
    let auc = fixed(part.ranking.auc, 3);
    let description = format!("Share of defaults refused against share of repaid rows refused. Area {auc}.");
    let (x, y) = (Axis::share("Repaid rows refused"), Axis::share("Defaults refused"));
    let mut figure = Figure::new(&id, "ROC curve", description, x, y);
    figure.line(&[[0.0, 0.0], [1.0, 1.0]], Look::Reference);
    figure.words([0.62, 0.62], [10.0, 14.0], "start", "no model");
    figure.line(&part.roc, Look::First);
    figure.words([0.98, 0.06], [0.0, 0.0], "end", &format!("AUC {auc}"));
    figure.markup()
}

fn precision_recall(part: &PartReport) -> Markup {
    let id = format!("precision-{}", part.name);
    let precision = fixed(part.ranking.average_precision, 3);
    let description =
        format!("Share of the refused that default, against share of defaults refused. Average {precision}.");
    // The very first thresholds refuse a handful of rows; their precision is chance and would set the scale.
    let points: Vec<[f64; 2]> =
        part.precision_recall.iter().copied().filter(|point| point[0] >= 0.005).collect();
    let y = Axis::share_up_to("Precision: defaults among refused", points.iter().map(|point| point[1]));
    let mut figure =
        Figure::new(&id, "Precision and recall", description, Axis::share("Recall: defaults refused"), y);
    if let Some(rate) = part.default_rate {
        figure.line(&[[0.0, rate], [1.0, rate]], Look::Reference);
        figure.words([0.01, rate], [0.0, -6.0], "start", "no model");
    }
    figure.line(&points, Look::First);
    figure.markup()
}

fn calibration(part: &PartReport) -> Markup {
    let id = format!("calibration-{}", part.name);
    let bins = &part.calibration.bins;
    let ends = bins.iter().map(|bin| bin.default_interval.map_or(bin.default_rate, |ends| ends[1]));
    let x = Axis::share_up_to("Mean predicted", bins.iter().map(|bin| bin.mean_probability));
    let y = Axis::share_up_to("Observed default rate", ends.chain([x.high]));
    let description =
        format!("Observed default rate with 95 % interval against mean prediction, {} bins.", bins.len());
    let mut figure = Figure::new(&id, "Calibration", description, x, y);
    figure.line(&[[0.0, 0.0], [x.high.min(y.high); 2]], Look::Reference);
    figure.words([0.7 * x.high; 2], [12.0, 22.0], "start", "perfect");
    for bin in bins {
        if let Some(ends) = bin.default_interval {
            figure.interval(bin.mean_probability, ends);
        }
        let what =
            format!("predicted {}, observed {}", percent(bin.mean_probability), percent(bin.default_rate));
        figure.point([bin.mean_probability, bin.default_rate], Look::First, &what);
    }
    figure.markup()
}

fn bins(part: &PartReport) -> Markup {
    let bins = part.calibration.bins.iter().zip(1..).map(|(bin, number)| {
        let observed = format!("{} ({})", percent(bin.default_rate), interval(bin.default_interval, percent));
        vec![format!("{number}"), rows(bin.rows), percent(bin.mean_probability), observed]
    });
    let head = ["Bin", "Rows", "Mean predicted", "Observed (95 % interval)"];
    Table { caption: "Calibration by tenth of the rows", head: &head, rows: bins.collect() }.markup()
}

fn refusals(part: &PartReport) -> Markup {
    let row = |refusal: &super::super::refusal::Refusal| {
        vec![
            format!("{} %", fixed(100.0 * refusal.rate, 0)),
            rows(refusal.refused),
            significant(refusal.threshold),
            percent(refusal.recall),
            percent(refusal.precision),
            percent(refusal.false_refusal_rate),
        ]
    };
    let head = [
        "Refused",
        "Rows",
        "Lowest probability refused",
        "Recall: defaults refused",
        "Precision: defaults among refused",
        "Repaid rows refused",
    ];
    let rows = part.refusals.iter().map(row).collect();
    Table { caption: "Refusing the riskiest", head: &head, rows }.markup()
}
