//! Types, and what only passes through.

use privet_model::graph::{Comparison, Function, Labels, Op};
use privet_model::tensor::DataType;

use super::arithmetic::scaled;
use crate::onnx::tensor::{Constant, Elements};
use crate::onnx::value::{Rows, Value};
use crate::onnx::{Call, Lowered, Stop, constant, data_type, one};
use crate::onnx_proto::element_type_name;

pub(super) fn identity(call: &mut Call<'_, '_>) -> Lowered {
    Ok(vec![call.input(0)?.clone()])
}

/// Inference changes nothing; the mask keeps everything.
pub(super) fn dropout(call: &mut Call<'_, '_>) -> Lowered {
    if call.has(2) && call.scalar(2)? != 0.0 {
        return Err(Stop::problem("It is exported for training.", "Export the model for inference."));
    }
    let x = call.numbers(0)?;
    let mask = if call.wants(1) {
        let ones = call.fixed(vec![1.0; x.width()])?;
        Value::Rows(Rows { dtype: DataType::Bool, ..x.with(ones) })
    } else {
        Value::Unknown
    };
    Ok(vec![Value::Rows(x), mask])
}

/// Numbers to numbers: the graph computes in one kind of number, so mostly only the type changes.
pub(super) fn cast(call: &mut Call<'_, '_>) -> Lowered {
    let number = call.int("to", 0);
    let to = i32::try_from(number).ok().and_then(data_type);
    let to = to.ok_or_else(|| unsupported_type(number))?;
    let is_whole = match call.input(0)? {
        Value::Constant(constant) => matches!(constant.data, Elements::Int(_)),
        Value::Rows(rows) => matches!(rows.dtype, DataType::Int64 | DataType::Int32),
        _ => false,
    };
    let values = to_type(call, to)?;
    match narrow(number) {
        Some((bits, signed)) if is_whole => wrapped(call, values, bits, signed),
        _ => Ok(values),
    }
}

/// Bits and sign of the types that may be too short for a whole number.
fn narrow(number: i64) -> Option<(u32, bool)> {
    Some(match number {
        2 => (8, false),
        3 => (8, true),
        4 => (16, false),
        5 => (16, true),
        6 => (32, true),
        12 => (32, false),
        _ => return None,
    })
}

/// What is left of whole numbers in so many bits.
fn wrapped(call: &mut Call<'_, '_>, values: Vec<Value>, bits: u32, signed: bool) -> Lowered {
    let size = 1_i64 << bits;
    let below = if signed { size / 2 } else { 0 };
    match &values[..] {
        [Value::Constant(known)] => {
            let Elements::Int(numbers) = &known.data else { return Ok(values) };
            let cut = |&x: &i64| i64::try_from((i128::from(x) + i128::from(below)).rem_euclid(size.into()));
            let cut = numbers.iter().map(|x| cut(x).unwrap_or_default() - below).collect();
            constant(&known.name, known.dims.clone(), known.dtype, Elements::Int(cut))
        }
        // Places and labels are small.
        [Value::Rows(x)] if bits < 32 || !is_whole(call, x) => {
            let turns = scaled(call, x, 1.0 / size as f64, below as f64 / size as f64)?;
            let turns = turns.with(call.emit(Op::Map(Function::Floor), turns.id)?);
            let turns = scaled(call, &turns, -(size as f64), 0.0)?;
            let id = call.emit_many(Op::Add, vec![x.id, turns.id])?;
            one(x.with(id))
        }
        _ => Ok(values),
    }
}

pub(super) fn cast_like(call: &mut Call<'_, '_>) -> Lowered {
    let to = match call.input(1)? {
        Value::Rows(rows) => rows.dtype,
        Value::Constant(constant) => constant.dtype,
        Value::Sizes(_) => DataType::Int64,
        Value::Unknown => return Err(Stop::Unknown),
    };
    to_type(call, to)
}

