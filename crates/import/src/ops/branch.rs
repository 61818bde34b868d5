//! Branches that are decided before anything is computed.

use crate::onnx::{Call, Lowered, Stop};

/// The branch that a constant condition takes.
pub(super) fn branch(call: &mut Call<'_, '_>) -> Lowered {
    if !call.is_constant(0) {
        return Err(Stop::problem(
            "Its condition depends on the rows.",
            "Export the model without branches, or with fixed shapes, so that the condition is known.",
        ));
    }
    let name = if call.scalar(0)? == 0.0 { "else_branch" } else { "then_branch" };
    let graph = call.node.attribute.iter().find(|a| a.name == name).and_then(|a| a.g.as_deref());
    let graph =
        graph.ok_or_else(|| Stop::problem(format!("It has no `{name}`."), "Export the model again."))?;
    Ok(call.builder.lower_inside(graph)?)
}
