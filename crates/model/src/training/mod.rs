//! Training by mini-batches, in fixed point: what is chosen, the numbers that follow, and the same step in real numbers.
//!
//! A linear model `z = x·w` over columns of magnitude at most [`Recipe::largest`], of which one may be all ones. Its loss is that of logistic
//! or of linear regression, with an L2 penalty; its optimiser is gradient descent, or Adam (Kingma, Ba, ICLR 2015) with ε inside of the root.
//!
//! | module | what it holds |
//! |---|---|
//! | [`numbers`] | bits and rings of every value of a step, so that nothing wraps, whatever the rows are |
//! | [`adam`] | those of Adam |
//! | [`error`] | how far a step can be from one in real numbers |
//! | [`privacy`] | noise, and what it is worth |
//! | [`mod@reference`] | a step in float64 |

pub mod adam;
pub mod error;
pub mod numbers;
pub mod privacy;
pub mod reference;

pub use privacy::Privacy;

use serde::{Deserialize, Serialize};

/// What is made small.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Loss {
    /// Cross-entropy of the logistic function of z; labels are 0 and 1.
    Logistic,
    /// Half of the squared residual, of which no more than so much counts on either side (Huber's loss).
    Squares {
        /// The greatest residual that counts.
        most: f64,
    },
}

/// How weights follow gradients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Optimiser {
    /// `w - rate·g`.
    Sgd,
    /// By averages of gradients and of their squares.
    Adam {
        /// How much of the average stays, a step.
        first: f64,
        /// The same of squares.
        second: f64,
    },
}

/// What is chosen before training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Columns, with that of ones if there is one.
    pub columns: usize,
    /// Rows of a batch.
    pub batch: usize,
    /// Whether the last column is all ones, whose weight the penalty leaves alone.
    pub intercept: bool,
    /// Steps at most between two settlings, which bring weights back to their bound.
    pub run: u64,
    /// To which weights are brought then: none is greater in magnitude.
    pub most_weight: f64,
    /// No value of a row is greater in magnitude.
    pub largest: f64,
    /// The loss.
    pub loss: Loss,
    /// The optimiser.
    pub optimiser: Optimiser,
    /// The rate.
    pub rate: f64,
    /// Half of this times the sum of squared weights is added to the loss.
    pub l2: f64,
    /// Noise by which no row can be told to have been there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<Privacy>,
}
