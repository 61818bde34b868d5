//! Workloads, and a result record that says exactly what was measured.
//!
//! What is measured is what ships: real processes, TLS, fresh seeds, zero shares, every check. No switch exists that
//! only a benchmark uses.
//!
//! | module | what it holds |
//! |---|---|
//! | [`record`] | the record, as JSON |
//! | [`machine`] | what it was measured on |
//! | [`process`] | processor time and memory of a role |
//! | [`limits`] | what this machine can do at best: bytes moved, operations done |
//! | [`networks`] | what lies between the roles |
//! | [`synthetic`] | rows, where none were given |
//! | [`workload`] | a model, rows to ask about, and the right answers |
//! | [`subject`] | a deployment that is measured |
//! | [`measure`] | latencies of several deployments, in turn |
//! | [`report`] | pages, plots and comparisons made of records |
//! | [`run`] | a whole benchmark: places one after the other, saved and resumed |
//! | [`traffic`] | many clients at once, each answer judged |

pub mod limits;
pub mod machine;
pub mod measure;
pub mod networks;
pub mod process;
pub mod record;
pub mod report;
pub mod run;
pub mod subject;
pub mod synthetic;
pub mod traffic;
pub mod workload;
