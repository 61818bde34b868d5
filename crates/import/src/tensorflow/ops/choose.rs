//! One of two values, by a condition.

use super::Call;
use crate::source::Obstacle;
use crate::translate::{Translated, one};

pub(super) fn select_v2(call: &mut Call<'_, '_>) -> Translated {
    let [condition, a, b] = call.first()?;
    one(call.draft.emit("Where", &[&condition, &a, &b], Vec::new()))
}

/// The older one does not broadcast as all others do: a list of conditions stands for whole rows.
pub(super) fn select(call: &mut Call<'_, '_>) -> Translated {
    let [condition, a, b] = call.first()?;
    let ranks = (call.draft.rank(&condition), call.draft.rank(&a).or(call.draft.rank(&b)));
    let condition = match ranks {
        (Some(0), _) => condition,
        (Some(of), Some(rank)) if of == rank => condition,
        (Some(1), Some(rank)) => {
            let axes: Vec<i64> = (1_i64..).take(rank.saturating_sub(1)).collect();
            call.draft.unsqueeze(&condition, &axes)
        }
        _ => {
            let hint = "Export the model with fixed shapes, or use `tf.where`.";
            return Err(Obstacle::new("How many dimensions its condition has is not known.", hint));
        }
    };
    one(call.draft.emit("Where", &[&condition, &a, &b], Vec::new()))
}
