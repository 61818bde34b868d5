//! Workloads, and a result record that says exactly what was measured.
//!
//! What is measured is what ships: real processes, TLS, fresh seeds, zero shares, every check. No switch exists that
//! only a benchmark uses.
//!
//! | module | what it holds |
//! |---|---|
//! | [`record`] | the record, as JSON |
//! | [`machine`] | what it was measured on |
//! | [`limits`] | what this machine can do at best: bytes moved, operations done |
//! | [`workload`] | rows, where none were given |
//! | [`measure`] | latencies of one deployment at one batch size |

pub mod limits;
pub mod machine;
pub mod measure;
pub mod record;
pub mod workload;
