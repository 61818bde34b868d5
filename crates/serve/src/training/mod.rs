//! Training in private: a party's role, and an owner's way to the parties.
//!
//! | module | what it holds |
//! |---|---|
//! | `file` | `training.toml` |
//! | [`trainer`] | the role of a party |
//! | `folder` | what it keeps on its disk |
//! | [`owner`] | an owner, who gives rows and may get the model |
//! | [`lead`] | the owner who drives |
//! | [`here`] | all parties on this machine |

mod file;
mod folder;
pub mod here;
pub mod lead;
pub mod owner;
pub mod trainer;

pub use file::read_agreement;
