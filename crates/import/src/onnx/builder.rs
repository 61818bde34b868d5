//! The graph while it grows, the values behind the names, and what was found wrong so far.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use privet_model::graph::{Graph, Labels, NodeId, Op, Origin, Port};
use privet_model::{Problem, Problems, Refusal};

use super::call::{Call, Stop};
use super::names::node_name;
use super::opset::{ONNX, Opsets, domain_of};
use super::tensor::Constant;
use super::value::Value;
use crate::error::ImportError;
use crate::onnx_proto::NodeProto;
use crate::ops;

/// Values that even the smallest file may need: room for broadcast constants.
const FREE_VALUES: usize = 1 << 22;
/// Values per byte of the file: a weight of 4 bytes may be used some 16 times, and is read and kept at each.
const VALUES_PER_BYTE: usize = 8;
/// Nobody reads more; a hostile file could name one problem for each two of its bytes.
const MAX_PROBLEMS: usize = 10_000;

/// Collects the graph. Names are borrowed from the file.
pub(crate) struct Builder<'a> {
    pub(crate) graph: Graph,
    pub(crate) opsets: Opsets<'a>,
    /// The number of rows, where the file fixes it.
    pub(crate) batch: Option<i64>,
    values: HashMap<&'a str, Value>,
    wanted: HashSet<&'a str>,
    problems: Vec<Problem>,
    budget: usize,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(opsets: Opsets<'a>, wanted: HashSet<&'a str>, file_len: usize) -> Self {
        let budget = file_len.saturating_mul(VALUES_PER_BYTE).max(FREE_VALUES);
        let (values, problems) = (HashMap::new(), Vec::new());
        Self { graph: Graph::new(Vec::new()), opsets, batch: None, values, wanted, problems, budget }
    }

    /// Starts the graph with these inputs: input `i` is node `i`.
    pub(crate) fn start(&mut self, inputs: Vec<Port>) {
        self.graph = Graph::new(inputs);
    }

    pub(crate) fn define(&mut self, name: &'a str, value: Value) {
        self.values.insert(name, value);
    }

    pub(crate) fn define_constant(&mut self, name: &'a str, constant: Constant) {
        self.define(name, Value::Constant(Rc::new(constant)));
    }

    /// The value of a name. All names were checked, so a missing one is one that failed.
    pub(crate) fn value(&self, name: &str) -> Value {
        self.values.get(name).cloned().unwrap_or(Value::Unknown)
    }

    pub(crate) fn is_constant(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::Constant(_)))
    }

    /// Whether some node or the caller uses this value.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.wanted.contains(name)
    }

    pub(crate) fn report(&mut self, origin: Origin, reason: String, hint: String) {
        if self.problems.len() >= MAX_PROBLEMS {
            return;
        }
        let Origin { node, op } = origin;
        self.problems.push(Problem { node, op, reason, hint });
    }

    /// Lowers one node; what stands in the way is noted and its outputs become unknown.
    pub(crate) fn lower(&mut self, node: &'a NodeProto) -> Result<(), Refusal> {
        let outputs = match self.outputs_of(node) {
            Ok(outputs) => outputs,
            Err(Stop::Refused(refusal)) => return Err(refusal),
            Err(Stop::Unknown) => Vec::new(),
            Err(Stop::Problem { reason, hint }) => {
                self.report(origin_of(node), reason, hint);
                Vec::new()
            }
        };
        let values = outputs.into_iter().chain(std::iter::repeat(Value::Unknown));
        for (name, value) in node.output.iter().zip(values).filter(|(name, _)| !name.is_empty()) {
            self.define(name, value);
        }
        Ok(())
    }

    fn outputs_of(&mut self, node: &'a NodeProto) -> Result<Vec<Value>, Stop> {
        let lowering = ops::find(domain_of(&node.domain), &node.op_type)?;
        let inputs: Vec<_> =
            node.input.iter().map(|name| (!name.is_empty()).then(|| self.value(name))).collect();
        if inputs.iter().any(|input| matches!(input, Some(Value::Unknown))) {
            return Err(Stop::Unknown);
        }
        lowering(&mut Call { node, inputs, builder: self })
    }

    /// Adds a node, if the file is large enough to need it.
    pub(crate) fn emit(&mut self, op: Op, inputs: Vec<NodeId>, origin: Origin) -> Result<NodeId, Stop> {
        let widths = inputs.iter().map(|&id| self.graph.width(id)).fold(0_usize, usize::saturating_add);
        self.charge(size(&op).saturating_add(widths).saturating_add(origin.node.len() / 8))?;
        if !is_finite(&op) {
            return Err(Stop::problem(
                "Its constants overflow when they are combined.",
                "Rescale the columns.",
            ));
        }
        self.graph.add(op, inputs, origin).map_err(|reason| Stop::problem(reason + ".", ""))
    }

    /// Takes this many values from the budget.
    pub(crate) fn charge(&mut self, values: usize) -> Result<(), Stop> {
        match self.budget.checked_sub(values.saturating_add(1)) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(Stop::Refused(Refusal::new(
                "E208",
                "The model repeats its weights or columns more often than a file of this size should need; export \
                 it with every weight used once.",
            ))),
        }
    }

    pub(crate) fn finish(self) -> Result<Graph, ImportError> {
        if self.problems.is_empty() { Ok(self.graph) } else { Err(Problems(self.problems).into()) }
    }
}

/// Where a node came from, for messages.
pub(crate) fn origin_of(node: &NodeProto) -> Origin {
    let domain = domain_of(&node.domain);
    let op = if domain == ONNX { node.op_type.clone() } else { format!("{domain}.{}", node.op_type) };
    Origin { node: node_name(node).into(), op }
}

fn is_finite(op: &Op) -> bool {
    let all = |values: &[f64]| values.iter().all(|x| x.is_finite());
    match op {
        Op::Affine { scale, shift } => all(scale) && all(shift),
        Op::Linear { weights, bias } | Op::Conv { weights, bias, .. } => all(weights) && all(bias),
        Op::Constant(values) => all(values),
        _ => true,
    }
}

/// Values that an operation holds, text counted by its bytes.
fn size(op: &Op) -> usize {
    let labels = |labels: &Labels| match labels {
        Labels::Int(v) => v.len(),
        Labels::Text(v) => v.iter().map(|text| 4 + text.len() / 8).sum(),
    };
    match op {
        Op::Affine { scale, shift } => scale.len() + shift.len(),
        Op::Linear { weights, bias } | Op::Conv { weights, bias, .. } => weights.len() + bias.len(),
        Op::Impute { fill, .. } => fill.len(),
        Op::OneHot { levels, .. } => labels(levels),
        Op::Label(l) => labels(l),
        Op::Select(indices) => indices.len(),
        Op::Constant(values) => values.len(),
        Op::Reduce { windows, .. } => windows.places() + windows.0.len(),
        Op::Trees(trees) => {
            4 * (trees.branches.len() + trees.leaves.len() + trees.roots.len()) + trees.base.len()
        }
        Op::Input(_)
        | Op::Concat
        | Op::Normalize(_)
        | Op::Map(_)
        | Op::Softmax { .. }
        | Op::ArgMax { .. }
        | Op::Add
        | Op::Multiply
        | Op::Divide
        | Op::MatMul(_)
        | Op::Compare(_)
        | Op::Choose => 0,
    }
}
