//! Categories in, labels out.

use super::{Value, greatest};
use crate::Refusal;
use crate::graph::Labels;

pub(super) fn one_hot(x: &Value, levels: &Labels, unknown_is_zeros: bool) -> Result<Value, Refusal> {
    if let Value::Num(v) = x
        && let Some(row) = v.iter().position(|x| !x.is_finite())
    {
        let row = row + 1;
        return Err(Refusal::new("E104", format!("Row {row} has a category that is missing or infinite.")));
    }
    let found: Vec<Option<usize>> = match (x, levels) {
        (Value::Text(v), Labels::Text(l)) => v.iter().map(|x| l.iter().position(|l| l == x)).collect(),
        (Value::Int(v), Labels::Int(l)) => v.iter().map(|x| l.iter().position(|l| l == x)).collect(),
        (Value::Num(v), Labels::Int(l)) => v.iter().map(|&x| level_of_number(x, l)).collect(),
        _ => {
            return Err(Refusal::new(
                "E103",
                "Text came where a category has numbers, or the other way round.",
            ));
        }
    };
    let unknown = (!unknown_is_zeros).then(|| found.iter().position(Option::is_none)).flatten();
    if let Some(row) = unknown {
        return Err(Refusal::new(
            "E104",
            format!("Row {} has a category that the model does not know.", row + 1),
        ));
    }
    let hot =
        |found: &Option<usize>| (0..levels.len()).map(|l| f64::from(*found == Some(l))).collect::<Vec<_>>();
    Ok(Value::Num(found.iter().flat_map(hot).collect()))
}

/// Exporters cast a float category to an integer first, which drops its fraction.
#[allow(clippy::float_cmp)] // both are whole numbers
pub(crate) fn level_of_number(x: f64, levels: &[i64]) -> Option<usize> {
    levels.iter().position(|&level| level as f64 == x.trunc())
}

pub(super) fn label(x: &[f64], labels: &Labels) -> Value {
    let classes = x.chunks_exact(labels.len().max(1)).map(greatest);
    match labels {
        Labels::Int(l) => Value::Int(classes.map(|c| l[c]).collect()),
        Labels::Text(l) => Value::Text(classes.map(|c| l[c].clone()).collect()),
    }
}
