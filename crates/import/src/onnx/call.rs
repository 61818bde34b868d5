//! One node while it is lowered: its inputs by kind, and a way to add to the graph.

use std::rc::Rc;

use privet_model::Refusal;
use privet_model::graph::{Function, Node, NodeId, Op};
use privet_model::tensor::DataType;

use super::builder::Builder;
use super::names::node_name;
use super::sizes::{Size, Sizes};
use super::tensor::{Constant, Elements, finite};
use super::value::{Rows, Value};
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

    /// Input `i`, text or numbers, as a value of the graph: a constant becomes one.
    pub(crate) fn rows(&mut self, i: usize) -> Result<Rows, Stop> {
        match self.input(i)? {
            Value::Rows(rows) => Ok(rows.clone()),
            Value::Unknown => Err(Stop::Unknown),
            Value::Sizes(_) => Err(Stop::problem(
                format!("Its input `{}` is computed from the number of rows.", self.name_of(i)),
                "Rows are computed one by one, so only shapes may depend on their number.",
            )),
            Value::Constant(constant) => {
                let constant = Rc::clone(constant);
                let values = numbers(&constant)?;
                let id = self.fixed(values)?;
                Ok(Rows::new(id, constant.dims.clone(), None, constant.dtype))
            }
        }
    }

    /// Input `i` as numbers.
    pub(crate) fn numbers(&mut self, i: usize) -> Result<Rows, Stop> {
        let rows = self.rows(i)?;
        if rows.is_text() {
            let reason = format!("Its input `{}` is text, where numbers are expected.", self.name_of(i));
            return Err(Stop::problem(reason, "Encode the text with `ai.onnx.ml.OneHotEncoder` first."));
        }
        if !rows.cut {
            return Ok(rows);
        }
        let id = self.emit(Op::Map(Function::Truncate), rows.id)?;
        Ok(Rows { cut: false, ..rows.with(id) })
    }

    /// Input `i` as numbers of shape `[rows, n]`.
    pub(crate) fn table(&mut self, i: usize) -> Result<Rows, Stop> {
        let rows = self.numbers(i)?;
        if rows.rank() == 2 && rows.dims[0] == 1 && rows.batch.is_none_or(|axis| axis == 0) {
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
            Value::Rows(_) | Value::Sizes(_) => {
                let reason =
                    format!("Its input `{}` depends on the rows; a constant is expected.", self.name_of(i));
                return Err(Stop::problem(reason, "Export the model with constants folded."));
            }
        };
        self.builder.charge(constant.data.len())?;
        Ok(constant)
    }

    /// Input `i` as constant numbers, all finite, and their shape.
    pub(crate) fn weights(&mut self, i: usize) -> Result<(Vec<f64>, Vec<usize>), Stop> {
        let constant = self.constant(i)?;
        let values = numbers(&constant)?;
        finite(&values, || format!("Weight `{}`", constant.name))?;
        Ok((values, constant.dims.clone()))
    }

    /// Input `i` as constant whole numbers.
    pub(crate) fn whole_numbers(&mut self, i: usize) -> Result<Vec<i64>, Stop> {
        let constant = self.constant(i)?;
        constant.data.to_ints().ok_or_else(|| {
            let reason = format!("Its input `{}` should be whole numbers.", self.name_of(i));
            Stop::problem(reason, "Export the model again.")
        })
    }

    /// Input `i` as one constant number.
    pub(crate) fn scalar(&mut self, i: usize) -> Result<f64, Stop> {
        let constant = self.constant(i)?;
        constant.single().ok_or_else(|| {
            let reason = format!("Its input `{}` should be one number.", self.name_of(i));
            Stop::problem(reason, "Export the model again.")
        })
    }

    /// Input `i` as numbers of a shape, which may depend on how many rows there are.
    pub(crate) fn sizes(&mut self, i: usize) -> Result<Vec<Size>, Stop> {
        if let Value::Sizes(sizes) = self.input(i)? {
            return Ok(sizes.each());
        }
        Ok(self.whole_numbers(i)?.into_iter().map(Size::Number).collect())
    }

    /// The shape of input `i` as a value: a constant, or one that depends on the rows.
    pub(crate) fn shape_of(&self, i: usize) -> Result<Value, Stop> {
        let (dims, batch) = match self.input(i)? {
            Value::Unknown => return Err(Stop::Unknown),
            Value::Constant(constant) => (constant.dims.clone(), None),
            Value::Sizes(sizes) => (sizes.0[0].dims.clone(), None),
            Value::Rows(rows) => (rows.dims.clone(), rows.batch),
        };
        if let Some(batch) = batch {
            return Ok(Value::Sizes(Rc::new(Sizes::of(&dims, batch))));
        }
        let dims = dims.iter().map(|&d| i64::try_from(d).unwrap_or(i64::MAX)).collect();
        Ok(Value::Constant(Rc::new(Constant::ints(dims))))
    }

    /// A node that gives these values for every row.
    pub(crate) fn fixed(&mut self, values: Vec<f64>) -> Result<NodeId, Stop> {
        self.emit_many(Op::Constant(values), Vec::new())
    }

    /// Whether input `i` is a constant.
    pub(crate) fn is_constant(&self, i: usize) -> bool {
        matches!(self.inputs.get(i), Some(Some(Value::Constant(_))))
    }

    /// Whether input `i` is text.
    pub(crate) fn is_text(&self, i: usize) -> bool {
        match self.inputs.get(i) {
            Some(Some(Value::Constant(constant))) => constant.dtype == DataType::Bytes,
            Some(Some(Value::Rows(rows))) => rows.is_text(),
            _ => false,
        }
    }

    /// The number of the element type of a constant; 0 where it is not known.
    pub(crate) fn element_type(&self, i: usize) -> i32 {
        match self.inputs.get(i) {
            Some(Some(Value::Constant(constant))) => constant.element,
            _ => 0,
        }
    }

    /// Whether input `i` is there.
    pub(crate) fn has(&self, i: usize) -> bool {
        matches!(self.inputs.get(i), Some(Some(_)))
    }

    /// The version of ONNX's own operators that the file asks for.
    pub(crate) fn opset(&self) -> i64 {
        self.builder.opsets.onnx()
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
        let origin = self.builder.origin_of(self.node);
        self.builder.emit(op, inputs, origin)
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

/// One constant.
#[allow(clippy::unnecessary_wraps)] // it is what a lowering ends with
pub(crate) fn constant(name: &str, dims: Vec<usize>, dtype: DataType, data: Elements) -> Lowered {
    Ok(vec![Value::Constant(Rc::new(Constant { name: name.into(), dims, dtype, element: 0, data }))])
}

/// The numbers of a constant.
pub(crate) fn numbers(constant: &Constant) -> Result<Vec<f64>, Stop> {
    constant.data.to_f64().ok_or_else(|| {
        let kind = if let Elements::Unread(kind) = &constant.data { kind } else { "text" };
        let reason = format!("Its constant `{}` holds {kind}, which is not read.", constant.name);
        Stop::problem(reason, "Use float32, float64, float16, int64 or int32.")
    })
}
