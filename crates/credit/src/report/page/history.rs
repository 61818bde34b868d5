//! The training, epoch by epoch.

use super::super::history::EpochReport;
use super::axis::Axis;
use super::figure::{Figure, Look};
use super::markup::{Markup, element, paragraph, words};
use super::numbers::{fixed, rows, significant};
use super::table::Table;

/// More points than this would hide the line.
const MARKED: usize = 30;

/// Two plots and a table.
pub(super) fn history(history: &[EpochReport]) -> Markup {
    let mut all = paragraph(&lowest(history));
    let plots = [losses(history), auc(history)].into_iter().flatten();
    all.add(&element("div", &[("class", "figures")], plots));
    let summary = format!("All {} epochs", rows(history.len()));
    all.add(&element("details", &[], [words("summary", &[], &summary), table(history)]));
    all
}

fn lowest(history: &[EpochReport]) -> String {
    let measured = history.iter().filter_map(|epoch| Some((epoch.validation_loss?, epoch.epoch)));
    let Some((loss, epoch)) = measured.min_by(|a, b| a.0.total_cmp(&b.0)) else {
        return "There was no validation part, so that nothing but the number of epochs ended the training."
            .into();
    };
    let (loss, of) = (fixed(loss, 5), history.len());
    format!("The validation loss was lowest after epoch {epoch}: {loss}. Epochs in all: {of}.")
}

/// One value of each epoch.
fn series(history: &[EpochReport], value: impl Fn(&EpochReport) -> Option<f64>) -> Vec<[f64; 2]> {
    let point = |epoch: &EpochReport| value(epoch).filter(|y| y.is_finite()).map(|y| [epoch.epoch as f64, y]);
    history.iter().filter_map(point).collect()
}

fn losses(history: &[EpochReport]) -> Option<Markup> {
    let train = series(history, |epoch| Some(epoch.train_loss));
    let validation = series(history, |epoch| epoch.validation_loss);
    let y = Axis::around("Log loss", train.iter().chain(&validation).map(|point| point[1]))?;
    let description =
        "Log loss of the training and the validation part by epoch; the numbers are in the table below.";
    let lines = [(train, Look::Second, "training"), (validation, Look::First, "validation")];
    plot("history-loss", "Log loss by epoch", description, y, &lines)
}

fn auc(history: &[EpochReport]) -> Option<Markup> {
    let validation = series(history, |epoch| epoch.validation_auc);
    let y = Axis::around("AUC", validation.iter().map(|point| point[1]))?;
    let description = "AUC of the validation part by epoch; the numbers are in the table below.";
    plot("history-auc", "AUC by epoch", description, y, &[(validation, Look::First, "validation")])
}

fn plot(
    id: &str,
    title: &str,
    description: &str,
    y: Axis,
    lines: &[(Vec<[f64; 2]>, Look, &'static str)],
) -> Option<Markup> {
    let epochs = lines.iter().flat_map(|line| &line.0).map(|point| point[0]);
    let x = epoch_axis(epochs)?;
    let mut figure = Figure::new(id, title, description.to_owned(), x, y).room_for_names();
    for (points, look, name) in lines {
        figure.line(points, *look);
        for &point in points.iter().filter(|_| points.len() <= MARKED) {
            figure.point(
                point,
                *look,
                &format!("{name}, epoch {}: {}", fixed(point[0], 0), fixed(point[1], 5)),
            );
        }
    }
    let end = |line: &(Vec<[f64; 2]>, Look, &'static str)| line.0.last().map(|point| (point[1], line.2));
    figure.names(&lines.iter().filter_map(end).collect::<Vec<_>>());
    Some(figure.markup())
}

/// Whole epochs, a little room at the end for a lone one.
fn epoch_axis(epochs: impl Iterator<Item = f64>) -> Option<Axis> {
    let highest = epochs.filter(|epoch| epoch.is_finite()).reduce(f64::max)?;
    Some(Axis { label: "Epoch", low: 0.0, high: highest.max(5.0), percent: false })
}

fn table(history: &[EpochReport]) -> Markup {
    let row = |epoch: &EpochReport| {
        vec![
            epoch.epoch.to_string(),
            fixed(epoch.train_loss, 5),
            fixed(epoch.validation_loss, 5),
            fixed(epoch.validation_auc, 4),
            significant(Some(epoch.learning_rate)),
        ]
    };
    let head = ["Epoch", "Training loss", "Validation loss", "Validation AUC", "Learning rate"];
    Table { caption: "Training by epoch", head: &head, rows: history.iter().map(row).collect() }.markup()
}
