//! The cost of leaving columns out.

use super::super::dropped::Dropped;
use super::super::interval::Z;
use super::markup::{Markup, paragraph};
use super::numbers::{fixed, interval, signed};
use super::table::Table;

/// Both models, and their difference.
pub(super) fn dropped(dropped: &Dropped) -> Markup {
    let cost =
        |without: Option<f64>, with: Option<f64>| without.zip(with).map(|(without, with)| without - with);
    let auc = cost(dropped.auc_without, dropped.auc_with);
    let log_loss = cost(dropped.log_loss_without, dropped.log_loss_with);
    let line = |name: &str, with: Option<f64>, without: Option<f64>, cost: Option<f64>| {
        vec![name.to_owned(), fixed(with, 4), fixed(without, 4), signed(cost, 4)]
    };
    let rows = vec![
        line("AUC", dropped.auc_with, dropped.auc_without, auc),
        line("Log loss", dropped.log_loss_with, dropped.log_loss_without, log_loss),
    ];
    let head = ["Measure", "With them", "Without them", "Change"];
    let mut all = paragraph(&format!(
        "Left out: {}. Both models scored the same held-out rows.",
        dropped.names.join(", ")
    ));
    all.add(&Table { caption: "With and without the columns left out", head: &head, rows }.markup());
    all.add(&paragraph(&verdict(auc, dropped.auc_difference_standard_error)));
    all
}

fn verdict(change: Option<f64>, error: Option<f64>) -> String {
    let (Some(change), Some(error)) = (change, error) else {
        return "Whether the AUC changed is not defined: that takes defaults and repaid rows.".into();
    };
    let ends = [change - Z * error, change + Z * error];
    let interval = interval(Some(ends), |end| signed(end, 4));
    let reading = if ends[0] <= 0.0 && 0.0 <= ends[1] {
        "These rows cannot tell it from no change."
    } else if change < 0.0 {
        "Leaving them out lowers it."
    } else {
        "The model is better without them."
    };
    format!("95 % interval of the change in AUC: {interval} (DeLong, the same rows). {reading}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_the_interval_says() {
        assert!(verdict(Some(-0.001), Some(0.001)).contains("cannot tell"));
        assert!(verdict(Some(-0.01), Some(0.001)).contains("lowers it"));
        assert!(verdict(Some(0.01), Some(0.001)).contains("better"));
        assert!(verdict(None, None).contains("not defined"));
    }
}
