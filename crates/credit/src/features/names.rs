//! The names of the 528 features, in order.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
struct Names {
    by_table: BTreeMap<String, Vec<String>>,
}

/// The tables of `names.json` in the order in which their features stand.
const ORDER: [&str; 6] = ["application", "bureau", "previous", "pos", "installments", "credit_card"];

/// All names.
pub(crate) fn all() -> Vec<String> {
    let mut tables = by_table();
    ORDER.iter().flat_map(|table| tables.remove(*table).unwrap_or_default()).collect()
}

/// How many features come from the application alone: the first ones.
pub(crate) fn of_application() -> usize {
    by_table().get("application").map_or(0, Vec::len)
}

fn by_table() -> BTreeMap<String, Vec<String>> {
    serde_json::from_str::<Names>(include_str!("names.json")).map(|names| names.by_table).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_528() {
        let (names, tables) = (all(), by_table());
        assert_eq!(names.len(), 528);
        assert_eq!(of_application(), 129);
        assert_eq!(tables.values().map(Vec::len).sum::<usize>(), 528);
        assert_eq!(names.iter().collect::<std::collections::HashSet<_>>().len(), 528);
    }
}
