//! What programs compute, written once over any [`Protocol`](crate::protocols::protocol::Protocol): whole tensors at a time,
//! plans made before and the same for every party.
//!
//! Plans are made by one machine and handed to all: they hold what was fitted in float64, whose last bits are not the same
//! everywhere.
//!
//! | module | what it holds |
//! |---|---|
//! | [`extremes`] | greatest and least, where it is, absolute value, clipping |
//! | [`smooth`] | a smooth function on an interval, and beyond it where it levels off |
//! | [`normal`] | reciprocal, quotient, square root over many orders of magnitude |
//! | [`softmax`] | normalised exponentials |

pub mod extremes;
pub mod normal;
pub mod smooth;
pub mod softmax;

pub use privet_model::approx::Format;
