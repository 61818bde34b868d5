//! A report as one HTML page: no script, nothing from elsewhere, readable on a phone, on paper and without colour.

use crate::report::document::{Block, Card, Figure, Table};
use crate::report::svg::{PALETTE, STYLE};
use crate::report::text::{escape, slug};

const PAGE: &str = include_str!("page.css");
/// Nothing may be loaded, and no script runs, wherever the page is served from.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// The word that must not be overlooked.
const SIMULATED: &str = "SIMULATED";
/// Cells with more letters may break into lines.
const LONG: usize = 40;

/// The page.
pub fn page(blocks: &[Block]) -> String {
    let title = blocks.iter().find_map(|block| match block {
        Block::Heading(1, text) => Some(escape(text)),
        _ => None,
    });
    let title = title.unwrap_or_default();
    let mut anchors = Anchors::default();
    let body: Vec<String> = blocks.iter().map(|block| of_block(block, &mut anchors)).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{PALETTE}{PAGE}{STYLE}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        with_contents(&body, &anchors.sections)
    )
}

/// Names of headings, each once.
#[derive(Default)]
struct Anchors {
    sections: Vec<(String, String)>,
}

impl Anchors {
    fn add(&mut self, text: &str) -> String {
        let name = slug(text);
        let is_new = !name.is_empty() && self.sections.iter().all(|(known, _)| *known != name);
        let anchor = if is_new { name } else { format!("section-{}-{name}", self.sections.len()) };
        self.sections.push((anchor.clone(), text.to_owned()));
        anchor
    }
}

/// The list of sections stands before the first of them.
fn with_contents(body: &[String], sections: &[(String, String)]) -> String {
    let entry =
        |(anchor, text): &(String, String)| format!("<li><a href=\"#{anchor}\">{}</a></li>\n", escape(text));
    let entries: Vec<String> = sections.iter().map(entry).collect();
    let nav = format!("<nav aria-label=\"Sections\">\n<ul>\n{}</ul>\n</nav>\n", entries.concat());
    let first = body.iter().position(|part| part.starts_with("<h2")).unwrap_or(body.len());
    let (before, after) = body.split_at(first);
    [before.concat(), nav, after.concat()].concat()
}

fn of_block(block: &Block, anchors: &mut Anchors) -> String {
    match block {
        Block::Heading(1, text) => format!("<h1>{}</h1>\n", marked(text)),
        Block::Heading(level, text) => {
            format!("<h{level} id=\"{}\">{}</h{level}>\n", anchors.add(text), marked(text))
        }
        Block::Text(text) => format!("<p>{}</p>\n", marked(text)),
        Block::List(points) => {
            let points: Vec<String> = points.iter().map(|p| format!("<li>{}</li>\n", marked(p))).collect();
            format!("<ul>\n{}</ul>\n", points.concat())
        }
        Block::Table(table) => of_table(table),
        Block::Figures(figures) => grid("figures", figures, of_figure),
        Block::Cards(cards) => grid("cards", cards, of_card),
        Block::Code(text) => format!("<pre><code>{}</code></pre>\n", escape(text)),
    }
}

fn grid<T>(class: &str, parts: &[T], of: impl Fn(&T) -> String) -> String {
    let parts: Vec<String> = parts.iter().map(of).collect();
    format!("<div class=\"{class}\">\n{}</div>\n", parts.concat())
}

/// Text, with what is simulated marked.
fn marked(text: &str) -> String {
    escape(text).replace(SIMULATED, &format!("<mark>{SIMULATED}</mark>"))
}

fn of_table(table: &Table) -> String {
    let class = if table.words < table.head.len() { "numbers" } else { "words" };
    let head = table.head.iter().enumerate().map(|(n, name)| of_head(n < table.words, name));
    let head: Vec<String> = head.collect();
    let rows: Vec<String> = table.rows.iter().map(|row| of_row(row, table.words)).collect();
    let caption = marked(&table.caption);
    let (caption, label) = if caption.is_empty() {
        (String::new(), "Numbers".to_owned())
    } else {
        (format!("<caption><span>{caption}</span></caption>\n"), escape(&table.caption))
    };
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\">\n<table class=\"{class}\">\n{caption}\
         <thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody>\n</table>\n</div>\n",
        head.concat(),
        rows.concat()
    )
}

fn of_head(is_words: bool, name: &str) -> String {
    let class = if is_words { " class=\"left\"" } else { "" };
    format!("<th scope=\"col\"{class}>{}</th>", marked(name))
}

fn of_row(row: &[String], words: usize) -> String {
    let cell = |(n, text): (usize, &String)| {
        let class = match text.chars().count() > LONG {
            true => " class=\"long\"",
            false if n < words => " class=\"left\"",
            false => "",
        };
        let text = marked(text);
        if n == 0 { format!("<th scope=\"row\">{text}</th>") } else { format!("<td{class}>{text}</td>") }
    };
    let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
    format!("<tr>{}</tr>\n", cells.concat())
}

fn of_figure(figure: &Figure) -> String {
    let caption = if figure.caption.is_empty() {
        String::new()
    } else {
        format!("<figcaption>{}</figcaption>\n", marked(&figure.caption))
    };
    format!("<figure>\n{}{caption}</figure>\n", figure.svg.inline(&format!("plot-{}", figure.name)))
}

fn of_card(card: &Card) -> String {
    let line =
        |(who, what): &(String, String)| format!("<dt>{}</dt><dd>{}</dd>\n", marked(who), marked(what));
    let lines: Vec<String> = card.lines.iter().map(line).collect();
    let numbers = if card.numbers.rows.is_empty() { String::new() } else { of_table(&card.numbers) };
    format!(
        "<article>\n<h3>{}</h3>\n<dl>\n{}</dl>\n{numbers}</article>\n",
        marked(&card.title),
        lines.concat()
    )
}
