//! The weights: the largest as bars, all of them in a table.

use super::super::coefficients::{Coefficient, Coefficients};
use super::figure::{drawing, label, px};
use super::markup::{Markup, element, paragraph, words};
use super::numbers::{fixed, rows, signed, significant};
use super::table::Table;

/// How many are drawn.
const DRAWN: usize = 40;

/// Plot and table.
pub(super) fn coefficients(coefficients: &Coefficients) -> Markup {
    let about = format!(
        "The log-odds of default are a sum: the bias {} plus, for each feature, its weight times the prepared value: \
         standard deviations from the mean, unless the options of the run say another scaling. Correlated features \
         share a weight between them, so that a single weight is not the effect of its feature, nor a cause.",
        fixed(coefficients.bias, 4)
    );
    let mut all = paragraph(&about);
    let drawn = &coefficients.weights[..coefficients.weights.len().min(DRAWN)];
    let half = drawn.len().div_ceil(2);
    let (left, right) = drawn.split_at(half);
    let largest = drawn.first().map_or(1.0, |first| first.weight.abs()).max(f64::MIN_POSITIVE);
    let plots = [(left, 1), (right, half + 1)].into_iter().filter(|(part, _)| !part.is_empty());
    let plots = plots.map(|(part, first)| bars(part, first, largest));
    all.add(&element("div", &[("class", "figures")], plots));
    let summary =
        format!("All {} weights, by size (search with the browser)", rows(coefficients.weights.len()));
    all.add(&element("details", &[], [words("summary", &[], &summary), table(coefficients)]));
    all
}

fn table(coefficients: &Coefficients) -> Markup {
    let bias = vec!["bias".to_owned(), signed(coefficients.bias, 5), significant(coefficients.raw_bias)];
    let row = |c: &Coefficient| vec![c.name.clone(), signed(c.weight, 5), significant(c.raw_weight)];
    let rows = [bias].into_iter().chain(coefficients.weights.iter().map(row)).collect();
    let head = ["Feature", "Log-odds per prepared unit", "Log-odds per unit"];
    Table { caption: "Weights; units are those of the filled and clipped features", head: &head, rows }
        .markup()
}

const WIDTH: f64 = 440.0;
const STEP: f64 = 38.0;
const TOP: f64 = 30.0;
const MIDDLE: f64 = 220.0;

/// One bar under each name: to the right and filled where it raises the risk, to the left and hollow where it lowers it.
fn bars(weights: &[Coefficient], first: usize, largest: f64) -> Markup {
    let bottom = TOP + STEP * weights.len() as f64;
    let mut body = label([MIDDLE - 10.0, 16.0], "end", "title", "◁ lowers the risk");
    body.add(&label([MIDDLE + 10.0, 16.0], "start", "title", "raises the risk ▶"));
    for (index, weight) in weights.iter().enumerate() {
        body.add(&bar(weight, TOP + STEP * index as f64, largest));
    }
    let id = format!("weights-{first}");
    let title = format!("Largest weights, {first} to {}", first + weights.len() - 1);
    let description = "Standardised weights by falling size: bars to the right raise the probability of default, bars to \
                       the left lower it. The numbers are in the table below.";
    drawing(&id, &title, description, [WIDTH, bottom + 6.0], body)
}

fn bar(weight: &Coefficient, top: f64, largest: f64) -> Markup {
    let share = (weight.weight / largest).clamp(-1.0, 1.0);
    let length = if share.is_finite() { share.abs() * (MIDDLE - 4.0) } else { 0.0 };
    let (class, left, value, anchor) = if share < 0.0 {
        ("bar second", MIDDLE - length, MIDDLE + 7.0, "start")
    } else {
        ("bar first", MIDDLE, MIDDLE - 7.0, "end")
    };
    let zero = format!("M{} {}v16", px(MIDDLE), px(top + 17.0));
    let size = [px(left), px(top + 20.0), px(length), px(10.0)];
    let attributes =
        [("class", class), ("x", &size[0]), ("y", &size[1]), ("width", &size[2]), ("height", &size[3])];
    [
        element("rect", &attributes, []),
        label([2.0, top + 12.0], "start", "feature", &weight.name),
        label([value, top + 29.5], anchor, "name", &signed(weight.weight, 3)),
        element("path", &[("class", "axis"), ("d", &zero)], []),
    ]
    .into_iter()
    .collect()
}
