//! What a `SavedModel` says about itself: which of its graphs serves, and what is asked of it.

use std::collections::BTreeMap;

use privet_model::Refusal;

use super::bundle::{Bundle, INDEX};
use super::nodes::{Nodes, broken};
use super::proto::{MetaGraphDef, SavedModel, SignatureDef, TensorInfo};
use super::{Input, Question};
use crate::Load;

/// The signature that exporters give the way that a model is asked by default.
const SERVING: &str = "serving_default";
/// Signatures that exporters add for themselves begin so.
const INTERNAL: &str = "__";

/// The graph that serves, or the only one.
pub(super) fn meta_graph(model: &SavedModel) -> Result<&MetaGraphDef, Refusal> {
    let serves = |meta: &&MetaGraphDef| {
        meta.meta_info_def.as_ref().is_some_and(|info| info.tags.iter().any(|tag| tag == "serve"))
    };
    let only = match &model.meta_graphs[..] {
        [only] => Some(only),
        _ => None,
    };
    model.meta_graphs.iter().find(serves).or(only).ok_or_else(|| {
        let count = model.meta_graphs.len();
        Refusal::new(
            "E203",
            format!("The SavedModel has {count} graphs, none of them for serving; export it again."),
        )
    })
}

pub(super) fn question(meta: &MetaGraphDef, nodes: &mut Nodes<'_>) -> Result<Question, Refusal> {
    let signature = signature(&meta.signature_def)?;
    let mut inputs = Vec::new();
    for (name, TensorInfo { name: tensor, dtype, tensor_shape }) in &signature.inputs {
        let (name, dtype, shape) = (name.clone(), *dtype, tensor_shape.clone());
        inputs.push(Input { name, edge: nodes.value(tensor)?, dtype, shape });
    }
    let mut outputs = Vec::new();
    for (name, info) in &signature.outputs {
        outputs.push((name.clone(), nodes.value(&info.name)?));
    }
    if let Some((name, _)) = outputs.iter().find(|(name, _)| signature.inputs.contains_key(name)) {
        return Err(broken(format!(
            "The signature calls both an input and an output `{name}`; export it with two names."
        )));
    }
    Ok(Question { inputs, outputs })
}

fn signature(all: &BTreeMap<String, SignatureDef>) -> Result<&SignatureDef, Refusal> {
    if let Some(serving) = all.get(SERVING) {
        return Ok(serving);
    }
    let own: Vec<&String> = all.keys().filter(|name| !name.starts_with(INTERNAL)).collect();
    if let [only] = own[..] {
        Ok(&all[only])
    } else {
        let names = own.iter().take(10).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let has =
            if names.is_empty() { "no signature".to_owned() } else { format!("the signatures {names}") };
        Err(broken(format!("The SavedModel has {has}; export it with one, or with `{SERVING}`.")))
    }
}

/// The values of the variables; of a graph that has none, nothing is loaded.
pub(super) fn bundle<'l>(nodes: &Nodes<'_>, load: Option<Load<'l>>) -> Result<Bundle<'l>, Refusal> {
    let is_variable = |op: &str| matches!(op, "VarHandleOp" | "VariableV2" | "Variable");
    if !nodes.list.iter().any(|node| is_variable(node.op())) {
        return Ok(Bundle::empty());
    }
    let refuse =
        |why: &str| Refusal::new("E207", format!("The SavedModel keeps its variables in `{INDEX}`; {why}"));
    let load = load.ok_or_else(|| refuse("give the whole folder."))?;
    let index = load(INDEX).map_err(|why| refuse(&format!("it cannot be read: {why}.")))?;
    Bundle::read(&index, load)
}
