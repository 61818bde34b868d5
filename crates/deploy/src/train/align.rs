//! Which rows of the owners belong together.

use std::collections::HashMap;

use super::agreement::{Agreement, Arrangement};
use super::wire::TAG;
use crate::error::Error;

/// By aligned row, each owner's own row.
pub(super) enum Alignment {
    /// The rows of one owner after those of the one before: where those of each begin, and how many there are.
    Stacked(Vec<u32>, u32),
    /// Every owner has so many rows, in the same order.
    Same(u32),
    /// By owner, its rows.
    Matched(Vec<Vec<u32>>),
}

impl Alignment {
    /// Of complete offers: by owner, how many rows it has, and their tags where there are any.
    pub(super) fn of(agreement: &Agreement, rows: &[u32], tags: &[&[[u8; TAG]]]) -> Result<Self, Error> {
        match agreement.arrangement {
            Arrangement::Horizontal => stacked(rows),
            Arrangement::VerticalInOrder => same(agreement, rows),
            Arrangement::VerticalByTags => matched(tags),
        }
    }

    /// Aligned rows.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Stacked(_, all) | Self::Same(all) => *all as usize,
            Self::Matched(rows) => rows.first().map_or(0, Vec::len),
        }
    }

    /// Whose rows make up an aligned one, and which.
    pub(super) fn parts(&self, owners: usize, aligned: u32) -> Vec<(usize, u32)> {
        match self {
            Self::Stacked(starts, _) => {
                let owner = starts.partition_point(|&start| start <= aligned) - 1;
                vec![(owner, aligned - starts[owner])]
            }
            Self::Same(_) => (0..owners).map(|owner| (owner, aligned)).collect(),
            Self::Matched(rows) => {
                rows.iter().enumerate().map(|(owner, rows)| (owner, rows[aligned as usize])).collect()
            }
        }
    }
}

fn stacked(rows: &[u32]) -> Result<Alignment, Error> {
    let mut starts = Vec::new();
    let mut all = 0u32;
    for rows in rows {
        starts.push(all);
        all = all.checked_add(*rows).ok_or_else(|| unfit("there are more than 2^32 rows"))?;
    }
    Ok(Alignment::Stacked(starts, all))
}

fn same(agreement: &Agreement, rows: &[u32]) -> Result<Alignment, Error> {
    let first = rows.first().copied().unwrap_or(0);
    match rows.iter().position(|&rows| rows != first) {
        None => Ok(Alignment::Same(first)),
        Some(other) => Err(unfit(&format!(
            "`{}` gave {first} rows and `{}` {}; with `vertical-in-order` all give the same rows in the same order",
            agreement.owners[0].name, agreement.owners[other].name, rows[other]
        ))),
    }
}

/// Rows whose tag every owner has, in the order of tags.
fn matched(tags: &[&[[u8; TAG]]]) -> Result<Alignment, Error> {
    let places: Vec<HashMap<[u8; TAG], u32>> =
        tags.iter().map(|tags| tags.iter().copied().zip(0..).collect()).collect();
    let mut common = tags.first().map_or(Vec::new(), |tags| tags.to_vec());
    common.retain(|tag| places.iter().all(|places| places.contains_key(tag)));
    common.sort_unstable();
    if common.is_empty() {
        return Err(unfit(
            "the owners have no identifier in common; did all use the same key file and the same kind of identifier?",
        ));
    }
    let rows = places.iter().map(|places| common.iter().filter_map(|tag| places.get(tag).copied()).collect());
    Ok(Alignment::Matched(rows.collect()))
}

fn unfit(what: &str) -> Error {
    Error::refused("E357", format!("The owners' rows do not fit together: {what}."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn stacked_rows_have_one_part_each() {
        let stacked = stacked(&[2, 0, 3]).unwrap();
        let parts: Vec<_> = (0..5).flat_map(|row| stacked.parts(3, row)).collect();
        assert_eq!(parts, [(0, 0), (0, 1), (2, 0), (2, 1), (2, 2)]);
        assert_eq!(stacked.len(), 5);
    }

    #[test]
    fn matched_rows_are_those_whose_tags_all_have() {
        let tag = |n: u8| [n; TAG];
        let all = [[tag(5), tag(1), tag(9)].to_vec(), vec![tag(9), tag(7), tag(5), tag(2)]];
        let matched = matched(&all.each_ref().map(|tags| &tags[..])).unwrap();
        assert_eq!(matched.len(), 2);
        assert_eq!(matched.parts(2, 0), [(0, 0), (1, 2)]);
        assert_eq!(matched.parts(2, 1), [(0, 2), (1, 0)]);
        assert_eq!(super::matched(&[&[tag(1)], &[tag(2)]]).err().unwrap().code, "E357");
    }
}
