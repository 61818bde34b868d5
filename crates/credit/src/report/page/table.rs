//! Tables that a screen reader can read and a phone can scroll.

use super::markup::{Markup, element, words};

/// A table whose first column names its rows.
pub(super) struct Table<'a> {
    /// What it shows.
    pub caption: &'a str,
    /// The columns.
    pub head: &'a [&'a str],
    /// The cells, each row as long as the head.
    pub rows: Vec<Vec<String>>,
}

impl Table<'_> {
    /// As HTML.
    pub(super) fn markup(&self) -> Markup {
        let heads = self.head.iter().map(|head| words("th", &[("scope", "col")], head));
        let table = element(
            "table",
            &[],
            [
                words("caption", &[], self.caption),
                element("thead", &[], [element("tr", &[], heads)]),
                element("tbody", &[], self.rows.iter().map(|cells| row(cells))),
            ],
        );
        // It scrolls by itself where it is wider than the page; the keyboard reaches it.
        let attributes =
            [("class", "wide"), ("role", "region"), ("tabindex", "0"), ("aria-label", self.caption)];
        element("div", &attributes, [table])
    }
}

fn row(cells: &[String]) -> Markup {
    let cell = |(index, text): (usize, &String)| match index {
        0 => words("th", &[("scope", "row")], text),
        _ => words("td", &[], text),
    };
    element("tr", &[], cells.iter().enumerate().map(cell))
}
