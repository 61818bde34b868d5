//! Operators that move values without computing.

use std::rc::Rc;

use privet_model::graph::{Labels, NodeId, Op};
use privet_model::tensor::DataType;

use crate::onnx::tensor::{Constant, Elements, finite};
use crate::onnx::value::{Form, Rows, Value};
use crate::onnx::{Call, Lowered, Stop, data_type};
use crate::onnx_proto::element_type_name;

pub(super) fn identity(call: &mut Call<'_, '_>) -> Lowered {
    Ok(vec![call.input(0)?.clone()])
}

/// Numbers to numbers: the graph computes in one kind of number, so only the type changes.
pub(super) fn cast(call: &mut Call<'_, '_>) -> Lowered {
    let number = call.int("to", 0);
    let to = i32::try_from(number).ok().and_then(data_type);
    let to = to.ok_or_else(|| unsupported_type(number))?;
    if call.is_constant(0) {
        let constant = call.constant(0)?;
        return Ok(vec![Value::Constant(Rc::new(cast_constant(&constant, to)?))]);
    }
    let mut rows = call.any_rows(0)?;
    rows.form = if is_whole(call, &rows, to) { rows.form } else { cast_form(&rows, to)? };
    rows.dtype = to;
    Ok(vec![Value::Rows(rows)])
}

fn unsupported_type(number: i64) -> Stop {
    let name = i32::try_from(number).map_or_else(|_| format!("element type {number}"), element_type_name);
    Stop::problem(format!("It casts to {name}."), "Cast to float32, float64, int64, int32 or bool.")
}

/// Whether the values are integers that a cast to a wide integer leaves as they are, whatever their type is now.
fn is_whole(call: &Call<'_, '_>, rows: &Rows, to: DataType) -> bool {
    let node = call.node_at(rows.id).map(|node| &node.op);
    to == DataType::Int64 && matches!(node, Some(Op::Label(Labels::Int(_)) | Op::OneHot { .. }))
}

/// Whether what the node computes is still right after the cast.
fn cast_form(rows: &Rows, to: DataType) -> Result<Form, Stop> {
    let rank = |dtype| match dtype {
        DataType::Bool => 0,
        DataType::Int32 => 1,
        DataType::Int64 => 2,
        DataType::Fp32 | DataType::Fp64 => 3,
        DataType::Bytes => 4,
    };
    let from = rows.dtype;
    match (from, to) {
        _ if from == to => Ok(rows.form),
        (DataType::Bytes, _) | (_, DataType::Bytes) => Err(Stop::problem(
            "It casts between text and numbers.",
            "Declare the input with the type that the model needs.",
        )),
        _ if rank(to) >= rank(from) => Ok(rows.form),
        (DataType::Fp32 | DataType::Fp64, DataType::Int64) if rows.form != Form::Sideways => Ok(Form::Cut),
        _ => Err(Stop::problem(
            format!("It casts {} to {}, which drops a part of the numbers.", from.name(), to.name()),
            "Declare the input with the type that the model needs.",
        )),
    }
}

// Truncating and rounding is what the casts do, too.
#[allow(clippy::cast_possible_truncation)]
fn cast_constant(constant: &Constant, to: DataType) -> Result<Constant, Stop> {
    let data = match (&constant.data, to) {
        (Elements::Int(v), DataType::Fp32 | DataType::Fp64) => {
            Elements::Float(v.iter().map(|&x| x as f64).collect())
        }
        (Elements::Float(v), DataType::Fp64) => Elements::Float(v.clone()),
        (Elements::Float(v), DataType::Fp32) => {
            Elements::Float(v.iter().map(|&x| f64::from(x as f32)).collect())
        }
        (Elements::Float(v), DataType::Int64) => Elements::Int(v.iter().map(|&x| x as i64).collect()),
        (Elements::Int(v), DataType::Int64) => Elements::Int(v.clone()),
        _ => {
            return Err(Stop::problem(
                "It casts a constant to another kind.",
                "Export with constants folded.",
            ));
        }
    };
    if let Elements::Float(values) = &data {
        finite(values, || format!("Weight `{}`", constant.name))?;
    }
    Ok(Constant { name: constant.name.clone(), dims: constant.dims.clone(), data })
}

