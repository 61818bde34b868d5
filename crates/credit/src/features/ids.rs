//! Sets of identifiers.

use std::collections::HashMap;

/// Identifiers come in long runs, so a page of bits for each 65,536 of them is small and quick: 45 kB for the applicants of
/// the published tables.
#[derive(Default, Clone)]
pub(crate) struct Ids {
    pages: HashMap<i64, Box<[u64; WORDS]>>,
}

const BITS: u32 = 16;
const WORDS: usize = 1 << (BITS - 6);

impl Ids {
    /// Adds one; whether it is new.
    pub(crate) fn insert(&mut self, id: i64) -> bool {
        let (page, word, bit) = place(id);
        let word = &mut self.pages.entry(page).or_insert_with(|| Box::new([0; WORDS]))[word];
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Whether it is there.
    pub(crate) fn contains(&self, id: i64) -> bool {
        let (page, word, bit) = place(id);
        self.pages.get(&page).is_some_and(|page| page[word] & bit != 0)
    }
}

impl FromIterator<i64> for Ids {
    fn from_iter<I: IntoIterator<Item = i64>>(ids: I) -> Self {
        let mut set = Self::default();
        for id in ids {
            set.insert(id);
        }
        set
    }
}

/// Page, word, and the bit in it.
fn place(id: i64) -> (i64, usize, u64) {
    let low = usize::from(u16::try_from(id & 0xffff).unwrap_or(0));
    (id >> BITS, low >> 6, 1 << (low & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn it_is_a_set(ids in proptest::collection::vec(prop_oneof![-70_000_i64..70_000, any::<i64>()], 0..300)) {
            let (mut ours, mut theirs) = (Ids::default(), HashSet::new());
            for &id in &ids {
                prop_assert_eq!(ours.insert(id), theirs.insert(id));
            }
            for id in ids.iter().flat_map(|id| [*id, id.wrapping_add(1), id.wrapping_sub(64)]) {
                prop_assert_eq!(ours.contains(id), theirs.contains(&id));
            }
        }
    }
}
