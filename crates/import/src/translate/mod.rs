//! Other formats become ONNX nodes in memory, so that operators are lowered in one place. What the formats share stands here:
//! the nodes while they are written down, and the operators that mean the same in all of them.

pub(crate) mod apart;
pub(crate) mod attribute;
mod draft;
pub(crate) mod image;
mod joining;
pub(crate) mod pad;
mod prune;
mod ranks;
mod shapes;
mod simple;
pub(crate) mod slices;
#[cfg(test)]
mod tests;

pub(crate) use draft::{Draft, Name};

use crate::source::Obstacle;

/// The names of an operator's results.
pub(crate) type Translated = Result<Vec<Name>, Obstacle>;

/// The version of ONNX's operators that translations are written in.
pub(crate) const OPSET: i64 = 20;

/// Wraps the one result that most operators have.
#[allow(clippy::unnecessary_wraps)] // it is what a translation ends with
pub(crate) fn one(name: Name) -> Translated {
    Ok(vec![name])
}