pub(super) fn constant(call: &mut Call<'_, '_>) -> Lowered {
    let name = || call.node.output.first().cloned().unwrap_or_default();
    let of = |dims, data| Ok(vec![Value::Constant(Rc::new(Constant { name: name(), dims, data }))]);
    if let Some(constant) = call.tensor("value")? {
        return Ok(vec![Value::Constant(Rc::new(constant))]);
    }
    if call.attribute("value_float").is_some() {
        return of(Vec::new(), Elements::Float(vec![call.finite_float("value_float", 0.0)?]));
    }
    if call.attribute("value_int").is_some() {
        return of(Vec::new(), Elements::Int(vec![call.int("value_int", 0)]));
    }
    if call.attribute("value_floats").is_some() {
        let values = call.floats("value_floats")?;
        return of(vec![values.len()], Elements::Float(values));
    }
    if call.attribute("value_ints").is_some() {
        let values = call.ints("value_ints");
        return of(vec![values.len()], Elements::Int(values));
    }
    Err(Stop::problem("It holds a kind of constant that is not read.", "Export it as a dense tensor."))
}

/// Side by side along the last axis; also `[rows, 1, n]`, as encoders give it.
pub(super) fn concat(call: &mut Call<'_, '_>) -> Lowered {
    let parts = (0..call.inputs.len()).map(|i| call.rows(i)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = parts.first() else {
        return Err(Stop::problem("It has no inputs.", "Export the model again."));
    };
    let axis = inner_axis(call.int("axis", 1), &first.dims)?;
    let mut dims = first.dims.clone();
    dims[axis] = 0;
    for part in &parts {
        dims[axis] += same_but(first, part, axis)?;
    }
    let cut = parts.iter().any(|part| part.form == Form::Cut);
    let mut rows = Rows::new(NodeId(0), dims, first.dtype);
    rows.id = join(call, &parts)?;
    rows.form = if cut { Form::Cut } else { Form::Plain };
    Ok(vec![Value::Rows(rows)])
}

fn join(call: &mut Call<'_, '_>, parts: &[Rows]) -> Result<NodeId, Stop> {
    match parts {
        [only] => Ok(only.id),
        _ => call.emit_many(Op::Concat, parts.iter().map(|part| part.id).collect()),
    }
}

/// The axis among a row's own dimensions; all before it must be 1, or rows would be interleaved.
fn inner_axis(axis: i64, dims: &[usize]) -> Result<usize, Stop> {
    let place = if axis < 0 { axis.checked_add_unsigned(dims.len() as u64) } else { axis.checked_sub(1) };
    match place.and_then(|place| usize::try_from(place).ok()) {
        Some(inner) if inner < dims.len() && dims.iter().take(inner).all(|&d| d == 1) => Ok(inner),
        _ => Err(Stop::problem(format!("It joins along axis {axis}."), "Join columns, along axis 1.")),
    }
}

/// The length of `part` along the axis, if all else is as in `first`.
fn same_but(first: &Rows, part: &Rows, axis: usize) -> Result<usize, Stop> {
    let others =
        |rows: &Rows| rows.dims.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, d)| *d).collect();
    let (a, b): (Vec<usize>, Vec<usize>) = (others(first), others(part));
    match part.dims.get(axis) {
        Some(&length) if a == b && first.dtype == part.dtype => Ok(length),
        _ => Err(Stop::problem(
            format!(
                "It joins {} of {} with {} of {}.",
                first.shape(),
                first.dtype.name(),
                part.shape(),
                part.dtype.name()
            ),
            "Join values of one type and shape.",
        )),
    }
}
