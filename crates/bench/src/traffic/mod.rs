//! Many clients at once: what they ask, whether they are answered rightly, and how long that takes.
//!
//! | module | what it holds |
//! |---|---|
//! | [`question`] | a deployment's rows with the right answers, and how an answer is judged |
//! | [`soak`] | clients that ask anything of any deployment, for hours |
//! | [`load`] | clients that ask one deployment, at one rate after the other |
//! | [`latency`] | percentiles, and refusals by code |
//! | [`curve`] | what [`load`] measured, as a table and as a plot |
//!
//! The programs are `examples/soak.rs` and `examples/load.rs`; `bench/soak.py` and `bench/load.py` start what they ask.

pub mod curve;
pub mod latency;
pub mod load;
pub mod question;
pub mod soak;

/// Lets this process have as many open files as the system allows it: each client has sockets of its own.
pub fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
