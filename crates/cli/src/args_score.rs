//! What a person may type after `privet score`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::args::{BeliefArgs, at_least_one};

#[derive(Args)]
pub(crate) struct ScoreArgs {
    /// The deployment's file.
    #[arg(long)]
    pub(crate) to: PathBuf,
    /// The rows: .parquet, .csv, .csv.gz, .jsonl or .npy.
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) rows: String,
    /// Where the answers go: .parquet, .csv, .csv.gz or .jsonl. Until all are there they stand in FILE.part, from which the same command
    /// goes on.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: String,
    /// A column of the rows, such as an id, that is copied to the answers. Repeatable.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) keep: Vec<String>,
    /// Scores only this part of the rows, as 3/8: the third of eight. Parts are whole ranges of rows, in their order.
    #[arg(long, default_value = "1/1", value_name = "PART/PARTS")]
    pub(crate) part: Part,
    /// What becomes of a row that cannot be asked about, as one outside the planned ranges.
    #[arg(long, value_enum, default_value_t = Refused::Stop)]
    pub(crate) refused: Refused,
    /// Throws away what FILE.part holds, and begins anew.
    #[arg(long)]
    pub(crate) restart: bool,
    /// The most rows of a question; wide rows make smaller questions.
    #[arg(long, default_value_t = 10_000, value_parser = at_least_one(), value_name = "ROWS")]
    pub(crate) chunk_rows: usize,
    /// Questions under way at a time.
    #[arg(long, default_value_t = 2, value_parser = at_least_one(), value_name = "QUESTIONS")]
    pub(crate) in_flight: usize,
    /// For how long a question is asked again while a role is not there, in seconds.
    #[arg(long, default_value_t = 300.0, value_name = "SECONDS")]
    pub(crate) patience: f64,
    /// Longest wait for any role, in seconds.
    #[arg(long, default_value_t = 30.0)]
    pub(crate) deadline: f64,
    #[command(flatten)]
    pub(crate) belief: BeliefArgs,
    /// Says what it cost, as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Refused {
    /// Ends the command and names row and feature. What was answered is kept.
    Stop,
    /// Leaves its answers empty and goes on; a column `refused` says why.
    Skip,
}

/// One of several parts of all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    index: usize,
    parts: usize,
}

impl Part {
    /// Which of so many rows belong to it.
    pub(crate) fn of(self, rows: usize) -> std::ops::Range<usize> {
        let before = |parts: usize| {
            let rows = rows as u128 * parts as u128 / self.parts as u128;
            usize::try_from(rows).unwrap_or(usize::MAX)
        };
        before(self.index)..before(self.index + 1)
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers =
            text.split_once('/').and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
        match numbers {
            Some((part, parts)) if (1..=parts).contains(&part) => Ok(Self { index: part - 1, parts }),
            _ => Err("expected a part and how many there are, from 1/8 to 8/8".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_part_is_one_of_those_that_there_are() {
        assert_eq!("3/8".parse::<Part>().unwrap(), Part { index: 2, parts: 8 });
        for text in ["0/8", "9/8", "3", "3/", "/8", "a/b", "-1/8", "1/0"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parts_make_up_the_whole(rows in 0usize..5000, parts in 1usize..40) {
            let ranges: Vec<_> = (0..parts).map(|index| Part { index, parts }.of(rows)).collect();
            prop_assert!(ranges[0].start == 0 && ranges[parts - 1].end == rows);
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
            let sizes = ranges.iter().map(ExactSizeIterator::len);
            prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
        }
    }
}
