//! The protocols. Each is one file that reads as a page of its paper, and one line in [`PROTOCOLS`].

use serde::Serialize;

pub mod protocol;
pub mod replicated3;
pub mod replicated3_malicious;

/// What a protocol promises and costs. Every claim here is held by a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Header {
    /// As it is written in commands and files.
    pub name: &'static str,
    /// Number of parties.
    pub parties: usize,
    /// What is assumed of them.
    pub corruption: &'static str,
    /// What then holds.
    pub guarantee: &'static str,
    /// Network round trips between client and parties for a linear model.
    pub linear_rounds: u32,
    /// Bytes between the parties for a linear model; where they grow with it, those of one row of one column in the ring 2^64.
    pub linear_bytes_between: usize,
}

/// All of them; the first is the default.
pub const PROTOCOLS: &[&Header] = &[&replicated3::HEADER, &replicated3_malicious::HEADER];
