//! Columns side by side, and some of them.

use super::Value;
use crate::graph::{Graph, NodeId};

pub(super) fn select(x: &Value, n: usize, indices: &[usize]) -> Value {
    fn pick<T: Clone>(v: &[T], n: usize, indices: &[usize]) -> Vec<T> {
        v.chunks_exact(n.max(1)).flat_map(|row| indices.iter().map(|&i| row[i].clone())).collect()
    }
    match x {
        Value::Num(v) => Value::Num(pick(v, n, indices)),
        Value::Int(v) => Value::Int(pick(v, n, indices)),
        Value::Text(v) => Value::Text(pick(v, n, indices)),
    }
}

pub(super) fn concat(graph: &Graph, inputs: &[NodeId], values: &[Value], rows: usize) -> Value {
    fn join<T: Clone>(parts: &[(&[T], usize)], rows: usize) -> Vec<T> {
        let row = |r: usize| parts.iter().flat_map(move |(v, n)| v[r * n..(r + 1) * n].iter().cloned());
        (0..rows).flat_map(row).collect()
    }
    let of = |id: &NodeId| (&values[id.0], graph.width(*id));
    let texts: Option<Vec<_>> = inputs
        .iter()
        .map(of)
        .map(|(v, n)| if let Value::Text(v) = v { Some((&v[..], n)) } else { None })
        .collect();
    let whole: Option<Vec<_>> = inputs
        .iter()
        .map(of)
        .map(|(v, n)| if let Value::Int(v) = v { Some((&v[..], n)) } else { None })
        .collect();
    let numbers: Vec<_> = inputs.iter().map(of).map(|(v, n)| (v.numbers(), n)).collect();
    match (texts, whole) {
        (Some(parts), _) => Value::Text(join(&parts, rows)),
        (_, Some(parts)) => Value::Int(join(&parts, rows)),
        _ => Value::Num(join(&numbers.iter().map(|(v, n)| (&v[..], *n)).collect::<Vec<_>>(), rows)),
    }
}
