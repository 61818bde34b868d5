//! The protected groups: a table and a plot for each column.

use super::super::group::{GroupReport, Level};
use super::axis::Axis;
use super::figure::{Look, drawing, label, mark, px};
use super::markup::{Markup, element, paragraph, words};
use super::numbers::{fixed, interval, percent, rows};
use super::table::Table;

/// Fewer defaults than this make a group's AUC little more than chance.
const FEW: usize = 30;

/// All columns.
pub(super) fn groups(groups: &[GroupReport]) -> Markup {
    let share = groups.first().map(|group| group.refused_share);
    let about = format!(
        "One threshold for everyone refuses the riskiest {} of all rows. A lower approval rate where the default rate \
         is higher is what such a threshold does; a false refusal is a refused row that was repaid. Differences here are \
         facts to explain, not proof of fairness or unfairness.",
        percent(share)
    );
    [paragraph(&about)].into_iter().chain(groups.iter().map(group)).collect()
}

fn group(group: &GroupReport) -> Markup {
    let mut all = words("h3", &[], group.column);
    all.add(&paragraph(&seen(group)));
    all.add(&table(group));
    let few: Vec<&str> = group.levels.iter().filter(|l| l.defaults < FEW).map(|l| l.label).collect();
    if !few.is_empty() {
        let text = format!(
            "Fewer than {FEW} defaults, so that the AUC is little more than chance: {}.",
            few.join(", ")
        );
        all.add(&paragraph(&text));
    }
    all.add(&plot(group));
    all
}

fn seen(group: &GroupReport) -> String {
    if group.inputs.is_empty() {
        return "The model does not see this column; other columns may tell it much of the same.".into();
    }
    format!("The model sees this column, as {}.", group.inputs.join(", "))
}

fn table(group: &GroupReport) -> Markup {
    let row = |level: &Level| {
        vec![
            level.label.to_owned(),
            rows(level.rows),
            format!("{} ({})", percent(level.default_rate), interval(level.default_interval, percent)),
            percent(level.mean_probability),
            fixed(level.auc, 3),
            fixed(level.auc_standard_error, 3),
            percent(level.approval_rate),
            percent(level.false_refusal_rate),
        ]
    };
    let head = [
        "Group",
        "Rows",
        "Default rate (95 % interval)",
        "Mean predicted",
        "AUC",
        "Standard error",
        "Approved",
        "False refusals",
    ];
    let caption = format!("{}, {} rows", group.column, group.part);
    Table { caption: &caption, head: &head, rows: group.levels.iter().map(row).collect() }.markup()
}

const LEFT: f64 = 106.0;
const RIGHT: f64 = 420.0;
const TOP: f64 = 34.0;
const STEP: f64 = 34.0;
/// The observed rate is so much above the middle of its row, the prediction below: neither hides the other.
const OFF: f64 = 6.0;

/// A row for each label: the observed rate with its interval, and the mean prediction.
fn plot(group: &GroupReport) -> Markup {
    let id = format!("group-{}", group.column);
    let ends = group
        .levels
        .iter()
        .flat_map(|l| l.default_interval.map(|e| e[1]).into_iter().chain(l.mean_probability));
    let axis = Axis::share_up_to("Default rate", ends);
    let at = |value: f64| LEFT + (value - axis.low) / (axis.high - axis.low) * (RIGHT - LEFT);
    let bottom = TOP + STEP * group.levels.len() as f64;
    let mut body = key();
    for (value, text) in axis.ticks() {
        let path = format!("M{} {}V{}", px(at(value)), px(TOP), px(bottom));
        body.add(&element("path", &[("class", "grid"), ("d", &path)], []));
        body.add(&label([at(value), bottom + 17.0], "middle", "tick", &text));
    }
    for (index, level) in group.levels.iter().enumerate() {
        body.add(&row(level, TOP + STEP * (index as f64 + 0.5), at));
    }
    let title = format!("Observed and predicted default rate by {}", group.column);
    let description = "For each group the observed default rate with its 95 % interval, and the mean prediction; the \
                       numbers are in the table above.";
    drawing(&id, &title, description, [440.0, bottom + 26.0], body)
}

fn key() -> Markup {
    let observed = mark(LEFT + 6.0, 14.0, Look::First, "observed");
    let predicted = mark(LEFT + 206.0, 14.0, Look::Second, "predicted");
    let observed_name = label([LEFT + 16.0, 18.0], "start", "name", "observed, 95 % interval");
    let predicted_name = label([LEFT + 216.0, 18.0], "start", "name", "mean predicted");
    [observed, observed_name, predicted, predicted_name].into_iter().collect()
}

fn row(level: &Level, y: f64, at: impl Fn(f64) -> f64) -> Markup {
    let mut all = label([LEFT - 10.0, y + 4.0], "end", "name", level.label);
    if let Some([low, high]) = level.default_interval {
        let cap = |x: f64| format!("M{} {}v8", px(x), px(y - OFF - 4.0));
        let path =
            format!("M{} {}H{}{}{}", px(at(low)), px(y - OFF), px(at(high)), cap(at(low)), cap(at(high)));
        all.add(&element("path", &[("class", "whisker"), ("d", &path)], []));
    }
    if let Some(rate) = level.default_rate {
        all.add(&mark(at(rate), y - OFF, Look::First, &format!("observed {}", percent(rate))));
    }
    if let Some(mean) = level.mean_probability {
        all.add(&mark(at(mean), y + OFF, Look::Second, &format!("mean predicted {}", percent(mean))));
    }
    all
}
