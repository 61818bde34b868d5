//! The model's own inputs and outputs.

use privet_model::Refusal;
use privet_model::graph::{Function, NodeId, Op, Origin, Port};
use privet_model::tensor::DataType;

use super::builder::Builder;
use super::call::{Stop, numbers};
use super::value::{Rows, Value};
use crate::onnx_proto::{
    Dimension, DimensionValue, GraphProto, TensorType, ValueInfoProto, element_type_name,
};

/// No table has more columns. The bound keeps declared widths from deciding allocations.
pub(crate) const MAX_WIDTH: usize = 1 << 20;

/// Reads the inputs; one that cannot be used is reported, and unknown to all nodes. `names` are those of the columns of a
/// model's one input; a list of another length means something else.
pub(crate) fn inputs<'a>(graph: &'a GraphProto, names: &[String], whole: bool, builder: &mut Builder<'a>) {
    let asked: Vec<&ValueInfoProto> = graph.input.iter().filter(|i| !builder.is_constant(&i.name)).collect();
    // A model for one row at a time: its tensors are the row's, and no axis is special.
    let single = asked.iter().all(|info| first_of(info).and_then(number) == Some(1));
    let mode = if whole {
        Mode::Whole
    } else if single {
        Mode::Single
    } else {
        Mode::Batch
    };
    let mut ports = Vec::new();
    for info in asked {
        let value = match input(info, mode, builder) {
            Ok((port, dims)) => {
                let batch = (mode == Mode::Batch).then_some(0);
                let rows = Rows::new(NodeId(ports.len()), dims, batch, port.dtype);
                ports.push(port);
                Value::Rows(rows)
            }
            Err((reason, hint)) => {
                builder.report(at(&info.name, "input"), reason, hint.into());
                Value::Unknown
            }
        };
        builder.define(&info.name, value);
    }
    if let [only] = ports.as_mut_slice()
        && only.width == names.len()
    {
        only.columns = names.to_vec();
    }
    builder.start(ports, mode);
}

/// Where the rows of a batch lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Along the first axis of every input.
    Batch,
    /// Nowhere: the file is for one row, whose first axis has length 1.
    Single,
    /// Nowhere: whole tensors are one row.
    Whole,
}

type Bad = (String, &'static str);

/// The port of an input, and its dimensions for one row.
fn input(info: &ValueInfoProto, mode: Mode, builder: &mut Builder<'_>) -> Result<(Port, Vec<usize>), Bad> {
    let kind = "Declare it as a tensor of shape [rows, n].";
    let tensor = tensor_of(info).ok_or_else(|| ("It is no tensor.".to_owned(), kind))?;
    let dtype = dtype(tensor.elem_type)?;
    let shape = tensor.shape.as_ref().ok_or_else(|| ("Its shape is not given.".to_owned(), kind))?;
    let inner = match (mode, shape.dim.split_first()) {
        (Mode::Whole, _) => &shape.dim[..],
        (_, Some((_rows, inner))) => inner,
        (_, None) => return Err(("It is a single number, where [rows, …] is expected.".into(), kind)),
    };
    let dims = inner.iter().map(columns_of).collect::<Result<Vec<_>, _>>()?;
    let width = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= MAX_WIDTH);
    let width = width.ok_or_else(|| {
        (format!("A row of it has more than {MAX_WIDTH} values."), "Ask about smaller pieces.")
    })?;
    let rows = first_of(info).and_then(number).filter(|&rows| rows > 0);
    builder.batch = builder.batch.or(rows);
    let all = if mode == Mode::Whole { dims.clone() } else { [&[1], &dims[..]].concat() };
    Ok((port(info, dtype, width, dims), all))
}

fn port(info: &ValueInfoProto, dtype: DataType, width: usize, dims: Vec<usize>) -> Port {
    let flat = dims.is_empty();
    let dims = if dims.len() > 1 { dims } else { Vec::new() };
    Port { name: info.name.clone(), dtype, width, flat, dims, columns: Vec::new() }
}

fn first_of(info: &ValueInfoProto) -> Option<&Dimension> {
    tensor_of(info)?.shape.as_ref()?.dim.first()
}

