//! Nodes whose inputs are all constants: lowered into a graph of constants, and evaluated at once.

use std::rc::Rc;

use privet_model::eval::{self, constants};
use privet_model::graph::{Graph, NodeId, Op};
use privet_model::tensor::DataType;

use super::builder::Builder;
use super::call::{Call, Stop};
use super::sizes::Sizes;
use super::tensor::{Constant, Elements};
use super::value::{Rows, Value};
use crate::onnx_proto::NodeProto;
use crate::ops::Lowering;

type Inputs = Vec<Option<Value>>;

/// The node's values, if its inputs are nothing but constants; nothing where rows are needed after all.
pub(super) fn fold<'a>(
    builder: &mut Builder<'a>,
    node: &'a NodeProto,
    inputs: &Inputs,
    lowering: Lowering,
) -> Result<Option<Vec<Value>>, Stop> {
    let given = || inputs.iter().flatten();
    // A branch may use rows that are none of the node's inputs.
    if given().next().is_none() || node.attribute.iter().any(|a| a.g.is_some()) {
        return Ok(None);
    }
    if given().all(|value| matches!(value, Value::Constant(_))) {
        return evaluated(builder, node, inputs.clone(), lowering).map(Some);
    }
    if !given().all(|value| matches!(value, Value::Constant(_) | Value::Sizes(_))) {
        return Ok(None);
    }
    let mut tried = Vec::new();
    for sample in 0..3 {
        match evaluated(
            builder,
            node,
            inputs.iter().map(|v| v.as_ref().map(|v| at(v, sample))).collect(),
            lowering,
        ) {
            Ok(values) => tried.push(values),
            Err(Stop::Refused(refusal)) => return Err(Stop::Refused(refusal)),
            Err(_) => return Ok(None),
        }
    }
    Ok(joined(&tried))
}

/// The value for one of the numbers of rows that are tried.
fn at(value: &Value, sample: usize) -> Value {
    match value {
        Value::Sizes(sizes) => Value::Constant(Rc::clone(&sizes.0[sample])),
        other => other.clone(),
    }
}

/// One value of what was found for each number of rows; none where even the shape depends on it.
fn joined(tried: &[Vec<Value>]) -> Option<Vec<Value>> {
    let [first, second, third] = tried else { return None };
    let one = |((a, b), c): ((&Value, &Value), &Value)| {
        let (Value::Constant(a), Value::Constant(b), Value::Constant(c)) = (a, b, c) else { return None };
        if a.dims != b.dims || b.dims != c.dims {
            return None;
        }
        let same = a.data == b.data && b.data == c.data;
        let all = [a, b, c].map(Rc::clone);
        Some(if same { Value::Constant(Rc::clone(a)) } else { Value::Sizes(Rc::new(Sizes(all))) })
    };
    first.iter().zip(second).zip(third).map(one).collect()
}

fn evaluated<'a>(
    builder: &mut Builder<'a>,
    node: &'a NodeProto,
    inputs: Inputs,
    lowering: Lowering,
) -> Result<Vec<Value>, Stop> {
    let outer = std::mem::replace(&mut builder.graph, Graph::new(Vec::new()));
    let lowered = lowering(&mut Call { node, inputs, builder });
    let graph = std::mem::replace(&mut builder.graph, outer);
    let lowered = lowered?;
    let work = graph.nodes.iter().map(|n| work(&graph, &n.op, &n.inputs)).fold(0, usize::saturating_add);
    builder.charge_work(work)?;
    let mut computed = None;
    let mut values = Vec::new();
    for (value, name) in lowered.into_iter().zip(&node.output) {
        let Value::Rows(rows) = value else {
            values.push(value);
            continue;
        };
        if computed.is_none() {
            computed = Some(constants(&graph).map_err(|refusal| Stop::problem(refusal.message, ""))?);
        }
        let found = computed.as_ref().and_then(|all| all.get(rows.id.0));
        values.push(
            found.map_or(Value::Unknown, |found| Value::Constant(Rc::new(constant(name, &rows, found)))),
        );
    }
    Ok(values)
}

#[allow(clippy::cast_possible_truncation)] // whole numbers are whole
fn constant(name: &str, rows: &Rows, value: &eval::Value) -> Constant {
    let whole = rows.is_whole();
    let data = match value {
        eval::Value::Num(v) if whole => Elements::Int(v.iter().map(|&x| x as i64).collect()),
        eval::Value::Num(v) => Elements::Float(v.clone()),
        eval::Value::Int(v) if whole => Elements::Int(v.clone()),
        eval::Value::Int(v) => Elements::Float(v.iter().map(|&x| x as f64).collect()),
        eval::Value::Text(v) => Elements::Text(v.clone()),
    };
    let dtype = if matches!(data, Elements::Text(_)) { DataType::Bytes } else { rows.dtype };
    Constant { name: name.chars().take(200).collect(), dims: rows.dims.clone(), dtype, element: 0, data }
}

/// Multiplications and moves that an operation takes, roughly.
fn work(graph: &Graph, op: &Op, inputs: &[NodeId]) -> usize {
    let wide = inputs.iter().map(|&id| graph.width(id)).fold(1, usize::saturating_add);
    match op {
        Op::Conv { conv, .. } => conv.width_out().saturating_mul(conv.filter_len()),
        Op::MatMul(m) => m.stack.saturating_mul(m.rows).saturating_mul(m.inner).saturating_mul(m.columns),
        Op::Linear { weights, .. } => weights.len(),
        Op::Reduce { windows, .. } => windows.places(),
        _ => wide,
    }
}
