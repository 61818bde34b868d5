//! How far a training is.

use super::outcome::Epoch;

/// Something that a person may want to see.
pub(crate) enum Progress<'a> {
    /// So many of so many rows were read, perhaps not for the first time.
    Read {
        /// Rows so far.
        rows: usize,
        /// All rows.
        of: usize,
    },
    /// Training begins; with `dropped` features first where their cost is measured.
    Training {
        /// Features of the model.
        features: usize,
        /// Rows that weights are fitted on.
        rows: usize,
    },
    /// An epoch is done.
    Epoch {
        /// Which, and how it went.
        epoch: &'a Epoch,
        /// How many there will be at most.
        of: usize,
    },
}
