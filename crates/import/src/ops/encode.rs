//! Categories, the choice of columns, and the names of columns.

use std::collections::HashSet;
use std::rc::Rc;

use privet_model::graph::{Labels, NodeId, Op};
use privet_model::tensor::DataType;

use super::layout::{all_of, gridded};
use super::linear_ml::label_type;
use super::moves::indices_of;
use crate::onnx::tensor::{Constant, Elements};
use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

/// Adds a dimension: from `[rows, n]` to `[rows, n, levels]`.
pub(super) fn one_hot_encoder(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.rows(0)?;
    let levels = levels(call, &x)?;
    let op = Op::OneHot { levels, unknown_is_zeros: call.int("zeros", 1) != 0 };
    let Op::OneHot { levels, .. } = &op else { return Err(Stop::Unknown) };
    let dims: Vec<usize> = x.dims.iter().copied().chain([levels.len()]).collect();
    let id = match x.width() {
        1 => call.emit(op, x.id)?,
        columns => one_hot_each(call, x.id, columns, &op)?,
    };
    one(Rows { cut: false, dtype: DataType::Fp32, ..x.shaped(dims, x.batch).with(id) })
}

fn one_hot_each(call: &mut Call<'_, '_>, x: NodeId, columns: usize, op: &Op) -> Result<NodeId, Stop> {
    let mut encoded = Vec::new();
    for column in 0..columns {
        let one = call.emit(Op::Select(vec![column]), x)?;
        encoded.push(call.emit(op.clone(), one)?);
    }
    call.emit_many(Op::Concat, encoded)
}

fn levels(call: &Call<'_, '_>, x: &Rows) -> Result<Labels, Stop> {
    let (ints, texts) = (call.ints("cats_int64s"), call.strings("cats_strings")?);
    let distinct = ints.iter().collect::<HashSet<_>>().len() == ints.len()
        && texts.iter().collect::<HashSet<_>>().len() == texts.len();
    if !distinct {
        return Err(Stop::problem("It lists a category twice.", "Export it with every category once."));
    }
    match (ints.is_empty(), texts.is_empty()) {
        (false, true) if !x.is_text() => Ok(Labels::Int(ints)),
        (true, false) if x.is_text() => Ok(Labels::Text(texts)),
        _ => Err(Stop::problem(
            format!("Its categories do not fit its input, which is {}.", x.dtype.name()),
            "Use `cats_strings` for text, or `cats_int64s` for numbers.",
        )),
    }
}

/// Columns by constant indices, or class names by a computed class number.
pub(super) fn array_feature_extractor(call: &mut Call<'_, '_>) -> Lowered {
    if call.is_constant(0) {
        let names = call.constant(0)?;
        return class_names(call, &names);
    }
    let (x, indices) = (call.rows(0)?, call.constant(1)?);
    let Some(axis) = x.rank().checked_sub(1) else {
        return Err(Stop::problem("It picks from a single number.", "Pick columns of [rows, n]."));
    };
    if x.batch == Some(axis) {
        return Err(Stop::problem("It picks rows.", "Pick columns of [rows, n] by int64 indices."));
    }
    let mut lists = all_of(&x.dims);
    lists[axis] = indices_of(&indices.data, x.dims[axis])?;
    one(gridded(call, &x, &lists)?)
}

/// The label node is made again with the names in place of the numbers. The file has the result as `[1, rows]`.
fn class_names(call: &mut Call<'_, '_>, names: &Constant) -> Lowered {
    let index = call.rows(1)?;
    let relabelled = call.node_at(index.id).and_then(|node| match (&node.op, &node.inputs[..]) {
        (Op::Label(Labels::Int(numbers)), [scores]) => Some((renamed(numbers, &names.data)?, *scores)),
        _ => None,
    });
    let Some((labels, scores)) = relabelled else {
        let reason = "It picks from a list by a value that is not the class number of an `ArgMax`.";
        return Err(Stop::problem(reason, "Pick by the result of `ArgMax`, with one name per class."));
    };
    let dtype = label_type(&labels);
    let id = call.emit(Op::Label(labels), scores)?;
    // The file has them in one row.
    one(Rows { id, dtype, ..index.shaped(vec![1, 1], index.batch.map(|_| 1)) })
}

fn renamed(numbers: &[i64], names: &Elements) -> Option<Labels> {
    let at = |number: &i64| usize::try_from(*number).ok();
    match names {
        Elements::Int(v) => {
            numbers.iter().map(|n| v.get(at(n)?).copied()).collect::<Option<_>>().map(Labels::Int)
        }
        Elements::Text(v) => {
            numbers.iter().map(|n| v.get(at(n)?).cloned()).collect::<Option<_>>().map(Labels::Text)
        }
        Elements::Float(_) | Elements::Unread(_) => None,
    }
}

/// The values stay as they are; the labels become names of the columns.
pub(super) fn zip_map(call: &mut Call<'_, '_>) -> Lowered {
    let mut rows = call.table(0)?;
    let (ints, texts) = (call.ints("classlabels_int64s"), call.strings("classlabels_strings")?);
    let labels = if ints.is_empty() { Labels::Text(texts) } else { Labels::Int(ints) };
    if labels.len() != rows.dims[1] {
        let reason = format!("It has {} labels for {} columns.", labels.len(), rows.width());
        return Err(Stop::problem(reason, "It needs one label per column; export the model again."));
    }
    rows.columns = Rc::new(labels.names());
    one(rows)
}
