//! Counts of a role, as it gives them at `/metrics`, and what two looks at them say of the time between.

use std::collections::BTreeMap;

/// By family and labels, as the text has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts(BTreeMap<String, f64>);

impl Counts {
    /// Reads the text; what is no sample is left out.
    pub(crate) fn parse(text: &str) -> Self {
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            (!line.starts_with('#')).then_some((name.to_owned(), value.parse().ok()?))
        };
        Self(text.lines().filter_map(sample).collect())
    }

    /// The sum over all labels of a family.
    pub(crate) fn sum(&self, family: &str) -> f64 {
        self.of(family).map(|(_, value)| value).sum()
    }

    /// The only sample of a family without labels, if it is there.
    pub(crate) fn one(&self, family: &str) -> Option<f64> {
        self.0.get(family).copied()
    }

    /// The samples of a family, with their labels.
    pub(crate) fn of<'a>(&'a self, family: &'a str) -> impl Iterator<Item = (&'a str, f64)> + 'a {
        let labels = move |name: &'a str| {
            name.strip_prefix(family).filter(|rest| rest.is_empty() || rest.starts_with('{'))
        };
        self.0.iter().filter_map(move |(name, value)| Some((labels(name)?, *value)))
    }

    /// How much a family grew since another look; after a restart, from nothing.
    pub(crate) fn grown(&self, before: &Self, family: &str) -> f64 {
        let (now, then) = (self.sum(family), before.sum(family));
        if now >= then { now - then } else { now }
    }

    /// Below which time a share of the answers stayed that were given since another look: the upper end of its bucket.
    pub(crate) fn quantile(&self, before: &Self, family: &str, share: f64) -> Option<f64> {
        let bucket = format!("{family}_bucket");
        let mut buckets: BTreeMap<Edge, f64> = BTreeMap::new();
        for (counts, sign) in [(self, 1.0), (before, -1.0)] {
            for (labels, value) in counts.of(&bucket) {
                *buckets.entry(Edge(edge(labels)?)).or_default() += sign * value;
            }
        }
        let all = *buckets.values().next_back()?;
        let found = buckets.iter().find(|(_, count)| all > 0.0 && **count >= share * all);
        found.map(|(edge, _)| edge.0)
    }
}

/// An upper end of a bucket, in order.
#[derive(PartialEq)]
struct Edge(f64);

impl Eq for Edge {}

impl PartialOrd for Edge {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Edge {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

fn edge(labels: &str) -> Option<f64> {
    let text = labels.split("le=\"").nth(1)?.split('"').next()?;
    if text == "+Inf" { Some(f64::INFINITY) } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = "# HELP a b\na_total{m=\"x\"} 3\na_total{m=\"y\"} 4\nab_total 9\nfree 0.5\n\
        t_bucket{le=\"0.1\"} 50\nt_bucket{le=\"1.0\"} 99\nt_bucket{le=\"+Inf\"} 100\n# EOF\n";

    #[test]
    fn families_are_summed_and_told_apart() {
        let counts = Counts::parse(TEXT);
        assert!((counts.sum("a_total") - 7.0).abs() < 1e-9 && (counts.sum("a") - 0.0).abs() < 1e-9);
        assert_eq!((counts.one("free"), counts.one("none")), (Some(0.5), None));
        assert_eq!(counts.of("a_total").next(), Some(("{m=\"x\"}", 3.0)));
    }

    #[test]
    fn what_grew_is_what_came_since_and_a_restart_begins_again() {
        let (nothing, counts) = (Counts::default(), Counts::parse(TEXT));
        assert!((counts.grown(&nothing, "a_total") - 7.0).abs() < 1e-9);
        assert!((Counts::parse("a_total 2").grown(&counts, "a_total") - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_quantile_is_the_end_of_its_bucket() {
        let (nothing, counts) = (Counts::default(), Counts::parse(TEXT));
        let of = |share| counts.quantile(&nothing, "t", share);
        assert_eq!((of(0.5), of(0.6), of(1.0)), (Some(0.1), Some(1.0), Some(f64::INFINITY)));
        assert_eq!(counts.quantile(&counts, "t", 0.5), None);
    }
}
