//! What parties do, one action after the other. Public: everyone who runs the model knows the actions and their shapes.

use serde::{Deserialize, Serialize};

use super::unit::Unit;
use crate::graph::{Conv, Function, MatMul, Origin, Windows};

/// Index of a step.
pub type StepId = usize;
/// Index of a tensor of the owner's secret constants.
pub type SecretId = usize;

/// One action. A *wide* result stands at the scale of a product until it is cut to the scale of values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Action {
    /// Some of the columns that the client sent, `first..first + width`.
    Columns {
        /// The first of them.
        first: usize,
    },
    /// A secret matrix (row-major, a row per value out) times the value, plus a secret bias. Wide.
    Linear {
        /// The matrix.
        weights: SecretId,
        /// The bias.
        bias: SecretId,
    },
    /// A convolution with secret weights, plus a secret bias per filter. Wide.
    Conv {
        /// Its shape.
        conv: Conv,
        /// As [`Conv::weights`] says.
        weights: SecretId,
        /// One per filter.
        bias: SecretId,
    },
    /// A secret factor for each value, plus a secret shift. Wide.
    Scale {
        /// One per value.
        factors: SecretId,
        /// One per value.
        shift: SecretId,
    },
    /// A secret constant.
    Constant(SecretId),
    /// Sum of two values.
    Add,
    /// Difference of two values.
    Subtract,
    /// Product of two values. Wide.
    Multiply,
    /// Products of two stacks of matrices. Wide.
    MatMul(MatMul),
    /// Sum over each window.
    Sum(Windows),
    /// The values of these indices.
    Select(Vec<usize>),
    /// All values side by side.
    Concat,
    /// `±x + shift`, value by value, by everyone's knowledge.
    Flip {
        /// Whether the sign changes.
        negate: bool,
        /// A whole number, added to each.
        shift: i32,
    },
    /// From wide to the scale of values.
    Cut,
    /// `max(x, 0)`, from wide or not.
    Relu,
    /// `|x|`.
    Abs,
    /// The greatest of each window.
    Max(Windows),
    /// A smooth function, from wide or not. Wide.
    Smooth(Function),
    /// By the root of the mean square. Wide.
    Unit(Box<Unit>),
    /// 1 where `x < 0`, else 0; only of what is exact.
    Negative,
    /// 1 where `x < 0`, else 0; right where x is farther from 0 than its error.
    Below,
    /// Of three values: the second where the first, which is 0 or 1, is 1, else the third. Wide, though not finer.
    Choose,
    /// The value itself, which never leaves these bounds: what intervals do not see.
    Within {
        /// The least that it can be.
        low: Option<i32>,
        /// The greatest.
        high: Option<i32>,
    },
    /// 1 where `x = 0`, else 0; for small whole numbers.
    Zero,
    /// Within each group of so many values, 1 at the first greatest, 0 elsewhere.
    Hottest {
        /// Size of a group.
        group: usize,
    },
    /// `e^x_i / Σ e^x_j` within each group of so many values.
    Softmax {
        /// Size of a group.
        group: usize,
    },
}

/// One action on earlier results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// To the results of which steps, all before this one.
    pub inputs: Vec<StepId>,
    /// Values per row of the result.
    pub width: usize,
    /// Which node of the exported file it came from.
    pub origin: Origin,
}

impl Step {
    /// Values of a row that are held at a time while it is done.
    pub fn room(&self) -> usize {
        match &self.action {
            Action::Sum(windows) | Action::Max(windows) => windows.places().max(self.width),
            Action::Unit(unit) => unit.windows.places().max(self.width),
            Action::MatMul(MatMul { stack, rows, inner, columns }) => 2 * stack * rows * inner * columns,
            _ => self.width,
        }
    }

    /// Whether it brings in what the client sent.
    pub fn is_columns(&self) -> bool {
        matches!(self.action, Action::Columns { .. })
    }
}

impl Action {
    /// What it is, in a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Columns { .. } => "columns",
            Self::Linear { .. } => "matrix",
            Self::Conv { .. } => "convolution",
            Self::Scale { .. } => "factors",
            Self::Constant(_) => "constant",
            Self::Add => "sum",
            Self::Subtract => "difference",
            Self::Multiply => "product",
            Self::MatMul(_) => "matrix product",
            Self::Sum(_) => "sum of windows",
            Self::Select(_) => "selection",
            Self::Concat => "side by side",
            Self::Flip { .. } => "sign",
            Self::Cut => "cut",
            Self::Relu => "ReLU",
            Self::Max(_) => "greatest",
            Self::Smooth(_) => "series",
            Self::Negative | Self::Below => "is negative",
            Self::Choose => "choice",
            Self::Within { .. } => "bounds",
            Self::Abs => "size",
            Self::Unit(_) => "to unit length",
            Self::Zero => "is zero",
            Self::Hottest { .. } => "which is greatest",
            Self::Softmax { .. } => "softmax",
        }
    }

    /// Whether its result stands at the scale of a product.
    pub fn is_wide(&self) -> bool {
        matches!(
            self,
            Self::Linear { .. }
                | Self::Conv { .. }
                | Self::Scale { .. }
                | Self::Multiply
                | Self::MatMul(_)
                | Self::Smooth(_)
                | Self::Choose
                | Self::Unit(_)
        )
    }

    /// Whether it takes a wide value as it is.
    pub fn takes_wide(&self) -> bool {
        matches!(self, Self::Cut | Self::Relu | Self::Smooth(_) | Self::Negative | Self::Below | Self::Zero)
    }

    /// The secrets that it uses: the factors, then what is added.
    pub fn secrets(&self) -> Vec<SecretId> {
        match self {
            Self::Linear { weights, bias } | Self::Conv { weights, bias, .. } => vec![*weights, *bias],
            Self::Scale { factors, shift } => vec![*factors, *shift],
            Self::Constant(values) => vec![*values],
            _ => Vec::new(),
        }
    }

    pub(crate) fn secrets_mut(&mut self) -> Vec<&mut SecretId> {
        match self {
            Self::Linear { weights, bias } | Self::Conv { weights, bias, .. } => vec![weights, bias],
            Self::Scale { factors, shift } => vec![factors, shift],
            Self::Constant(values) => vec![values],
            _ => Vec::new(),
        }
    }
}
