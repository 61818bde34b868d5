//! The report of a trained model: how well it ranks, how well it is calibrated, what it does to whom, what it learned.
//!
//! [`report`] measures; what it gives is the JSON ([`Report`] serialises) and the page ([`Report::html`]). Equal inputs
//! give equal bytes: neither holds a time. What is not defined (an AUC without a default, say) is `null` in the one and
//! says so in the other; no number is made up for it.

mod calibration;
mod coefficients;
mod curves;
mod delong;
mod dropped;
mod group;
pub(crate) mod groups;
mod history;
mod interval;
mod logistic;
mod losses;
mod page;
mod part;
mod ranked;
mod ranking;
mod refusal;
#[cfg(test)]
mod sample;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::train::outcome::{HELD_OUT, Outcome};

use coefficients::Coefficients;
pub(crate) use dropped::Dropped;
use group::GroupReport;
pub(crate) use groups::Group;
use history::EpochReport;
use part::PartReport;

/// Version of the JSON.
const FORMAT: u32 = 1;

/// What the report says about the run besides its measures.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Facts {
    /// What all chance in the training came from.
    pub seed: u64,
    /// The options of the run, by name.
    pub options: BTreeMap<String, String>,
    /// Where the rows came from, and what follows from that, in a sentence or two.
    pub source: String,
    /// How many rows there were of what, by a word for it (`rows of application_train`, say).
    pub rows: BTreeMap<String, u64>,
}

/// Everything measured; [`report`] makes it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// The run.
    pub facts: Facts,
    /// The held-out part first, then the others in the order in which they came.
    pub parts: Vec<PartReport>,
    /// The protected columns.
    pub groups: Vec<GroupReport>,
    /// What it cost to leave columns out, where some were.
    pub dropped: Option<Dropped>,
    /// What the model learned.
    pub coefficients: Coefficients,
    /// How the training went.
    pub history: Vec<EpochReport>,
}

impl Report {
    /// One self-contained page: no script, no other file, no address.
    pub(crate) fn html(&self) -> String {
        page::page(self)
    }
}

/// Measures what a training gave. Probabilities are those of default, in [0, 1]; `groups` label rows of the parts that
/// they name (a group of an unknown part is left out).
pub(crate) fn report(
    outcome: &Outcome,
    groups: &[Group],
    dropped: Option<&Dropped>,
    facts: &Facts,
) -> Report {
    let (held_out, others): (Vec<_>, Vec<_>) = outcome.parts.iter().partition(|part| part.name == HELD_OUT);
    let of_group = |group: &Group| {
        let part = outcome.parts.iter().find(|part| part.name == group.part)?;
        Some(GroupReport::of(group, part, &outcome.features))
    };
    Report {
        format: FORMAT,
        facts: facts.clone(),
        parts: held_out.into_iter().chain(others).map(PartReport::of).collect(),
        groups: groups.iter().filter_map(of_group).collect(),
        dropped: dropped.cloned(),
        coefficients: Coefficients::of(outcome),
        history: outcome.history.iter().map(EpochReport::of).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::sample::{facts, outcome, part};
    use super::*;

    #[test]
    fn held_out_comes_first_and_equal_inputs_give_equal_bytes() {
        let outcome = outcome(400);
        let once = report(&outcome, &[], None, &facts());
        let again = report(&outcome, &[], None, &facts());
        let names: Vec<_> = once.parts.iter().map(|part| part.name).collect();
        assert_eq!(names, [HELD_OUT, "training", "validation"]);
        assert_eq!(serde_json::to_string(&once).unwrap(), serde_json::to_string(&again).unwrap());
        assert_eq!(once.html(), again.html());
    }

    #[test]
    fn degenerate_parts_give_nulls_and_a_page() {
        let parts: [(&[bool], &[f64]); 5] = [
            (&[], &[]),
            (&[true], &[0.3]),
            (&[false, false, false], &[0.1, 0.2, 0.3]),
            (&[true, true], &[0.0, 1.0]),
            (&[true, false, false, true], &[0.5; 4]),
        ];
        for (targets, probabilities) in parts {
            let mut outcome = outcome(0);
            outcome.history.clear();
            outcome.parts = vec![part(HELD_OUT, targets, probabilities)];
            let report = report(&outcome, &[], None, &facts());
            let page = report.html();
            assert!(page.contains("not defined") && !page.contains("NaN") && !page.contains("inf<"));
            let json = serde_json::to_value(&report).unwrap();
            let auc = &json["parts"][0]["ranking"]["auc"];
            let both = targets.contains(&true) && targets.contains(&false);
            assert_eq!(auc.is_null(), !both, "{auc} for {targets:?}");
        }
    }
}
