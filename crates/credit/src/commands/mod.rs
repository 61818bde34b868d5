//! One file for each command.

pub(crate) mod cluster;
pub(crate) mod demo;
pub(crate) mod features;
pub(crate) mod prepare;
mod scores;
pub(crate) mod synth;
pub(crate) mod train;
