//! What is not affine: the two activations, and the choice of a label.

use privet_model::graph::{Function, Labels, Op};
use privet_model::tensor::DataType;

use crate::onnx::value::Rows;
use crate::onnx::{Call, Lowered, Stop, one};

pub(super) fn sigmoid(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.numbers(0)?;
    let id = call.emit(Op::Map(Function::Sigmoid), x.id)?;
    one(Rows::new(id, x.dims, x.dtype))
}

pub(super) fn softmax(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    // Before version 13 the axis says where a row begins, after it along which axis to sum: the same for [rows, n].
    let default = if call.builder.opsets.onnx() < 13 { 1 } else { -1 };
    over_columns(call.int("axis", default))?;
    let id = call.emit(Op::Softmax { group: x.width() }, x.id)?;
    one(Rows::new(id, x.dims, x.dtype))
}

pub(super) fn arg_max(call: &mut Call<'_, '_>) -> Lowered {
    let x = call.table(0)?;
    over_columns(call.int("axis", 0))?;
    call.only("select_last_index", 0, "Of equal values the first can be chosen.")?;
    let classes = (0_i64..).take(x.width()).collect();
    let id = call.emit(Op::Label(Labels::Int(classes)), x.id)?;
    let dims = if call.int("keepdims", 1) == 0 { Vec::new() } else { vec![1] };
    one(Rows::new(id, dims, DataType::Int64))
}

fn over_columns(axis: i64) -> Result<(), Stop> {
    match axis {
        1 | -1 => Ok(()),
        _ => Err(Stop::problem(
            format!("It works along axis {axis}, across the rows."),
            "Rows are computed one by one: use axis 1.",
        )),
    }
}
