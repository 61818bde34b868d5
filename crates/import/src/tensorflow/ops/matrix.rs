//! Products of matrices.

use super::Call;
use crate::source::Obstacle;
use crate::translate::attribute::word;
use crate::translate::{Name, Translated, one};

pub(super) fn mat_mul(call: &mut Call<'_, '_>) -> Translated {
    one(product(call)?)
}

/// The product of the first two inputs, which are matrices.
pub(super) fn product(call: &mut Call<'_, '_>) -> Result<Name, Obstacle> {
    let [a, b] = call.first()?;
    for name in [&a, &b] {
        call.draft.know_rank(name, Some(2));
    }
    let turn = [call.attrs().flag("transpose_a", false), call.attrs().flag("transpose_b", false)];
    call.draft.matrix_product(&a, &b, turn).ok_or_else(unknown)
}

pub(super) fn batch_mat_mul(call: &mut Call<'_, '_>) -> Translated {
    let [a, b] = call.first()?;
    let turn = [call.attrs().flag("adj_x", false), call.attrs().flag("adj_y", false)];
    one(call.draft.matrix_product(&a, &b, turn).ok_or_else(unknown)?)
}

fn unknown() -> Obstacle {
    let reason = "It transposes a value of which the number of dimensions is not known.";
    Obstacle::new(reason, "Export the model with fixed shapes.")
}

pub(super) fn einsum(call: &mut Call<'_, '_>) -> Translated {
    let equation = call.attrs().text("equation").unwrap_or_default().to_owned();
    let inputs: Vec<&str> = call.inputs.iter().map(Name::as_str).collect();
    let result = call.draft.emit("Einsum", &inputs, vec![word("equation", &equation)]);
    let letters = equation.split("->").nth(1).filter(|letters| !letters.contains("..."));
    call.draft.know_rank(&result, letters.map(|letters| letters.trim().len()));
    one(result)
}
