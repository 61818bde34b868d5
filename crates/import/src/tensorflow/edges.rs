//! How nodes name the values that they use: `node`, `node:1`, and inside functions `node:result:0`.

/// Node, name of the result (inside functions), and number.
pub(super) fn split(text: &str) -> (&str, Option<&str>, usize) {
    let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n < 1 << 16);
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or_default();
    match (parts.next(), parts.next()) {
        (None, _) => (name, None, 0),
        (Some(second), None) => match number(second) {
            Some(output) => (name, None, output),
            None => (name, Some(second), 0),
        },
        (Some(argument), Some(output)) => (name, Some(argument), number(output).unwrap_or_default()),
    }
}

/// Operators with several named results, in order. Of all others the only name stands for all results.
const RESULTS: &[(&str, &[&str])] = &[
    ("FusedBatchNorm", &["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"]),
    ("FusedBatchNormV2", &["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"]),
    (
        "FusedBatchNormV3",
        &["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2", "reserve_space_3"],
    ),
    ("MaxPoolWithArgmax", &["output", "argmax"]),
    ("TopKV2", &["values", "indices"]),
];

/// How many results stand before those of this name.
pub(super) fn first_output(op: &str, argument: &str) -> usize {
    let names = RESULTS.iter().find(|(known, _)| *known == op).map(|(_, names)| *names);
    names.and_then(|names| names.iter().position(|name| *name == argument)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_is_understood() {
        assert_eq!(split("a/b"), ("a/b", None, 0));
        assert_eq!(split("a:2"), ("a", None, 2));
        assert_eq!(split("a:output:3"), ("a", Some("output"), 3));
        assert_eq!(split("a:y"), ("a", Some("y"), 0));
        assert_eq!(split("a:99999999999999999999"), ("a", Some("99999999999999999999"), 0));
        assert_eq!(split(""), ("", None, 0));
    }

    #[test]
    fn results_are_counted_over_all_names() {
        assert_eq!(first_output("FusedBatchNormV3", "batch_variance"), 2);
        assert_eq!(first_output("TopKV2", "indices"), 1);
        assert_eq!(first_output("Split", "output"), 0);
    }
}
