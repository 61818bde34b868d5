//! A model: a topologically ordered list of nodes over a closed set of operations.
//!
//! Every value is `rows × width`; the number of rows is chosen by the caller. Every back end matches [`Op`]
//! exhaustively, so a new primitive is a compile error wherever an answer is still missing.

mod function;
mod geometry;
mod trees;
mod width;

use serde::{Deserialize, Serialize};

use crate::tensor::DataType;

pub use function::{Comparison, Function, sigmoid};
pub use geometry::{Conv, MatMul, Reduce, Windows};
pub use trees::{Aggregate, Branch, Child, Leaf, Test, Trees};

/// One input or output of a model, under the exporter's own name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// The name in the exported file.
    pub name: String,
    /// Element type.
    pub dtype: DataType,
    /// Values per row.
    pub width: usize,
    /// Whether the shape is `[rows]` and not `[rows, width]`; then `width` is 1.
    #[serde(default)]
    pub flat: bool,
    /// The dimensions of one row where there are several, as of an image; their product is `width`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dims: Vec<usize>,
    /// What each of the `width` values is, where the file says: column names, or class labels of an output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

impl Port {
    /// The dimensions of one row.
    pub fn row_shape(&self) -> Vec<usize> {
        match (self.flat, self.dims.is_empty()) {
            (true, _) => Vec::new(),
            (false, true) => vec![self.width],
            (false, false) => self.dims.clone(),
        }
    }

    /// What value `element` of this port is called in messages: the column's name, or `name[element]`.
    pub fn element_name(&self, element: usize) -> String {
        match self.columns.get(element) {
            Some(column) => column.clone(),
            None if self.width == 1 => self.name.clone(),
            None => format!("{}[{element}]", self.name),
        }
    }
}

/// Index of a node in [`Graph::nodes`], whose value is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub usize);

/// Which node of the exported file something came from, for messages to its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The exporter's own name of the node; its first output's name where the node has none.
    pub node: String,
    /// The exporter's operator, as `Gemm` or `ai.onnx.ml.Scaler`.
    pub op: String,
}

/// What a missing value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Missing {
    /// Not a number.
    Nan,
    /// This very number.
    Value(f64),
}

impl Missing {
    /// Whether `x` counts as missing.
    pub fn is(self, x: f64) -> bool {
        match self {
            Self::Nan => x.is_nan(),
            #[allow(clippy::float_cmp)] // "this very number" is what the exporters mean
            Self::Value(v) => x == v,
        }
    }
}

/// The levels of a category, or the labels of classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Labels {
    /// Integers.
    Int(Vec<i64>),
    /// Text.
    Text(Vec<String>),
}

impl Labels {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Int(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each as text.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Int(v) => v.iter().map(ToString::to_string).collect(),
            Self::Text(v) => v.clone(),
        }
    }
}

/// How a row is made to have unit length; a row whose length is 0 is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Norm {
    /// Divide by the largest value, which may be negative: what ONNX Runtime does.
    Max,
    /// Divide by the sum of absolute values.
    L1,
    /// Divide by the square root of the sum of squares.
    L2,
}

