//! Errors, sorted by whose turn it is. Their messages are safe to log and to show.

use privet_model::{Problems, Refusal};

/// Whose turn it is. Decides the exit code of the command line and the status of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// A bug of ours. Exit 1, HTTP 500.
    Ours,
    /// The call was wrong: its shape, its names, its form. Exit 2, HTTP 400.
    Usage,
    /// The input, the model or the plan was refused. Exit 3, HTTP 400.
    Refused,
    /// The named thing does not exist. Exit 3, HTTP 404.
    NotFound,
    /// A peer could not be reached, or answered late. Exit 4, HTTP 503.
    Unreachable,
    /// Too much is asked at the moment, by this caller or by all. Exit 4, HTTP 429.
    Busy,
    /// The caller is not known, or may not ask this. Exit 3, HTTP 401 and 403.
    Denied,
    /// A check failed and nothing was released. Exit 5, HTTP 400.
    Integrity,
}

impl Blame {
    /// The command line's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ours => 1,
            Self::Usage => 2,
            Self::Refused | Self::NotFound | Self::Denied => 3,
            Self::Unreachable | Self::Busy => 4,
            Self::Integrity => 5,
        }
    }
}

/// What went wrong: whose turn it is, a stable code, and a sentence that says what was expected, what came, and
/// the next step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} {message}")]
pub struct Error {
    /// Whose turn it is.
    pub blame: Blame,
    /// Stable, for searching.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
    /// In how many seconds the same may work, where that is known.
    pub retry_after: Option<u32>,
}

impl Error {
    /// An error.
    pub fn new(blame: Blame, code: &'static str, message: impl Into<String>) -> Self {
        Self { blame, code, message: message.into(), retry_after: None }
    }

    /// The call was wrong.
    pub fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Blame::Usage, code, message)
    }

    /// The input, the model or the plan was refused.
    pub fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Blame::Refused, code, message)
    }

    /// Too much is asked at the moment; in so many seconds it may work.
    pub fn busy(code: &'static str, retry_after: u32, message: impl Into<String>) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(Blame::Busy, code, message) }
    }

    /// A check failed; nothing was released.
    pub fn integrity(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Blame::Integrity, code, message)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::refused(refusal.code, refusal.message)
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        let text = problems.to_string();
        Self::refused("E201", text.strip_prefix("E201 ").unwrap_or(&text))
    }
}

/// The static text of any well-formed code, `E000` to `E999`. A peer's code is text of unknown life; an
/// [`Error`]'s is static, and nothing may be leaked to make it so.
pub fn named_code(code: &str) -> Option<&'static str> {
    let digits = code.strip_prefix('E').filter(|d| d.len() == 3 && d.bytes().all(|b| b.is_ascii_digit()))?;
    let text = CODES.get(digits.parse::<usize>().ok()?)?;
    std::str::from_utf8(text).ok()
}

static CODES: [[u8; 4]; 1000] = codes();

#[allow(clippy::cast_possible_truncation, reason = "a digit is below ten")]
const fn codes() -> [[u8; 4]; 1000] {
    let mut all = [*b"E000"; 1000];
    let mut n = 0;
    while n < all.len() {
        all[n] = [b'E', b'0' + (n / 100) as u8, b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    all
}
