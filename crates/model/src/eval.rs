//! The reference: a graph evaluated node by node, in float64, exactly as its operations are defined. Slow and plain on
//! purpose; everything faster is compared with it.

use crate::Refusal;
use crate::graph::{Graph, Labels, Missing, Node, NodeId, Norm, Op, Port};
use crate::tensor::{Data, DataType, Tensor};

/// The value of one node for some rows, row-major.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Numbers.
    Num(Vec<f64>),
    /// Whole numbers: integer inputs and integer labels, exact beyond 2^53.
    Int(Vec<i64>),
    /// Text.
    Text(Vec<String>),
}

impl Value {
    fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Num(v) => v.clone(),
            Self::Int(v) => v.iter().map(|&x| x as f64).collect(),
            Self::Text(v) => vec![f64::NAN; v.len()],
        }
    }
}

/// All outputs of `graph` for these inputs, in the order of [`Graph::outputs`].
pub fn evaluate(graph: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>, Refusal> {
    let rows = check_inputs(&graph.inputs, inputs)?;
    let mut values: Vec<Value> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let value = if let Op::Input(i) = node.op {
            input_value(&inputs[i])
        } else {
            check_operands(graph, node, &values)?;
            apply(graph, node, &values, rows)?
        };
        values.push(value);
    }
    Ok(graph.outputs.iter().map(|(port, id)| output_tensor(port, &values[id.0], rows)).collect())
}

/// Past these operations nobody could see any more that a value was missing or beyond float64: a label would come out.
fn check_operands(graph: &Graph, node: &Node, values: &[Value]) -> Result<(), Refusal> {
    if !matches!(node.op, Op::Sigmoid | Op::Softmax | Op::Label(_)) {
        return Ok(());
    }
    for id in &node.inputs {
        let Value::Num(numbers) = &values[id.0] else { continue };
        if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
            let (row, name) = (at / graph.width(*id).max(1) + 1, &node.origin.node);
            return Err(Refusal::new(
                "E104",
                format!(
                    "Row {row} has a missing or infinite value where `{name}` needs a number. Fill it before asking."
                ),
            ));
        }
    }
    Ok(())
}

/// Whether the tensors are those that the ports ask for; the number of rows, which they must share.
pub fn check_inputs(ports: &[Port], inputs: &[Tensor]) -> Result<usize, Refusal> {
    let refuse = |message: String| Err(Refusal::new("E101", message));
    if ports.len() != inputs.len() {
        return refuse(format!("Expected {} inputs, got {}.", ports.len(), inputs.len()));
    }
    let rows = inputs.first().map_or(0, |t| t.rows);
    for (port, tensor) in ports.iter().zip(inputs) {
        let name = &port.name;
        if tensor.width != port.width || tensor.rows * tensor.width != tensor.data.len() {
            let (expected, got) = (port.width, tensor.width);
            return refuse(format!("Input `{name}` has {expected} values per row; {got} came."));
        }
        if tensor.rows != rows {
            return refuse(format!("Input `{name}` has {} rows where the first has {rows}.", tensor.rows));
        }
        if std::mem::discriminant(&tensor.data) != std::mem::discriminant(&Data::empty(port.dtype)) {
            return refuse(format!("Input `{name}` must be {}.", port.dtype.name()));
        }
    }
    Ok(rows)
}

fn input_value(tensor: &Tensor) -> Value {
    match &tensor.data {
        Data::I64(v) => Value::Int(v.clone()),
        Data::Text(v) => Value::Text(v.clone()),
        Data::F32(v) => Value::Num(v.iter().map(|&x| f64::from(x)).collect()),
        Data::F64(v) => Value::Num(v.clone()),
    }
}

fn apply(graph: &Graph, node: &Node, values: &[Value], rows: usize) -> Result<Value, Refusal> {
    let Some(&first) = node.inputs.first() else { return Ok(Value::Num(Vec::new())) };
    let (x, n) = (&values[first.0], graph.width(first));
    Ok(match &node.op {
        Op::Concat => concat(graph, &node.inputs, values, rows),
        Op::Select(indices) => select(x, n, indices),
        Op::OneHot { levels, unknown_is_zeros } => one_hot(x, levels, *unknown_is_zeros)?,
        Op::Label(labels) => label(&x.numbers(), labels),
        Op::Affine { scale, shift } => per_value(x, n, |j, v| scale[j] * v + shift[j]),
        Op::Linear { weights, bias } => linear(&x.numbers(), n, weights, bias),
        Op::Impute { fill, missing } => impute(x, n, fill, *missing),
        Op::Normalize(norm) => rowwise(x, n, |row| normalize(*norm, row)),
        Op::Sigmoid => per_value(x, n, |_, v| sigmoid(v)),
        Op::Softmax => rowwise(x, n, softmax),
        Op::Input(_) => x.clone(),
    })
}

fn per_value(x: &Value, n: usize, f: impl Fn(usize, f64) -> f64) -> Value {
    Value::Num(x.numbers().iter().enumerate().map(|(i, &v)| f(i % n, v)).collect())
}

fn rowwise(x: &Value, n: usize, f: impl Fn(&mut [f64])) -> Value {
    let mut out = x.numbers();
    out.chunks_exact_mut(n.max(1)).for_each(f);
    Value::Num(out)
}

