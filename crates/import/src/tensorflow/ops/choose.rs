//! One of two values, by a condition.

use super::Call;
use crate::translate::{Translated, one};

pub(super) fn select_v2(call: &mut Call<'_, '_>) -> Translated {
    let [condition, a, b] = call.first()?;
    one(call.draft.emit("Where", &[&condition, &a, &b], Vec::new()))
}

pub(super) fn select(call: &mut Call<'_, '_>) -> Translated {
    let [condition, a, b] = call.first()?;
    one(call.draft.select_rows(&condition, &a, &b)?)
}
