//! The top of the page: what was trained on what, and the numbers that matter.

use super::super::{PartReport, Report};
use super::markup::{Markup, element, paragraph, words};
use super::numbers::{count, fixed, percent, rows};
use super::table::Table;

/// Of the page.
pub(super) const TITLE: &str = "Report of a trained credit model";

/// The title and where the rows came from.
pub(super) fn head(report: &Report) -> Markup {
    let note = Some(report.facts.source.as_str()).filter(|source| !source.is_empty());
    [words("h1", &[], TITLE)]
        .into_iter()
        .chain(note.map(|source| words("p", &[("class", "note")], source)))
        .collect()
}

/// The measures of all parts, and how the model came about.
pub(super) fn summary(report: &Report) -> Markup {
    let mut all = Markup::none();
    if let Some(first) = report.parts.first() {
        all.add(&paragraph(&auc_sentence(first)));
        all.add(&paragraph(&accuracy_sentence(first)));
    }
    all.add(&measures(&report.parts));
    all.add(&element("details", &[], [words("summary", &[], "The run: seed, options, rows"), run(report)]));
    all
}

fn measures(parts: &[PartReport]) -> Markup {
    let head = [
        "Part",
        "Rows",
        "Defaults",
        "Default rate",
        "AUC",
        "Standard error",
        "Log loss",
        "Log loss of a constant",
        "Brier",
        "Accuracy",
        "Accuracy of always “repays”",
    ];
    let row = |part: &PartReport| {
        let (ranking, losses) = (&part.ranking, &part.losses);
        vec![
            part.name.to_owned(),
            rows(part.rows),
            rows(part.defaults),
            percent(part.default_rate),
            fixed(ranking.auc, 4),
            fixed(ranking.auc_standard_error, 4),
            fixed(losses.log_loss, 4),
            fixed(losses.log_loss_of_constant, 4),
            fixed(losses.brier, 4),
            fixed(losses.accuracy, 4),
            fixed(losses.accuracy_of_always_repays, 4),
        ]
    };
    Table { caption: "All parts", head: &head, rows: parts.iter().map(row).collect() }.markup()
}

fn auc_sentence(part: &PartReport) -> String {
    let (ranking, losses) = (&part.ranking, &part.losses);
    format!(
        "{} AUC {} (standard error {}), log loss {} where giving everyone the default rate has {}.",
        capitalised(part.name),
        fixed(ranking.auc, 4),
        fixed(ranking.auc_standard_error, 4),
        fixed(losses.log_loss, 4),
        fixed(losses.log_loss_of_constant, 4)
    )
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What accuracy is worth here.
pub(super) fn accuracy_sentence(part: &PartReport) -> String {
    let losses = &part.losses;
    let (Some(model), Some(nobody)) = (losses.accuracy, losses.accuracy_of_always_repays) else {
        return format!("The {} part has no rows: nothing was measured on it.", part.name);
    };
    let (of_model, of_nobody) = (fixed(model, 4), fixed(nobody, 4));
    let compared = format!(
        "On the {} rows the accuracy at a threshold of 0.5 is {of_model}; saying “repays” to everyone reaches {of_nobody}.",
        part.name
    );
    let verdict = if (model - nobody).abs() < 0.001 {
        "Accuracy says nothing here: read the AUC, the log loss and the calibration."
    } else if model < nobody {
        "By accuracy the model is worse than no model; that says nothing of how well it ranks: read the AUC."
    } else {
        "The model is more accurate than that, but read the AUC, the log loss and the calibration first."
    };
    format!("{compared} {verdict}")
}

fn run(report: &Report) -> Markup {
    let facts = &report.facts;
    let counts = facts.rows.iter().map(|(of, rows)| vec![of.clone(), count(*rows)]);
    let options = facts.options.iter().map(|(name, value)| vec![name.clone(), value.clone()]);
    let seed = vec!["seed".to_owned(), facts.seed.to_string()];
    let rows = [seed].into_iter().chain(options).chain(counts).collect();
    Table { caption: "The run", head: &["What", "Value"], rows }.markup()
}
