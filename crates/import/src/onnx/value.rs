//! What a name of the file stands for while the file is read.

use std::rc::Rc;

use privet_model::graph::NodeId;
use privet_model::tensor::DataType;

use super::sizes::Sizes;
use super::tensor::Constant;

/// The value behind a name.
#[derive(Clone)]
pub(crate) enum Value {
    /// The same for every row.
    Constant(Rc<Constant>),
    /// Numbers that depend on how many rows there are, and on nothing else.
    Sizes(Rc<Sizes>),
    /// Computed by a node of the graph.
    Rows(Rows),
    /// It comes from a node that was reported already: whoever uses it is not reported again.
    Unknown,
}

impl Value {
    /// Elements `from..to` of a list, as it is or for any number of rows.
    pub(crate) fn part(&self, from: usize, to: usize) -> Self {
        let cut = |c: &Constant| {
            let values = c.data.to_ints().unwrap_or_default();
            Rc::new(Constant::ints(values.get(from..to).unwrap_or_default().to_vec()))
        };
        match self {
            Self::Constant(c) => Self::Constant(cut(c)),
            Self::Sizes(sizes) => {
                let Sizes([a, b, c]) = &**sizes;
                let parts = [cut(a), cut(b), cut(c)];
                if parts[0].data == parts[1].data {
                    let [first, ..] = parts;
                    return Self::Constant(first);
                }
                Self::Sizes(Rc::new(Sizes(parts)))
            }
            other => other.clone(),
        }
    }
}

/// A value that a node of the graph computes for each row of the batch.
#[derive(Clone)]
pub(crate) struct Rows {
    /// The node that computes it.
    pub(crate) id: NodeId,
    /// The file's dimensions, of which the batch's counts what one row has: usually 1.
    pub(crate) dims: Vec<usize>,
    /// The axis of the batch; none where the whole tensor belongs to one row.
    pub(crate) batch: Option<usize>,
    pub(crate) dtype: DataType,
    /// Whether the file drops the fractions here, which the node does not: an encoder of categories does it by itself.
    pub(crate) cut: bool,
    /// The names that a `ZipMap` gives to its columns.
    pub(crate) columns: Rc<Vec<String>>,
}

impl Rows {
    pub(crate) fn new(id: NodeId, dims: Vec<usize>, batch: Option<usize>, dtype: DataType) -> Self {
        Self { id, dims, batch, dtype, cut: false, columns: Rc::default() }
    }

    /// Another node of the same shape and type.
    #[must_use]
    pub(crate) fn with(&self, id: NodeId) -> Self {
        Self { id, columns: Rc::default(), ..self.clone() }
    }

    /// The same values in the same order, in another shape.
    #[must_use]
    pub(crate) fn shaped(&self, dims: Vec<usize>, batch: Option<usize>) -> Self {
        Self { dims, batch, columns: Rc::default(), ..self.clone() }
    }

    /// Values per row. Dimensions are bounded where they come in, so the product fits.
    pub(crate) fn width(&self) -> usize {
        self.dims.iter().product()
    }

    pub(crate) fn rank(&self) -> usize {
        self.dims.len()
    }

    pub(crate) fn is_text(&self) -> bool {
        self.dtype == DataType::Bytes
    }

    /// Whether its values are whole numbers (or 0 and 1) in the file.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.dtype, DataType::Int64 | DataType::Int32 | DataType::Bool)
    }

    /// The shape, as `[rows, 3]`.
    pub(crate) fn shape(&self) -> String {
        let dim = |(axis, d): (usize, &usize)| match (self.batch == Some(axis), d) {
            (true, 1) => "rows".to_owned(),
            (true, d) => format!("{d}·rows"),
            (false, d) => d.to_string(),
        };
        format!("[{}]", self.dims.iter().enumerate().map(dim).collect::<Vec<_>>().join(", "))
    }
}
