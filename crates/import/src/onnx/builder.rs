//! The graph while it grows, the values behind the names, and what was found wrong so far.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use privet_model::graph::{Graph, Labels, NodeId, Op, Origin, Port};
use privet_model::{Problem, Problems, Refusal};

use super::call::{Call, Stop};
use super::external::Beside;
use super::fold::fold;
use super::names::{node_name, own_names};
use super::opset::{ONNX, Opsets, domain_of};
use super::ports::Mode;
use super::prune::prune;
use super::tensor;
use super::value::Value;
use crate::error::ImportError;
use crate::onnx_proto::{GraphProto, NodeProto, TensorProto};
use crate::ops;
use crate::source::{Obstacle, Sources};

/// Values that even the smallest file may need: room for broadcast constants.
const FREE_VALUES: usize = 1 << 22;
/// Values per byte of the file: a weight of 4 bytes may be used some 16 times, and is read and kept at each.
const VALUES_PER_BYTE: usize = 8;
/// Multiplications that are spent on constants in any file, and for each byte of one.
const FREE_WORK: usize = 1 << 27;
const WORK_PER_BYTE: usize = 64;
/// Nobody reads more; a hostile file could name one problem for each two of its bytes.
const MAX_PROBLEMS: usize = 10_000;

/// Collects the graph. Names are borrowed from the file.
pub(crate) struct Builder<'a> {
    pub(crate) graph: Graph,
    pub(crate) opsets: Opsets<'a>,
    /// The number of rows, where the file fixes it.
    pub(crate) batch: Option<i64>,
    pub(crate) mode: Mode,
    values: HashMap<&'a str, Value>,
    wanted: HashSet<&'a str>,
    problems: Vec<Problem>,
    budget: usize,
    work: usize,
    pub(crate) beside: &'a Beside<'a>,
    sources: &'a Sources,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(
        opsets: Opsets<'a>,
        wanted: HashSet<&'a str>,
        file_len: usize,
        beside: &'a Beside<'a>,
        sources: &'a Sources,
    ) -> Self {
        let budget = file_len.saturating_mul(VALUES_PER_BYTE).max(FREE_VALUES);
        let work = file_len.saturating_mul(WORK_PER_BYTE).max(FREE_WORK);
        let (values, problems) = (HashMap::new(), Vec::new());
        let graph = Graph::new(Vec::new());
        let (batch, mode) = (None, Mode::Batch);
        Self { graph, opsets, batch, mode, values, wanted, problems, budget, work, beside, sources }
    }

    /// The model has so many bytes more beside the file.
    pub(crate) fn grow(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_add(bytes.saturating_mul(VALUES_PER_BYTE));
        self.work = self.work.saturating_add(bytes.saturating_mul(WORK_PER_BYTE));
    }

    /// Starts the graph with these inputs: input `i` is node `i`.
    pub(crate) fn start(&mut self, inputs: Vec<Port>, mode: Mode) {
        self.graph = Graph::new(inputs);
        self.mode = mode;
    }

    pub(crate) fn define(&mut self, name: &'a str, value: Value) {
        self.values.insert(name, value);
    }

    pub(crate) fn define_weight(&mut self, tensor: &'a TensorProto) -> Result<(), Refusal> {
        let constant = tensor::constant(tensor, &tensor.name, self.beside)?;
        self.define(&tensor.name, Value::Constant(Rc::new(constant)));
        Ok(())
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
                self.report(self.origin_of(node), reason, hint);
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
        let obstacle = self.sources.find(node.output.first()).and_then(|source| source.obstacle.as_ref());
        let lowering = match obstacle {
            Some(_) => None,
            None => Some(ops::find(domain_of(&node.domain), &node.op_type)?),
        };
        let inputs: Vec<_> =
            node.input.iter().map(|name| (!name.is_empty()).then(|| self.value(name))).collect();
        if inputs.iter().any(|input| matches!(input, Some(Value::Unknown))) {
            return Err(Stop::Unknown);
        }
        if let Some(Obstacle { reason, hint }) = obstacle {
            return Err(Stop::problem(reason, hint));
        }
        let lowering = lowering.ok_or(Stop::Unknown)?;
        match fold(self, node, &inputs, lowering)? {
            Some(values) => Ok(values),
            None => lowering(&mut Call { node, inputs, builder: self }),
        }
    }

    /// Lowers the graph of a node, and gives its outputs. Its names end with it.
    pub(crate) fn lower_inside(&mut self, graph: &'a GraphProto) -> Result<Vec<Value>, Refusal> {
        graph.initializer.iter().try_for_each(|tensor| self.define_weight(tensor))?;
        graph.node.iter().try_for_each(|node| self.lower(node))?;
        let outputs = graph.output.iter().map(|output| self.value(&output.name)).collect();
        for name in own_names(graph) {
            self.values.remove(name);
        }
        Ok(outputs)
    }

    /// Adds a node, if the file is large enough to need it.
    pub(crate) fn emit(&mut self, op: Op, inputs: Vec<NodeId>, origin: Origin) -> Result<NodeId, Stop> {
        let (op, inputs) = self.composed(op, inputs);
        let widths = inputs.iter().map(|&id| self.graph.width(id)).fold(0_usize, usize::saturating_add);
        self.charge(size(&op).saturating_add(widths).saturating_add(origin.node.len() / 8))?;
        if !is_finite(&op) {
            return Err(Stop::problem(
                "Its constants overflow when they are combined.",
                "Rescale the columns.",
            ));
        }
        let id = self.graph.add(op, inputs, origin).map_err(|reason| Stop::problem(reason + ".", ""))?;
        // Values that are much wider than what they were made of are paid for as well.
        self.charge(self.graph.width(id))?;
        Ok(id)
    }

    /// A choice among values that were themselves chosen is one choice.
    fn composed(&self, op: Op, inputs: Vec<NodeId>) -> (Op, Vec<NodeId>) {
        if let (Op::Select(outer), &[from]) = (&op, &inputs[..])
            && let Some(node) = self.graph.nodes.get(from.0)
            && let Op::Select(inner) = &node.op
        {
            let both: Option<Vec<usize>> = outer.iter().map(|&i| inner.get(i).copied()).collect();
            if let Some(both) = both {
                return (Op::Select(both), node.inputs.clone());
            }
        }
        (op, inputs)
    }

    /// Where a node came from, for messages: the exporter's own node, if this one stands for it.
    pub(crate) fn origin_of(&self, node: &NodeProto) -> Origin {
        let source = self.sources.find(node.output.first());
        source.map_or_else(|| origin_of(node), |source| source.origin.clone())
    }

    /// Takes this many values from the budget.
    pub(crate) fn charge(&mut self, values: usize) -> Result<(), Stop> {
        spend(&mut self.budget, values)
    }

    /// Takes this many multiplications from what may be spent on constants.
    pub(crate) fn charge_work(&mut self, work: usize) -> Result<(), Stop> {
        spend(&mut self.work, work)
    }

    pub(crate) fn finish(self) -> Result<Graph, ImportError> {
        if self.problems.is_empty() { Ok(prune(self.graph)) } else { Err(Problems(self.problems).into()) }
    }
}

