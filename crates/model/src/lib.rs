//! What a model *is*: a small closed typed graph, its exact reference evaluation, the cut into client head,
//! private core and client tail, and the numeric plan that every kind obeys.
//!
//! | module | what it holds |
//! |---|---|
//! | [`training`] | training by mini-batches: recipe, numbers, a step in float64 |
//! | [`tensor`] | rows of values, as they come in and go out |
//! | [`graph`] | [`Graph`](graph::Graph), the closed set of [`Op`](graph::Op)s, and where each node came from |
//! | [`eval`] | the reference: node by node, in float64 |
//! | [`cut`] | folding affine chains, and the three parts of a linear model |
//! | [`head`] | what the client does before anything is sent |
//! | [`tail`] | what the client does with the scores it was given |
//! | [`encode`] | rows to integers, or a refusal by row and feature |
//! | [`series`], [`approx`] | functions that parties approximate, with proven errors |
//! | [`label`] | a model that gives its class and nothing else |
//! | [`private`] | models as programs of private steps |
//! | [`plan`], [`range`] | ranges, fraction bits, wire width and the proven bound |

pub mod approx;
mod bound;
pub mod cut;
pub mod encode;
pub mod error;
pub mod eval;
mod fold;
pub mod graph;
pub mod head;
pub mod label;
pub mod ordinal;
pub mod plan;
pub mod private;
pub mod range;
mod rounded;
pub mod series;
pub mod tail;
pub mod tensor;
pub mod training;

pub use error::{Problem, Problems, Refusal};