fn columns_of(dim: &Dimension) -> Result<usize, Bad> {
    let hint = "Export the model with a fixed number of columns; only the number of rows may be open.";
    let Some(given) = number(dim) else { return Err(("Its number of columns is not given.".into(), hint)) };
    match usize::try_from(given) {
        Ok(width) if (1..=MAX_WIDTH).contains(&width) => Ok(width),
        _ => Err((format!("It declares {given} columns; 1 to {MAX_WIDTH} are possible."), hint)),
    }
}

fn number(dim: &Dimension) -> Option<i64> {
    match dim.value {
        Some(DimensionValue::Number(number)) => Some(number),
        _ => None,
    }
}

fn tensor_of(info: &ValueInfoProto) -> Option<&TensorType> {
    info.r#type.as_ref()?.tensor_type.as_ref()
}

fn dtype(number: i32) -> Result<DataType, Bad> {
    let hint = "Use float32, float64, int64, int32, bool or string.";
    data_type(number)
        .ok_or_else(|| (format!("Its values are {}, which is not read.", element_type_name(number)), hint))
}

/// The type of that number in the format.
pub(crate) fn data_type(number: i32) -> Option<DataType> {
    Some(match number {
        // Half precision is computed as float32, bytes as int32: what is narrow in the file only saves space there.
        1 | 10 | 16 => DataType::Fp32,
        11 => DataType::Fp64,
        7 | 12 | 13 => DataType::Int64,
        2..=6 => DataType::Int32,
        9 => DataType::Bool,
        8 => DataType::Bytes,
        _ => return None,
    })
}

/// Reads the outputs. What a node computes counts; the file's own word is only compared, as runtimes do.
pub(crate) fn outputs(graph: &GraphProto, builder: &mut Builder<'_>) -> Result<(), Refusal> {
    for info in &graph.output {
        match output(info, builder) {
            Ok(port) => builder.graph.outputs.push(port),
            Err(Stop::Problem { reason, hint }) => builder.report(at(&info.name, "output"), reason, hint),
            Err(Stop::Refused(refusal)) => return Err(refusal),
            Err(Stop::Unknown) => {}
        }
    }
    Ok(())
}

fn output(info: &ValueInfoProto, builder: &mut Builder<'_>) -> Result<(Port, NodeId), Stop> {
    let mut rows = match builder.value(&info.name) {
        Value::Unknown => return Err(Stop::Unknown),
        Value::Rows(rows) => rows,
        Value::Constant(constant) if builder.mode == Mode::Whole => {
            let values = numbers(&constant)?;
            let id = builder.emit(Op::Constant(values), Vec::new(), at(&info.name, "output"))?;
            Rows::new(id, constant.dims.clone(), None, constant.dtype)
        }
        Value::Constant(_) | Value::Sizes(_) => {
            let hint = "Leave it out: it is the same for every row.";
            return Err(Stop::problem("It is a constant.", hint));
        }
    };
    compare_type(info, &rows)?;
    if rows.cut {
        rows.id = builder.emit(Op::Map(Function::Truncate), vec![rows.id], at(&info.name, "output"))?;
    }
    let dims = match (builder.mode, rows.dims.split_first()) {
        (Mode::Batch, Some((1, inner))) if rows.batch == Some(0) => inner.to_vec(),
        (Mode::Batch, _) => {
            let reason = format!("It has the shape {}, where [rows, …] is expected.", rows.shape());
            return Err(Stop::problem(reason, "Reshape it to [-1, n]."));
        }
        (Mode::Single, Some((1, inner))) => inner.to_vec(),
        _ => rows.dims.clone(),
    };
    let mut port = port(info, rows.dtype, rows.width(), dims);
    port.columns = rows.columns.to_vec();
    Ok((port, rows.id))
}

fn compare_type(info: &ValueInfoProto, rows: &Rows) -> Result<(), Refusal> {
    let declared = tensor_of(info).map_or(0, |tensor| tensor.elem_type);
    // 0 is "not given".
    if declared == 0 || data_type(declared) == Some(rows.dtype) {
        return Ok(());
    }
    let message = format!(
        "The model's output `{}` is declared as {}, but its node computes {}; export the model again.",
        info.name,
        element_type_name(declared),
        rows.dtype.name()
    );
    Err(Refusal::new("E204", message))
}

fn at(name: &str, op: &str) -> Origin {
    Origin { node: name.into(), op: op.into() }
}
