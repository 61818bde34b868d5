//! A report as Markdown, whose plots are files beside it.

use crate::report::document::{Block, Card, Figure, Table};

/// The report. `plots` is the folder of its plots as the Markdown file names it, with slashes; without it there are none.
pub fn markdown(blocks: &[Block], plots: Option<&str>) -> String {
    let parts: Vec<String> = blocks.iter().map(|block| of_block(block, plots)).collect();
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_end()).filter(|part| !part.is_empty()).collect();
    parts.join("\n\n") + "\n"
}

fn of_block(block: &Block, plots: Option<&str>) -> String {
    match block {
        Block::Heading(level, text) => format!("{} {}", "#".repeat(usize::from(*level)), plain(text)),
        Block::Text(text) => plain(text),
        Block::List(points) => {
            points.iter().map(|point| format!("* {}", plain(point))).collect::<Vec<_>>().join("\n")
        }
        Block::Table(table) => of_table(table),
        Block::Figures(figures) => plots.map_or_else(String::new, |folder| of_figures(figures, folder)),
        Block::Cards(cards) => cards.iter().map(of_card).collect::<Vec<_>>().join("\n\n"),
        Block::Code(text) => format!("    {}", text.replace(['\n', '\r'], " ")),
    }
}

/// What means something to Markdown or HTML.
const MEANT: &str = "\\`*_[]<>|#$&~";

/// Text of which nothing means anything to Markdown or HTML, on one line.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if MEANT.contains(c) => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn of_table(table: &Table) -> String {
    let rule = |n: usize| if n >= table.words { "---:" } else { "---" };
    let rules: Vec<&str> = (0..table.head.len()).map(rule).collect();
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
        format!("| {} |", cells.join(" | "))
    };
    let caption =
        if table.caption.is_empty() { String::new() } else { format!("**{}**\n\n", plain(&table.caption)) };
    let rows: Vec<String> = table.rows.iter().map(|row| line(row)).collect();
    format!("{caption}{}\n| {} |\n{}", line(&table.head), rules.join(" | "), rows.join("\n"))
}

fn of_figures(figures: &[Figure], folder: &str) -> String {
    let folder = folder.trim_end_matches('/');
    let figure = |f: &Figure| {
        let link = format!("![{}]({}/{}.svg)", plain(&f.svg.title), link(folder), f.name);
        if f.caption.is_empty() { link } else { format!("{link}\n\n{}", plain(&f.caption)) }
    };
    figures.iter().map(figure).collect::<Vec<_>>().join("\n\n")
}

/// A folder as a link may hold it.
fn link(folder: &str) -> String {
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b"/.-_~".contains(&byte);
    let letter = |byte: u8| if is_kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    folder.bytes().map(letter).collect()
}

fn of_card(card: &Card) -> String {
    let line = |(who, what): &(String, String)| format!("* **{}**: {}", plain(who), plain(what));
    let lines: Vec<String> = card.lines.iter().map(line).collect();
    let numbers =
        if card.numbers.rows.is_empty() { String::new() } else { format!("\n\n{}", of_table(&card.numbers)) };
    format!("### {}\n\n{}{numbers}", plain(&card.title), lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_a_table_or_a_page() {
        let mut table = Table::new("a | b", &["", "n"]);
        table.rows.push(vec!["<script>|x|\n# y".into(), "1".into()]);
        let text = markdown(&[Block::Table(table)], None);
        assert_eq!(text, "**a \\| b**\n\n|  | n |\n| --- | ---: |\n| \\<script\\>\\|x\\| \\# y | 1 |\n");
    }

    #[test]
    fn plots_are_links_only_where_there_are_plots() {
        let svg = crate::report::svg::Svg {
            title: "t".into(),
            of: String::new(),
            about: String::new(),
            width: 1.0,
            height: 1.0,
            body: String::new(),
        };
        let block = [Block::Figures(vec![Figure { name: "f".into(), caption: String::new(), svg }])];
        assert_eq!(markdown(&block, Some("my plots/")), "![t](my%20plots/f.svg)\n");
        assert_eq!(markdown(&block, None), "\n");
    }
}