/// The closed set of operations. Widths: `n` in, `m` out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Op {
    /// The model's input of that index, in [`Graph::inputs`].
    Input(usize),
    /// The same values for every row; takes no input.
    Constant(Vec<f64>),
    /// `scale[j]·x[j] + shift[j]`; n = m = the length of both.
    Affine {
        /// Factor per column.
        scale: Vec<f64>,
        /// Summand per column.
        shift: Vec<f64>,
    },
    /// `Σ_j weights[i·n + j]·x[j] + bias[i]`; `weights` is m × n, row-major, `bias` has m values.
    Linear {
        /// Row-major m × n.
        weights: Vec<f64>,
        /// One per output.
        bias: Vec<f64>,
    },
    /// A convolution, plus `bias` per filter.
    Conv {
        /// Its numbers.
        conv: Conv,
        /// As [`Conv::weights`] says.
        weights: Vec<f64>,
        /// One per filter.
        bias: Vec<f64>,
    },
    /// Sum of two values of the same width.
    Add,
    /// Product, value by value, of two values of the same width.
    Multiply,
    /// Quotient, value by value, of two values of the same width.
    Divide,
    /// A stack of matrix products of two values.
    MatMul(MatMul),
    /// A function of each value.
    Map(Function),
    /// A comparison of two values of the same width: 0 or 1.
    Compare(Comparison),
    /// Of three values of the same width: the second where the first is not 0, else the third.
    Choose,
    /// One value for each window.
    Reduce {
        /// What it is.
        reduce: Reduce,
        /// Of which values.
        windows: Windows,
    },
    /// `fill[j]` where `x[j]` is missing; n = m.
    Impute {
        /// One per column.
        fill: Vec<f64>,
        /// What counts as missing.
        missing: Missing,
    },
    /// One column per level: 1 where the (single) value is that level, else 0. n = 1, m = number of levels.
    OneHot {
        /// The known levels.
        levels: Labels,
        /// Whether a value that is no known level gives all zeros; otherwise it is refused.
        unknown_is_zeros: bool,
    },
    /// All inputs' columns side by side, in order.
    Concat,
    /// The columns of these indices.
    Select(Vec<usize>),
    /// Each row to unit length.
    Normalize(Norm),
    /// `e^x_i / Σ e^x_j` within each group of so many consecutive values.
    Softmax {
        /// Size of a group; n is a multiple of it.
        group: usize,
    },
    /// The logarithms of a softmax, also of what is too small for it.
    LogSoftmax {
        /// Size of a group; n is a multiple of it.
        group: usize,
    },
    /// The place, counted from 0, of the greatest value (the first of equals) of each group of consecutive values.
    ArgMax {
        /// Size of a group; m = n / group.
        group: usize,
    },
    /// The label of the greatest value (the first of equals); n = number of labels, m = 1.
    Label(Labels),
    /// An ensemble of decision trees.
    Trees(Box<Trees>),
}

/// One operation, applied to earlier nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// To which values; how many follows from the operation.
    pub inputs: Vec<NodeId>,
    /// Values per row of its result.
    pub width: usize,
    /// Where it came from.
    pub origin: Origin,
}

/// A whole model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// What it takes.
    pub inputs: Vec<Port>,
    /// In topological order: a node's inputs stand before it.
    pub nodes: Vec<Node>,
    /// What it gives, and the node that computes it.
    pub outputs: Vec<(Port, NodeId)>,
}

impl Graph {
    /// A graph with these inputs, each already a node (`NodeId(i)` is input `i`), and nothing else.
    pub fn new(inputs: Vec<Port>) -> Self {
        let nodes = inputs
            .iter()
            .enumerate()
            .map(|(i, port)| Node {
                op: Op::Input(i),
                inputs: Vec::new(),
                width: port.width,
                origin: Origin { node: port.name.clone(), op: "input".into() },
            })
            .collect();
        Self { inputs, nodes, outputs: Vec::new() }
    }

    /// Adds a node and returns its id. Errors, in words for the model's owner, where the widths do not fit.
    pub fn add(&mut self, op: Op, inputs: Vec<NodeId>, origin: Origin) -> Result<NodeId, String> {
        let width = self.width_of(&op, &inputs)?;
        self.nodes.push(Node { op, inputs, width, origin });
        Ok(NodeId(self.nodes.len() - 1))
    }

    /// Values per row of a node's result.
    pub fn width(&self, id: NodeId) -> usize {
        self.nodes[id.0].width
    }

    fn width_of(&self, op: &Op, inputs: &[NodeId]) -> Result<usize, String> {
        if inputs.iter().any(|id| id.0 >= self.nodes.len()) {
            return Err("a node uses a value that does not stand before it".into());
        }
        let widths: Vec<usize> = inputs.iter().map(|&id| self.width(id)).collect();
        width::of(op, &widths)
    }
}
