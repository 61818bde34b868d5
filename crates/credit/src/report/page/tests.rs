//! The page as a whole: well-formed, escaped, self-contained, its numbers those of the report.

use std::collections::HashSet;

use super::super::sample::{facts, outcome, part};
use super::super::{Dropped, Group, Report, report};
use crate::train::outcome::HELD_OUT;

fn full() -> Report {
    let outcome = outcome(600);
    let held_out = outcome.parts.iter().find(|part| part.name == HELD_OUT).unwrap();
    let label_of_row = (0..600).map(|row| usize::from(row % 3 == 0)).collect();
    let labels = &["men", "women"];
    let group =
        Group { column: "CODE_GENDER", features: &["CODE_GENDER"], part: HELD_OUT, labels, label_of_row };
    let dropped = Dropped::compare(vec!["A<B".into()], held_out, held_out).unwrap();
    report(&outcome, &[group], Some(&dropped), &facts())
}

/// The names of the tags, in order, ends with their slash.
fn tags(page: &str) -> Vec<String> {
    let inside = |piece: &str| piece.split_once('>').map(|(tag, _)| tag.to_owned());
    page.split('<').skip(1).filter_map(inside).collect()
}

#[test]
fn every_element_ends_where_it_should() {
    let page = full().html();
    let mut open = Vec::new();
    for tag in tags(&page).iter().filter(|tag| !tag.starts_with("!DOCTYPE") && !tag.starts_with("meta")) {
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None => open.push(tag.split(' ').next().unwrap_or_default().to_owned()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn what_users_wrote_is_escaped() {
    let page = full().html();
    assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<credit>"));
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;"));
    assert!(page.contains("a &lt;b&gt; &amp; &quot;c&quot;") && page.contains("Left out: A&lt;B."));
}

#[test]
fn asks_nobody_for_anything() {
    let page = full().html();
    for word in ["http:", "https:", "src=", "url(", "@import", "<link", "<img", "onload"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn ids_are_unique_and_every_drawing_has_a_title_and_words() {
    let page = full().html();
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<HashSet<_>>().len());
    let about: Vec<&str> =
        page.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(about.len() > 8 && about.iter().all(|about| about.split(' ').all(|id| ids.contains(&id))));
    assert_eq!(about.len(), page.matches("<svg").count());
}

#[test]
fn a_training_without_validation_has_a_history_of_its_own_loss_only() {
    let mut outcome = outcome(50);
    for epoch in &mut outcome.history {
        (epoch.validation_loss, epoch.validation_auc) = (f64::NAN, None);
    }
    let page = report(&outcome, &[], None, &facts()).html();
    assert!(page.contains("There was no validation part") && page.contains("Log loss by epoch"));
    assert!(!page.contains("AUC by epoch") && !page.contains("NaN"));
}

#[test]
fn accuracy_stands_beside_what_no_model_reaches() {
    let mut outcome = outcome(0);
    outcome.parts = vec![part(HELD_OUT, &[true, false, false, false], &[0.3, 0.2, 0.1, 0.1])];
    let page = report(&outcome, &[], None, &facts()).html();
    assert!(
        page.contains(
            "0.5 is 0.7500; saying “repays” to everyone reaches 0.7500. Accuracy says nothing here"
        )
    );
    outcome.parts = vec![part(HELD_OUT, &[true, false], &[0.4, 0.7])];
    assert!(report(&outcome, &[], None, &facts()).html().contains("worse than no model"));
    outcome.parts = vec![part(HELD_OUT, &[true, false], &[0.6, 0.2])];
    assert!(report(&outcome, &[], None, &facts()).html().contains("more accurate than that"));
}

#[test]
fn numbers_are_those_of_the_report() {
    let report = full();
    let (page, held_out) = (report.html(), &report.parts[0]);
    let cell = |value: Option<f64>| format!("<td>{:.4}</td>", value.unwrap());
    assert!(page.contains(&cell(held_out.ranking.auc)) && page.contains(&cell(held_out.losses.log_loss)));
    assert!(page.contains(&cell(held_out.ranking.auc_standard_error)));
}
