//! Both sides of the `he` kind: rows travel as ciphertexts under the client's own key, and the server computes on them. One round
//! trip, and nobody else.
//!
//! | module | what it holds |
//! |---|---|
//! | [`bundle`] | what the owner hands out: the numbers, and the server's secret half |
//! | [`wire`] | a message, byte by byte |
//! | [`caller`], `ahead` | the client; what it asks ahead of rows |
//! | [`tickets`] | products of masks, asked for ahead, under which rows then travel masked instead of encrypted |
//! | [`host`], [`keys`] | the server, and the clients' keys that it knows |

mod ahead;
pub mod bundle;
pub mod caller;
pub mod host;
pub mod keys;
pub mod tickets;
pub mod wire;

/// What an answer may be believed to have run under.
pub const ASSURANCE: &str = "ciphertexts only";