fn to_type(call: &mut Call<'_, '_>, to: DataType) -> Lowered {
    // In bulk, and without the detour over float64 for what is whole already.
    if call.is_constant(0) {
        let constant = call.constant(0)?;
        if let Some(data) = cast_constant(&constant, to) {
            return crate::onnx::constant(&constant.name, constant.dims.clone(), to, data);
        }
    }
    let x = call.rows(0)?;
    match (x.dtype, to) {
        (from, to) if from == to => one(x),
        (DataType::Bytes, _) | (_, DataType::Bytes) => Err(Stop::problem(
            "It casts between text and numbers.",
            "Declare the input with the type that the model needs.",
        )),
        (_, DataType::Bool) => {
            let x = call.numbers(0)?;
            let zero = call.fixed(vec![0.0; x.width()])?;
            let is_zero = call.emit_many(Op::Compare(Comparison::Equal), vec![x.id, zero])?;
            one(Rows { dtype: to, ..scaled(call, &x.with(is_zero), -1.0, 1.0)? })
        }
        (DataType::Fp32 | DataType::Fp64, DataType::Int64 | DataType::Int32) => {
            let cut = x.cut || !is_whole(call, &x);
            one(Rows { cut, dtype: to, ..x })
        }
        _ => one(Rows { dtype: to, ..x }),
    }
}

fn unsupported_type(number: i64) -> Stop {
    let name = i32::try_from(number).map_or_else(|_| format!("element type {number}"), element_type_name);
    Stop::problem(format!("It casts to {name}."), "Cast to float32, float64, int64, int32 or bool.")
}

/// Whether the values are integers, whatever their type is now.
fn is_whole(call: &Call<'_, '_>, x: &Rows) -> bool {
    let node = call.node_at(x.id).map(|node| &node.op);
    matches!(node, Some(Op::Label(Labels::Int(_)) | Op::OneHot { .. } | Op::ArgMax { .. } | Op::Compare(_)))
}

// Truncating and rounding is what the casts do, too.
#[allow(clippy::cast_possible_truncation)]
fn cast_constant(constant: &Constant, to: DataType) -> Option<Elements> {
    Some(match (&constant.data, to) {
        (Elements::Int(v), DataType::Int64 | DataType::Int32) => Elements::Int(v.clone()),
        (Elements::Int(v), DataType::Fp32 | DataType::Fp64) => {
            Elements::Float(v.iter().map(|&x| x as f64).collect())
        }
        (Elements::Float(v), DataType::Fp64) => Elements::Float(v.clone()),
        (Elements::Float(v), DataType::Fp32) => {
            Elements::Float(v.iter().map(|&x| f64::from(x as f32)).collect())
        }
        (Elements::Float(v), DataType::Int64 | DataType::Int32) => {
            Elements::Int(v.iter().map(|&x| x as i64).collect())
        }
        (Elements::Text(v), DataType::Bytes) => Elements::Text(v.clone()),
        _ => return None,
    })
}

/// All the forms that a constant of the file has.
pub(super) fn constant_node(call: &mut Call<'_, '_>) -> Lowered {
    let name = call.node.output.first().cloned().unwrap_or_default();
    let of = |dims, dtype, data| constant(&name, dims, dtype, data);
    if let Some(constant) = call.tensor("value")? {
        return Ok(vec![Value::Constant(std::rc::Rc::new(constant))]);
    }
    if call.attribute("value_float").is_some() {
        return of(Vec::new(), DataType::Fp32, Elements::Float(vec![call.float("value_float", 0.0)]));
    }
    if call.attribute("value_int").is_some() {
        return of(Vec::new(), DataType::Int64, Elements::Int(vec![call.int("value_int", 0)]));
    }
    if call.attribute("value_floats").is_some() {
        let values = call.floats("value_floats")?;
        return of(vec![values.len()], DataType::Fp32, Elements::Float(values));
    }
    if call.attribute("value_ints").is_some() {
        let values = call.ints("value_ints");
        return of(vec![values.len()], DataType::Int64, Elements::Int(values));
    }
    if call.attribute("value_string").is_some() {
        return of(Vec::new(), DataType::Bytes, Elements::Text(vec![call.text("value_string")?]));
    }
    if call.attribute("value_strings").is_some() {
        let values = call.strings("value_strings")?;
        return of(vec![values.len()], DataType::Bytes, Elements::Text(values));
    }
    Err(Stop::problem("It holds a kind of constant that is not read.", "Export it as a dense tensor."))
}
