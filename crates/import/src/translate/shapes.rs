//! Other shapes, other orders, and choices between values.

use super::attribute::ints;
use super::image::{Layout, TO_FIRST, TO_LAST};
use super::{Draft, Name};
use crate::source::Obstacle;

impl Draft {
    /// The same values in another shape.
    pub(crate) fn reshape(&mut self, x: &str, shape: &str) -> Result<Name, Obstacle> {
        // ONNX would copy a dimension.
        if self.ints_of(shape).is_some_and(|shape| shape.contains(&0)) {
            return Err(Obstacle::new("It makes a value without elements.", "Export the model again."));
        }
        Ok(self.emit("Reshape", &[x, shape], Vec::new()))
    }

    pub(crate) fn transpose(&mut self, x: &str, order: &[i64]) -> Name {
        if order == TO_FIRST {
            return self.channels_first(x, Layout::Last);
        }
        if order == TO_LAST {
            return self.turned_back(x.to_owned(), Layout::Last);
        }
        self.emit("Transpose", &[x], vec![ints("perm", order)])
    }

    /// The older choice does not broadcast as all others do: a list of conditions stands for whole rows.
    pub(crate) fn select_rows(&mut self, condition: &str, a: &str, b: &str) -> Result<Name, Obstacle> {
        let condition = match (self.rank(condition), self.rank(a).or(self.rank(b))) {
            (Some(0), _) => condition.to_owned(),
            (Some(of), Some(rank)) if of == rank => condition.to_owned(),
            (Some(1), Some(rank)) => {
                let axes: Vec<i64> = (1_i64..).take(rank.saturating_sub(1)).collect();
                self.unsqueeze(condition, &axes)
            }
            _ => {
                let hint = "Export the model with fixed shapes, or use `tf.where`.";
                return Err(Obstacle::new("How many dimensions its condition has is not known.", hint));
            }
        };
        Ok(self.emit("Where", &[&condition, a, b], Vec::new()))
    }
}
