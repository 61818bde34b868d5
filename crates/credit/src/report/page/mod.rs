//! The report as one page that needs nothing else: style and drawings are inside, and there is no script.

mod axis;
mod coefficients;
mod dropped;
mod figure;
mod groups;
mod history;
mod markup;
mod numbers;
mod part;
mod summary;
mod table;
mod terms;

use super::Report;
use markup::{Attributes, Markup, element, void, words};

/// Forbids what the page does not need anyway: it asks nobody for anything and runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A part of the page: its anchor, its heading, what is in it.
type Section = (&'static str, String, Markup);

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let sections = sections(report);
    let mut main = summary::head(report);
    main.add(&contents(&sections));
    for (id, heading, body) in sections {
        main.add(&element("section", &[("id", id)], [words("h2", &[], &heading), body]));
    }
    let body = element("body", &[], [element("main", &[], [main])]);
    let html = element("html", &[("lang", "en")], [head(), body]);
    format!("<!DOCTYPE html>\n{}\n", html.into_string())
}

fn sections(report: &Report) -> Vec<Section> {
    let mut sections = vec![("summary", "In short".to_owned(), summary::summary(report))];
    let (first, others) = (report.parts.first(), report.parts.get(1..).unwrap_or_default());
    sections.extend(
        first.map(|part| ("measured", format!("Measured on the {} rows", part.name), part::part(part))),
    );
    if !report.groups.is_empty() {
        sections.push(("groups", "Protected groups".into(), groups::groups(&report.groups)));
    }
    sections.extend(
        report.dropped.as_ref().map(|dropped| {
            ("dropped", "What leaving columns out costs".to_owned(), dropped::dropped(dropped))
        }),
    );
    sections.push((
        "learned",
        "What the model learned".into(),
        coefficients::coefficients(&report.coefficients),
    ));
    if !report.history.is_empty() {
        sections.push(("history", "How the training went".into(), history::history(&report.history)));
    }
    if !others.is_empty() {
        sections.push(("others", "The other parts".into(), others.iter().map(part::folded).collect()));
    }
    sections.push(("terms", "What the words mean".into(), terms::terms()));
    sections
}

fn head() -> Markup {
    let metas: [Attributes<'_>; 4] = [
        &[("charset", "utf-8")],
        &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")],
        &[("name", "color-scheme"), ("content", "light dark")],
        &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)],
    ];
    let metas = metas.into_iter().map(|attributes| void("meta", attributes));
    let title = words("title", &[], summary::TITLE);
    let style = element("style", &[], [Markup::own(include_str!("style.css"))]);
    element("head", &[], metas.chain([title, style]))
}

fn contents(sections: &[Section]) -> Markup {
    let link = |(id, heading, _): &Section| {
        element("li", &[], [words("a", &[("href", &format!("#{id}"))], heading)])
    };
    let list = element("ul", &[], sections.iter().map(link));
    element("nav", &[("aria-label", "Contents")], [list])
}

#[cfg(test)]
mod tests;
