//! How many values per row an operation gives, or why it does not fit what it is applied to.

use super::{Op, Windows};

/// From the widths of its inputs.
pub(super) fn of(op: &Op, inputs: &[usize]) -> Result<usize, String> {
    match (op, inputs) {
        (Op::Concat, _) => Ok(inputs.iter().sum()),
        (Op::Constant(values), []) => Ok(values.len()),
        (Op::Add | Op::Multiply | Op::Divide | Op::Compare(_), &[a, b]) => same(a, b, "other"),
        (Op::MatMul(m), &[a, b]) => {
            let size = |rows: usize, columns: usize| product(&[m.stack, rows, columns]);
            same(size(m.rows, m.inner)?, a, "left")?;
            same(size(m.inner, m.columns)?, b, "right")?;
            size(m.rows, m.columns)
        }
        (Op::Choose, &[condition, a, b]) => same(condition, a, "first").and(same(condition, b, "second")),
        (_, &[n]) => of_one(op, n),
        _ => Err(format!("{} inputs came, which is not how many it takes", inputs.len())),
    }
}

fn of_one(op: &Op, n: usize) -> Result<usize, String> {
    match op {
        Op::Affine { scale, shift } => same(n, scale.len(), "scale").and(same(n, shift.len(), "shift")),
        Op::Linear { weights, bias } => {
            same(product(&[n, bias.len()])?, weights.len(), "weight").map(|_| bias.len())
        }
        Op::Conv { conv, weights, bias } if conv.is_sound() => {
            same(conv.width_in(), n, "image")?;
            same(conv.weights(), weights.len(), "weight")?;
            same(conv.filters, bias.len(), "bias")?;
            Ok(conv.width_out())
        }
        Op::Conv { .. } => Err("the numbers of the convolution do not fit together".into()),
        Op::Reduce { windows, .. } => windows_fit(windows, n),
        Op::Impute { fill, .. } => same(n, fill.len(), "imputed"),
        Op::OneHot { levels, .. } => same(1, n, "category").map(|_| levels.len()),
        Op::Select(indices) => match indices.iter().find(|&&i| i >= n) {
            Some(i) => Err(format!("column {i} is selected where there are {n}")),
            None => Ok(indices.len()),
        },
        Op::Normalize(_) | Op::Map(_) => Ok(n),
        Op::Softmax { group } | Op::LogSoftmax { group } => groups(n, *group).map(|_| n),
        Op::ArgMax { group } => groups(n, *group),
        Op::Label(labels) => same(n, labels.len(), "label").map(|_| 1),
        Op::Trees(trees) if trees.is_sound() => same(trees.features, n, "feature").map(|_| trees.targets),
        Op::Trees(_) => Err("the trees point at nodes that are not there".into()),
        Op::Input(_) | Op::Constant(_) => Err("it takes no values".into()),
        Op::Add | Op::Multiply | Op::Divide | Op::Compare(_) | Op::MatMul(_) | Op::Choose | Op::Concat => {
            Err("it takes more than one value".into())
        }
    }
}

fn same(expected: usize, got: usize, what: &str) -> Result<usize, String> {
    if expected == got { Ok(got) } else { Err(format!("expected {expected} {what} values, got {got}")) }
}

fn product(factors: &[usize]) -> Result<usize, String> {
    let product = factors.iter().try_fold(1usize, |p, &f| p.checked_mul(f));
    product.ok_or_else(|| "it has more values than can be counted".into())
}

fn groups(n: usize, group: usize) -> Result<usize, String> {
    if group > 0 && n.is_multiple_of(group) {
        return Ok(n / group);
    }
    Err(format!("{n} values do not make groups of {group}"))
}

fn windows_fit(Windows(windows): &Windows, n: usize) -> Result<usize, String> {
    match windows.iter().find(|w| w.is_empty() || w.iter().any(|&i| i >= n)) {
        Some(_) => Err("a window is empty, or has a place that is not there".into()),
        None => Ok(windows.len()),
    }
}
