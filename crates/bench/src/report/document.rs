//! A report as its parts, before it is known whether they become a page or Markdown.

use crate::report::svg::Svg;

/// One part after the other.
#[derive(Clone, Debug)]
pub enum Block {
    /// A heading of a level: 1 for the whole, 2 for a section.
    Heading(u8, String),
    /// A paragraph.
    Text(String),
    /// Points.
    List(Vec<String>),
    /// A table.
    Table(Table),
    /// Plots that belong together.
    Figures(Vec<Figure>),
    /// Cards side by side.
    Cards(Vec<Card>),
    /// What is typed.
    Code(String),
}

/// A table, whose first column names its rows.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Its columns' names.
    pub head: Vec<String>,
    /// Its rows, as long as the head.
    pub rows: Vec<Vec<String>>,
    /// How many columns, from the first on, are words; the others are numbers.
    pub words: usize,
}

/// What stands in a cell where nothing is known.
pub const NOTHING: &str = "-";

impl Table {
    /// A table of numbers without rows yet.
    pub fn new(caption: impl Into<String>, head: &[&str]) -> Self {
        let head = head.iter().map(|&name| name.to_owned()).collect();
        Self { caption: caption.into(), head, rows: Vec::new(), words: 1 }
    }

    /// A table of words without rows yet.
    pub fn of_words(caption: impl Into<String>, head: &[&str]) -> Self {
        Self { words: usize::MAX, ..Self::new(caption, head) }
    }

    /// Without the columns in which no row says anything; the first stays.
    #[must_use]
    pub fn without_empty_columns(mut self) -> Self {
        let says = |column: usize| {
            column == 0 || self.rows.iter().any(|row| row.get(column).is_some_and(|cell| cell != NOTHING))
        };
        let kept: Vec<bool> = (0..self.head.len()).map(says).collect();
        let keep = |cells: &mut Vec<String>| {
            let mut kept = kept.iter();
            cells.retain(|_| kept.next().copied().unwrap_or(true));
        };
        keep(&mut self.head);
        self.rows.iter_mut().for_each(keep);
        self
    }
}

/// A plot, and what is to be said about it.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The name of its file, without the ending; no two plots of a report share it.
    pub name: String,
    /// What stands below it; may be empty.
    pub caption: String,
    /// The plot.
    pub svg: Svg,
}

/// Who sees what, beside numbers.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its heading.
    pub title: String,
    /// Who, and what they see.
    pub lines: Vec<(String, String)>,
    /// The numbers of those who are protected so.
    pub numbers: Table,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_says_nothing_is_left_out() {
        let mut table = Table::new("t", &["a", "b", "c"]);
        table.rows = vec![
            vec!["1".into(), NOTHING.into(), NOTHING.into()],
            vec!["2".into(), NOTHING.into(), "3".into()],
        ];
        let table = table.without_empty_columns();
        assert_eq!((table.head, &table.rows[1][1]), (vec!["a".to_owned(), "c".to_owned()], &"3".to_owned()));
    }
}