fn spend(left: &mut usize, amount: usize) -> Result<(), Stop> {
    *left = left.checked_sub(amount.saturating_add(1)).ok_or_else(|| {
        Stop::Refused(Refusal::new(
            "E208",
            "The model repeats its weights or columns more often than a file of this size should need; export \
             it with every weight used once.",
        ))
    })?;
    Ok(())
}

/// Where a node of an ONNX file came from, for messages.
fn origin_of(node: &NodeProto) -> Origin {
    let domain = domain_of(&node.domain);
    let op = if domain == ONNX { node.op_type.clone() } else { format!("{domain}.{}", node.op_type) };
    Origin { node: node_name(node).into(), op }
}

fn is_finite(op: &Op) -> bool {
    let all = |values: &[f64]| values.iter().all(|x| x.is_finite());
    match op {
        Op::Affine { scale, shift } => all(scale) && all(shift),
        Op::Linear { weights, bias } | Op::Conv { weights, bias, .. } => all(weights) && all(bias),
        // A mask is infinite where it hides.
        Op::Constant(values) => !values.iter().any(|x| x.is_nan()),
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
        | Op::LogSoftmax { .. }
        | Op::ArgMax { .. }
        | Op::Add
        | Op::Multiply
        | Op::Divide
        | Op::MatMul(_)
        | Op::Compare(_)
        | Op::Choose => 0,
    }
}
