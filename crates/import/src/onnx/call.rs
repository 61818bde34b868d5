//! One node while it is lowered: its inputs by kind, and a way to add to the graph.

use std::rc::Rc;

use privet_model::Refusal;
use privet_model::graph::{Node, NodeId, Op};

use super::builder::{Builder, origin_of};
use super::names::node_name;
use super::tensor::Constant;
use super::value::{Form, Rows, Value};
use crate::onnx_proto::NodeProto;

/// Why a node was not lowered.
pub(crate) enum Stop {
    /// An earlier node was not: nothing to say.
    Unknown,
    /// This node cannot be used.
    Problem { reason: String, hint: String },
    /// The whole file is refused.
    Refused(Refusal),
}

impl Stop {
    pub(crate) fn problem(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Problem { reason: reason.into(), hint: hint.into() }
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The values of a node's outputs, in order.
pub(crate) type Lowered = Result<Vec<Value>, Stop>;

/// A node to lower. `b` is how long the builder is borrowed, `a` how long the file is.
pub(crate) struct Call<'b, 'a> {
    pub(crate) node: &'a NodeProto,
    /// `None` where an optional input is left out.
    pub(crate) inputs: Vec<Option<Value>>,
    pub(crate) builder: &'b mut Builder<'a>,
}

impl Call<'_, '_> {
    /// Input `i`, which must be there.
    pub(crate) fn input(&self, i: usize) -> Result<&Value, Stop> {
        let missing = || Stop::problem(format!("Its input {} is missing.", i + 1), "Export the model again.");
        self.inputs.get(i).and_then(Option::as_ref).ok_or_else(missing)
    }

    /// Input `i` as rows, in whatever form.
    pub(crate) fn any_rows(&self, i: usize) -> Result<Rows, Stop> {
        match self.input(i)? {
            Value::Rows(rows) => Ok(rows.clone()),
            Value::Unknown => Err(Stop::Unknown),
            Value::Constant(_) => {
                let reason =
                    format!("Its input `{}` is a constant, where rows are expected.", self.name_of(i));
                Err(Stop::problem(reason, "Export the model with constants folded."))
            }
        }
    }

    /// Input `i` as rows of text or numbers.
    pub(crate) fn rows(&self, i: usize) -> Result<Rows, Stop> {
        let rows = self.any_rows(i)?;
        if rows.form == Form::Sideways {
            let reason = format!("Its input `{}` has the shape [1, rows].", self.name_of(i));
            return Err(Stop::problem(reason, "Reshape it to [-1] first."));
        }
        Ok(rows)
    }

    /// Input `i` as rows of numbers.
    pub(crate) fn numbers(&self, i: usize) -> Result<Rows, Stop> {
        let rows = self.rows(i)?;
        if rows.is_text() {
            let reason = format!("Its input `{}` is text, where numbers are expected.", self.name_of(i));
            return Err(Stop::problem(reason, "Encode the text with `ai.onnx.ml.OneHotEncoder` first."));
        }
        if rows.form == Form::Cut {
            let reason = format!("Its input `{}` was cut to whole numbers by a Cast.", self.name_of(i));
            return Err(Stop::problem(reason, "Declare the column as int64, or leave out the Cast."));
        }
        Ok(rows)
    }

    /// Input `i` as numbers of shape `[rows, n]`.
    pub(crate) fn table(&self, i: usize) -> Result<Rows, Stop> {
        let rows = self.numbers(i)?;
        if rows.dims.len() == 1 {
            return Ok(rows);
        }
        let reason = format!(
            "Its input `{}` has the shape {}, where [rows, n] is expected.",
            self.name_of(i),
            rows.shape()
        );
        Err(Stop::problem(reason, "Reshape it to [-1, n] first."))
    }

    /// Input `i` as a constant. Its size is charged for every use, which bounds time as well as memory.
    pub(crate) fn constant(&mut self, i: usize) -> Result<Rc<Constant>, Stop> {
        let constant = match self.input(i)? {
            Value::Constant(constant) => Rc::clone(constant),
            Value::Unknown => return Err(Stop::Unknown),
            Value::Rows(_) => {
                let reason =
                    format!("Its input `{}` depends on the rows; a constant is expected.", self.name_of(i));
                return Err(Stop::problem(reason, "Export the model with constants folded."));
            }
        };
        self.builder.charge(constant.data.len())?;
        Ok(constant)
    }

    /// Whether input `i` is a constant.
    pub(crate) fn is_constant(&self, i: usize) -> bool {
        matches!(self.inputs.get(i), Some(Some(Value::Constant(_))))
    }

    /// Whether input `i` is there.
    pub(crate) fn has(&self, i: usize) -> bool {
        matches!(self.inputs.get(i), Some(Some(_)))
    }

    pub(crate) fn name_of(&self, i: usize) -> &str {
        self.node.input.get(i).map_or("", String::as_str)
    }

    /// The node's own name.
    pub(crate) fn name(&self) -> &str {
        node_name(self.node)
    }

    /// Whether somebody uses output `i`.
    pub(crate) fn wants(&self, i: usize) -> bool {
        self.node.output.get(i).is_some_and(|name| self.builder.wants(name))
    }

    /// Adds a node on one value.
    pub(crate) fn emit(&mut self, op: Op, input: NodeId) -> Result<NodeId, Stop> {
        self.emit_many(op, vec![input])
    }

    /// Adds a node.
    pub(crate) fn emit_many(&mut self, op: Op, inputs: Vec<NodeId>) -> Result<NodeId, Stop> {
        self.builder.emit(op, inputs, origin_of(self.node))
    }

    /// The node behind a value.
    pub(crate) fn node_at(&self, id: NodeId) -> Option<&Node> {
        self.builder.graph.nodes.get(id.0)
    }
}

/// Wraps the one output that most nodes have.
#[allow(clippy::unnecessary_wraps)] // it is what a lowering ends with
pub(crate) fn one(rows: Rows) -> Lowered {
    Ok(vec![Value::Rows(rows)])
}
