//! What is wrong with somebody's rows, in a sentence that never shows a value.

/// Why rows could not be read or written.
///
/// | code | meaning |
/// |---|---|
/// | `E110` | the file cannot be opened or read |
/// | `E111` | the suffix names no known format |
/// | `E112` | columns or arrays are missing, doubled, or too many |
/// | `E113` | the bytes are not what the format promises |
/// | `E114` | a value in a row cannot be used |
/// | `E115` | an array has the wrong shape or element type |
/// | `E116` | the output cannot be written |
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} {message}")]
pub(crate) struct RowsError {
    /// Stable, for searching.
    pub(super) code: &'static str,
    /// What was expected, what came, and the next step.
    pub(super) message: String,
}

impl RowsError {
    /// Whether the call was wrong (its file, its form, its columns), and not a value in a row.
    pub(crate) fn is_usage(&self) -> bool {
        self.code != "E114"
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence, without the code.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The same, said of this file.
    pub(crate) fn within(self, file: &str) -> Self {
        Self { code: self.code, message: format!("`{file}`: {}", self.message) }
    }

    pub(crate) fn unreadable(cause: &std::io::Error) -> Self {
        Self::new("E110", format!("The file cannot be read: {cause}. Check its name and its permissions."))
    }

    pub(super) fn suffix(message: impl Into<String>) -> Self {
        Self::new("E111", message)
    }

    pub(crate) fn columns(message: impl Into<String>) -> Self {
        Self::new("E112", message)
    }

    pub(crate) fn damaged(message: impl Into<String>) -> Self {
        Self::new("E113", message)
    }

    /// `row` counts from 0, as code does; the message counts from 1, as people do.
    pub(crate) fn value(row: usize, column: &str, reason: &str) -> Self {
        let row = row + 1;
        let next = "Correct that value and run again.";
        Self::new("E114", format!("Row {row}, column `{column}`: {reason}. {next}"))
    }

    pub(super) fn array(message: impl Into<String>) -> Self {
        Self::new("E115", message)
    }

    pub(crate) fn unwritable(cause: impl std::fmt::Display) -> Self {
        Self::new(
            "E116",
            format!("The output cannot be written: {cause}. Check its folder and the free space."),
        )
    }

    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bad_value_is_no_usage_error() {
        assert!(!RowsError::value(0, "a", "expected a number, got text").is_usage());
        assert!(RowsError::columns("").is_usage() && RowsError::damaged("").is_usage());
    }

    #[test]
    fn rows_are_counted_from_one_and_the_file_is_named() {
        let error = RowsError::value(2, "AGE", "expected a number, got text").within("rows.csv");
        assert_eq!(
            error.to_string(),
            "E114 `rows.csv`: Row 3, column `AGE`: expected a number, got text. \
             Correct that value and run again."
        );
    }
}
