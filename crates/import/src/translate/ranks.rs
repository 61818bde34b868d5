//! How many dimensions values have, as far as it follows from the nodes: some translations depend on it.

use super::Draft;
use crate::onnx_proto::NodeProto;

/// Of the result of the node that was just written down; `None` where it does not follow.
pub(super) fn rank_of(draft: &Draft, op: &str, inputs: &[&str], name: &str) -> Option<usize> {
    let rank = |i: usize| draft.rank(inputs.get(i)?);
    let axes = || Some(listed(draft, inputs.get(1)?)?.len());
    match op {
        "Reshape" | "Expand" => length(draft, inputs.get(1)?),
        "Shape" | "Range" => Some(1),
        "Gemm" => Some(2),
        "Squeeze" => rank(0)?.checked_sub(axes()?),
        "Unsqueeze" => Some(rank(0)? + axes()?),
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL2" => {
            if keeps(draft.maker(name)?) { rank(0) } else { rank(0)?.checked_sub(axes()?) }
        }
        "ArgMax" | "ArgMin" => {
            if keeps(draft.maker(name)?) {
                rank(0)
            } else {
                rank(0)?.checked_sub(1)
            }
        }
        "Gather" => (rank(0)? + rank(1)?).checked_sub(1),
        "Einsum" => None,
        // Results have the shape of what they are made of: joined, where there is more than one.
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Max" | "Min" | "Less" | "LessOrEqual" | "Greater"
        | "GreaterOrEqual" | "Equal" | "And" | "Or" | "Where" | "MatMul" => {
            (0..inputs.len()).map(rank).try_fold(0, |most, rank| Some(most.max(rank?)))
        }
        _ => rank(0),
    }
}

fn keeps(node: &NodeProto) -> bool {
    node.attribute.iter().find(|a| a.name == "keepdims").and_then(|a| a.i) != Some(0)
}

fn listed(draft: &Draft, name: &str) -> Option<Vec<i64>> {
    draft.ints_of(name)
}

/// How many values a list has: a constant's, or as many as were packed.
fn length(draft: &Draft, name: &str) -> Option<usize> {
    if let Some(tensor) = draft.tensor_of(name) {
        return tensor.dims.first().and_then(|&n| usize::try_from(n).ok());
    }
    let maker = draft.maker(name)?;
    let single = |name: &String| match draft.maker(name) {
        Some(part) => part.op_type == "Unsqueeze" && draft.rank(name) == Some(1),
        None => draft.tensor_of(name).is_some_and(|t| t.dims == [1]),
    };
    (maker.op_type == "Concat" && maker.input.iter().all(single)).then_some(maker.input.len())
}
