//! One fuzz target per decoder of outside bytes. Each is a function of bytes that must not panic, hang, or take more memory than it
//! says, and must find that what was read can be written and read again.
//!
//! `fuzz/run` builds the same functions into a fuzzer; the test `replay` runs them on their seeds and on every input that once broke one.
//!
//! | module | what it holds |
//! |---|---|
//! | [`target`] | what a target is, and the memory that it may take |
//! | [`edits`] | changes to a message that was valid |
//! | [`seeds`] | files of this repository, to begin with |
//! | [`targets`] | the targets, by where their bytes come from |

pub mod edits;
pub mod seeds;
pub mod target;
pub mod targets;

pub use target::{Memory, Target};
pub use targets::all;
