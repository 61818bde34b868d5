//! What classical models do with their scores at the end, as ONNX Runtime does it.

use privet_model::graph::{Comparison, Function, NodeId, Op, Reduce, Windows};

use crate::onnx::{Call, Stop};

/// The names of all of them.
pub(super) const POSTS: &[&str] = &["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"];

/// The scores of a row after the transform of this name.
pub(super) fn transformed(
    call: &mut Call<'_, '_>,
    id: NodeId,
    post: &str,
    width: usize,
) -> Result<NodeId, Stop> {
    match post {
        "PROBIT" => call.emit(Op::Map(Function::Probit), id),
        // The runtime leaves a single score as it is, but for the one above.
        _ if width == 1 => Ok(id),
        "LOGISTIC" => call.emit(Op::Map(Function::Sigmoid), id),
        "SOFTMAX" => call.emit(Op::Softmax { group: width }, id),
        "SOFTMAX_ZERO" => softmax_zero(call, id, width),
        _ => Ok(id),
    }
}

/// A softmax of those scores that are not 0, which stay 0.
fn softmax_zero(call: &mut Call<'_, '_>, x: NodeId, width: usize) -> Result<NodeId, Stop> {
    let all = || Windows(vec![(0..width).collect()]);
    let size = call.emit(Op::Map(Function::Abs), x)?;
    let tiny = call.fixed(vec![1e-7; width])?;
    let counts = call.emit_many(Op::Compare(Comparison::Less), vec![tiny, size])?;
    let greatest = call.emit(Op::Reduce { reduce: Reduce::Max, windows: all() }, x)?;
    let below = Op::Linear { weights: vec![-1.0; width], bias: vec![0.0; width] };
    let below = call.emit(below, greatest)?;
    let below = call.emit_many(Op::Add, vec![x, below])?;
    let exp = call.emit(Op::Map(Function::Exp), below)?;
    let kept = call.emit_many(Op::Multiply, vec![counts, exp])?;
    let sum = call.emit(Op::Reduce { reduce: Reduce::Sum, windows: all() }, kept)?;
    let sum = call.emit(Op::Select(vec![0; width]), sum)?;
    call.emit_many(Op::Divide, vec![kept, sum])
}
