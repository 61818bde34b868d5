//! What the words of the report mean.

use super::markup::{Markup, element, words};

const TERMS: [(&str, &str); 10] = [
    (
        "Part",
        "The training rows moved the weights, the validation rows decided when to stop, the held-out rows did neither: \
         only the held-out numbers say what to expect of new rows like them.",
    ),
    (
        "AUC, Gini",
        "The chance that a row that defaulted scores above a row that was repaid; 0.5 is no order at all, 1 a perfect \
         one. Gini is twice that less one.",
    ),
    (
        "Standard error",
        "How far the measure would typically move with other rows of the same kind (DeLong's method for the AUC). It \
         knows nothing of a changed economy or of other applicants.",
    ),
    (
        "Log loss, Brier",
        "The mean penalty of the probabilities: the negative logarithm of what was given to what happened, and the \
         squared difference. “Of a constant” is what giving everyone the default rate of the same rows would score.",
    ),
    (
        "Accuracy",
        "The share of rows on the right side of 0.5. Where few default, saying “repays” to everyone is as accurate as any \
         useful model, so it stands beside.",
    ),
    (
        "Calibration",
        "Whether, of rows given 10 %, 10 % default. The expected calibration error is the mean distance over the bins; the \
         line is a logistic regression of what happened on the log-odds of the predictions.",
    ),
    (
        "Recall, precision",
        "The share of the defaults that is refused, and the share of the refused that defaults.",
    ),
    (
        "Kolmogorov–Smirnov",
        "The largest distance, over all thresholds, between the share of defaults and the share of repaid rows refused.",
    ),
    (
        "95 % interval",
        "Wilson's for rates; 1.96 standard errors either way for the AUC. One in twenty such intervals misses.",
    ),
    (
        "Not defined",
        "The rows do not decide the number: an AUC without a default, a rate of no rows, a spread of one row.",
    ),
];

/// The list.
pub(super) fn terms() -> Markup {
    let pair = |(term, meaning): &(&str, &str)| [words("dt", &[], term), words("dd", &[], meaning)];
    element("dl", &[], TERMS.iter().flat_map(pair))
}
