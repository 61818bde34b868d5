//! What an owner of a training does with its own rows, before they are shared and after a model came of them.
//!
//! | module | what it holds |
//! |---|---|
//! | [`preparation`] | how values are filled, clipped and scaled |
//! | [`data`] | rows of a file, prepared and checked |
//! | [`tags`] | keyed tags of identifiers |

pub(crate) mod data;
pub(crate) mod preparation;
pub(crate) mod tags;