fn impute(x: &Value, n: usize, fill: &[f64], missing: Missing) -> Value {
    per_value(x, n, |j, v| if missing.is(v) { fill[j] } else { v })
}

fn linear(x: &[f64], n: usize, weights: &[f64], bias: &[f64]) -> Value {
    let row_of = |row: &[f64]| -> Vec<f64> {
        let dot = |w: &[f64]| row.iter().zip(w).map(|(a, b)| a * b).sum::<f64>();
        weights.chunks_exact(n).zip(bias).map(|(w, b)| dot(w) + b).collect()
    };
    Value::Num(x.chunks_exact(n.max(1)).flat_map(row_of).collect())
}

fn one_hot(x: &Value, levels: &Labels, unknown_is_zeros: bool) -> Result<Value, Refusal> {
    if let Value::Num(v) = x
        && let Some(row) = v.iter().position(|x| !x.is_finite())
    {
        let row = row + 1;
        return Err(Refusal::new("E104", format!("Row {row} has a category that is missing or infinite.")));
    }
    let found: Vec<Option<usize>> = match (x, levels) {
        (Value::Text(v), Labels::Text(l)) => v.iter().map(|x| l.iter().position(|l| l == x)).collect(),
        (Value::Int(v), Labels::Int(l)) => v.iter().map(|x| l.iter().position(|l| l == x)).collect(),
        (Value::Num(v), Labels::Int(l)) => v.iter().map(|&x| level_of_number(x, l)).collect(),
        _ => {
            return Err(Refusal::new(
                "E103",
                "Text came where a category has numbers, or the other way round.",
            ));
        }
    };
    let unknown = (!unknown_is_zeros).then(|| found.iter().position(Option::is_none)).flatten();
    if let Some(row) = unknown {
        return Err(Refusal::new(
            "E104",
            format!("Row {} has a category that the model does not know.", row + 1),
        ));
    }
    let hot =
        |found: &Option<usize>| (0..levels.len()).map(|l| f64::from(*found == Some(l))).collect::<Vec<_>>();
    Ok(Value::Num(found.iter().flat_map(hot).collect()))
}

/// Exporters cast a float category to an integer first, which drops its fraction.
#[allow(clippy::float_cmp)] // both are whole numbers
pub(crate) fn level_of_number(x: f64, levels: &[i64]) -> Option<usize> {
    levels.iter().position(|&level| level as f64 == x.trunc())
}

fn label(x: &[f64], labels: &Labels) -> Value {
    let classes = x.chunks_exact(labels.len().max(1)).map(greatest);
    match labels {
        Labels::Int(l) => Value::Int(classes.map(|c| l[c]).collect()),
        Labels::Text(l) => Value::Text(classes.map(|c| l[c].clone()).collect()),
    }
}

/// Index of the greatest value, the first of equals.
pub fn greatest(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}

fn select(x: &Value, n: usize, indices: &[usize]) -> Value {
    fn pick<T: Clone>(v: &[T], n: usize, indices: &[usize]) -> Vec<T> {
        v.chunks_exact(n.max(1)).flat_map(|row| indices.iter().map(|&i| row[i].clone())).collect()
    }
    match x {
        Value::Num(v) => Value::Num(pick(v, n, indices)),
        Value::Int(v) => Value::Int(pick(v, n, indices)),
        Value::Text(v) => Value::Text(pick(v, n, indices)),
    }
}

fn concat(graph: &Graph, inputs: &[NodeId], values: &[Value], rows: usize) -> Value {
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

/// `1/(1+e^(-x))`, without overflow on either side.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// The row's softmax, in place.
pub fn softmax(row: &mut [f64]) {
    let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for x in row.iter_mut() {
        *x = (*x - greatest).exp();
    }
    let sum: f64 = row.iter().sum();
    for x in row {
        *x /= sum;
    }
}

/// The row at unit length, in place; a row of length 0 stays. The largest *value* counts for [`Norm::Max`], sign and
/// all, as ONNX Runtime has it.
pub fn normalize(norm: Norm, row: &mut [f64]) {
    let length: f64 = match norm {
        Norm::Max => row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Norm::L1 => row.iter().map(|x| x.abs()).sum(),
        Norm::L2 => row.iter().map(|x| x * x).sum::<f64>().sqrt(),
    };
    if length != 0.0 {
        for x in row {
            *x /= length;
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // to the output's own, narrower type, as the model is defined
fn output_tensor(port: &Port, value: &Value, rows: usize) -> Tensor {
    let data = match (port.dtype, value) {
        (DataType::Bytes, Value::Text(v)) => Data::Text(v.clone()),
        (DataType::Bytes, Value::Int(v)) => Data::Text(v.iter().map(ToString::to_string).collect()),
        (DataType::Int64 | DataType::Int32 | DataType::Bool, Value::Int(v)) => Data::I64(v.clone()),
        (DataType::Int64 | DataType::Int32 | DataType::Bool, v) => {
            Data::I64(v.numbers().iter().map(|&x| x as i64).collect())
        }
        (DataType::Fp64, v) => Data::F64(v.numbers()),
        (_, v) => Data::F32(v.numbers().iter().map(|&x| x as f32).collect()),
    };
    Tensor { rows, width: port.width, data }
}
