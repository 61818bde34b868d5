//! Who sees what of a training.

use super::agreement::{Agreement, Arrangement, Outcome};
use crate::trust::TrustCard;

/// The card of an agreement.
pub fn card(agreement: &Agreement) -> TrustCard {
    let finds_cheats = agreement.header().is_ok_and(|header| header.finds_cheats);
    let cheats = if finds_cheats { "cheats are found out" } else { "semi-honest" };
    let mut lines = vec![
        (
            "each party",
            "sees sizes, the schedule, and how many rows each owner gives; no value, no label, no weight"
                .to_owned(),
        ),
        ("two parties together", "see everything: all rows and the model".into()),
        ("a cheating party", cheating(finds_cheats).into()),
        ("the lead", lead(agreement)),
        ("the owners", "see nothing of each other's rows but their number".into()),
        ("who gets the model", result(agreement)),
        (
            "an owner who lies",
            "can give wrong rows, and so a wrong model: rows are not checked against the world. Who also gets the model can choose rows so that it \
             tells single values of others; only noise bounds that"
                .into(),
        ),
    ];
    if let Some(line) = alignment(agreement.arrangement) {
        lines.push(("alignment", line.into()));
    }
    lines.push(("what the model itself tells", privacy(agreement)));
    TrustCard {
        title: format!("training / {}, {cheats}", agreement.protocol),
        lines: lines.into_iter().map(|(who, what)| (who.to_owned(), what)).collect(),
    }
}

fn cheating(finds_cheats: bool) -> &'static str {
    if finds_cheats {
        "can end the training; a wrong step passes with probability at most 2^-40"
    } else {
        "can change the model unnoticed"
    }
}

fn lead(agreement: &Agreement) -> String {
    let lead = &agreement.lead;
    if agreement.training.validation > 0.0 {
        format!("`{lead}` sees the loss and the area under the curve on validation rows, at each judgement")
    } else {
        format!("`{lead}` sees how many steps were made")
    }
}

fn result(agreement: &Agreement) -> String {
    match &agreement.result {
        Outcome::OpenTo(owner) => format!("`{owner}` alone, once: at the end"),
        Outcome::KeptAsShares => "nobody: parties keep their shares of it, and answer with them".into(),
    }
}

fn alignment(arrangement: Arrangement) -> Option<&'static str> {
    match arrangement {
        Arrangement::Horizontal => None,
        Arrangement::VerticalInOrder => Some(
            "the owners agreed on the rows and their order beforehand; whoever did that knows which identifiers both have",
        ),
        Arrangement::VerticalByTags => Some(
            "parties see keyed tags of identifiers: how many rows have a partner, and which of those sent; no identifier, as they lack the \
             key. Owners see how many rows have a partner. An owner together with a party can find out which identifiers the others have",
        ),
    }
}

fn privacy(agreement: &Agreement) -> String {
    match agreement.privacy {
        None => "whoever has it can learn something of single rows from it: training in private does not change that".into(),
        Some(choice) => {
            let epsilon = agreement.epsilon().unwrap_or(f64::INFINITY);
            format!(
                "ε = {epsilon:.2} at δ = {}, for one row of a training row's owner added or removed; owners must keep to the norm {}. Judgements \
                 on validation rows are not covered",
                choice.delta, choice.norm
            )
        }
    }
}
