//! One file for each command.

pub(crate) mod cluster;
pub(crate) mod features;
