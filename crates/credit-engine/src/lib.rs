//! The query engine of the reference workload: which files the eight tables are, and SQL over them, in this process or on a
//! cluster.
//!
//! It is a crate of its own, and its calls return boxed futures, so that the engine, much of which is generic, is compiled
//! here once and not again with every change of the program that uses it.

pub mod cluster;
mod failure;
mod observed;
mod register;
mod session;
pub mod tables;

use std::pin::Pin;

pub use failure::Failure;
pub use observed::Observer;
pub use session::{Engine, Resources, Rows, Session};

/// What a call gives in the end.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;
