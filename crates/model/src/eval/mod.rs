//! The reference: a graph evaluated node by node, in float64, exactly as its operations are defined. Slow and plain on
//! purpose; everything faster is compared with it.

mod category;
mod columns;
mod numbers;
mod products;

use crate::Refusal;
use crate::graph::{Function, Graph, Node, Op, Port};
use crate::tensor::{Data, DataType, Tensor};

pub(crate) use category::level_of_number;
pub use numbers::{greatest, normalize, softmax};

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
    let (last, masks) = (last_uses(graph), has_masks(graph));
    let mut values: Vec<Value> = Vec::with_capacity(graph.nodes.len());
    for (at, node) in graph.nodes.iter().enumerate() {
        let value = if let Op::Input(i) = node.op {
            input_value(&inputs[i])
        } else {
            check_operands(graph, node, &values, masks)?;
            Operands { graph, node, values: &values, rows }.apply()?
        };
        values.push(value);
        for id in node.inputs.iter().filter(|id| last[id.0] == at) {
            values[id.0] = Value::Num(Vec::new());
        }
    }
    Ok(graph.outputs.iter().map(|(port, id)| output_tensor(port, &values[id.0], rows)).collect())
}

/// The values of all nodes of a graph that has no inputs.
pub fn constants(graph: &Graph) -> Result<Vec<Value>, Refusal> {
    let mut values: Vec<Value> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let value = Operands { graph, node, values: &values, rows: 1 }.apply()?;
        values.push(value);
    }
    Ok(values)
}

/// For each node the last one that uses it; none, where it is an output.
fn last_uses(graph: &Graph) -> Vec<usize> {
    let mut last = vec![usize::MAX; graph.nodes.len()];
    for (at, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|id| last[id.0] = at);
    }
    graph.outputs.iter().for_each(|(_, id)| last[id.0] = usize::MAX);
    last
}

/// Past these operations nobody could see any more that a value was missing or beyond float64: a label would come out. Where a
/// model has infinite constants, these are masks: what they hide has no weight in a softmax.
fn check_operands(graph: &Graph, node: &Node, values: &[Value], masks: bool) -> Result<(), Refusal> {
    let hides = matches!(
        node.op,
        Op::Map(Function::Sigmoid)
            | Op::Softmax { .. }
            | Op::LogSoftmax { .. }
            | Op::Label(_)
            | Op::ArgMax { .. }
    );
    if !hides {
        return Ok(());
    }
    let masks = masks && matches!(node.op, Op::Softmax { .. } | Op::LogSoftmax { .. });
    let is_fine = |x: &f64| x.is_finite() || (masks && *x == f64::NEG_INFINITY);
    for id in &node.inputs {
        let Value::Num(numbers) = &values[id.0] else { continue };
        if let Some(at) = numbers.iter().position(|x| !is_fine(x)) {
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

fn has_masks(graph: &Graph) -> bool {
    let infinite = |node: &Node| matches!(&node.op, Op::Constant(v) if v.iter().any(|x| x.is_infinite()));
    graph.nodes.iter().any(infinite)
}

/// Whether the tensors are those that the ports ask for; the number of rows, which they must share.
pub fn check_inputs(ports: &[Port], inputs: &[Tensor]) -> Result<usize, Refusal> {
    let refuse = |message: String| Err(Refusal::new("E101", message));
    if ports.len() != inputs.len() {
        return refuse(format!("Expected {} inputs, got {}.", ports.len(), inputs.len()));
    }
    let rows = inputs.first().map_or(1, |t| t.rows);
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

/// A node and what it is applied to.
struct Operands<'a> {
    graph: &'a Graph,
    node: &'a Node,
    values: &'a [Value],
    rows: usize,
}

impl Operands<'_> {
    /// Operand `i`, and its values per row.
    fn get(&self, i: usize) -> Result<(&Value, usize), Refusal> {
        let missing = || Refusal::new("E102", "A node of the model takes more values than it was given.");
        let id = self.node.inputs.get(i).ok_or_else(missing)?;
        Ok((self.values.get(id.0).ok_or_else(missing)?, self.graph.width(*id)))
    }

    fn numbers(&self, i: usize) -> Result<Vec<f64>, Refusal> {
        self.get(i).map(|(value, _)| value.numbers())
    }

    fn apply(&self) -> Result<Value, Refusal> {
        match &self.node.op {
            Op::Concat => return Ok(columns::concat(self.graph, &self.node.inputs, self.values, self.rows)),
            Op::Constant(values) => return Ok(Value::Num(values.repeat(self.rows))),
            _ => {}
        }
        let (x, n) = self.get(0)?;
        Ok(match &self.node.op {
            Op::Select(indices) => columns::select(x, n, indices),
            Op::OneHot { levels, unknown_is_zeros } => category::one_hot(x, levels, *unknown_is_zeros)?,
            Op::Label(labels) => category::label(&x.numbers(), labels),
            Op::ArgMax { group } => numbers::arg_max(&x.numbers(), *group),
            op => Value::Num(self.calculate(op, x.numbers(), n)?),
        })
    }

    /// What numbers give numbers.
    fn calculate(&self, op: &Op, x: Vec<f64>, n: usize) -> Result<Vec<f64>, Refusal> {
        Ok(match op {
            Op::Affine { scale, shift } => numbers::per_column(x, n, |j, v| scale[j] * v + shift[j]),
            Op::Impute { fill, missing } => {
                numbers::per_column(x, n, |j, v| if missing.is(v) { fill[j] } else { v })
            }
            Op::Map(function) => numbers::per_column(x, n, |_, v| function.at(v)),
            Op::Normalize(norm) => numbers::by_groups(x, n, |row| normalize(*norm, row)),
            Op::Softmax { group } => numbers::by_groups(x, *group, softmax),
            Op::LogSoftmax { group } => numbers::by_groups(x, *group, numbers::log_softmax),
            Op::Add => numbers::pairs(&x, &self.numbers(1)?, |a, b| a + b),
            Op::Multiply => numbers::pairs(&x, &self.numbers(1)?, |a, b| a * b),
            Op::Divide => numbers::pairs(&x, &self.numbers(1)?, |a, b| a / b),
            Op::Compare(c) => numbers::pairs(&x, &self.numbers(1)?, |a, b| f64::from(c.holds(a, b))),
            Op::Choose => numbers::choose(&x, &self.numbers(1)?, &self.numbers(2)?),
            Op::Linear { weights, bias } => products::linear(&x, n, weights, bias),
            Op::Conv { conv, weights, bias } => products::convolve(&x, conv, weights, bias),
            Op::MatMul(shape) => products::multiply(&x, &self.numbers(1)?, shape, self.rows),
            Op::Reduce { reduce, windows } => numbers::reduce(&x, n, *reduce, windows),
            Op::Trees(trees) => x.chunks_exact(n.max(1)).flat_map(|row| trees.evaluate(row)).collect(),
            Op::Input(_)
            | Op::Constant(_)
            | Op::Concat
            | Op::Select(_)
            | Op::OneHot { .. }
            | Op::Label(_)
            | Op::ArgMax { .. } => x,
        })
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
