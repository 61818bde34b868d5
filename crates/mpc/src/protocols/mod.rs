//! The protocols. Each is one file that reads as a page of its paper, and one line in [`PROTOCOLS`].

use serde::Serialize;

use crate::protect::Protect;
use crate::role::Role;

pub mod dealer2;
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
    /// Whether P0 is a dealer: it works ahead of time, and no client meets it.
    pub has_dealer: bool,
    /// What it can hide.
    pub protects: &'static [Protect],
    /// Whether a party that cheats is found out.
    pub finds_cheats: bool,
    /// Network round trips between client and parties for a linear model.
    pub linear_rounds: u32,
    /// Bytes between the parties for a linear model.
    pub linear_bytes_between: usize,
}

impl Header {
    /// What a role is called in files and messages.
    pub fn role_name(&self, role: Role) -> String {
        if self.is_dealer(role) { "dealer".into() } else { format!("party-{}", role.index()) }
    }

    /// The command that serves it, after `privet serve`.
    pub fn command(&self, role: Role) -> &'static str {
        if self.is_dealer(role) { "dealer" } else { "party" }
    }

    fn is_dealer(&self, role: Role) -> bool {
        self.has_dealer && role.index() == 0
    }
}

/// All of them; the first is the default.
pub const PROTOCOLS: &[&Header] = &[&replicated3::HEADER, &dealer2::HEADER, &replicated3_malicious::HEADER];

/// The protocol of this name.
pub fn named(name: &str) -> Option<&'static Header> {
    PROTOCOLS.iter().copied().find(|header| header.name == name)
}
