//! A model as a program of private steps: networks, trees, and linear models whose last activation is computed inside.
//!
//! | module | what it holds |
//! |---|---|
//! | `reveal` | what the client is shown, and so which last nodes are its own to compute |
//! | `lower`, `front`, `functions`, `trees`, `outputs` | from the graph to steps: the front folded into a matrix, trees as matrices |
//! | `action` | the closed set of what parties do |
//! | `span`, `noise` | where each value can lie, and how wrong it can be |
//! | `smooth`, `plans` | functions that are approximated: where they are defined, and the plan of each |
//! | `unit` | values by the root of their mean square |
//! | `numbers`, `choose` | fraction bits and rings, the fewest that keep the accuracy |
//! | `clear` | the program on integers that everyone sees: what every protocol must give |
//! | `program` | what everyone knows of it all |

mod action;
mod choose;
mod clear;
mod draft;
mod front;
mod functions;
mod length;
mod lower;
mod noise;
mod numbers;
mod origin;
mod outputs;
mod plans;
mod program;
mod reveal;
mod smooth;
mod sound;
mod span;
#[cfg(test)]
mod tests;
mod trees;
mod unit;

pub use action::{Action, SecretId, Step, StepId};
pub use numbers::Numbers;
pub use outputs::Shown;
pub use plans::Plan;
pub use program::{Constants, Encoding, Program};
pub use reveal::Reveal;
pub use unit::Unit;

use crate::cut::reachable;
use crate::fold::Statistics;
use crate::graph::Graph;
use crate::head::Head;
use crate::range::Ranges;
use crate::tail::Tail;
use crate::{Problems, Refusal};

/// A model in its three parts, before numbers are chosen.
pub struct Private(lower::Lowered);

impl Private {
    /// Lowers a model. Lists every node that stands in the way.
    pub fn of(graph: &Graph, reveal: Reveal) -> Result<Self, Problems> {
        let graph =
            if reveal == Reveal::Probability { reveal::labels_by_probability(graph) } else { graph.clone() };
        lower::lower(&reachable(&graph), reveal).map(Self)
    }

    /// What the client does first.
    pub fn head(&self) -> &Head {
        &self.0.head
    }

    /// What the client does last.
    pub fn tail(&self) -> &Tail {
        &self.0.tail
    }

    /// What the model's own scalers tell about each feature's range.
    pub fn statistics(&self) -> &[Option<Statistics>] {
        &self.0.statistics
    }

    /// By step of a plan of this model, the largest error that any of its values can have. The owner's to know: it tells about weights.
    pub fn errors(&self, program: &Program) -> Vec<f64> {
        choose::errors(&self.0, program)
    }

    /// Chooses the least bits with which everything that is revealed is good to `accuracy`.
    pub fn plan(&self, accuracy: f64, ranges: &Ranges) -> Result<(Program, Constants), Refusal> {
        choose::choose(&self.0, accuracy, ranges)
    }
}
