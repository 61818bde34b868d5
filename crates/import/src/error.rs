//! What can be wrong with a file.

use privet_model::{Problems, Refusal};

/// Why a file was not read.
///
/// | code | meaning |
/// |---|---|
/// | `E141` | not a file or folder that can be read |
/// | `E201` | a good file that uses what cannot be computed here; all such nodes are listed |
/// | `E202` | not a model file that is read |
/// | `E203` | damaged or cut off |
/// | `E204` | the parts of the file contradict each other: names, order, opsets |
/// | `E205` | a weight's shape does not match its data |
/// | `E206` | a weight is not a finite number |
/// | `E207` | weights lie outside the file, or are stored in a form that is not read |
/// | `E208` | more values than a file of this size can honestly need |
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be understood.
    #[error(transparent)]
    Broken(#[from] Refusal),
    /// The file is understood, and these of its nodes cannot be used.
    #[error(transparent)]
    Problems(#[from] Problems),
}
