//! What a name of the file stands for while the file is read.

use std::rc::Rc;

use privet_model::graph::NodeId;
use privet_model::tensor::DataType;

use super::tensor::Constant;

/// The value behind a name.
#[derive(Clone)]
pub(crate) enum Value {
    /// The same for every row.
    Constant(Rc<Constant>),
    /// One part per row.
    Rows(Rows),
    /// It comes from a node that was reported already: whoever uses it is not reported again.
    Unknown,
}

/// A value that has `[rows, …]` as its shape.
#[derive(Clone)]
pub(crate) struct Rows {
    /// The node that computes it.
    pub(crate) id: NodeId,
    /// Its dimensions after the first; none for `[rows]`.
    pub(crate) dims: Vec<usize>,
    pub(crate) dtype: DataType,
    pub(crate) form: Form,
    /// The names that a `ZipMap` gives to its columns.
    pub(crate) columns: Rc<Vec<String>>,
}

/// How a value differs from what its node computes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Not at all.
    Plain,
    /// The file drops the fractions, which the node does not: only an encoder of categories may use it.
    Cut,
    /// The file has it as `[1, rows]`, on its way to be reshaped.
    Sideways,
}

impl Rows {
    pub(crate) fn new(id: NodeId, dims: Vec<usize>, dtype: DataType) -> Self {
        Self { id, dims, dtype, form: Form::Plain, columns: Rc::default() }
    }

    /// Values per row. Dimensions are bounded where they come in, so the product fits.
    pub(crate) fn width(&self) -> usize {
        self.dims.iter().product()
    }

    pub(crate) fn is_text(&self) -> bool {
        self.dtype == DataType::Bytes
    }

    /// The shape, as `[rows, 3]`.
    pub(crate) fn shape(&self) -> String {
        self.dims.iter().fold("[rows".to_owned(), |text, d| format!("{text}, {d}")) + "]"
    }
}
